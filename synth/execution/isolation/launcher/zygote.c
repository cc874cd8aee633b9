/* The loop of a zygote, the same for every language: a process that has loaded its language once calls codemill_serve(), which forks one
 * program for each request, into namespaces of its own, and says what was seen. The call returns in the programs only.
 *
 * Place in the flow: `zygote.py` writes the requests and reads the answers, over the stdin and stdout of a worker; `slot.py` compiles
 * this file, with launcher.c in it, as the shared library that the zygotes in synth/languages load. The one rule: nothing of one
 * program is in memory when the next one is forked.
 */
#include "launcher.c"

#include <dirent.h>
#include <time.h>

struct request { uint32_t listing, input, output_cap, channel_cap; uint64_t memory_kb; double cpu_s, wall_s, idle_s; };  /* then both texts */
struct seen { double cpu_s, wall_s, peak_mb; uint64_t length[3]; uint32_t kept[3], stop, fault, reports; struct report report[4]; };  /* then the streams */
enum stop { STOP_NONE, STOP_CPU, STOP_WALL, STOP_MEMORY, STOP_OUTPUT, STOP_DOUBTFUL };  /* the last: it is to be run cold */
enum { CHECK_MS = 50, STREAMS = 3, MOST_PROCESSES = 4096, MOST_REPORTS = 4, STRANGERS = 8, FEW_FILES = 128, PAGES_A_TABLE = 512 };

struct stream { int fd; char *data; size_t cap, kept, room; uint64_t length; };
struct use { double cpu_s; uint64_t memory_kb, mapped_kb, ran_ns, files; int runs, strangers; };
struct watch {
    pid_t init; const struct request *limits; struct stream *streams; struct seen *seen;
    double started, checked, idle_s, cpu_before;
    uint64_t kills_before, last_activity;
    int counted, strangers;
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* So many bytes of stdin; the end of the zygote when there are no more. */
static void read_exactly(char *data, size_t size) {
    while (size) {
        ssize_t got = read(0, data, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) _exit(0);
        data += got, size -= (size_t)got;
    }
}

static size_t read_file(const char *path, char *text, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);
    if (fd >= 0) close(fd);
    text[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

/* What the account says: CPU seconds, and how many processes were killed because memory ran out. Less than 0 where there is none. */
static double account_cpu(void) {
    char text[64];
    ssize_t got = pread(CPU_ACCOUNT, text, sizeof text - 1, 0);
    if (got <= 0) return -1;
    text[got] = 0;
    return strncmp(text, "usage_usec ", 11) ? 1e-9 * (double)strtoull(text, NULL, 10) : 1e-6 * (double)strtoull(text + 11, NULL, 10);
}

static uint64_t account_kills(void) {
    char text[1024];
    ssize_t got = pread(MEMORY_EVENTS, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = 0;
    const char *line = strstr(text, "oom_kill ");
    return line ? strtoull(line + 9, NULL, 10) : 0;
}

/* The numbers of a process: user and system time, its own and of those whom it has reaped; anonymous resident memory, and at most so much of
 * files and page tables; open files, from Linux 6.2 on. Gives its state. */
static char add_process(pid_t pid, struct use *sum) {
    char path[64], text[1024], state = 0;
    struct stat files;
    unsigned long user = 0, system = 0, size = 0, resident = 0, shared = 0;
    long reaped_user = 0, reaped_system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_file(path, text, sizeof text)) return 0;
    char *rest = strrchr(text, ')');
    if (rest) sscanf(rest + 2, "%c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &state, &user, &system, &reaped_user, &reaped_system);
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (read_file(path, text, sizeof text)) sscanf(text, "%lu %lu %lu", &size, &resident, &shared);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (!stat(path, &files)) sum->files += (uint64_t)files.st_size;
    sum->cpu_s += (double)(user + system + (unsigned long)reaped_user + (unsigned long)reaped_system) / (double)sysconf(_SC_CLK_TCK);
    sum->memory_kb += (resident > shared ? resident - shared : 0) * ((uint64_t)sysconf(_SC_PAGESIZE) >> 10);
    sum->mapped_kb += (shared + size / PAGES_A_TABLE) * ((uint64_t)sysconf(_SC_PAGESIZE) >> 10);
    return state;
}

/* Of a thread: how long it ran, to the nanosecond, and whether it waits for a processor or a disk only. */
static void add_thread(const char *folder, struct use *sum) {
    char path[128], text[1024];
    snprintf(path, sizeof path, "%s/schedstat", folder);
    if (read_file(path, text, sizeof text)) sum->ran_ns += strtoull(text, NULL, 10); else sum->runs = 1;
    snprintf(path, sizeof path, "%s/stat", folder);
    if (!read_file(path, text, sizeof text)) return;
    const char *rest = strrchr(text, ')');
    sum->runs |= rest && (rest[2] == 'R' || rest[2] == 'D');
}

static int add_children(pid_t pid, pid_t *waiting, int count, struct use *sum) {
    char path[128], folder[96], text[16384];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks) return count;
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] == '.') continue;
        snprintf(folder, sizeof folder, "/proc/%d/task/%.20s", (int)pid, task->d_name);
        add_thread(folder, sum);
        snprintf(path, sizeof path, "%s/children", folder);
        if (!read_file(path, text, sizeof text)) continue;
        for (char *at = text, *end; count < MOST_PROCESSES; at = end) {
            long child = strtol(at, &end, 10);
            if (end == at) break;
            waiting[count++] = (pid_t)child;
        }
    }
    closedir(tasks);
    return count;
}

