/* The init of a job: the process that starts the program, hears of its forbidden calls, reaps, ends everything with it, and reports.
 *
 * Part of `launcher.c`, which includes it. The one rule: a call that is told here never gets an answer; the program ends where it stands.
 *
 * An init shares the memory of whoever starts it, a slot or a zygote, which saves copying it for a process that only waits. Until the program
 * is there, that one stands still. The init takes no signal that a handler of a language could answer, and neither can be looked into from
 * when the program begins; its stack is its own.
 */
#include <linux/futex.h>

enum { SETTING_UP = 1, RUNNING = 2, STACK = 32 << 10 };
static char init_stack[STACK] __attribute__((aligned(64))), program_stack[STACK] __attribute__((aligned(64)));
static uint32_t init_state;
static volatile sig_atomic_t told_to_end;

/* Gives the pid of the init when the program has begun, when the init has failed, or -1. */
static pid_t clone_init(int (*be)(void *), void *given, int flags) {
    init_state = SETTING_UP, listener_fd = -1, told_to_end = 0;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  /* or the init could not write its own maps */
    flags |= CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD;
    pid_t init = clone(be, init_stack + sizeof init_stack, flags, given, NULL, NULL, &init_state);
    int saved = errno;
    while (init > 0 && __atomic_load_n(&init_state, __ATOMIC_SEQ_CST) == SETTING_UP)  /* its end clears the word and wakes, too */
        syscall(SYS_futex, &init_state, FUTEX_WAIT, SETTING_UP, NULL, NULL, 0);
    errno = saved;
    return init;
}

static void let_go_on(void) {
    __atomic_store_n(&init_state, RUNNING, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &init_state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

struct report { uint32_t kind, at; int32_t status, error; };
enum kind { ENDED = 1, FAILED, FORBIDDEN };  /* `at` is the failed operation or the forbidden call */

static void report(uint32_t kind, uint32_t at, int32_t status, int32_t error) {
    struct report words = { kind, at, status, error };
    (void)!write(status_fd, &words, sizeof words);
}

static void fail(uint32_t at) {
    report(FAILED, at, 0, errno);
    _exit(1);
}

static int without_namespace;
static uid_t job_id;

static void wake(int number) { if (number == SIGTERM) told_to_end = 1; }

/* Reaps what has ended; whether the program, whose status is kept, was among it. With WNOHANG, as far as that goes without waiting. */
static int reap_all(pid_t program, int *status, int options) {
    int at, seen = 0;
    for (pid_t pid; (pid = waitpid(-1, &at, options)) > 0 || (pid < 0 && errno == EINTR);)
        if (pid == program) *status = at, seen = 1;
    return seen;
}

/* Without a pid namespace, what is left of the job is of a user of its own, or in a Landlock domain that signals do not leave: then the slot
 * cannot be reached either. That is looked at first, for nothing else holds a kill of all processes back. */
static void kill_everything(pid_t program) {
    if (!without_namespace) { kill(-1, SIGKILL); return; }
    if (job_id) set_ids(job_id, job_id);
    if (kill(getppid(), 0) && errno == EPERM) kill(-1, SIGKILL); else kill(program, SIGKILL);
}

/* Whether a forbidden call was told; it may be gone again, with the thread that made it. The kernel's record is 80 bytes today. */
static int hear_call(void) {
    union { struct seccomp_notif call; char room[512]; } told;
    memset(&told, 0, sizeof told);
    if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &told)) return 0;
    report(FORBIDDEN, (uint32_t)told.call.data.nr, 0, 0);
    return 1;
}

static void be_init(pid_t program, const sigset_t *while_waiting) {
    struct pollfd calls = { listener_fd, POLLIN, 0 };
    const struct timespec no_time = { 0, 0 };
    int status = 0;
    for (int over = 0; !over;) {
        over = reap_all(program, &status, WNOHANG) || told_to_end;
        if (ppoll(&calls, 1, over ? &no_time : NULL, while_waiting) > 0) over |= hear_call();
    }
    kill_everything(program);
    reap_all(program, &status, 0);
    report(ENDED, 0, status, 0);
    _exit(0);
}

struct part { struct list rest; int count; struct sigaction usual[2]; sigset_t before; };  /* of the program: what it does, what it takes back */
static const int wakes[2] = { SIGCHLD, SIGTERM };

static void begin_program(const struct part *part) {
    if (listener_fd >= 0) close(listener_fd);
    for (int i = 0; i < part->count; i++) sigaction(wakes[i], &part->usual[i], NULL);
    sigprocmask(SIG_SETMASK, &part->before, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
}

/* A copied program has an account of its own, where the level gives one: the files to join it by are open then. Their numbers are as in
 * namespaces.py. The init stays outside, for it shares the memory of the zygote. */
enum { CPU_ACCOUNT = 200, MEMORY_EVENTS, JOINS, JOINS_END = JOINS + 2 };

static int join_account(void) {
    for (int fd = JOINS; fd < JOINS_END; fd++)
        if (write(fd, "0", 1) != 1 && errno != EBADF) return -1;
    return 0;
}

/* In memory that is the init's, up to the exec. */
static int be_program(void *given) {
    const struct part *part = given;
    begin_program(part);
    run_job(part->rest);
    return 1;
}

/* The caller becomes init and ends there; the program carries out the rest. That is an exec, or else it is a copy of the caller, which comes
 * back. Only an init without a namespace is told to end by SIGTERM; the kernel kills a namespace with its init. */
static void spawn(const struct list *rest, const struct op *how) {
    const int copied = (int)how->n[2];
    struct part part = { .rest = *rest, .count = how->n[0] ? 2 : 1 };
    struct sigaction waking = { .sa_handler = wake };
    sigset_t all, waiting;
    without_namespace = (int)how->n[0], job_id = (uid_t)how->n[1];
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &part.before);
    for (int i = 0; i < part.count; i++) sigaction(wakes[i], &waking, &part.usual[i]);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    pid_t program = copied ? fork() : clone(be_program, program_stack + sizeof program_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &part);
    if (program < 0) fail(rest->index);
    if (!program) {
        begin_program(&part);
        if (join_account()) fail(rest->index);
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        return;
    }
    close(0), close(1), close(2), close(CHANNEL);
    syscall(SYS_close_range, KEPT, ~0U, 0);
    let_go_on();
    waiting = all;
    for (int i = 0; i < part.count; i++) sigdelset(&waiting, wakes[i]);
    be_init(program, &waiting);
}
