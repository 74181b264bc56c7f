/* SPDX-License-Identifier: Apache-2.0 */
/* entries: whatever is taken, touched, forgotten and swept while cuts are packed in slices,
 * come through or do not, the state topic holds what the table held at the last cut that came
 * through. */
#include "common/base/rng.h"
#include "common/bus/entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 3000, STEPS = 60000, OVER = 9 };

/* A number as text in the slab, so that what is not given back, or is twice, shows. */
struct thing {
    struct entry entry;
    char *text;
    uint32_t text_len;
};

static uint64_t number_of(const struct entry *x)
{
    const struct thing *t = (const void *)x;
    uint64_t n = 0;
    assert_true(t->text_len == 0 || str_u64(str_over(t->text, t->text_len), &n));
    return n;
}

static void clear(struct slab *s, struct entry *x)
{
    struct thing *t = (void *)x;
    slab_give(s, t->text, t->text_len);
    t->text = NULL;
    t->text_len = 0;
}

static void set(struct slab *s, struct entry *x, struct str text)
{
    struct thing *t = (void *)x;
    clear(s, x);
    t->text = slab_take(s, text.len);
    memcpy(t->text, text.at, text.len);
    t->text_len = (uint32_t)text.len;
}

static void set_number(struct slab *s, struct entry *x, uint64_t n)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    set(s, x, str_over(text, (size_t)len));
}

static void pack(struct buf *value, const struct entry *x)
{
    buf_printf(value, "%llu", (unsigned long long)number_of(x));
}

/* Takes some of it before it sees that it is wrong. */
static bool unpack(struct slab *s, struct entry *x, struct str value, struct err *e)
{
    uint64_t n;
    if (value.len > 100)
        return err_code(e, EXIT_CODE_CONFIG, "too long");
    set(s, x, value);
    return str_u64(value, &n) || err_code(e, EXIT_CODE_CONFIG, "not a number");
}

static bool is_over(const struct entry *x, void *n_over)
{
    bool is = number_of(x) % 10 == OVER;
    *(unsigned *)n_over += is;
    return is;
}

static const struct entries_type type = {
    .topic = TOPIC_visitors,
    .size = sizeof(struct thing),
    .pack = pack,
    .unpack = unpack,
    .clear = clear,
};

/* The model: value of each key, 0 = none. */
struct model {
    uint64_t now[KEYS], at_cut[KEYS], topic[KEYS];
};

/* A table, the model of it, and where its checkpoint is. */
struct walk {
    struct entries table;
    struct model m;
    struct outbox *state;
    struct rng rng;
    bool is_cut, is_packed;
    unsigned n_cuts, n_uncuts, n_forgotten, n_over, n_lives;
};

static struct str key_of(unsigned i, char out[16])
{
    return str_over(out, (size_t)snprintf(out, 16, "k%u", i));
}

static unsigned index_of(struct str key)
{
    uint64_t i = KEYS;
    assert_true(key.len > 1 && str_u64(str_over(key.at + 1, key.len - 1), &i) && i < KEYS);
    return (unsigned)i;
}

/* The transaction came through. */
static void commit(struct walk *w)
{
    uint64_t n;
    for (uint64_t i = outbox_first(w->state); i < outbox_next(w->state); i++) {
        const struct output *o = outbox_at(w->state, i);
        assert_true(o->topic == TOPIC_visitors && o->partition == 5);
        n = 0;
        assert_true(o->value.len == 0 || str_u64(o->value, &n));
        w->m.topic[index_of(o->key)] = n;
    }
    outbox_drop(w->state, outbox_next(w->state));
    assert_memory_equal(w->m.topic, w->m.at_cut, sizeof w->m.topic);
}

static void cut(struct walk *w)
{
    entries_cut(&w->table);
    memcpy(w->m.at_cut, w->m.now, sizeof w->m.now);
    w->is_cut = true;
    w->is_packed = false;
    w->n_cuts++;
}

static void uncut(struct walk *w)
{
    entries_uncut(&w->table);
    outbox_drop(w->state, outbox_next(w->state));
    w->is_cut = false;
    w->n_uncuts++;
}

/* As the program does it: begins, packs on, ends well or not. */
static void go_on(struct walk *w)
{
    if (!w->is_cut) {
        cut(w);
    } else if (!w->is_packed) {
        w->is_packed = entries_pack(&w->table, w->state, 5, 0);
        if (rng_below(&w->rng, 40) == 0)
            uncut(w);
    } else if (rng_below(&w->rng, 4) == 0) {
        uncut(w);
    } else {
        commit(w);
        w->is_cut = false;
    }
}

static void forget_over(struct entry *x, void *model)
{
    struct model *m = model;
    m->now[index_of(entry_key(x))] = number_of(x);
}

/* What is left after a sweep is what the table holds. */
static void sweep(struct walk *w)
{
    size_t before = w->table.n;
    unsigned n_over = 0;
    entries_sweep(&w->table, 1 + rng_below(&w->rng, 300), is_over, &n_over);
    assert_int_equal(before - w->table.n, n_over);
    w->n_over += n_over;
    uint64_t was[KEYS];
    memcpy(was, w->m.now, sizeof was);
    memset(w->m.now, 0, sizeof w->m.now);
    entries_each(&w->table, forget_over, &w->m);
    for (unsigned i = 0; i < KEYS; i++)
        assert_true(w->m.now[i] == was[i] || (w->m.now[i] == 0 && was[i] % 10 == OVER));
}

