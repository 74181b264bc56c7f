/* SPDX-License-Identifier: Apache-2.0 */
/* The spill file: it holds what a list would, whatever comes and goes; it is made anew, never
 * in place of what is not ours; and it says so when it cannot go on. */
#include "common/base/hash.h"
#include "common/base/rng.h"
#include "common/bus/spill.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 600, PARTITIONS = 3, STEPS = 60000, VALUE_MOST = 20000 };

static char path[64];
static struct err told;
static jmp_buf on_failure;

static void failed(const struct err *e)
{
    told = *e;
    longjmp(on_failure, 1);
}

static struct spill *must_open(void)
{
    struct err e = {0};
    struct spill *s = spill_open(path, failed, &e);
    if (!s)
        fail_msg("%s", e.text);
    return s;
}

/* Any bytes, known by their number. */
static struct str value_of(uint64_t number, char scratch[VALUE_MOST])
{
    struct rng r = rng_stream(number, 1);
    size_t len = rng_below(&r, 4) ? rng_below(&r, 900) : rng_below(&r, VALUE_MOST);
    for (size_t i = 0; i < len; i++)
        scratch[i] = (char)rng_u64(&r);
    return str_over(scratch, len);
}

struct walk {
    struct spill *s;
    uint64_t numbers[PARTITIONS][KEYS]; /* what is kept; 0 = nothing */
    uint64_t n_kept, n_puts, n_takes;
    struct rng rng;
    struct buf got;
    char scratch[VALUE_MOST];
};

static struct str key_of(unsigned i, char out[16])
{
    return str_over(out, (size_t)snprintf(out, 16, "k%u", i));
}

static void take(struct walk *w, uint32_t partition, unsigned i)
{
    char text[16];
    uint64_t *number = &w->numbers[partition][i];
    buf_reset(&w->got);
    assert_int_equal(spill_take(w->s, partition, key_of(i, text), &w->got), *number > 0);
    struct str value = *number > 0 ? value_of(*number, w->scratch) : (struct str){NULL, 0};
    assert_true(str_eq(buf_as_str(&w->got), value));
    w->n_takes += *number > 0;
    w->n_kept -= *number > 0;
    *number = 0;
}

static void put(struct walk *w, uint32_t partition, unsigned i, uint64_t number)
{
    char text[16];
    struct str value = value_of(number, w->scratch);
    assert_true(spill_put(w->s, partition, key_of(i, text), value));
    w->n_kept += w->numbers[partition][i] == 0;
    w->numbers[partition][i] = number;
    w->n_puts++;
}

static void drop(struct walk *w, uint32_t partition, unsigned i)
{
    char text[16];
    uint64_t *number = &w->numbers[partition][i];
    assert_int_equal(spill_drop(w->s, partition, key_of(i, text)), *number > 0);
    w->n_kept -= *number > 0;
    *number = 0;
}

static void drop_all(struct walk *w, uint32_t partition)
{
    spill_drop_all(w->s, partition);
    for (unsigned i = 0; i < KEYS; i++) {
        w->n_kept -= w->numbers[partition][i] > 0;
        w->numbers[partition][i] = 0;
    }
}

/* A walk gives each piece once. */
static void look_over(struct walk *w, uint32_t partition)
{
    struct spill_place at = {0};
    struct str key, value;
    unsigned n = 0, n_kept = 0;
    while (spill_next(w->s, partition, &at, &key, &value)) {
        uint64_t i = KEYS;
        assert_true(key.len > 1 && str_u64(str_over(key.at + 1, key.len - 1), &i) && i < KEYS);
        assert_true(str_eq(value, value_of(w->numbers[partition][i], w->scratch)));
        n++;
    }
    for (unsigned i = 0; i < KEYS; i++)
        n_kept += w->numbers[partition][i] > 0;
    assert_int_equal(n, n_kept);
}

