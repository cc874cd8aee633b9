/* The launcher: a slot process that carries out lists of set-up operations, first its own, then one list a job.
 *
 * Place in the flow: `slot.py` compiles and starts it; the policies write the operations; `python_launcher.py` does the same in Python and
 * must stay equal to it. The one rule: no policy lives here. What is mounted, dropped or limited is decided by the operations alone.
 *
 * Control is a SOCK_SEQPACKET socket at fd 3. Messages in: 'J' + operations with descriptors (stdin, stdout, stderr, status, and a channel if
 * there is one), 'M' where the operations are too long for a message: they are in a file, the first descriptor; 'K' (kill the job). Messages
 * out: 'R' ready, 'S' + pid of the job's init, 'E' + CPU (0.1 ms) + peak (KiB) when the whole job is dead and reaped, 'F' + what failed. The
 * first message in is the slot's own list. The status pipe of a job carries `struct report`s.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum code { OP_UNSHARE = 1, OP_MOUNT, OP_SETATTR, OP_MKDIR, OP_FILE, OP_SYMLINK, OP_PIVOT, OP_OPENPROC, OP_WRITEPROC, OP_PRCTL, OP_RLIMIT,
    OP_SETIDS, OP_DROPCAPS, OP_HOSTNAME, OP_CHDIR, OP_SPAWN, OP_SECCOMP, OP_EXEC, OP_CLONEFLAGS, OP_WRITE, OP_RMDIR, OP_LANDLOCK,
    OP_LANDLOCK_ALLOW, OP_LANDLOCK_ENFORCE, OP_ATEXIT, OP_RETURN, OP_KEEP_USER, OP_JOIN_USER, OP_KEEP_MOUNTS, OP_JOIN_MOUNTS, OP_SHOW, OP_OPEN };

struct op { uint32_t code, len[4]; uint64_t n[3]; };  /* followed by the four texts, each of len bytes and a NUL */
enum { CONTROL = 3, CHANNEL = 3, STATUS = 4, HIGH = 32, KEPT = 64 };  /* from KEPT on: what a slot keeps and its inits use */
enum { CLOSE_ON_EXEC = 4, LONGEST = 1 << 16 };  /* the second as in operations.py */

struct list { const char *data; size_t size, at; uint32_t index; };
struct step { struct op op; const char *text[4]; };

static int proc_fd = -1, ruleset_fd = -1, status_fd = -1, listener_fd = -1;  /* of a job */
static int slot_pidfd = -1, user_fd = -1, mounts_fd = -1, mounted_proc_fd = -1, oom_fd = -1;  /* kept by the slot */
static uint64_t clone_flags;
static struct list at_exit;

static int next_step(struct list *list, struct step *step) {
    if (list->at + sizeof step->op > list->size) return 0;
    memcpy(&step->op, list->data + list->at, sizeof step->op);
    list->at += sizeof step->op;
    list->index++;
    for (int i = 0; i < 4; i++) {
        if (list->at + step->op.len[i] + 1 > list->size) return 0;
        step->text[i] = list->data + list->at;
        list->at += step->op.len[i] + 1;
    }
    return 1;
}

/* Gives the number under which the descriptor stays open, or -1. */
static int keep(int fd) {
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, KEPT), saved = errno;
    if (fd >= 0) close(fd);
    errno = saved;
    return kept;
}

static int write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        data += done, size -= (size_t)done;
    }
    return 0;
}

static int write_at(int folder, const char *path, int flags, mode_t mode, const char *data, size_t size) {
    int fd = openat(folder, path, flags | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);  /* never waits for the reader of a pipe */
    if (fd < 0) return -1;
    int failed = write_all(fd, data, size), saved = errno;
    close(fd);
    errno = saved;
    return failed;
}

static int make_folders(const char *path, mode_t mode) {
    char part[4096];
    size_t size = strlen(path);
    if (size >= sizeof part) return errno = ENAMETOOLONG, -1;
    memcpy(part, path, size + 1);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        if (mkdir(part, mode) && errno != EEXIST) return -1;
    }
    return mkdir(part, mode) && errno != EEXIST ? -1 : 0;
}