/* Whether it was there at the look before. */
static int is_stranger(pid_t pid, const pid_t *known, int count) {
    while (count) if (known[--count] == pid) return 0;
    return 1;
}

/* Sum over an init and its living descendants. The memory of the init is the zygote's. A look that finds running processes which the one before
 * did not know, or some that are gone before they can be looked at, has strangers: what they use may be in no account after them. */
static struct use measure(pid_t init) {
    struct use sum = { 0 };
    static pid_t waiting[MOST_PROCESSES], seen[2][MOST_PROCESSES];
    static int visited[2], last;
    int now = !last;
    visited[now] = 0;
    waiting[0] = init;
    for (int count = 1; count;) {
        pid_t at = waiting[--count];
        char state = add_process(at, &sum);
        if (at == init) sum.memory_kb = sum.mapped_kb = 0;
        else sum.strangers |= !state || (state == 'R' && is_stranger(at, seen[last], visited[last]));
        if (visited[now] < MOST_PROCESSES) seen[now][visited[now]++] = at;
        count = add_children(at, waiting, count, &sum);
    }
    last = now;
    return sum;
}

/* Kill the program's init, and with it everything. The first reason stands. */
static void stop(struct watch *watch, enum stop reason) {
    if (watch->seen->stop != STOP_NONE) return;
    watch->seen->stop = reason;
    if (!watch->counted) watch->seen->cpu_s = measure(watch->init).cpu_s;  /* what dies with the pid namespace is in no account afterwards */
    kill(watch->init, SIGKILL);
}

/* Whether nothing ran and nothing was written for too long, though nobody waits for a processor. Only looks that were made count. */
static int is_idle(struct watch *watch, uint64_t activity) {
    double passed = now() - watch->checked;
    watch->checked += passed;
    for (int i = 0; i < STREAMS; i++) activity += watch->streams[i].length;
    watch->idle_s = activity == watch->last_activity ? watch->idle_s + (passed < 0.2 ? passed : 0.2) : 0;
    watch->last_activity = activity;
    if (watch->idle_s < watch->limits->idle_s) return 0;
    if (!measure(watch->init).runs) return 1;
    watch->idle_s = 0;
    return 0;
}

/* By the account, if there is one. Without, only what is sure is decided here. */
static void check(struct watch *watch) {
    double cpu_s = watch->counted ? account_cpu() - watch->cpu_before : 0;
    uint64_t activity = (uint64_t)(1e9 * cpu_s);
    int is_out_of_memory = watch->counted && account_kills() > watch->kills_before;
    if (!watch->counted) {
        struct use use = measure(watch->init);
        cpu_s = use.cpu_s, activity = use.ran_ns + (use.runs ? (uint64_t)(1e9 * now()) : 0);
        watch->strangers += use.strangers;
        if ((double)use.memory_kb / 1024 > watch->seen->peak_mb) watch->seen->peak_mb = (double)use.memory_kb / 1024;
        const int is_large = use.memory_kb + use.mapped_kb > watch->limits->memory_kb || use.files > FEW_FILES;
        if (is_large || watch->strangers > STRANGERS) stop(watch, STOP_DOUBTFUL);
    }
    if (cpu_s > watch->limits->cpu_s) stop(watch, STOP_CPU);
    else if (is_out_of_memory) stop(watch, STOP_MEMORY);
    else if (now() - watch->started > watch->limits->wall_s || is_idle(watch, activity)) stop(watch, STOP_WALL);
}

