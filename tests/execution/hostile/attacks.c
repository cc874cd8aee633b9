/* Hostile programs in C, one function each; see attacks.py for what they share. `attacks NAME MARK`, targets on stdin. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TARGETS = 16, LENGTH = 512 };
static char targets[TARGETS][2][LENGTH];
static const char *mark;
static char block[1 << 20];
extern char **environ;

static const char *target(const char *name) {
    for (int i = 0; i < TARGETS; i++) if (!strcmp(targets[i][0], name)) return targets[i][1];
    return "";
}
static int number(const char *name) { return atoi(target(name)); }

static void say(const char *how, const char *what, const char *why) {
    char line[2048];
    int size = snprintf(line, sizeof line, "%s%s%s%s%s\n", how, *what ? " " : "", what, *why ? ": " : "", why);
    if (write(1, line, (size_t)size) < 0) _exit(9);
}
/* A negative answer was refused; anything else got through. */
static void attempt(const char *what, long answer) {
    if (answer < 0) say("refused", what, strerror(errno)); else say("REACHED", what, "");
}
static long to_no_effect(void) { errno = 0; return -1; }

static long read_some(const char *path) {
    char text[100];
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    long size = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0) close(fd);
    return size == 0 ? to_no_effect() : size;
}
static long write_some(const char *path, int flags) {
    int fd = open(path, O_WRONLY | flags, 0644);
    long size = fd < 0 ? -1 : write(fd, "changed", 7);
    if (fd >= 0) close(fd);
    return size;
}
static const char *at(const char *format, const char *first, const char *second) {
    static char path[2048];
    snprintf(path, sizeof path, format, first, second);
    return path;
}
static const char *text(long value) {
    static char digits[4][32];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(digits[turn], sizeof digits[turn], "%ld", value);
    return digits[turn];
}

/* --- files --- */