static int drop_capabilities(void) {
    struct { uint32_t version; int pid; } header = { 0x20080522, 0 };
    struct { uint32_t effective, permitted, inheritable; } none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
    for (int cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno == EINVAL) break;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)) return -1;
    return (int)syscall(SYS_capset, &header, none);
}

static int set_ids(uid_t uid, gid_t gid) {
    if (setgroups(0, NULL) && errno != EPERM) return -1;
    if (setresgid(gid, gid, gid)) return -1;
    return setresuid(uid, uid, uid);
}

static int pivot(const char *root) {
    if (chdir(root) || syscall(SYS_pivot_root, ".", ".")) return -1;
    return umount2(".", MNT_DETACH) || chdir("/") ? -1 : 0;
}

static pid_t clone_waiting(int flags) {
    pid_t child = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (!child) for (;;) pause();
    return child;
}

/* A user namespace with these maps, held by its descriptor. */
static int keep_user(const struct step *s) {
    char path[64];
    pid_t child = clone_waiting(CLONE_NEWUSER);
    if (child < 0) return -1;
    int failed = 0;
    for (int i = 0; i < 2 && !failed; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", (int)child, i ? "gid_map" : "uid_map");
        failed = write_at(AT_FDCWD, path, 0, 0, s->text[i], s->op.len[i]);
    }
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
    user_fd = failed ? -1 : keep(open(path, O_RDONLY | O_CLOEXEC));
    int saved = errno;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    errno = saved;
    return user_fd < 0 ? -1 : 0;
}

/* The mount namespace that we are in, and the /proc that is mounted there. */
static int keep_mounts(void) {
    mounts_fd = keep(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    mounted_proc_fd = keep(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return mounts_fd < 0 || mounted_proc_fd < 0 ? -1 : 0;
}

/* A mount that is nowhere yet: of a file system of that kind, or of what stands at the path. */
static int open_mount(const char *path, const char *kind, uint64_t flags) {
    if (!*kind) return (int)syscall(428, AT_FDCWD, path, 1 | O_CLOEXEC | (flags ? 0x8000 : 0));
    int context = (int)syscall(430, kind, 1), made = -1;
    if (context >= 0 && !syscall(431, context, 6, NULL, NULL, 0)) made = (int)syscall(432, context, 1, flags);
    int saved = errno;
    if (context >= 0) close(context);
    errno = saved;
    return made;
}

/* Something that only the kept mount namespace can give: a mount, or with `number` an open file, which stays open after an exec. */
static int open_kept(const struct step *s, int number) {
    int own = openat(mounted_proc_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(mounts_fd, CLONE_NEWNS)) return -1;
    int opened = number ? open(s->text[0], (int)s->op.n[1] | O_CLOEXEC) : open_mount(s->text[0], s->text[2], s->op.n[0]), saved = errno;
    if (setns(own, CLONE_NEWNS)) _exit(1);
    close(own);
    errno = saved;
    if (opened < 0 || !number) return opened;
    int kept = dup2(opened, number);
    saved = errno;
    close(opened);
    errno = saved;
    return kept;
}

/* At a place in ours. */
static int show(const struct step *s) {
    int shown = open_kept(s, 0), saved;
    if (shown < 0) return -1;
    int failed = (int)syscall(429, shown, "", AT_FDCWD, s->text[1], 4);
    saved = errno;
    close(shown);
    errno = saved;
    return failed;
}

static int allow_beneath(const char *path, uint64_t rights) {
    struct { uint64_t rights; int32_t fd; } __attribute__((packed)) rule = { rights, open(path, O_PATH | O_CLOEXEC) };
    if (rule.fd < 0) return errno == ENOENT ? 0 : -1;
    int failed = (int)syscall(445, ruleset_fd, 1, &rule, 0), saved = errno;
    close(rule.fd);
    errno = saved;
    return failed;
}

static int set_attributes(const char *path, int recursive, uint64_t attributes) {
    struct { uint64_t set, clear, propagation, userns; } change = { attributes, 0, 0, 0 };
    return (int)syscall(442, AT_FDCWD, path, recursive ? 0x8000 : 0, &change, sizeof change);
}

/* With `listen`, whoever carries this out is told of the calls that the filter marks, and its children are not. */
static int filter_calls(const char *program, size_t size, int listen) {
    struct sock_fprog filter = { (unsigned short)(size / sizeof(struct sock_filter)), (void *)program };
    int made = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &filter);
    if (!listen || made < 0) return made;
    listener_fd = fcntl(made, F_DUPFD_CLOEXEC, HIGH);  /* never where the channel may be */
    close(made);
    return listener_fd;
}

/* `count` texts, each ended by a NUL, as a vector. */
static char **vector(const char *data, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += !data[i];
    char **items = calloc(count + 1, sizeof *items);
    for (size_t i = 0; items && i < count; data += strlen(data) + 1) items[i++] = (char *)data;
    return items;
}

/* The memory is shared with the slot, so the vectors of the job before are freed here. */
static int execute(const struct step *step) {
    static char **argv, **env;
    free(argv), free(env);
    argv = vector(step->text[0], step->op.len[0]), env = vector(step->text[1], step->op.len[1]);
    if (argv && env && argv[0]) execve(argv[0], argv, env);
    return -1;
}

static int set_limit(const uint64_t *n) {
    struct rlimit limit = { n[1], n[2] };
    struct rlimit old;
    if (getrlimit((int)n[0], &old)) return -1;
    if (old.rlim_max < limit.rlim_max) limit.rlim_max = old.rlim_max;
    if (limit.rlim_max < limit.rlim_cur) limit.rlim_cur = limit.rlim_max;
    return setrlimit((int)n[0], &limit);
}

static int die_with_slot(uint64_t number) {
    struct pollfd slot = { slot_pidfd, POLLIN, 0 };
    if (prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)) return -1;
    if (slot_pidfd >= 0 && poll(&slot, 1, 0) > 0) _exit(1);
    return 0;
}

