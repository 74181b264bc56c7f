/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/settings.h"
#include "ctl/sweep.h"

#include "common/bus/publish.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PUBLISH_MS = 15000 };

static struct setting *setting_place(struct settings *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->items[i].name, name))
            return &s->items[i];
    s->items = mem_grow(s->items, (s->n + 1) * sizeof *s->items);
    s->items[s->n] = (struct setting){.name = arena_str(&s->arena, name)};
    return &s->items[s->n++];
}

static void use_control(void *to, const struct tail_message *m)
{
    struct settings *s = to;
    struct control c;
    s->end = m->offset + 1;
    if (control_read(&c, m->value.at, m->value.len) || !str_is(c.what, s->what))
        return;
    struct setting *item = setting_place(s, c.name);
    item->body = arena_str(&s->arena, c.body);
    item->version = c.version;
    item->offset = m->offset;
    item->wants_features = c.wants_features;
}

static int names_order(const void *a, const void *b)
{
    const struct setting *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

/* decimal numbers without leading zeroes */
static int numbers_order(const void *a, const void *b)
{
    const struct setting *x = a, *y = b;
    int order = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    return order ? order : str_cmp(x->name, y->name);
}

bool settings_read(struct settings *s, const struct config *config, const char *what,
                   struct err *e)
{
    *s = (struct settings){.what = what};
    if (!sweep_topic(config, TOPIC_control, use_control, s, e)) {
        settings_fini(s);
        return false;
    }
    if (s->n > 0)
        qsort(s->items, s->n, sizeof *s->items,
              strcmp(what, "site") == 0 ? numbers_order : names_order);
    return true;
}

void settings_fini(struct settings *s)
{
    free(s->items);
    arena_fini(&s->arena);
    *s = (struct settings){0};
}

const struct setting *settings_find(const struct settings *s, struct str name)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->items[i].name, name))
            return &s->items[i];
    return NULL;
}

const struct setting *settings_holding(const struct settings *s, struct str name)
{
    const struct setting *item = settings_find(s, name);
    return item && item->version > 0 ? item : NULL;
}

bool control_put(const struct config *config, struct control *control, int64_t *offset,
                 struct err *e)
{
    char topic[TOPIC_NAME];
    struct buf value = {0};
    topic_name(config, TOPIC_control, topic);
    control->epoch = 1;
    control->origin = ORIGIN_CONTROL;
    control_pack(&value, control);
    struct publisher *p = publisher_new(config, e);
    bool is_good =
        p && publisher_send(p, topic, 0, (struct str){NULL, 0}, buf_as_str(&value), false, e) &&
        publisher_flush(p, PUBLISH_MS, e);
    if (is_good)
        *offset = publisher_last_offset(p);
    publisher_free(p);
    buf_fini(&value);
    return is_good;
}

/* Where, from `end` up to our own record, another of the same name stands. */
struct rival {
    struct str what, name;
    uint64_t before, offset;
    bool is_there;
};

static void use_rival(void *to, const struct tail_message *m)
{
    struct rival *r = to;
    struct control c;
    if (m->offset >= r->before || control_read(&c, m->value.at, m->value.len) ||
        !str_eq(c.what, r->what) || !str_eq(c.name, r->name))
        return;
    r->is_there = true;
    r->offset = m->offset;
}

bool settings_put(const struct settings *s, const struct config *config,
                  struct control *control, int64_t *offset, struct err *e)
{
    control->what = str_of(s->what);
    if (!control_put(config, control, offset, e))
        return false;
    struct rival rival = {control->what, control->name, (uint64_t)*offset, 0, false};
    const int64_t from = (int64_t)s->end;
    if (*offset == from)
        return true;
    if (!sweep_from(config, TOPIC_control, &from, 1, use_rival, &rival, e))
        return false;
    return !rival.is_there ||
           err_code(e, EXIT_CODE_AGAIN,
                    "%s %.*s was set by somebody else at control offset %" PRIu64
                    ", just before this (offset %" PRId64
                    "), which holds now and knows nothing "
                    "of that: look, and put again what is missing",
                    s->what, STR_ARGS(control->name), rival.offset, *offset);
}
