/* The init of a job: the process that forks the program, hears of its forbidden calls, reaps, ends everything with it, and reports.
 *
 * Part of `launcher.c`, which includes it. The one rule: a call that is told here never gets an answer; the program ends where it stands.
 */

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
static volatile sig_atomic_t told_to_end;

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

/* The caller becomes init and ends there; its child goes on as the program. Until that one is ready, neither can be looked into.
 * Only an init without a namespace is told to end by SIGTERM; the kernel kills a namespace with its init. */
static void spawn(const struct list *rest, const struct op *how) {
    static const int numbers[2] = { SIGCHLD, SIGTERM };
    const int count = how->n[0] ? 2 : 1;
    struct sigaction waking = { .sa_handler = wake }, usual[2];
    sigset_t all, before, waiting;
    without_namespace = (int)how->n[0], job_id = (uid_t)how->n[1];
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < count; i++) sigaction(numbers[i], &waking, &usual[i]);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    pid_t program = fork();
    if (program < 0) fail(rest->index);
    if (program) {
        close(0), close(1), close(2), close(CHANNEL);
        if (has_spawned) has_spawned();
        waiting = all;
        for (int i = 0; i < count; i++) sigdelset(&waiting, numbers[i]);
        be_init(program, &waiting);
    }
    if (listener_fd >= 0) close(listener_fd);
    for (int i = 0; i < count; i++) sigaction(numbers[i], &usual[i], NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
}