static int carry_out(const struct step *s) {
    const uint64_t *n = s->op.n;
    const char *const *t = s->text;
    switch (s->op.code) {
    case OP_UNSHARE: return unshare((int)n[0]);
    case OP_MOUNT: return mount(t[0], t[1], s->op.len[2] ? t[2] : NULL, n[0], s->op.len[3] ? t[3] : NULL);
    case OP_SETATTR: return set_attributes(t[0], (int)n[0], n[1]);
    case OP_MKDIR: return make_folders(t[0], (mode_t)n[0]);
    case OP_FILE: return write_at(AT_FDCWD, t[0], O_CREAT, (mode_t)n[0], t[1], s->op.len[1]);
    case OP_WRITE: return write_at(AT_FDCWD, t[0], 0, 0, t[1], s->op.len[1]);
    case OP_SYMLINK: return symlink(t[0], t[1]) && errno != EEXIST ? -1 : 0;
    case OP_PIVOT: return pivot(t[0]);
    case OP_OPENPROC: return (proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 ? -1 : 0;
    case OP_WRITEPROC: return write_at(proc_fd, t[0], 0, 0, t[1], s->op.len[1]);
    case OP_PRCTL: return prctl((int)n[0], n[1], n[2], 0, 0);
    case OP_RLIMIT: return set_limit(n);
    case OP_SETIDS: return set_ids((uid_t)n[0], (gid_t)n[1]);
    case OP_DROPCAPS: return drop_capabilities();
    case OP_HOSTNAME: return sethostname(t[0], s->op.len[0]);
    case OP_CHDIR: return chdir(t[0]);
    case OP_SECCOMP: return filter_calls(t[0], s->op.len[0], (int)n[0]) < 0 ? -1 : 0;
    case OP_EXEC: return execute(s);
    case OP_CLONEFLAGS: clone_flags = n[0]; return 0;
    case OP_RMDIR: return rmdir(t[0]);
    case OP_LANDLOCK: return (ruleset_fd = (int)syscall(444, t[0], (size_t)s->op.len[0], 0)) < 0 ? -1 : 0;
    case OP_LANDLOCK_ALLOW: return allow_beneath(t[0], n[0]);
    case OP_KEEP_USER: return keep_user(s);
    case OP_JOIN_USER: return setns(user_fd, CLONE_NEWUSER);
    case OP_KEEP_MOUNTS: return keep_mounts();
    case OP_JOIN_MOUNTS: return setns(mounts_fd, CLONE_NEWNS);
    case OP_SHOW: return show(s);
    case OP_OPEN: return open_kept(s, (int)n[0]) < 0 ? -1 : 0;
    case OP_LANDLOCK_ENFORCE: return (int)syscall(446, ruleset_fd, 0);
    default: return errno = ENOSYS, -1;
    }
}

static void run_job(struct list list);
#include "init.c"

/* In the job: carry out the list; the program's part ends in OP_EXEC, or in a zygote's OP_RETURN. */
static void run_job(struct list list) {
    struct step step;
    while (next_step(&list, &step)) {
        if (step.op.code == OP_RETURN) {  /* no exec will close these */
            if (close(proc_fd) || syscall(SYS_close_range, STATUS, ~0U, 0)) fail(list.index);
            return;
        }
        if (step.op.code == OP_SPAWN) { spawn(&list, &step.op); continue; }
        if (step.op.code == OP_PRCTL && step.op.n[0] == PR_SET_PDEATHSIG) { if (die_with_slot(step.op.n[1])) fail(list.index); continue; }
        if (carry_out(&step)) fail(list.index);
    }
    errno = ENOEXEC;
    fail(list.index);
}

/* 0, 1, 2 and the channel are the program's; what is closed on exec stays open until then; nothing else does. */
static void arrange(const int *fds, int count) {
    int moved[6];
    for (int i = 1; i < count; i++) moved[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH);
    for (int i = 0; i < 3; i++) dup2(moved[i + 1], i);
    dup3(moved[4], STATUS, O_CLOEXEC);
    close(CHANNEL);
    if (count == 6) dup2(moved[5], CHANNEL);
    syscall(SYS_close_range, STATUS + 1, KEPT - 1, 0);
    syscall(SYS_close_range, KEPT, ~0U, CLOSE_ON_EXEC);
    status_fd = STATUS;
}

static int map_list(int fd, struct list *list) {
    struct stat info;
    if (fstat(fd, &info)) return -1;
    *list = (struct list){ mmap(NULL, (size_t)info.st_size + 1, PROT_READ, MAP_PRIVATE, fd, 0), (size_t)info.st_size, 0, 0 };
    return list->data == MAP_FAILED ? -1 : 0;
}

struct start { struct list list; const int *fds; int count; };

static int be_job(void *given) {
    const struct start *start = given;
    arrange(start->fds, start->count);
    run_job(start->list);
    return 1;
}

/* Where memory runs out, programs go first; each is born while its slot would, too. */
static pid_t start_job(struct start *start) {
    static char usual[16];
    ssize_t size = pread(oom_fd, usual, sizeof usual, 0);
    (void)!pwrite(oom_fd, "1000", 4, 0);
    pid_t init = clone_init(be_job, start, (int)clone_flags);
    int saved = errno;
    (void)!pwrite(oom_fd, usual, size < 0 ? 0 : (size_t)size, 0);
    errno = saved;
    return init;
}

static pid_t start_job_of_file(struct start *start) {
    if (map_list(start->fds[0], &start->list)) return -1;
    pid_t init = start_job(start);
    int saved = errno;
    munmap((void *)start->list.data, start->list.size + 1);
    errno = saved;
    return init;
}

static char message[LONGEST];

static ssize_t receive(int *fds, int *count) {
    union { struct cmsghdr align; char bytes[CMSG_SPACE(6 * sizeof(int))]; } room;
    struct iovec part = { message, sizeof message };
    struct msghdr parts = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes };
    ssize_t size = recvmsg(CONTROL, &parts, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR(&parts) : NULL;
    *count = header ? (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    if (*count) memcpy(fds, CMSG_DATA(header), (size_t)*count * sizeof(int));
    return size;
}

static void answer(char kind, int32_t number, int32_t second) {
    char text[9] = { kind };
    memcpy(text + 1, &number, sizeof number);
    memcpy(text + 5, &second, sizeof second);
    (void)!send(CONTROL, text, sizeof text, MSG_NOSIGNAL);
}

/* With a pid namespace, all of the job dies with its init. Without one, the init is asked to kill all; only what it could not kill, because
 * it was killed itself, is ours then, for a slot of that kind adopts orphans. */
static void end_job(pid_t init) {
    kill(init, clone_flags & CLONE_NEWPID ? SIGKILL : SIGTERM);
}

static void end_orphans(void) {
    char path[64], text[65536];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    while (!(clone_flags & CLONE_NEWPID)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), orphan;
        ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0) close(fd);
        if (size <= 0) return;
        text[size] = 0;
        for (char *at = text, *end; (orphan = (int)strtol(at, &end, 10)) > 0; at = end) kill(orphan, SIGKILL);
        waitpid(-1, NULL, 0);
    }
}

