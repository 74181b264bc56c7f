/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/stream_send.h"

static bool send_lines(struct sender *s, struct str lines, double rate, struct err *e)
{
    int64_t start_us = clock_wall_us();
    while (lines.len > 0 && !sender_is_over(s)) {
        int64_t due_us = start_us + (int64_t)((double)s->sent * 1e6 / rate);
        if (due_us <= clock_wall_us() && !sender_is_full(s) &&
            !sender_send(s, str_cut(lines, '\n', &lines), due_us, e))
            return false;
        sender_wait(s, due_us);
    }
    return true;
}

bool stream_send(const struct stream_options *o, const struct sender_options *to, double rate,
                 struct err *e)
{
    struct stream_options plain = *o;
    struct sender s;
    struct buf lines = {0};
    plain.is_plain = true;
    stream_generate(&lines, &plain);
    bool good = sender_open(&s, to, e);
    if (good) {
        good = send_lines(&s, buf_as_str(&lines), rate, e);
        sender_finish(&s);
    }
    struct err other = {0};
    good = sender_close(&s, good ? e : &other) && good;
    buf_fini(&lines);
    return good;
}
