/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/screen.h"
#include "ctl/ctl.h"

#include "common/base/buf.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

enum { SIZE_MIN = 20, SIZE_MAX_ = 1000, COMPLAINTS_MAX = 8192 };

static struct {
    struct termios before; /* of standard input, when it is a terminal */
    bool has_before;
    int stderr_fd;    /* the true one; -1 = not moved aside */
    struct buf shown; /* the lines that are on the terminal */
} screen = {.stderr_fd = -1};
static volatile sig_atomic_t is_in, has_resized, wants_stop;

static const char enter_text[] =
    "\x1b[?1049h\x1b[?25l\x1b[2J"; /* alternate, no cursor, empty */
static const char leave_text[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

bool screen_is_there(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

bool screen_is_utf8(void)
{
    return setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static size_t bounded(uint64_t n, size_t fallback)
{
    return n == 0 ? fallback : MIN(MAX(n, (uint64_t)SIZE_MIN), (uint64_t)SIZE_MAX_);
}

void screen_size(size_t *width, size_t *height)
{
    struct winsize w = {0};
    uint64_t columns = 0, rows = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0) {
        columns = w.ws_col;
        rows = w.ws_row;
    } else if (!str_u64(str_of(getenv("COLUMNS")), &columns) ||
               !str_u64(str_of(getenv("LINES")), &rows)) {
        columns = rows = 0;
    }
    *width = bounded(columns, 80);
    *height = rows == 0 ? 24 : MIN(MAX(rows, (uint64_t)2), (uint64_t)SIZE_MAX_);
}

/* Also called by signal handlers: nothing here but calls that POSIX allows there. */
static void bytes_write(int fd, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR)
            return;
        at += MAX(n, 0);
        len -= (size_t)MAX(n, 0);
    }
}

/* Gives the terminal back. */
static void restore(void)
{
    char text[512];
    if (!is_in)
        return;
    is_in = 0;
    bytes_write(STDOUT_FILENO, leave_text, sizeof leave_text - 1);
    if (screen.has_before)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    if (screen.stderr_fd < 0)
        return;
    off_t end = lseek(STDERR_FILENO, 0, SEEK_END);
    off_t at = lseek(STDERR_FILENO, MAX(end - COMPLAINTS_MAX, (off_t)0), SEEK_SET);
    for (ssize_t n; at >= 0 && (n = read(STDERR_FILENO, text, sizeof text)) > 0;)
        bytes_write(screen.stderr_fd, text, (size_t)n);
    (void)dup2(screen.stderr_fd, STDERR_FILENO);
    (void)close(screen.stderr_fd);
    screen.stderr_fd = -1;
}

static void on_death(int number)
{
    restore();
    (void)raise(number); /* SA_RESETHAND: the next one kills */
}

static void on_stop(int number)
{
    (void)number;
    wants_stop = 1;
}

static void on_resize(int number)
{
    (void)number;
    has_resized = 1;
}

/* Takes the terminal; once more after Ctrl-Z. */
static void take(void)
{
    struct termios raw;
    screen.has_before = tcgetattr(STDIN_FILENO, &screen.before) == 0;
    if (screen.has_before) {
        raw = screen.before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    int aside = isatty(STDERR_FILENO) ? memfd_create("stderr", MFD_CLOEXEC) : -1;
    if (aside >= 0) {
        screen.stderr_fd = dup(STDERR_FILENO);
        (void)dup2(aside, STDERR_FILENO);
        (void)close(aside);
    }
    is_in = 1;
    bytes_write(STDOUT_FILENO, enter_text, sizeof enter_text - 1);
    buf_reset(&screen.shown);
}

bool screen_enter(struct err *e)
{
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    const struct sigaction death = {.sa_handler = on_death, .sa_flags = (int)SA_RESETHAND};
    const struct sigaction stop = {.sa_handler = on_stop}, resize = {.sa_handler = on_resize};
    ctl_catch_signals();
    ctl_catch_signal(SIGHUP);
    ctl_catch_signal(SIGQUIT);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &death, NULL);
    (void)sigaction(SIGTSTP, &stop, NULL);
    if (sigaction(SIGWINCH, &resize, NULL) != 0)
        return err_set(e, errno, "terminal");
    take();
    return true;
}

void screen_leave(void)
{
    restore();
    buf_fini(&screen.shown);
}

static struct str line_take(struct str *rest)
{
    return rest->len ? str_cut(*rest, '\n', rest) : (struct str){NULL, 0};
}

void screen_show(struct str page)
{
    struct buf out = {0};
    struct str old = buf_as_str(&screen.shown), fresh = page;
    for (unsigned row = 1; fresh.len > 0; row++) {
        bool is_there = old.len > 0;
        struct str line = line_take(&fresh), before = line_take(&old);
        if (is_there && str_eq(line, before))
            continue;
        /* emptied first: behind a line as wide as the screen, some erase its last column */
        buf_printf(&out, "\x1b[%u;1H\x1b[2K", row);
        buf_str(&out, line);
    }
    bytes_write(STDOUT_FILENO, (const char *)out.at, out.len);
    buf_fini(&out);
    buf_reset(&screen.shown);
    buf_str(&screen.shown, page);
}

static void stop(void)
{
    restore();
    (void)raise(SIGSTOP); /* here the shell has the terminal, until fg */
    take();
}

bool screen_key(int timeout_ms, char *key, bool *has_changed)
{
    struct pollfd in = {.fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1, .events = POLLIN};
    int n = poll(&in, 1, timeout_ms);
    *has_changed = false;
    if (wants_stop) {
        wants_stop = 0;
        stop();
        *has_changed = true;
    }
    if (has_resized) {
        has_resized = 0;
        bytes_write(STDOUT_FILENO, "\x1b[2J", 4);
        buf_reset(&screen.shown);
        *has_changed = true;
    }
    if (n <= 0)
        return false;
    if (read(STDIN_FILENO, key, 1) != 1)
        *key = 'q'; /* the terminal is gone */
    return true;
}
