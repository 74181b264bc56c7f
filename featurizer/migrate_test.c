/* SPDX-License-Identifier: Apache-2.0 */
/* Old checkpoints (fixture/README.md) are read: the records that follow give the features that
 * the old program gave, and what it did not know starts as for a visitor never seen. */
#include "common/wire/record.h"
#include "featurizer/recent.h"
#include "featurizer/state_pack.h"
#include "featurizer/try.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEAD = 20, PIECE_HEAD = 5, FOLLOWING = 24, AGAIN = 4, OTHERWISE = 9 };
enum { PROFILE_KEYS = 16, VISIT_KEYS = 52 }; /* that versions 1 and 2 knew */

static const char *folder;

struct fixture {
    struct buf bytes;
    size_t at; /* of the next piece */
    uint32_t version, n_features, offset;
};

struct piece {
    char kind;
    struct str bytes;
};

static void fixture_open(struct fixture *f, uint32_t version)
{
    char path[512];
    *f = (struct fixture){.at = HEAD};
    (void)snprintf(path, sizeof path, "%s/state-%u.bin", folder, version);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t n = fread(buf_take(&f->bytes, 1 << 20), 1, 1 << 20, file);
    (void)fclose(file);
    assert_true(n > HEAD && memcmp(f->bytes.at, "AUSPEXFX", 8) == 0);
    f->bytes.len = n;
    memcpy(&f->version, f->bytes.at + 8, 4);
    memcpy(&f->n_features, f->bytes.at + 12, 4);
    memcpy(&f->offset, f->bytes.at + 16, 4);
    assert_int_equal(f->version, version);
    assert_int_equal(f->n_features, 67);
}

static bool next_piece(struct fixture *f, struct piece *out)
{
    uint32_t len;
    if (f->at == f->bytes.len)
        return false;
    assert_true(f->at + PIECE_HEAD <= f->bytes.len);
    memcpy(&len, f->bytes.at + f->at + 1, sizeof len);
    assert_true(f->at + PIECE_HEAD + len <= f->bytes.len);
    *out = (struct piece){(char)f->bytes.at[f->at],
                          str_over(f->bytes.at + f->at + PIECE_HEAD, len)};
    f->at += PIECE_HEAD + len;
    return true;
}

static struct piece must_piece(struct fixture *f, char kind)
{
    struct piece p = {0};
    assert_true(next_piece(f, &p));
    assert_int_equal(p.kind, kind);
    return p;
}

/* A core that holds the fixture's checkpoint; the fixture then stands at its first event. */
static void restore(struct fixture *f, struct try *t)
{
    struct featurizer_options o = {.idle_us = 1800 * SECOND_US, .tail = 20};
    struct piece p = {0};
    struct err e = {0};
    *t = (struct try){.core = featurizer_new(&o), .out = outbox_new(), .offset = f->offset};
    featurizer_assign(t->core, 0);
    assert_true(next_piece(f, &p));
    for (; p.kind == 'K'; assert_true(next_piece(f, &p))) {
        struct str value = must_piece(f, 'V').bytes;
        if (!featurizer_restore(t->core, 0, p.bytes, value, &e))
            fail_msg("version %u: %s", f->version, e.text);
    }
    assert_int_equal(p.kind, 'O');
    assert_true(featurizer_visitors(t->core) > 4);
    assert_true(featurizer_restored(t->core, 0, p.bytes, &e));
}

static bool is_same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void compare(const struct fixture *f, struct str record, struct str was,
                    const struct vector *v)
{
    const float nothing = 0;
    struct event e;
    assert_int_equal(event_read(&e, record.at, record.len), WIRE_OK);
    for (size_t i = 0; i < f->n_features; i++) {
        float old = nothing;
        memcpy(&old, was.at + i * sizeof old, sizeof old);
        if (!is_same(old, try_feature(v, i)))
            fail_msg("version %u, %.*s of %.*s: %s was %g and is %g", f->version,
                     STR_ARGS(e.type), STR_ARGS(e.visitor), feature_defs[i].name, (double)old,
                     (double)try_feature(v, i));
    }
}

