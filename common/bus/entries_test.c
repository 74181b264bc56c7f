/* SPDX-License-Identifier: Apache-2.0 */
/* entries: whatever is taken, touched, forgotten and swept while cuts are packed in slices,
 * come through or do not, the state topic holds what the table held at the last cut that came
 * through; so it does when most of the table is in a file. */
#include "common/base/rng.h"
#include "common/bus/entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static bool may_spill(const struct entry *x)
{
    return number_of(x) % 10 != 3;
}

static const struct entries_type type = {
    .topic = TOPIC_visitors,
    .size = sizeof(struct thing),
    .pack = pack,
    .unpack = unpack,
    .clear = clear,
    .may_spill = may_spill,
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
    struct spill *file; /* NULL: all is in memory */
};

enum { LIMIT = 24 << 10, PARTITION = 5 }; /* a table of 1024 slots, and some 50 entries */

static void begin(struct walk *w)
{
    entries_init(&w->table, &type);
    if (w->file)
        entries_limit(&w->table, LIMIT, w->file, PARTITION);
}

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
        assert_true(o->topic == TOPIC_visitors && o->partition == PARTITION);
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
        w->is_packed = entries_pack(&w->table, w->state, PARTITION, 0);
        if (rng_below(&w->rng, 40) == 0)
            uncut(w);
    } else if (rng_below(&w->rng, 4) == 0) {
        uncut(w);
    } else {
        commit(w);
        w->is_cut = false;
    }
}

/* What is left after a sweep is what the table holds, in memory and in the file. */
static void sweep(struct walk *w)
{
    size_t before = entries_n(&w->table);
    unsigned n_over = 0;
    char text[16];
    entries_sweep(&w->table, 1 + rng_below(&w->rng, 300), is_over, &n_over);
    assert_int_equal(before - entries_n(&w->table), n_over);
    w->n_over += n_over;
    for (unsigned i = 0; i < KEYS; i++) {
        const struct entry *x = entries_find(&w->table, key_of(i, text));
        uint64_t was = w->m.now[i];
        w->m.now[i] = x ? number_of(x) : 0;
        assert_true(w->m.now[i] == was || (w->m.now[i] == 0 && was % 10 == OVER));
    }
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
    assert_true(!w->file || spill_counts(w->file).kept == 0);
    begin(w);
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

/* After each step; what may not leave can hold the table above its limit. */
static void trim(struct walk *w)
{
    if (!w->file)
        return;
    entries_trim(&w->table);
    assert_true(spill_counts(w->file).kept == entries_n(&w->table) - w->table.n);
}

static void walk(uint64_t seed, struct spill *file)
{
    struct walk *w = mem_zero(1, sizeof *w);
    w->rng = rng_stream(seed, 1);
    w->state = outbox_new();
    w->file = file;
    begin(w);
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
        trim(w);
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
        walk(seed, NULL);
}

static void failed(const struct err *e)
{
    fail_msg("%s", e->text);
}

/* Also when the file is deleted meanwhile. */
static void so_it_does_with_most_in_a_file(void **state)
{
    (void)state;
    char path[64];
    struct err e = {0};
    (void)snprintf(path, sizeof path, "/tmp/auspex-entries-%d", (int)getpid());
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct spill *file = spill_open(path, failed, &e);
        assert_non_null(file);
        if (seed % 2 == 0)
            assert_int_equal(unlink(path), 0);
        walk(seed, file);
        struct spill_counts n = spill_counts(file);
        assert_true(n.puts > 10000 && n.takes > 10000 && n.kept == 0);
        spill_close(file);
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* Entries leave in the order in which they were taken, roughly; the limit holds. */
static void longest_unseen_leave_first(void **state)
{
    (void)state;
    enum { N = 60000, BOUND = 4 << 20 };
    char path[64], text[16];
    struct err e = {0};
    struct entries t;
    unsigned n_old = 0;
    (void)snprintf(path, sizeof path, "/tmp/auspex-entries-%d", (int)getpid());
    struct spill *file = spill_open(path, failed, &e);
    assert_non_null(file);
    entries_init(&t, &type);
    entries_limit(&t, BOUND, file, 1);
    for (unsigned i = 0; i < N; i++) {
        int len = snprintf(text, sizeof text, "%u", 10 * i);
        assert_true(
            entries_restore(&t, str_over(text, (size_t)len), str_over(text, (size_t)len), &e));
        size_t grown = (t.mask + 1) / 2 * sizeof *t.slots; /* at once, when the table grows */
        assert_true(entries_used(&t) <= BOUND + grown + (64 << 10));
    }
    assert_true(entries_used(&t) <= BOUND);
    assert_int_equal(entries_n(&t), N);
    assert_true(t.n > 10000 && t.n < 30000 && spill_counts(file).kept == N - t.n);
    for (size_t i = 0; i <= t.mask; i++)
        n_old += t.slots[i].entry && number_of(t.slots[i].entry) < (uint64_t)10 * (N - 2 * t.n);
    assert_true(n_old < t.n / 20);
    entries_fini(&t);
    assert_true(spill_counts(file).kept == 0);
    spill_close(file);
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
        cmocka_unit_test(so_it_does_with_most_in_a_file),
        cmocka_unit_test(longest_unseen_leave_first),
        cmocka_unit_test(untouched_ones_are_not_packed),
        cmocka_unit_test(hostile_entries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
