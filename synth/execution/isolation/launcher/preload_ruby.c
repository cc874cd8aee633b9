/* Ruby opens the file of the program first, looks at its first byte, loads most of itself, gems included, and then parses: it serves there.
 *
 * Part of preload.c, which includes it. The one rule: Ruby parses the program's file in the stream and at the descriptor of a cold start.
 */

enum { NOT_OPEN = -1 };
static int ruby_file = NOT_OPEN, ruby_flags;
typedef unsigned long value;

/* A Ruby that has threads of its own (from 3.3 on) cannot be forked. */
static void end_unless_alone(void) { if (!is_alone()) _exit(1); }

/* The zygote's own file, an empty line, or NOT_OPEN where it has none: then it is the driver that opens the program. */
static int open_rubys_own(int (*real)(const char *, int, ...), const char *path, int flags) {
    if (!dlsym(RTLD_NEXT, "rb_parser_compile_file_path")) return NOT_OPEN;
    int fd = real(path, flags);
    if (fd >= 0) ruby_file = fd, ruby_flags = flags;
    else end_unless_alone();
    return fd;
}

/* The program's file in the place of the zygote's. A first line that names an interpreter is for Ruby to see before it loads the rest: such
 * a program has to start cold. */
static void open_ruby_program(const char *path) {
    char start[2] = { 0, 0 };
    int fd = open(path, ruby_flags);
    if (fd < 0 || pread(fd, start, sizeof start, 0) < 0 || !memcmp(start, "#!", sizeof start)) raise(SIGKILL);
    if (fd != ruby_file) dup3(fd, ruby_file, ruby_flags & O_CLOEXEC), close(fd);
    fcntl(ruby_file, F_SETFL, 0);
}

/* What is required passes here, too; the program is known by its descriptor, which stays open until it is parsed. */
value rb_parser_compile_file_path(value parser, value name, value file, int line) {
    static value (*real)(value, value, value, int), (*take_byte)(value);
    static int (*number)(value);
    find_next(&real, "rb_parser_compile_file_path");
    find_next(&take_byte, "rb_io_getbyte");
    find_next(&number, "rb_io_descriptor");
    if (awaited && ruby_file != NOT_OPEN && number(file) == ruby_file) {
        end_unless_alone();
        take_byte(file);
        open_ruby_program(become_zygote());
    }
    return real(parser, name, file, line);
}
