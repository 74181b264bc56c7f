/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/log.h"

#include "common/base/buf.h"
#include "common/base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* A line is at most PIPE_BUF bytes: a pipe that polls writable takes it whole. */
enum { LINE_MAX_LEN = 4096, DETAIL_MAX = 1600, PLACES = 512, BURST = 10 };

/* One place that logs, by the addresses of its two texts: a bucket of BURST lines, filled by
 * one a second. */
struct place {
    const char *msg, *format;
    int64_t filled_us;
    double left;
    uint64_t held_back; /* since its last line */
};

static struct {
    pthread_mutex_t lock;
    char program[32], instance[64];
    bool is_json;
    enum log_level least;
    struct place places[PLACES];
    uint64_t dropped;
    struct buf line;
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .program = "auspex", .least = LOG_INFO};

static const char *const level_words[] = {"debug", "info", "warn", "error"};

void log_open(const char *program, const char *instance, bool is_json, enum log_level least)
{
    (void)pthread_mutex_lock(&log_state.lock);
    (void)snprintf(log_state.program, sizeof log_state.program, "%s", program);
    (void)snprintf(log_state.instance, sizeof log_state.instance, "%s",
                   instance ? instance : "");
    log_state.is_json = is_json;
    log_state.least = least;
    (void)pthread_mutex_unlock(&log_state.lock);
}

uint64_t log_dropped(void)
{
    (void)pthread_mutex_lock(&log_state.lock);
    uint64_t n = log_state.dropped;
    (void)pthread_mutex_unlock(&log_state.lock);
    return n;
}

/* The place's entry; when the table is full, places share the one they meet first. */
static struct place *place_of(const char *msg, const char *format, int64_t now_us)
{
    size_t start = ((uintptr_t)msg * 31 + (uintptr_t)format) * 0x9e3779b97f4a7c15u >> 32;
    for (size_t i = 0; i < PLACES; i++) {
        struct place *p = &log_state.places[(start + i) % PLACES];
        if (!p->format)
            *p = (struct place){msg, format, now_us, BURST, 0};
        if (p->msg == msg && p->format == format)
            return p;
    }
    return &log_state.places[start % PLACES];
}

static bool place_may(struct place *p, int64_t now_us)
{
    p->left += (double)(now_us - p->filled_us) / (double)SECOND_US;
    p->left = MIN(p->left, (double)BURST);
    p->filled_us = now_us;
    if (p->left < 1) {
        p->held_back++;
        return false;
    }
    p->left -= 1;
    return true;
}

/* Length of the well-formed UTF-8 sequence that `s` begins with, 0 when it is none. */
static size_t sequence_len(struct str s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (str_is_utf8(str_over(s.at, len)))
            return len;
    return 0;
}

/* Appends `s` so that nothing in it can end a value or a line or steer a terminal: \ and "
 * escaped, control characters and broken UTF-8 replaced by '?'. */
static void put_quoted(struct buf *b, struct str s)
{
    while (s.len > 0) {
        size_t len = sequence_len(s);
        unsigned char c = (unsigned char)s.at[0];
        bool is_c1 = len == 2 && c == 0xc2 && (unsigned char)s.at[1] < 0xa0;
        if (len == 0 || c < 0x20 || c == 0x7f || is_c1) {
            buf_byte(b, c == '\n' || c == '\t' ? ' ' : '?');
            len = MAX(len, (size_t)1);
        } else {
            if (c == '"' || c == '\\')
                buf_byte(b, '\\');
            buf_str(b, str_over(s.at, len));
        }
        s = str_over(s.at + len, s.len - len);
    }
}

static bool is_bare(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
            return false;
    }
    return s.len > 0;
}