/* As realloc(), but nothing of the old copy stays in memory. */
static void make_room(struct stream *stream, size_t room) {
    char *data = malloc(room);
    if (!data) _exit(1);
    if (stream->room) {
        memcpy(data, stream->data, stream->kept);
        explicit_bzero(stream->data, stream->room);
        free(stream->data);
    }
    stream->data = data, stream->room = room;
}

/* Keep what fits below the stream's cap and count the rest; whether there is still a writer. */
static int drain(struct watch *watch, struct stream *stream) {
    static char piece[1 << 16];
    ssize_t got = read(stream->fd, piece, sizeof piece);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    size_t fits = stream->cap - stream->kept < (size_t)got ? stream->cap - stream->kept : (size_t)got;
    if (stream->kept + fits > stream->room) make_room(stream, 2 * (stream->kept + fits));
    memcpy(stream->data + stream->kept, piece, fits);
    explicit_bzero(piece, (size_t)got);
    stream->kept += fits, stream->length += (uint64_t)got;
    if (stream->length > stream->cap) stop(watch, STOP_OUTPUT);
    return got > 0;
}

/* The time of the next look, which a program cannot foretell. */
static double next_look(double from) {
    return from + (CHECK_MS / 2 + (unsigned)(1e9 * now()) % CHECK_MS) / 1000.0;
}

/* Until the init and every stream are closed. */
static void follow(struct watch *watch, int status) {
    struct pollfd polled[STREAMS + 1] = { { status, POLLIN, 0 } };
    for (int i = 0; i < STREAMS; i++) polled[i + 1] = (struct pollfd){ watch->streams[i].fd, POLLIN, 0 };
    double next_check = next_look(watch->started);
    for (int left = STREAMS + 1; left;) {
        double wait = 1000 * (next_check - now());
        if (poll(polled, STREAMS + 1, wait < 1 ? 1 : (int)wait) < 0 && errno != EINTR) _exit(1);
        for (int i = 0; i <= STREAMS; i++) {
            if (!polled[i].revents) continue;
            int more;
            if (i) more = drain(watch, &watch->streams[i - 1]);
            else {
                struct report report;
                more = read(status, &report, sizeof report) == (ssize_t)sizeof report;
                if (more && watch->seen->reports < MOST_REPORTS) watch->seen->report[watch->seen->reports++] = report;
            }
            polled[i].revents = 0;
            if (!more) polled[i].fd = -1, left--;
        }
        if (now() >= next_check) check(watch), next_check = next_look(now());
    }
}