static void read_file_outside(void) { attempt("its content", read_some(target("decoy"))); }
static void write_file_outside(void) {
    attempt("its content", write_some(target("decoy"), 0));
    attempt("its length", truncate(target("decoy"), 0));
}
static void delete_file_outside(void) { attempt("the file", unlink(target("decoy"))); }
static void rename_file_outside(void) { attempt("the file", rename(target("decoy"), at("%s.moved%s", target("decoy"), ""))); }
static void create_file_outside(void) {
    attempt("a new file", write_some(at("%s/planted%s", target("folder"), ""), O_CREAT));
    attempt("a new folder", mkdir(at("%s/planted-folder%s", target("folder"), ""), 0755));
}
static void list_folder_outside(void) { attempt("the names", opendir(target("folder")) ? 0 : -1); }
static void follow_link_outside(void) {
    if (symlink(target("decoy"), "link")) say("cannot link", "", "");
    attempt("the content", read_some("link"));
    attempt("a change", write_some("link", 0));
}
static void hard_link_outside(void) { attempt("a second name", link(target("decoy"), "hard") ? -1 : read_some("hard")); }
static void climb_outside(void) {
    char path[1024] = "";
    for (int i = 0; i < 40; i++) strcat(path, "../");
    strcat(path, target("decoy") + 1);
    attempt("the content", read_some(path));
}
static void root_of_others(void) {
    const char *pids[] = { "1", "self", text(getppid()), target("victim") };
    for (int i = 0; i < 8; i++) {
        char path[2048];
        snprintf(path, sizeof path, "/proc/%s/%s%s", pids[i / 2], i % 2 ? "root" : "cwd", target("decoy"));
        attempt(path, read_some(path));
    }
}
static void change_mode_outside(void) {
    struct stat now;
    long answer = chmod(target("decoy"), 0600);
    if (!answer && (stat(target("decoy"), &now) || (now.st_mode & 0777) != 0600)) answer = to_no_effect();
    attempt("its mode", answer);
}
static void change_times_outside(void) {
    struct timeval times[2] = { { 1, 0 }, { 1, 0 } };
    struct stat now;
    long answer = utimes(target("decoy"), times);
    if (!answer && (stat(target("decoy"), &now) || now.st_mtime != 1)) answer = to_no_effect();
    attempt("its times", answer);
}
static void write_system_folders(void) {
    const char *folders[] = { "/usr/lib", "/bin", "/etc", "/dev", "/proc", "" };
    for (int i = 0; i < 6; i++) attempt(folders[i], write_some(at("%s/%s", folders[i], mark), O_CREAT));
}
static void make_device(void) {
    attempt("a disk", mknod("disk", S_IFBLK | 0666, makedev(254, 0)));
    attempt("memory", mknod("memory", S_IFCHR | 0666, makedev(1, 1)));
}
static void open_devices(void) {
    const char *names[] = { "mem", "kmsg", "sda", "vda", "kvm", "fuse", "tty", "ptmx", "loop0", "loop-control", "net/tun" };
    for (int i = 0; i < 11; i++) attempt(names[i], open(at("/dev/%s%s", names[i], ""), O_RDONLY | O_NONBLOCK));
}
static void become_root(void) {
    gid_t root = 0;
    attempt("the user", setresuid(0, 0, 0));
    attempt("the group", setresgid(0, 0, 0));
    attempt("the groups", setgroups(1, &root));
}
static long fill(const char *path, int megabytes) {
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    for (int i = 0; fd >= 0 && i < megabytes; i++)
        for (size_t left = sizeof block; left;) {
            ssize_t size = write(fd, block, left);
            if (size < 0) return close(fd), -1;
            left -= (size_t)size;
        }
    return fd < 0 ? -1 : close(fd);
}
static void huge_file(void) {
    signal(SIGXFSZ, SIG_IGN);
    attempt("64 MiB in a file", fill("huge", 64));
}
static void many_files(void) {
    long answer = 0;
    for (int i = 0; i < 1000 && !answer; i++) answer = fill(at("file%s%s", text(i), ""), 1);
    attempt("1000 MiB in files", answer);
}
static void many_names(void) {
    int fd = 0;
    for (int i = 0; i < 100000 && fd >= 0; i++)
        if ((fd = open(at("name%s%s", text(i), ""), O_WRONLY | O_CREAT, 0644)) >= 0) close(fd);
    attempt("100000 files", fd);
}
static void hide_folders(void) {
    if (mkdir("closed", 0) || symlink("/", "link") || mkfifo("pipe", 0600)) say("cannot make", "", "");
    for (int i = 0; i < 2500; i++) if (mkdir("deep", 0755) || chdir("deep")) { say("cannot go deeper", text(i), ""); return; }
    say("done", "", "");
}

/* --- processes --- */

