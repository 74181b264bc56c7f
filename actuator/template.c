/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/template.h"

#include "actuator/condition.h"
#include "common/wire/json_text.h"

#include <math.h>

enum { PIECES_MOST = 512 };

/* A text, or with is_value the value behind a name. */
struct piece {
    struct str text;
    struct operand what;
    bool is_value;
};

static bool value_read(struct template *t, struct str name, struct piece *to, struct err *e)
{
    char shown[SHOWN];
    const char *nearest;
    if (!operand_find_any(&to->what, name, &nearest))
        return err_code(e, EXIT_CODE_CONFIG, "message: unknown value %s; the nearest is \"%s\"",
                        word_shown(name, shown), nearest);
    to->is_value = true;
    t->wants_features |= to->what.kind == OPERAND_FEATURE;
    return true;
}

static bool pieces_read(struct template *t, struct str text, struct piece *to, struct err *e)
{
    while (text.len > 0) {
        const char *open = memmem(text.at, text.len, "{{", 2);
        size_t before = open ? (size_t)(open - text.at) : text.len;
        if (t->n + 2 > PIECES_MOST)
            return err_code(e, EXIT_CODE_CONFIG, "message: too many {{values}}");
        if (before > 0)
            to[t->n++] = (struct piece){.text = str_over(text.at, before)};
        if (!open)
            break;
        struct str rest = str_over(open + 2, text.len - before - 2);
        const char *close = rest.len > 0 ? memmem(rest.at, rest.len, "}}", 2) : NULL;
        if (!close)
            return err_code(e, EXIT_CODE_CONFIG, "message: {{ without its }}");
        size_t len = (size_t)(close - rest.at);
        to[t->n] = (struct piece){0};
        if (!value_read(t, str_trim(str_over(rest.at, len)), &to[t->n], e))
            return false;
        t->n++;
        text = str_over(close + 2, rest.len - len - 2);
    }
    return true;
}

bool template_read(struct template *t, struct str text, struct arena *a, struct err *e)
{
    struct piece pieces[PIECES_MOST];
    struct template found = {0};
    if (!pieces_read(&found, text, pieces, e))
        return false;
    struct piece *kept = arena_take(a, (found.n + 1) * sizeof *kept);
    memcpy(kept, pieces, found.n * sizeof *kept);
    found.pieces = kept;
    *t = found;
    return true;
}

static void put_number(struct buf *out, struct operand what, double number)
{
    if (isinf(number)) {
        buf_text(out, number > 0 ? "inf" : "-inf");
    } else if (what.kind == OPERAND_PREDICTION) {
        long long hundredths = llround(fmin(fmax(number, 0), 1) * 100);
        buf_printf(out, "%lld.%02lld", hundredths / 100, hundredths % 100);
    } else if (what.kind == OPERAND_FEATURE) {
        json_put_f32(out, (float)number);
    } else {
        json_put_f64(out, number);
    }
}

static void put_value(struct buf *out, struct operand what, const struct view *v)
{
    double number;
    struct str text;
    if (what.type == VALUE_FLAG)
        buf_text(out, operand_flag(what, v) ? "true" : "false");
    else if (what.type == VALUE_TEXT && operand_text(what, v, &text))
        buf_str(out, text);
    else if (what.type == VALUE_NUMBER && operand_number(what, v, &number))
        put_number(out, what, number);
}

void template_fill(const struct template *t, const struct view *v, size_t most, struct buf *out)
{
    size_t from = out->len;
    for (size_t i = 0; i < t->n && out->len - from <= most; i++) {
        const struct piece *p = &t->pieces[i];
        if (p->is_value)
            put_value(out, p->what, v);
        else
            buf_str(out, p->text);
    }
    if (out->len - from > most)
        out->len = from + str_head_utf8(str_over(out->at + from, out->len - from), most).len;
}
