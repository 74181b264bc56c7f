/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/types.h"

#include <math.h>

enum { SLOTS = (sizeof(struct event) + 7) / 8, REQUIRED_MAX = 4, FIELD_NAME_MAX = 32 };

struct event_type {
    struct str name;
    const char *required, *optional; /* names, with blanks between */
    uint64_t has[(SLOTS + 63) / 64]; /* by offset / 8 */
    const struct field_def *must[REQUIRED_MAX];
    char must_names[REQUIRED_MAX][FIELD_NAME_MAX];
    size_t n_must;
};

static struct event_type types[] = {
#define TYPE(class, type, needs, may, meaning) \
    {.name = {#type, sizeof #type - 1}, .required = needs, .optional = may},
#include "schemas/types.def"
#undef TYPE
};

/* Fields are called without the _us of times. */
static const struct field_def *field_of(struct str name)
{
    for (size_t i = 0; i < event_def.n_fields; i++) {
        const struct field_def *f = &event_def.fields[i];
        struct str full = str_over(f->name, strlen(f->name));
        if (f->type == FIELD_TIME)
            full.len -= 3;
        if (str_eq(full, name))
            return f;
    }
    return NULL;
}

static void list(struct event_type *t, const char *names, bool is_required)
{
    struct str rest = str_of(names);
    while (rest.len > 0) {
        struct str name = str_cut(rest, ' ', &rest);
        const struct field_def *f = field_of(name);
        CHECK(f != NULL);
        size_t slot = f->offset / 8;
        t->has[slot / 64] |= UINT64_C(1) << slot % 64;
        if (!is_required)
            continue;
        CHECK(t->n_must < REQUIRED_MAX && name.len < FIELD_NAME_MAX);
        memcpy(t->must_names[t->n_must], name.at, name.len);
        t->must[t->n_must++] = f;
    }
}

size_t types_n(void)
{
    return ARRAY_LEN(types);
}

const struct event_type *types_at(size_t i)
{
    static bool is_filled;
    for (size_t t = 0; !is_filled && t < ARRAY_LEN(types); t++) {
        list(&types[t], types[t].required, true);
        list(&types[t], types[t].optional, false);
    }
    is_filled = true;
    CHECK(i < ARRAY_LEN(types));
    return &types[i];
}

struct str types_name(const struct event_type *t)
{
    return t->name;
}

bool types_has(const struct event_type *t, size_t offset)
{
    size_t slot = offset / 8;
    return t != NULL && slot < SLOTS && (t->has[slot / 64] >> slot % 64 & 1) != 0;
}

static bool is_absent(const struct field_def *f, const struct event *e)
{
    const void *at = (const char *)e + f->offset;
    switch ((enum field_type)f->type) {
    case FIELD_F64:
        return isnan(*(const double *)at);
    case FIELD_U64:
        return *(const uint64_t *)at == 0;
    case FIELD_TIME:
        return *(const int64_t *)at == 0;
    case FIELD_STR:
    case FIELD_JSON:
    case FIELD_BIN:
        return ((const struct str *)at)->len == 0;
    case FIELD_FLAG:
    case FIELD_LIST:
        break;
    }
    CHECK(f->type != FIELD_FLAG && f->type != FIELD_LIST); /* an event has none */
    return false;
}

const char *types_lacks(const struct event_type *t, const struct event *e)
{
    for (size_t i = 0; t != NULL && i < t->n_must; i++)
        if (is_absent(t->must[i], e))
            return t->must_names[i];
    return NULL;
}