static void kill_process_outside(void) {
    attempt("the process", kill(number("victim"), SIGKILL));
    attempt("its group", killpg(number("victim"), SIGKILL));
}
static void signal_supervisor(void) { attempt("the supervisor", kill(number("supervisor"), 0)); }
static void kill_everything(void) { attempt("all", kill(-1, SIGKILL) ? -1 : to_no_effect()); }
static void kill_init(void) {
    const int numbers[] = { SIGKILL, SIGTERM, SIGSTOP };
    for (int i = 0; i < 3; i++) attempt(text(numbers[i]), kill(getppid(), numbers[i]) ? -1 : to_no_effect());
    usleep(100000);
}
static void read_environment_outside(void) {
    const long pids[] = { number("victim"), getppid(), 1 };
    for (int i = 0; i < 3; i++) attempt(text(pids[i]), read_some(at("/proc/%s/environ%s", text(pids[i]), "")));
    for (char **item = environ; *item; item++)
        if (strncmp(*item, "PATH=", 5) && strncmp(*item, "LANG=", 5)) attempt(*item, 0);
}
static void read_arguments_outside(void) { attempt("the arguments", read_some(at("/proc/%s/cmdline%s", target("victim"), ""))); }
static void read_memory_outside(void) {
    const char *pids[] = { target("victim"), text(getppid()) };
    for (int i = 0; i < 2; i++) {
        attempt("the memory", open(at("/proc/%s/mem%s", pids[i], ""), O_RDWR));
        attempt("the maps", read_some(at("/proc/%s/maps%s", pids[i], "")));
        attempt("the files", opendir(at("/proc/%s/fd%s", pids[i], "")) ? 0 : -1);
    }
}
static void list_processes(void) {
    DIR *folder = opendir("/proc");
    int found = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) found |= !strcmp(entry->d_name, target("victim"));
    attempt("the process", found ? 0 : folder ? to_no_effect() : -1);
}
static void renice_process_outside(void) { attempt("its priority", setpriority(PRIO_PROCESS, (id_t)number("victim"), 19)); }
static void pin_process_outside(void) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    attempt("its processors", sched_setaffinity(number("victim"), sizeof first, &first));
}
static void limit_process_outside(void) {
    struct rlimit limit = { 7, 7 };
    attempt("its limits", prlimit(number("victim"), RLIMIT_NOFILE, &limit, NULL));
}
static void leave_daemon(void) {
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN), signal(SIGHUP, SIG_IGN), signal(SIGINT, SIG_IGN);
            for (;;) pause();
        }
        _exit(0);
    }
    wait(NULL);
    say("left", "", "");
}
static void hold_output(void) {
    if (fork() == 0) sleep(600);
    say("left", "", "");
}
static void fork_bomb(void) { for (;;) if (fork() < 0) continue; }
static void running_forks(void) {
    if (fork() == 0) for (;;) if (fork() > 0) _exit(0);
    say("left", "", "");
}
static void *wait_here(void *nothing) { sleep(60); return nothing; }
static void many_threads(void) {
    pthread_t thread;
    int error = 0;
    for (int i = 0; i < 500 && !error; i++) error = pthread_create(&thread, NULL, wait_here, NULL);
    errno = error;
    attempt("500 threads", error ? -1 : 0);
}
static void many_processes(void) {
    pid_t child = 0;
    for (int i = 0; i < 2000 && child >= 0; i++) if ((child = fork()) == 0) { sleep(60); _exit(0); }
    attempt("2000 processes", child);
}
static void zombies(void) {
    for (int i = 0; i < 20; i++) if (fork() == 0) _exit(0);
    usleep(100000);
    say("made", "", "");
}
static void stop_oneself(void) { kill(getpid(), SIGSTOP); }
static void sleep_forever(void) { sleep(600); }
static void ignore_signals(void) {
    for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
    for (;;) {}
}
static void burn_in_children(void) {
    for (int i = 0; i < 3; i++) if (fork() < 0) say("cannot fork", "", "");
    for (;;) {}
}
static void memory_bomb(void) {
    for (char *more; (more = malloc(1 << 22));) memset(more, 1, 1 << 22);
    say("refused", "more", "");
}
static void memory_in_children(void) {
    for (int i = 0; i < 2; i++) if (fork() < 0) say("cannot fork", "", "");
    char *more = malloc(48 << 20);
    if (more) memset(more, 1, 48 << 20);
    sleep(600);
}
static void shared_memory_bomb(void) {
    const int kind = MAP_SHARED | MAP_ANONYMOUS;
    for (char *more; (more = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, kind, -1, 0)) != MAP_FAILED;) memset(more, 1, 1 << 24);
    attempt("endless memory", -1);
}
static void memory_in_files(void) {
    int fd;
    while ((fd = memfd_create("x", 0)) >= 0)
        for (int i = 0; i < 8; i++) if (write(fd, block, sizeof block) < 0) { attempt("endless files in memory", -1); return; }
    attempt("endless files in memory", -1);
}

/* --- network --- */