static void it_holds_what_a_list_would(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct walk *w = mem_zero(1, sizeof *w);
        w->rng = rng_stream(seed, 1);
        w->s = must_open();
        for (uint64_t step = 1; step <= STEPS; step++) {
            uint32_t partition = rng_below(&w->rng, PARTITIONS),
                     what = rng_below(&w->rng, 1000);
            unsigned i = rng_below(&w->rng, KEYS);
            if (what < 600)
                put(w, partition, i, step);
            else if (what < 900)
                take(w, partition, i);
            else if (what < 997)
                drop(w, partition, i);
            else if (what < 999)
                look_over(w, partition);
            else if (rng_below(&w->rng, 8) == 0)
                drop_all(w, partition);
        }
        struct spill_counts n = spill_counts(w->s);
        assert_true(n.kept == w->n_kept && n.takes == w->n_takes && n.puts == w->n_puts);
        assert_true(w->n_kept > 100 && n.bytes <= 256 << 20); /* room is used again */
        spill_close(w->s);
        buf_fini(&w->got);
        free(w);
    }
}

/* Keys that hash64 cannot tell apart: 8 bytes of theirs meet the same of the hash's own, and
 * take the next 8 out of the sum. */
static void keys_of_one_hash_do_not_mix(void **state)
{
    (void)state;
    static const char secret[] = "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe";
    char first[33], second[33];
    (void)snprintf(first, sizeof first, "%s11111111zzzzzzzzzzzzzzzz", secret);
    (void)snprintf(second, sizeof second, "%s22222222zzzzzzzzzzzzzzzz", secret);
    struct str a = str_of(first), b = str_of(second);
    assert_true(hash64_str(a) == hash64_str(b) && !str_eq(a, b));
    struct spill *s = must_open();
    struct buf got = {0};
    assert_true(spill_put(s, 0, a, STR("one")));
    assert_false(spill_put(s, 0, b, STR("two")));
    assert_false(spill_take(s, 0, b, &got));
    assert_false(spill_drop(s, 0, b));
    assert_true(spill_put(s, 1, b, STR("two")));
    assert_true(spill_take(s, 0, a, &got) && str_is(buf_as_str(&got), "one"));
    assert_true(spill_put(s, 0, b, STR("three")));
    assert_int_equal(spill_counts(s).kept, 2);
    buf_fini(&got);
    spill_close(s);
}

static void write_file(const char *text, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

static void only_our_files_are_replaced(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf got = {0};
    write_file("an operator's notes, which are long enough", 42);
    assert_null(spill_open(path, failed, &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_non_null(strstr(e.text, path));
    assert_int_equal(access(path, F_OK), 0);
    write_file("short", 5);
    assert_null(spill_open(path, failed, &e));
    write_file("", 0);
    struct spill *s = must_open();
    assert_true(spill_put(s, 0, STR("k"), STR("v")));
    /* what another run left, or holds: a second one does not disturb the first */
    struct spill *second = must_open();
    assert_false(spill_take(second, 0, STR("k"), &got));
    assert_true(spill_put(second, 0, STR("k"), STR("w")));
    assert_true(spill_take(s, 0, STR("k"), &got) && str_is(buf_as_str(&got), "v"));
    assert_int_equal(unlink(path), 0);
    assert_true(spill_take(second, 0, STR("k"), &got) && str_is(buf_as_str(&got), "vw"));
    buf_fini(&got);
    spill_close(second);
    spill_close(s);
    assert_null(spill_open("/", failed, &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_null(spill_open("/nowhere/at/all", failed, &e));
    assert_int_equal(e.code, EXIT_CODE_IO);
}

/* The file system gives no more: an error in words, no signal. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    enum { MOST = 100 << 20 };
    struct rlimit old, limit;
    struct spill *volatile s = must_open();
    char *value = mem_zero(1, VALUE_MOST);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = MOST;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    volatile unsigned n = 0;
    if (setjmp(on_failure) == 0)
        for (; n < MOST / VALUE_MOST; n++) {
            char text[16];
            assert_true(spill_put(s, 0, key_of(n, text), str_over(value, VALUE_MOST)));
        }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(n > 500 && n < MOST / VALUE_MOST);
    assert_int_equal(told.code, EXIT_CODE_IO);
    assert_non_null(strstr(told.text, "no room for 128 MiB"));
    spill_close(s);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_a_list_would),
        cmocka_unit_test(keys_of_one_hash_do_not_mix),
        cmocka_unit_test(only_our_files_are_replaced),
        cmocka_unit_test(a_full_disk_is_told),
    };
    (void)snprintf(path, sizeof path, "/tmp/auspex-spill-%d", (int)getpid());
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return n_failed;
}