static void leave(pid_t init) {
    struct step step;
    if (init > 0) {
        end_job(init);
        while (waitpid(init, NULL, 0) < 0 && errno == EINTR) {}
        end_orphans();
    }
    while (next_step(&at_exit, &step)) carry_out(&step);
    _exit(0);
}

/* Reads and starts one job; gives its pid, or 0. */
static pid_t take_message(pid_t init) {
    int fds[7] = { -1 }, count = 0;
    ssize_t size = receive(fds + 1, &count);
    if (size < 0 && errno == EINTR) return init;
    if (size <= 0) leave(init);
    pid_t started = 0;
    if (message[0] == 'K' && init > 0) end_job(init);
    if (message[0] == 'J' && count >= 4) started = start_job(&(struct start){ { message + 1, (size_t)size - 1, 0, 0 }, fds, count + 1 });
    if (message[0] == 'M' && count >= 5) started = start_job_of_file(&(struct start){ .fds = fds + 1, .count = count });
    if (started) {
        answer(started < 0 ? 'F' : 'S', started < 0 ? errno : started, 0);
        init = started < 0 ? 0 : started;
    }
    for (int i = 1; i <= count; i++) close(fds[i]);
    return init;
}

/* The init's own use and that of all whom it has outlived, which the kernel reaps with the pid namespace. */
static int reap(pid_t init) {
    struct rusage used;
    if (wait4(init, NULL, WNOHANG, &used) != init) return 0;
    end_orphans();
    long seconds = used.ru_utime.tv_sec + used.ru_stime.tv_sec, microseconds = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    answer('E', (int32_t)(seconds * 10000 + microseconds / 100), (int32_t)used.ru_maxrss);
    return 1;
}

