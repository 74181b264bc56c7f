/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char letters[] = "?rice";

void marks_fini(struct marks *m)
{
    free(m->at);
    *m = (struct marks){0};
}

static uint64_t log_of(const struct position *p)
{
    return p->origin == ORIGIN_IMPORTS ? p->import_id : p->partition;
}

/* First mark not below (origin, log). */
static size_t place_of(const struct marks *m, uint64_t origin, uint64_t log)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct mark *k = &m->at[mid];
        if (k->origin < origin || (k->origin == origin && k->log < log))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool is_at(const struct marks *m, size_t i, uint64_t origin, uint64_t log)
{
    return i < m->n && m->at[i].origin == origin && m->at[i].log == log;
}

static bool is_above(const struct position *p, const struct mark *k)
{
    if (p->epoch != k->epoch)
        return p->epoch > k->epoch;
    if (p->offset != k->offset)
        return p->offset > k->offset;
    return p->index > k->index;
}

bool marks_would_pass(const struct marks *m, const struct position *p)
{
    size_t i = place_of(m, p->origin, log_of(p));
    return !is_at(m, i, p->origin, log_of(p)) || is_above(p, &m->at[i]);
}

static void mark_insert(struct marks *m, size_t i, const struct mark *k)
{
    if (m->n == m->cap) {
        m->cap = MAX(2 * m->cap, (size_t)16);
        m->at = mem_grow(m->at, m->cap * sizeof *m->at);
    }
    memmove(m->at + i + 1, m->at + i, (m->n - i) * sizeof *m->at);
    m->at[i] = *k;
    m->n++;
}

bool marks_pass(struct marks *m, const struct position *p)
{
    uint64_t log = log_of(p);
    size_t i = place_of(m, p->origin, log);
    struct mark k = {p->origin, log, p->epoch, p->offset, p->index};
    if (!is_at(m, i, p->origin, log)) {
        mark_insert(m, i, &k);
        return true;
    }
    if (!is_above(p, &m->at[i]))
        return false;
    m->at[i] = k;
    return true;
}

void marks_print(const struct marks *m, struct buf *out)
{
    buf_text(out, "v1");
    for (size_t i = 0; i < m->n; i++) {
        const struct mark *k = &m->at[i];
        CHECK(k->origin < sizeof letters - 1);
        buf_printf(out, k->origin == ORIGIN_IMPORTS ? " %c%" PRIx64 "=" : " %c%" PRIu64 "=",
                   letters[k->origin], k->log);
        buf_printf(out, "%" PRIu64 ":%" PRIu64 ":%" PRIu64, k->epoch, k->offset, k->index);
    }
}

static bool parse_hex(struct str s, uint64_t *value)
{
    uint64_t v = 0;
    if (s.len == 0 || s.len > 16)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *value = v;
    return true;
}

static bool parse_mark(struct str word, struct mark *k)
{
    struct str place, name = str_cut(word, '=', &place);
    const char *letter = name.len > 1 ? strchr(letters + 1, name.at[0]) : NULL;
    if (!letter || *letter == '\0')
        return false;
    k->origin = (uint64_t)(letter - letters);
    struct str log = str_over(name.at + 1, name.len - 1), rest;
    if (!(k->origin == ORIGIN_IMPORTS ? parse_hex(log, &k->log) : str_u64(log, &k->log)))
        return false;
    struct str epoch = str_cut(place, ':', &rest), index, offset = str_cut(rest, ':', &index);
    return str_u64(epoch, &k->epoch) && str_u64(offset, &k->offset) &&
           str_u64(index, &k->index);
}

/* Whether the text is as marks_print writes it, to the byte. */
static bool is_printed_so(const struct marks *m, struct str text)
{
    struct buf printed = {0};
    marks_print(m, &printed);
    bool is_so = text.len == 0 || str_eq(buf_as_str(&printed), text);
    buf_fini(&printed);
    return is_so;
}

bool marks_parse(struct marks *m, struct str text)
{
    struct marks found = {0};
    struct str rest, word = str_cut(text, ' ', &rest);
    bool is_good = text.len == 0 || str_is(word, "v1");
    while (is_good && rest.len > 0) {
        struct mark k;
        word = str_cut(rest, ' ', &rest);
        is_good = parse_mark(word, &k);
        if (is_good) {
            size_t i = place_of(&found, k.origin, k.log);
            is_good = i == found.n; /* sorted, and none twice */
            if (is_good)
                mark_insert(&found, i, &k);
        }
    }
    if (!is_good || !is_printed_so(&found, text)) {
        marks_fini(&found);
        return false;
    }
    marks_fini(m);
    *m = found;
    return true;
}

size_t marks_worst(size_t n)
{
    return 2 + n * (sizeof " e=::" + (size_t)4 * 20);
}