/* Every record that follows, with the verdicts that ids from before the checkpoint lead to. */
static void events_give_what_they_gave(void **state)
{
    (void)state;
    for (uint32_t version = 1; version < STATE_VERSION; version++) {
        struct fixture f;
        struct try t;
        struct vector v;
        unsigned n_compared = 0, n = 0;
        fixture_open(&f, version);
        restore(&f, &t);
        for (struct piece p; next_piece(&f, &p); n++) {
            assert_int_equal(p.kind, 'E');
            struct str was = must_piece(&f, 'F').bytes;
            size_t n_vectors = try_vectors(&t, try_give(&t, p.bytes), &v, 1);
            if (n == AGAIN || n == OTHERWISE) {
                assert_true(n_vectors == 1 && was.len == 0);
                assert_int_equal(v.verdict, n == AGAIN ? VERDICT_REPEAT : VERDICT_CONFLICT);
            } else if (was.len > 0) {
                assert_int_equal(was.len, f.n_features * sizeof(float));
                assert_true(n_vectors == 1 && v.verdict == VERDICT_COUNTS);
                compare(&f, p.bytes, was, &v);
                n_compared++;
            }
        }
        assert_int_equal(n, FOLLOWING);
        assert_true(n_compared >= FOLLOWING - 5);
        buf_fini(&f.bytes);
        try_fini(&t);
    }
}

#define CELLS(key, name, n, meaning)            \
    for (size_t i_ = 0; i_ < (size_t)(n); i_++) \
        assert_int_equal(x->name[i_], 0);
/* clang-format off */
#define STATE(key, type, name, meaning) \
    if ((key) > KEYS_KNOWN) assert_true(x->name == 0);
/* clang-format on */
#define KEYS_KNOWN VISIT_KEYS
static void check_visit(const struct visit *x)
{
#include "featurizer/visit.def"
}
#undef KEYS_KNOWN

#define KEYS_KNOWN PROFILE_KEYS
static void check_new(struct entry *entry, void *n_visits)
{
    const struct profile *x = profile_seen(entry);
#include "featurizer/profile.def"
    assert_true(x->events > 0 && x->recent.n > 0);
    for (const struct lane *l = &x->live; l; l = l == &x->live ? x->imports : l->next) {
        if (!l->visit)
            continue;
        check_visit(l->visit);
        ++*(unsigned *)n_visits;
    }
}

/* Also that the new program's own checkpoint of such a state is whole. */
static void new_fields_start_at_nothing(void **state)
{
    (void)state;
    for (uint32_t version = 1; version < STATE_VERSION; version++) {
        struct fixture f;
        struct try t;
        struct buf own = {0};
        struct outbox *states = outbox_new();
        struct entries *visitors;
        struct err e = {0};
        unsigned n_visits = 0;
        fixture_open(&f, version);
        restore(&f, &t);
        visitors = &t.core->partitions[0]->visitors;
        entries_each(visitors, check_new, &n_visits);
        assert_true(n_visits > 4);
        for (struct piece p; next_piece(&f, &p); must_piece(&f, 'F'))
            (void)try_give(&t, p.bytes);
        featurizer_cut(t.core, 0, &own);
        while (!featurizer_pack(t.core, 0, states, 0))
            ;
        assert_true(outbox_next(states) > 4);
        featurizer_assign(t.core, 0);
        for (uint64_t i = 0; i < outbox_next(states); i++)
            assert_true(featurizer_restore(t.core, 0, outbox_at(states, i)->key,
                                           outbox_at(states, i)->value, &e));
        buf_fini(&own);
        outbox_free(states);
        buf_fini(&f.bytes);
        try_fini(&t);
    }
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_give_what_they_gave),
        cmocka_unit_test(new_fields_start_at_nothing),
    };
    if (argc != 2)
        return EXIT_CODE_USAGE;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
