/* The library of the zygotes: zygote.c, and what lets an interpreter that cannot call it by itself become a zygote.
 *
 * Place in the flow: `zygote_pool.py` starts such an interpreter with the command of a cold program and this library preloaded. It serves where the
 * interpreter is about to open the file of the program, or has read the zygote's own file of that name: in a program, all that follows is
 * as in a cold start. The one rule: nothing here changes an interpreter that loads the library by itself, for then its own calls are bound
 * already.
 */
#include "zygote.c"

#include <dlfcn.h>
#include <malloc.h>
#include <stdarg.h>
#include <sys/eventfd.h>

static char *awaited, *folder, *heap;
static FILE *read_first;
enum { LARGE = 100000, HUGE_PAGE = 2 << 20, COLLAPSE = 25 };  /* less than what would be a mapping of its own; of madvise() */

/* Make a function of the interpreter return at once; whether this process has it. */
static int leave_out(const char *name) {
#if defined(__x86_64__)
    static const unsigned char code[] = { 0xc3 };
#elif defined(__aarch64__)
    static const unsigned char code[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#else
    static const unsigned char code[] = {};
#endif
    char *start = dlsym(RTLD_DEFAULT, name);
    if (!start) return 0;
    if (!sizeof code) return 1;
    char *first = (char *)((uintptr_t)start & -(uintptr_t)sysconf(_SC_PAGESIZE));
    size_t size = (size_t)(start - first) + sizeof code;
    if (mprotect(first, size, PROT_READ | PROT_WRITE)) return 1;
    memcpy(start, code, sizeof code);
    if (mprotect(first, size, PROT_READ | PROT_EXEC)) _exit(1);
    __builtin___clear_cache(start, start + sizeof code);
    return 1;
}

/* Programs find none of the variables. What lacks the function is not the interpreter but what starts it, and hands them on. */
__attribute__((constructor)) static void read_variables(void) {
    const char *opens = getenv("CODEMILL_OPENS"), *leaves_out = getenv("CODEMILL_LEAVES_OUT");
    if (!opens || (leaves_out && *leaves_out && !leave_out(leaves_out))) return;
    awaited = strdup(opens);
    heap = sbrk(0);
    unsetenv("CODEMILL_OPENS");
    unsetenv("CODEMILL_LEAVES_OUT");
    unsetenv("LD_PRELOAD");
}

/* The function that this library's stands before. */
static void find_next(void *real, const char *name) {
    void **found = real;
    if (!*found) *found = dlsym(RTLD_NEXT, name);
}

/* What an interpreter made for itself before it serves and a program has to have for itself: events, which arrange() closes, and timers,
 * which no fork takes along. A program makes each again where it was. */
enum { MOST_MADE = 8 };
static struct { int fd, flags; } events[MOST_MADE];
static struct { clockid_t clock; struct sigevent event; timer_t *id; } timers[MOST_MADE];
static int event_count, timer_count;

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

/* Where the interpreter keeps the time of its start (Perl's $^T): not what is on the stack. */
static time_t *start_times[MOST_MADE];
static int start_count;

time_t time(time_t *at) {
    static time_t (*real)(time_t *);
    find_next(&real, "time");
    if (awaited && at && (char *)at < (char *)&at && start_count < MOST_MADE) start_times[start_count++] = at;
    return real(at);
}

static void make_again(void) {
    for (int i = 0; i < start_count; i++) time(start_times[i]);
    for (int i = 0; i < event_count; i++) {
        int fd = eventfd(0, events[i].flags);
        if (fd == events[i].fd) continue;
        if (dup3(fd, events[i].fd, events[i].flags & O_CLOEXEC) < 0) _exit(1);
        close(fd);
    }
    for (int i = 0; i < timer_count; i++)
        if (timer_create(timers[i].clock, &timers[i].event, timers[i].id)) _exit(1);
    if (folder && mkdir(folder, 0700)) _exit(1);  /* the interpreter made it below /tmp, which is empty again */
}

/* The first large piece that a program asks for would sort what the zygote has freed, and so copy every page with some of it. */
static void sort_free_memory(void) {
    malloc_trim(0);
    void *volatile large = malloc(LARGE);
    free(large);
}

/* A fork copies one entry for a huge page in place of 512. Where the kernel has none, all is as it was. */
static void make_pages_huge(void) {
    char *from = (char *)(((uintptr_t)heap + HUGE_PAGE - 1) & -(uintptr_t)HUGE_PAGE), *end = sbrk(0);
    if (from + HUGE_PAGE <= end) (void)!madvise(from, (size_t)(end - from) & -(size_t)HUGE_PAGE, COLLAPSE);
}

/* No handler of the interpreter hears of the programs that end. Gives the awaited name. */
static const char *become_zygote(void) {
    const char *name = awaited;
    sigset_t all, before;
    awaited = NULL;
    sort_free_memory();
    make_pages_huge();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    codemill_serve();
    make_again();
    sigprocmask(SIG_SETMASK, &before, NULL);
    return name;
}

static int is_awaited(const char *path) {
    return awaited && !strcmp(path, awaited);
}

FILE *fopen(const char *path, const char *mode) {
    static FILE *(*real)(const char *, const char *);
    find_next(&real, "fopen");
    if (!is_awaited(path) || read_first) return real(path, mode);
    read_first = real(path, mode);
    if (read_first) return read_first;
    become_zygote();
    return real(path, mode);
}

/* Where the zygote's own file ends the program's begins, in the same stream. Its descriptor is the first that is free, as in a cold start. */
char *fgets(char *line, int size, FILE *file) {
    static char *(*real)(char *, int, FILE *);
    find_next(&real, "fgets");
    char *got = real(line, size, file);
    if (got || !file || file != read_first) return got;
    const char *name = become_zygote();
    clearerr(file);
    file->_fileno = open(name, O_RDONLY);
    read_first = NULL;
    return real(line, size, file);
}

char *mkdtemp(char *path) {
    static char *(*real)(char *);
    find_next(&real, "mkdtemp");
    char *made = real(path);
    if (made && awaited) folder = strdup(made);
    return made;
}

#include "preload_ruby.c"

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        find_next(&real, #name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        if (is_awaited(path)) { \
            int own = open_rubys_own(real, path, flags); \
            if (own >= 0) return own; \
            become_zygote(); \
        } \
        return real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

/* What destructors would free costs a program more than it did itself: every page of it is still the zygote's. */
void exit(int status) {
    fflush(NULL);
    _exit(status);
}

/* The end of main() goes through exit(), too. */
static int (*real_main)(int, char **, char **);

static int main_that_exits(int count, char **words, char **environment) {
    exit(real_main(count, words, environment));
}

int __libc_start_main(int (*main)(int, char **, char **), int count, char **words, void *start, void *end, void *loader_end, void *stack_end) {
    static int (*real)(int (*)(int, char **, char **), int, char **, void *, void *, void *, void *);
    find_next(&real, "__libc_start_main");
    real_main = main;
    return real(main_that_exits, count, words, start, end, loader_end, stack_end);
}
