/* The library of the zygotes: zygote.c, and what lets an interpreter that cannot call it by itself become a zygote.
 *
 * Place in the flow: `warm.py` starts such an interpreter with the command of a cold program and this library preloaded. It serves where the
 * interpreter is about to open the file of the program: in a program, all that follows is as in a cold start. The one rule: without
 * CODEMILL_OPENS nothing here does anything.
 */
#include "zygote.c"

#include <dlfcn.h>
#include <stdarg.h>
#include <sys/eventfd.h>

static char *awaited;

/* Make a function of the interpreter return at once. */
static void leave_out(const char *name) {
#if defined(__x86_64__)
    static const unsigned char code[] = { 0xc3 };
#elif defined(__aarch64__)
    static const unsigned char code[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#else
    static const unsigned char code[] = {};
#endif
    char *start = dlsym(RTLD_DEFAULT, name);
    if (!start || !sizeof code) return;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *first = (char *)((uintptr_t)start & ~(page - 1));
    if (mprotect(first, 2 * page, PROT_READ | PROT_WRITE)) return;
    memcpy(start, code, sizeof code);
    if (mprotect(first, 2 * page, PROT_READ | PROT_EXEC)) _exit(1);
    __builtin___clear_cache(start, start + sizeof code);
}

/* Programs find none of the variables. */
__attribute__((constructor)) static void read_variables(void) {
    const char *opens = getenv("CODEMILL_OPENS"), *leaves_out = getenv("CODEMILL_LEAVES_OUT");
    if (!opens) return;
    awaited = strdup(opens);
    if (leaves_out) leave_out(leaves_out);
    unsetenv("CODEMILL_OPENS");
    unsetenv("CODEMILL_LEAVES_OUT");
    unsetenv("LD_PRELOAD");
}

/* What an interpreter made for itself before it serves and a program has to have for itself: events, which arrange() closes, and timers,
 * which no fork takes along. A program makes each again where it was. */
enum { MOST_MADE = 8 };
static struct { int fd, flags; } events[MOST_MADE];
static struct { clockid_t clock; struct sigevent event; timer_t *id; } timers[MOST_MADE];
static int event_count, timer_count;

/* The function that this library's stands before. */
static void find_next(void *real, const char *name) {
    void **found = real;
    if (!*found) *found = dlsym(RTLD_NEXT, name);
}

int eventfd(unsigned value, int flags) {
    static int (*real)(unsigned, int);
    find_next(&real, "eventfd");
    int fd = real(value, flags);
    if (awaited && fd >= 0) {
        if (event_count == MOST_MADE) _exit(1);
        events[event_count].fd = fd, events[event_count++].flags = flags;
    }
    return fd;
}

int timer_create(clockid_t clock, struct sigevent *event, timer_t *id) {
    static int (*real)(clockid_t, struct sigevent *, timer_t *);
    find_next(&real, "timer_create");
    if (awaited && event) {
        if (timer_count == MOST_MADE) _exit(1);
        timers[timer_count].clock = clock, timers[timer_count].event = *event, timers[timer_count++].id = id;
    }
    return real(clock, event, id);
}

static void make_again(void) {
    for (int i = 0; i < event_count; i++) {
        int fd = eventfd(0, events[i].flags);
        if (fd == events[i].fd) continue;
        if (dup3(fd, events[i].fd, events[i].flags & O_CLOEXEC) < 0) _exit(1);
        close(fd);
    }
    for (int i = 0; i < timer_count; i++)
        if (timer_create(timers[i].clock, &timers[i].event, timers[i].id)) _exit(1);
}

/* A fork takes one thread along: an interpreter that has more of its own cannot be forked so. */
static int has_one_thread(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent *task; tasks && (task = readdir(tasks));) count += task->d_name[0] != '.';
    if (tasks) closedir(tasks);
    return count == 1;
}

/* Become a zygote where the program is opened. No handler of the interpreter hears of the programs that end. */
static void opens(const char *path) {
    sigset_t all, before;
    if (!awaited || strcmp(path, awaited)) return;
    awaited = NULL;
    if (!has_one_thread()) _exit(1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    codemill_serve();
    make_again();
    sigprocmask(SIG_SETMASK, &before, NULL);
}

FILE *fopen(const char *path, const char *mode) {
    static FILE *(*real)(const char *, const char *);
    find_next(&real, "fopen");
    opens(path);
    return real(path, mode);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        find_next(&real, #name); \
        opens(path); \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

/* What destructors would free costs a program more than it did itself: every page of it is still the zygote's. */
void exit(int status) {
    fflush(NULL);
    _exit(status);
}