static void put_field(struct buf *b, struct str key, struct str value)
{
    if (log_state.is_json) {
        buf_text(b, b->len > 1 ? ",\"" : "\"");
        put_quoted(b, key);
        buf_text(b, "\":\"");
        put_quoted(b, value);
        buf_byte(b, '"');
        return;
    }
    if (b->len > 0)
        buf_byte(b, ' ');
    put_quoted(b, key);
    buf_byte(b, '=');
    if (is_bare(value)) {
        buf_str(b, value);
        return;
    }
    buf_byte(b, '"');
    put_quoted(b, value);
    buf_byte(b, '"');
}

/* Whether `s`, which stands behind a quote, is the end or goes on with ` key=`: only then did
 * the quote end its value, since texts put in with %s may hold quotes of their own. */
static bool is_value_end(struct str s)
{
    size_t i = 1;
    if (s.len == 0)
        return true;
    while (i < s.len && ((s.at[i] >= 'a' && s.at[i] <= 'z') || s.at[i] == '_'))
        i++;
    return s.at[0] == ' ' && i > 1 && i < s.len && s.at[i] == '=';
}

/* The value at the head of *s; *s moves behind it. */
static struct str value_cut(struct str *s)
{
    size_t from = s->len > 0 && s->at[0] == '"', i = from;
    if (from) {
        while (i < s->len &&
               !(s->at[i] == '"' && is_value_end(str_over(s->at + i + 1, s->len - i - 1))))
            i++;
    } else {
        while (i < s->len && s->at[i] != ' ')
            i++;
    }
    struct str value = str_over(s->at + from, i - from);
    i = MIN(i + from, s->len);
    *s = str_trim(str_over(s->at + i, s->len - i));
    return value;
}

static void put_details(struct buf *b, struct str s)
{
    s = str_trim(s);
    while (s.len > 0) {
        const char *eq = memchr(s.at, '=', s.len);
        const char *blank = memchr(s.at, ' ', s.len);
        if (!eq || (blank && blank < eq)) {
            put_field(b, STR("text"), s);
            return;
        }
        struct str key = str_over(s.at, (size_t)(eq - s.at));
        s = str_over(eq + 1, s.len - key.len - 1);
        put_field(b, key, value_cut(&s));
    }
}

static void line_make(struct buf *b, enum log_level level, const char *msg, uint64_t held_back,
                      struct str details)
{
    char ts[CLOCK_TEXT], text[256];
    clock_format(clock_wall_us(), ts);
    (void)snprintf(text, sizeof text, held_back ? "%s (%llu more like this)" : "%s", msg,
                   (unsigned long long)held_back);
    buf_reset(b);
    if (log_state.is_json)
        buf_byte(b, '{');
    put_field(b, STR("ts"), str_of(ts));
    put_field(b, STR("level"), str_of(level_words[level]));
    put_field(b, STR("program"), str_of(log_state.program));
    if (log_state.instance[0])
        put_field(b, STR("instance"), str_of(log_state.instance));
    put_field(b, STR("msg"), str_of(text));
    put_details(b, details);
    if (log_state.is_json)
        buf_byte(b, '}');
    buf_byte(b, '\n');
}

/* Never waits: a terminal or pipe that takes nothing now loses the line. */
static bool line_write(const struct buf *b)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (b->len > LINE_MAX_LEN || poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
        return false;
    return write(STDERR_FILENO, b->at, b->len) == (ssize_t)b->len;
}

void log_line(enum log_level level, const char *msg, const char *format, ...)
{
    char details[DETAIL_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(details, sizeof details, format, args);
    va_end(args);
    (void)pthread_mutex_lock(&log_state.lock);
    int64_t now_us = clock_mono_us();
    struct place *p = level >= log_state.least ? place_of(msg, format, now_us) : NULL;
    bool is_asked = level == LOG_DEBUG; /* whoever turns these on wants all of them */
    if (p && !is_asked && !place_may(p, now_us)) {
        log_state.dropped++;
    } else if (p) {
        line_make(&log_state.line, level, msg, p->held_back, str_of(details));
        p->held_back = 0;
        if (!line_write(&log_state.line))
            log_state.dropped++;
    }
    (void)pthread_mutex_unlock(&log_state.lock);
}