/* A read-only descriptor of the program's stdin. */
static int input_file(const char *data, size_t size) {
    char path[40];
    if (!size) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int writer = memfd_create("stdin", MFD_CLOEXEC);
    if (writer < 0 || write_all(writer, data, size)) _exit(1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", writer);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    close(writer);
    return reader;
}

static void answer_with(const struct seen *seen, struct stream *streams) {
    if (write_all(1, (const char *)seen, sizeof *seen)) _exit(1);
    for (int i = 0; i < STREAMS; i++) {
        if (write_all(1, streams[i].data, streams[i].kept)) _exit(1);
        if (streams[i].room) explicit_bzero(streams[i].data, streams[i].room);
    }
}

static void *program_point[5];

/* Comes back in the program only, which goes on where the zygote stood. */
static int start_program(void *given) {
    be_job(given);
    __builtin_longjmp(program_point, 1);
}

/* As fork(), but the child is a program in namespaces of its own, below an init that is pid 1. The list begins with its clone flags. `fds`
 * are as in 'J', the first unused and the last, the channel, only where `count` says so. Gives the init's pid, 0 in the program, or -1. */
static pid_t fork_program(const char *data, size_t size, const int *fds, int count) {
    struct start start = { { data, size, 0, 0 }, fds, count };
    struct step step;
    static stack_t signal_stack;  /* is not inherited where memory is shared */
    if (slot_pidfd < 0) slot_pidfd = keep((int)syscall(SYS_pidfd_open, getpid(), 0));
    if (slot_pidfd < 0 || !next_step(&start.list, &step) || step.op.code != OP_CLONEFLAGS || carry_out(&step)) return -1;
    sigaltstack(NULL, &signal_stack);
    if (__builtin_setjmp(program_point)) return sigaltstack(&signal_stack, NULL), 0;
    return clone_init(start_program, &start, (int)clone_flags);
}

/* One program: 0 in it, 1 in the zygote when it is over. */
static int serve_one(const struct request *request, const char *listing, const char *input) {
    static struct stream streams[STREAMS];
    struct seen seen = { 0 };
    int ends[STREAMS + 1][2];
    for (int i = 0; i <= STREAMS; i++)
        if (pipe2(ends[i], O_CLOEXEC)) _exit(1);
    int reader = input_file(input, request->input);
    int fds[6] = { -1, reader, ends[0][1], ends[1][1], ends[STREAMS][1], ends[2][1] };
    int counted = fcntl(CPU_ACCOUNT, F_GETFD) >= 0;
    double cpu_before = counted ? account_cpu() : 0;
    uint64_t kills_before = counted ? account_kills() : 0;
    pid_t init = fork_program(listing, request->listing, fds, request->channel_cap ? 6 : 5);
    if (init == 0) return 0;
    seen.fault = init < 0 ? (uint32_t)errno : 0;
    for (int i = 1; i < 6; i++) close(fds[i]);
    for (int i = 0; i < STREAMS; i++) {
        streams[i].fd = ends[i][0], streams[i].kept = 0, streams[i].length = 0;
        streams[i].cap = i == 2 ? request->channel_cap : request->output_cap;
    }
    struct watch watch = { .init = init, .limits = request, .streams = streams, .seen = &seen, .started = now(), .counted = counted,
        .cpu_before = cpu_before, .kills_before = kills_before };
    watch.checked = watch.started;
    struct rusage used = { 0 };
    if (init > 0) {
        follow(&watch, ends[STREAMS][0]);
        while (wait4(init, NULL, 0, &used) < 0 && errno == EINTR) {}
        explicit_bzero(init_stack, sizeof init_stack);  /* a signal puts the registers there, which may hold what was copied last */
    }
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    if (counted) seen.cpu_s = account_cpu() - cpu_before;
    else if (cpu > seen.cpu_s) seen.cpu_s = cpu;
    if (seen.stop == STOP_NONE && counted && account_kills() > kills_before) seen.stop = STOP_MEMORY;
    if (seen.stop == STOP_NONE && seen.cpu_s > request->cpu_s) seen.stop = STOP_CPU;
    if ((double)used.ru_maxrss / 1024 > seen.peak_mb) seen.peak_mb = (double)used.ru_maxrss / 1024;
    seen.wall_s = now() - watch.started;
    for (int i = 0; i < STREAMS; i++) seen.length[i] = streams[i].length, seen.kept[i] = (uint32_t)streams[i].kept;
    for (int i = 0; i <= STREAMS; i++) close(ends[i][0]);
    answer_with(&seen, streams);
    return 1;
}

/* A fork copies one thread: what others hold would stay locked in the program. */
static int is_alone(void) {
    struct stat tasks;
    return !stat("/proc/self/task", &tasks) && tasks.st_nlink == 3;  /* the two of every folder, and one for each thread */
}

/* A thread that was told to end may not be gone yet. */
static void wait_until_alone(void) {
    for (int tries = 0; tries < 1000 && !is_alone(); tries++) usleep(1000);
}

/* Serve until stdin ends, which ends the process. Returns in a program: it has its own stdin, stdout, stderr and channel (descriptor 3), its
 * files in the current folder /work, and nothing else of the zygote than what was loaded. */
int codemill_serve(void) {
    struct request request;
    wait_until_alone();
    for (;;) {
        read_exactly((char *)&request, sizeof request);
        size_t size = (size_t)request.listing + request.input;
        char *texts = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (texts == MAP_FAILED) _exit(1);
        read_exactly(texts, size);
        if (!serve_one(&request, texts, texts + request.listing)) {
            munmap(texts, size + 1);
            return 0;
        }
        munmap(texts, size + 1);
    }
}
