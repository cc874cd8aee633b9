/* The library of the zygotes: zygote.c, and what lets an interpreter that cannot call it by itself become a zygote.
 *
 * Place in the flow: `warm.py` starts such an interpreter with the command of a cold program and this library preloaded. It serves where the
 * interpreter is about to open the file of the program, or has read the zygote's own file of that name: in a program, all that follows is
 * as in a cold start. The one rule: without CODEMILL_OPENS nothing here does anything.
 */
#include "zygote.c"

#include <dlfcn.h>
#include <malloc.h>

static char *awaited, *folder;
static FILE *read_first;
enum { LARGE = 100000 };  /* and less than what would be a mapping of its own */

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
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *first = (char *)((uintptr_t)start & ~(page - 1));
    if (mprotect(first, 2 * page, PROT_READ | PROT_WRITE)) return 1;
    memcpy(start, code, sizeof code);
    if (mprotect(first, 2 * page, PROT_READ | PROT_EXEC)) _exit(1);
    __builtin___clear_cache(start, start + sizeof code);
    return 1;
}

/* Programs find none of the variables. What lacks the function is not the interpreter but what starts it, and hands them on. */
__attribute__((constructor)) static void read_variables(void) {
    const char *opens = getenv("CODEMILL_OPENS"), *leaves_out = getenv("CODEMILL_LEAVES_OUT");
    if (!opens || (leaves_out && *leaves_out && !leave_out(leaves_out))) return;
    awaited = strdup(opens);
    unsetenv("CODEMILL_OPENS");
    unsetenv("CODEMILL_LEAVES_OUT");
    unsetenv("LD_PRELOAD");
}

/* The first large piece that a program asks for would sort what the zygote has freed, and so copy every page with some of it. */
static void sort_free_memory(void) {
    malloc_trim(0);
    void *volatile large = malloc(LARGE);
    free(large);
}

/* The folder that the interpreter made below /tmp, which is empty again in a program. */
static void become_zygote(void) {
    sort_free_memory();
    codemill_serve();
    if (folder && mkdir(folder, 0700)) _exit(1);
}

FILE *fopen(const char *path, const char *mode) {
    static FILE *(*real)(const char *, const char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    if (!awaited || read_first || strcmp(path, awaited)) return real(path, mode);
    read_first = real(path, mode);
    if (read_first) return read_first;
    awaited = NULL;
    become_zygote();
    return real(path, mode);
}

/* Where the zygote's own file ends the program's begins, in the same stream. Its descriptor is the first that is free, as in a cold start. */
char *fgets(char *line, int size, FILE *file) {
    static char *(*real)(char *, int, FILE *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fgets");
    char *got = real(line, size, file);
    if (got || !file || file != read_first) return got;
    become_zygote();
    clearerr(file);
    file->_fileno = open(awaited, O_RDONLY);
    read_first = NULL, awaited = NULL;
    return real(line, size, file);
}

char *mkdtemp(char *path) {
    static char *(*real)(char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "mkdtemp");
    char *made = real(path);
    if (made && awaited) folder = strdup(made);
    return made;
}

/* What destructors would free costs a program more than it did itself: every page of it is still the zygote's. */
void exit(int status) {
    fflush(NULL);
    _exit(status);
}