static void change(struct walk *w, unsigned i, uint64_t n)
{
    char text[16];
    struct str key = key_of(i, text);
    struct entry *x = entries_find(&w->table, key);
    assert_int_equal(x ? number_of(x) : 0, w->m.now[i]);
    if (rng_below(&w->rng, 6) == 0) {
        if (!x)
            return;
        entries_forget(&w->table, x);
        assert_null(entries_find(&w->table, key));
        w->m.now[i] = 0;
        w->n_forgotten++;
        return;
    }
    x = entries_take(&w->table, key);
    assert_true(str_eq(entry_key(x), key));
    entries_touch(&w->table, x);
    set_number(&w->table.slab, x, n);
    w->m.now[i] = n;
}

/* A crash: another table, from the topic, which need not have been compacted. */
static void live_again(struct walk *w)
{
    struct err e = {0};
    char text[16], value[24];
    entries_fini(&w->table);
    entries_init(&w->table, &type);
    outbox_drop(w->state, outbox_next(w->state));
    for (unsigned i = 0; i < KEYS; i++) {
        struct str key = key_of(i, text);
        if (rng_below(&w->rng, 3) == 0)
            assert_true(entries_restore(&w->table, key, STR("77"), &e));
        if (rng_below(&w->rng, 3) == 0 || w->m.topic[i] == 0)
            assert_true(entries_restore(&w->table, key, (struct str){NULL, 0}, &e));
        int len = snprintf(value, sizeof value, "%llu", (unsigned long long)w->m.topic[i]);
        if (w->m.topic[i] != 0)
            assert_true(entries_restore(&w->table, key, str_over(value, (size_t)len), &e));
    }
    memcpy(w->m.now, w->m.topic, sizeof w->m.now);
    w->is_cut = w->is_packed = false;
    w->n_lives++;
}

static void walk(uint64_t seed)
{
    struct walk *w = mem_zero(1, sizeof *w);
    w->rng = rng_stream(seed, 1);
    w->state = outbox_new();
    entries_init(&w->table, &type);
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned what = rng_below(&w->rng, 1000);
        unsigned keys = i < STEPS / 2 ? 40 : KEYS; /* few, so that paths cross; then many */
        if (what < 930)
            change(w, rng_below(&w->rng, keys), 1 + i);
        else if (what < 995)
            go_on(w);
        else if (what < 999)
            sweep(w);
        else if (rng_below(&w->rng, 4) == 0)
            live_again(w);
    }
    assert_true(w->n_cuts > 100 && w->n_uncuts > 50 && w->n_forgotten > 1000 &&
                w->n_over > 10 && w->n_lives > 3);
    entries_fini(&w->table);
    outbox_free(w->state);
    free(w);
}

static void topic_holds_the_last_cut(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        walk(seed);
}

static void untouched_ones_are_not_packed(void **state)
{
    (void)state;
    struct entries t;
    struct outbox *out = outbox_new();
    entries_init(&t, &type);
    size_t empty = entries_bytes(&t);
    struct entry *x = entries_take(&t, STR("k1"));
    assert_true(empty > 0 && entries_bytes(&t) >= empty + sizeof(struct thing));
    assert_ptr_equal(entries_take(&t, STR("k1")), x);
    entries_cut(&t);
    assert_true(entries_pack(&t, out, 5, 0) && outbox_next(out) == 0);
    entries_touch(&t, x);
    set_number(&t.slab, x, 4);
    entries_cut(&t);
    entries_touch(&t, x); /* packed now, as it was */
    set_number(&t.slab, x, 5);
    assert_true(entries_pack(&t, out, 5, 0) && outbox_next(out) == 1);
    assert_true(str_is(outbox_at(out, 0)->value, "4"));
    entries_fini(&t);
    outbox_free(out);
}

/* What cannot be read leaves nothing behind, also of what the key held before. */
static void hostile_entries_are_refused(void **state)
{
    (void)state;
    static char endless[ENTRY_KEY_MOST + 1];
    memset(endless, '7', sizeof endless);
    struct entries t;
    struct str none = {NULL, 0}, value = STR("7"), key = STR("k1");
    const struct {
        struct str key, value;
    } rows[] = {
        {none, value},
        {str_over(endless, sizeof endless), value},
        {str_over(endless, sizeof endless), none},
        {key, STR("seven")},
        {key, STR("\xff")},
        {key, str_over(endless, sizeof endless)},
    };
    entries_init(&t, &type);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        assert_true(entries_restore(&t, key, value, &e));
        assert_false(entries_restore(&t, rows[i].key, rows[i].value, &e));
        assert_true(e.code == EXIT_CODE_CONFIG && e.text[0] != '\0');
        bool is_other = !str_eq(rows[i].key, key);
        assert_int_equal(t.n, is_other);
        assert_int_equal(entries_find(&t, key) != NULL, is_other);
    }
    struct err e = {0};
    struct str longest = str_over(endless, ENTRY_KEY_MOST);
    assert_true(entries_restore(&t, longest, value, &e));
    assert_int_equal(number_of(entries_find(&t, longest)), 7);
    entries_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topic_holds_the_last_cut),
        cmocka_unit_test(untouched_ones_are_not_packed),
        cmocka_unit_test(hostile_entries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