static long reach(int kind, const void *address, socklen_t size) {
    int fd = socket(((const struct sockaddr *)address)->sa_family, kind, 0);
    if (fd < 0 || connect(fd, address, size)) return -1;
    return send(fd, "reached", 7, 0);
}
static struct sockaddr_in loopback(const char *name) {
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)number(name)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}
static void connect_tcp(void) {
    struct sockaddr_in address = loopback("tcp");
    attempt("the listener", reach(SOCK_STREAM, &address, sizeof address));
}
static void connect_tcp6(void) {
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)number("tcp6")), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    attempt("the listener", reach(SOCK_STREAM, &address, sizeof address));
}
static void send_udp(void) {
    struct sockaddr_in address = loopback("udp");
    attempt("the listener", reach(SOCK_DGRAM, &address, sizeof address));
}
static void listen_tcp(void) {
    struct sockaddr_in address = loopback("nothing");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    attempt("a port", fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) ? -1 : listen(fd, 1));
}
static void connect_unix(const char *name, int abstract) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path + abstract, sizeof address.sun_path - 1, "%s", name);
    attempt("the listener", reach(SOCK_STREAM, &address, sizeof address));
}
static void connect_abstract(void) { connect_unix(target("abstract"), 1); }
static void connect_path(void) { connect_unix(target("socket"), 0); }
static void list_interfaces(void) { attempt("routing messages", socket(AF_NETLINK, SOCK_RAW, 0)); }
static void other_sockets(void) {
    attempt("packets", socket(AF_PACKET, SOCK_RAW, 0));
    attempt("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    attempt("ciphers", socket(AF_ALG, SOCK_SEQPACKET, 0));
}

/* --- the kernel --- */

static void kernel_settings(void) {
    const char *names[] = { "sys/kernel/core_pattern", "sys/kernel/hostname", "sys/vm/drop_caches", "sysrq-trigger", "self/uid_map",
        "self/oom_score_adj", "1/oom_score_adj" };
    for (int i = 0; i < 7; i++) attempt(names[i], open(at("/proc/%s%s", names[i], ""), O_WRONLY));
}
static void raise_limits(void) {
    const int kinds[] = { RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CPU };
    struct rlimit more = { 1L << 40, 1L << 40 };
    for (int i = 0; i < 4; i++) attempt(text(kinds[i]), setrlimit((__rlimit_resource_t)kinds[i], &more));
}
static void io_uring(void) { attempt("a ring", syscall(425, 1, block)); }
static void watch_folder_outside(void) { attempt("the folder", inotify_add_watch(inotify_init(), target("folder"), IN_ALL_EVENTS)); }
static void watch_system(void) {
    attempt("its programs", inotify_add_watch(inotify_init(), "/usr/bin", IN_ALL_EVENTS));
    attempt("by signals", fcntl(open("/usr/bin", O_RDONLY), F_NOTIFY, DN_ACCESS | DN_CREATE));
}
static long holds(const char *path, const char *word) {
    FILE *file = fopen(path, "r");
    char line[4096];
    int found = 0;
    while (file && fgets(line, sizeof line, file)) found |= strstr(line, word) != NULL;
    if (!file) return -1;
    fclose(file);
    return found ? 0 : to_no_effect();
}
static void read_network(void) {
    const char *own[] = { "self", "thread-self", at("self/task/%s%s", text(getpid()), "") };
    char task[64], port[16];
    strcpy(task, own[2]), own[2] = task;
    snprintf(port, sizeof port, ":%04X", (unsigned)number("tcp"));
    for (int i = 0; i < 3; i++) {
        attempt("tcp", holds(at("/proc/%s/net/tcp%s", own[i], ""), port));
        attempt("unix", holds(at("/proc/%s/net/unix%s", own[i], ""), target("abstract")));
        attempt("routes", holds(at("/proc/%s/net/fib_trie%s", own[i], ""), " 127.0.0.0"));
    }
}
static void read_host_settings(void) {
    attempt("cmdline", read_some("/proc/cmdline"));
    attempt("config.gz", read_some("/proc/config.gz"));
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) attempt("a group", strstr(line, ":/") && strstr(line, ":/")[2] != '\n' ? 0 : to_no_effect());
    attempt("its mounts", holds("/proc/self/mountinfo", target("folder")));
}
static void leave_shared_memory(void) {
    attempt("a segment", shmget(4711, 4096, IPC_CREAT | 0600) < 0 ? -1 : to_no_effect());
    attempt("semaphores", semget(4711, 1, IPC_CREAT | 0600) < 0 ? -1 : to_no_effect());
    attempt("a queue", msgget(4711, IPC_CREAT | 0600) < 0 ? -1 : to_no_effect());
}
static void leave_shared_files(void) {
    const char *folders[] = { "/dev/shm", "/tmp", "/var/tmp", "/dev/mqueue" };
    for (int i = 0; i < 4; i++) attempt(folders[i], write_some(at("%s/%s", folders[i], mark), O_CREAT) < 0 ? -1 : to_no_effect());
}
static void make_namespace(void) { attempt("a namespace", unshare(CLONE_NEWUSER)); }
static void change_root(void) { attempt("another root", chroot(".")); }
static void forbidden_call(void) {  /* with harmless arguments, from the test */
    long n[7] = { 0 };
    char words[LENGTH], *rest = words;
    strcpy(words, target("call"));
    for (int i = 0; i < 7 && *rest; i++) n[i] = strtol(rest, &rest, 10);
    attempt("an answer", syscall(n[0], n[1], n[2], n[3], n[4], n[5], n[6]));
}

