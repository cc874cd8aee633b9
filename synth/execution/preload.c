/* The library of the zygotes: zygote.c, and what lets an interpreter that cannot call it by itself become a zygote.
 *
 * Place in the flow: `warm.py` starts such an interpreter with the command of a cold program and this library preloaded. It serves where the
 * interpreter is about to open the file of the program: in a program, all that follows is as in a cold start. The one rule: nothing
 * here changes an interpreter that loads the library by itself, for then its own fopen and exit are bound already.
 */
#include "zygote.c"

#include <dlfcn.h>

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
    char *first = (char *)((uintptr_t)start & -(uintptr_t)sysconf(_SC_PAGESIZE));
    size_t size = (size_t)(start - first) + sizeof code;
    if (mprotect(first, size, PROT_READ | PROT_WRITE)) return;
    memcpy(start, code, sizeof code);
    if (mprotect(first, size, PROT_READ | PROT_EXEC)) _exit(1);
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

FILE *fopen(const char *path, const char *mode) {
    static FILE *(*real)(const char *, const char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fopen");
    if (awaited && !strcmp(path, awaited)) {
        awaited = NULL;
        codemill_serve();
    }
    return real(path, mode);
}

/* What destructors would free costs a program more than it did itself: every page of it is still the zygote's. */
void exit(int status) {
    fflush(NULL);
    _exit(status);
}
