/* The C driver: calls one function of a program on each input and writes the results to a private descriptor.
 *
 * It is compiled once; each program is compiled with a `main` that reads its arguments by these functions, as the function declares
 * them, and is linked with it. Lines in and out are described in docs/architecture/execution.md. C has no exceptions: whatever goes
 * wrong ends the process. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *at;      /* in the argument that is being read */
static char *rest;    /* of the request */
static char *nonce;
static long left, index_of_case = -1;
static FILE *out;

static void fail(const char *why) {
    fprintf(stderr, "%s\n", why);
    _exit(1);
}

static char *line(void) {
    char *start = rest;
    char *end = strchr(rest, '\n');
    if (end == NULL) fail("the request is cut short");
    *end = 0;
    rest = end + 1;
    return start;
}

void codemill_begin(void) {
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    for (ssize_t got; (got = read(0, text + size, room - size - 1)) > 0;)
        if ((size += (size_t)got) > room / 2) text = realloc(text, room *= 2);
    text[size] = 0;
    rest = text;
    nonce = line();
    for (int skipped = 0; skipped < 3; ++skipped) line();
    left = atol(line());
    out = fdopen(3, "w");
}

int codemill_next(void) {
    if (left-- <= 0) return 0;
    at = line();
    ++index_of_case;
    return 1;
}

void codemill_end(void) {
    fprintf(out, "%s finished\n", nonce);
    fflush(NULL);
    _exit(0);
}

/* --- values in --- */

static char *token(char wanted) {
    if (*at != wanted) fail("the input has another type than the parameter");
    char *start = ++at;
    while (*at && *at != ' ' && *at != '\t') ++at;
    if (*at) *at++ = 0;
    return start;
}

long long codemill_int(long long least, long long most) {
    long long value = strtoll(token('i'), NULL, 10);
    if (value < least || value > most) fail("the integer does not fit the parameter");
    return value;
}

double codemill_float(void) { return strtod(token('f'), NULL); }
int codemill_bool(void) { return *token('b') == '1'; }

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

char *codemill_str(void) {
    char *hex = token('s');
    size_t size = strlen(hex) / 2;
    char *text = malloc(size + 1);
    for (size_t i = 0; i < size; ++i) text[i] = (char)(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
    text[size] = 0;
    return text;
}

unsigned long codemill_count(void) { return strtoul(token('l'), NULL, 10); }

/* --- values out --- */

void codemill_start(void) { fprintf(out, "%s %ld returned", nonce, index_of_case); }
void codemill_stop(void) { fputc('\n', out), fflush(out); }
void codemill_put_int(long long value) { fprintf(out, " i%lld", value); }
void codemill_put_bool(int value) { fprintf(out, " b%d", value != 0); }
void codemill_put_null(void) { fputs(" n", out); }
void codemill_put_list(unsigned long count) { fprintf(out, " l%lu", count); }

void codemill_put_float(double value) {
    if (isnan(value)) fputs(" fnan", out);
    else if (isinf(value)) fputs(value > 0 ? " finf" : " f-inf", out);
    else fprintf(out, " f%.17g", value);
}

void codemill_put_str(const char *text) {
    if (text == NULL) { codemill_put_null(); return; }
    fputs(" s", out);
    for (; *text; ++text) fprintf(out, "%02x", (unsigned char)*text);
}