/* --- output --- */

static void flood(int fd) {
    memset(block, 'x', sizeof block);
    while (write(fd, block, 65536) > 0) {}
}
static void output_flood(void) { flood(1); }
static void error_flood(void) { flood(2); }
static void crash(void) { abort(); }
static void open_everything(void) {
    while (open("/dev/null", O_RDONLY) >= 0) {}
    attempt("endless files", -1);
}
static void leaked_descriptors(void) {
    for (int fd = 3; fd < 1024; fd++) attempt(text(fd), fcntl(fd, F_GETFD));
}

#define ATTACK(name) { #name, name }
static const struct { const char *name; void (*run)(void); } attacks[] = {
    ATTACK(read_file_outside), ATTACK(write_file_outside), ATTACK(delete_file_outside), ATTACK(rename_file_outside),
    ATTACK(create_file_outside), ATTACK(list_folder_outside), ATTACK(follow_link_outside), ATTACK(hard_link_outside),
    ATTACK(climb_outside), ATTACK(root_of_others), ATTACK(change_mode_outside), ATTACK(change_times_outside),
    ATTACK(write_system_folders), ATTACK(make_device), ATTACK(open_devices), ATTACK(become_root), ATTACK(huge_file),
    ATTACK(many_files), ATTACK(many_names), ATTACK(hide_folders), ATTACK(kill_process_outside), ATTACK(signal_supervisor),
    ATTACK(kill_everything), ATTACK(kill_init), ATTACK(read_environment_outside), ATTACK(read_arguments_outside),
    ATTACK(read_memory_outside), ATTACK(list_processes), ATTACK(renice_process_outside), ATTACK(pin_process_outside),
    ATTACK(limit_process_outside), ATTACK(leave_daemon), ATTACK(hold_output), ATTACK(fork_bomb), ATTACK(running_forks),
    ATTACK(many_threads), ATTACK(many_processes), ATTACK(zombies), ATTACK(stop_oneself), ATTACK(sleep_forever), ATTACK(ignore_signals),
    ATTACK(burn_in_children), ATTACK(memory_bomb), ATTACK(memory_in_children), ATTACK(shared_memory_bomb), ATTACK(memory_in_files),
    ATTACK(connect_tcp), ATTACK(connect_tcp6), ATTACK(send_udp), ATTACK(listen_tcp), ATTACK(connect_abstract), ATTACK(connect_path),
    ATTACK(list_interfaces), ATTACK(other_sockets), ATTACK(kernel_settings), ATTACK(raise_limits), ATTACK(io_uring),
    ATTACK(watch_folder_outside), ATTACK(watch_system), ATTACK(read_network), ATTACK(read_host_settings), ATTACK(leave_shared_memory), ATTACK(leave_shared_files), ATTACK(make_namespace), ATTACK(change_root),
    ATTACK(forbidden_call), ATTACK(output_flood), ATTACK(error_flood), ATTACK(crash), ATTACK(open_everything),
    ATTACK(leaked_descriptors),
};

int main(int count, char **arguments) {
    char line[2 * LENGTH];
    for (int i = 0; i < TARGETS && fgets(line, sizeof line, stdin); i++) {
        char *value = strchr(line, '=');
        if (!value) continue;
        line[strcspn(line, "\n")] = 0, *value++ = 0;
        strncpy(targets[i][0], line, LENGTH - 1), strncpy(targets[i][1], value, LENGTH - 1);
    }
    if (count != 3) return 2;
    mark = arguments[2];
    say("begin", "", "");
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (!strcmp(attacks[i].name, arguments[1])) { attacks[i].run(); say("end", "", ""); return 0; }
    return 2;
}