static void serve(int parent_pidfd) {
    for (pid_t init = 0;;) {
        int child = init ? (int)syscall(SYS_pidfd_open, init, 0) : -1;
        struct pollfd watched[3] = { { CONTROL, POLLIN, 0 }, { parent_pidfd, POLLIN, 0 }, { child, POLLIN, 0 } };
        for (pid_t before = init; init == before;) {
            if (poll(watched, 3, -1) < 0) continue;
            if (watched[1].revents) leave(init);
            if (watched[2].revents && reap(init)) init = 0;
            if (watched[0].revents) init = take_message(init);
        }
        if (child >= 0) close(child);
    }
}

/* The slot's own list comes first; what follows OP_ATEXIT is carried out when the slot leaves. */
static void set_up_slot(void) {
    int fds[6], count;
    struct list list;
    struct step step;
    if (receive(fds, &count) <= 0 || count != 1 || map_list(fds[0], &list)) _exit(1);
    close(fds[0]);
    while (next_step(&list, &step)) {
        if (step.op.code == OP_ATEXIT) { at_exit = list; break; }
        if (carry_out(&step)) {
            int32_t error = errno;
            answer('F', (int32_t)list.index, error);
            leave(0);
        }
    }
    answer('R', 0, 0);
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    dup3(atoi(arguments[1]), CONTROL, O_CLOEXEC);
    syscall(SYS_close_range, CONTROL + 1, ~0U, 0);
    int parent = (int)syscall(SYS_pidfd_open, getppid(), 0);
    slot_pidfd = keep((int)syscall(SYS_pidfd_open, getpid(), 0));
    oom_fd = keep(open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC));
    umask(022);
    fcntl(parent, F_SETFD, FD_CLOEXEC);
    set_up_slot();
    serve(parent);
}
