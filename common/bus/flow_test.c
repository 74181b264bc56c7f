/* SPDX-License-Identifier: Apache-2.0 */
/* flow, rule by rule; flow_walk_test drives all of it at random. */
#include "common/bus/flow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COMMIT_US ((int64_t)200)
#define DRAIN_US  ((int64_t)5000)
#define SECOND    ((int64_t)1000000)
static const struct flow_limits limits = {
    .outputs_bytes = 1000, .commit_us = COMMIT_US, .drain_us = DRAIN_US};
static const struct stage_input dense = {.topic = TOPIC_events, .is_marked = true};
static const struct stage_input sparse = {.topic = TOPIC_raw, .has_holes = true};

/* Running since time 0, with partitions 0..n-1 of the topic, each at offset 10. */
static void run(struct flow *f, enum stage_kind kind, const struct stage_input *input, size_t n)
{
    const struct stage_input *inputs[4] = {input, input, input, input};
    static const uint32_t partitions[4] = {0, 1, 2, 3};
    flow_init(f, kind, &limits);
    assert_int_equal(flow_decide(f, 0), FLOW_NOTHING);
    flow_assigned(f, inputs, partitions, n);
    assert_int_equal(f->phase, FLOW_STARTING);
    assert_int_equal(flow_decide(f, 0), FLOW_NOTHING);
    assert_false(flow_may_read(f));
    for (size_t i = 0; i < n; i++)
        flow_place(flow_source_of(f, input->topic, (uint32_t)i), 10, false);
    flow_started(f, 0);
    assert_true(flow_may_read(f));
}

static struct position position_at(uint64_t offset)
{
    return (struct position){.epoch = 1, .origin = ORIGIN_RAW, .offset = offset};
}

/* Uses the next record of source i, with `outputs` more in the outbox. */
static void use(struct flow *f, size_t i, uint64_t outputs)
{
    struct flow_source *s = &f->sources[i];
    struct position p = position_at(s->next);
    assert_int_equal(flow_take(s, s->next, &p), TAKE_USE);
    flow_used(s, s->next, &p, 99);
    flow_outputs(f, f->out_next + outputs, f->out_acked, f->out_bytes);
}

static void ack(struct flow *f, uint64_t acked)
{
    flow_outputs(f, f->out_next, acked, 0);
}

static void test_commits_after_the_acks(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 2);
    assert_null(flow_source_of(&f, TOPIC_events, 2));
    assert_null(flow_source_of(&f, TOPIC_raw, 0));
    assert_int_equal(flow_decide(&f, 10 * COMMIT_US), FLOW_NOTHING); /* nothing was used */
    use(&f, 0, 3);
    assert_int_equal(flow_decide(&f, COMMIT_US - 1), FLOW_NOTHING); /* not due */
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_CUT);
    flow_cut_taken(&f, COMMIT_US);
    assert_int_equal(flow_decide(&f, 9 * COMMIT_US), FLOW_NOTHING);
    ack(&f, 2);
    assert_int_equal(flow_decide(&f, 9 * COMMIT_US), FLOW_NOTHING); /* one is missing still */
    ack(&f, 3);
    assert_int_equal(flow_decide(&f, 9 * COMMIT_US), FLOW_COMMIT);
    flow_commit_began(&f);
    assert_int_equal(flow_decide(&f, 9 * COMMIT_US), FLOW_NOTHING);
    flow_committed(&f, COMMIT_DONE, 9 * COMMIT_US);
    assert_false(flow_is_dirty(&f));
    assert_int_equal(flow_decide(&f, 99 * COMMIT_US), FLOW_NOTHING);
    flow_fini(&f);
}

/* What is used after a cut is not in it, and makes the next one. */
static void test_a_cut_stands_still(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    use(&f, 0, 1);
    flow_cut_taken(&f, COMMIT_US);
    use(&f, 0, 1);
    const struct flow_source *s = &f.sources[0];
    assert_true(s->cut_next == 11 && s->next == 12);
    assert_true(s->cut_last_offset == 10 && s->cut_last_hash == 99 && s->last_offset == 11);
    assert_true(str_is(buf_as_str(&s->cut_marks), "v1 r0=1:10:0"));
    ack(&f, 1);
    assert_int_equal(flow_decide(&f, 2 * COMMIT_US), FLOW_COMMIT);
    flow_commit_began(&f);
    use(&f, 0, 1);
    flow_committed(&f, COMMIT_DONE, 2 * COMMIT_US);
    assert_true(flow_is_dirty(&f));
    assert_int_equal(flow_decide(&f, 2 * COMMIT_US), FLOW_CUT);
    flow_cut_taken(&f, 2 * COMMIT_US);
    assert_true(str_is(buf_as_str(&s->cut_marks), "v1 r0=1:12:0"));
    assert_int_equal(flow_decide(&f, 2 * COMMIT_US), FLOW_NOTHING); /* waits for 3 acks */
    ack(&f, 3);
    assert_int_equal(flow_decide(&f, 2 * COMMIT_US), FLOW_COMMIT);
    flow_fini(&f);
}

static void test_state_is_packed_before(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATEFUL, &dense, 1);
    use(&f, 0, 0);
    flow_cut_taken(&f, COMMIT_US);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_PACK);
    use(&f, 0, 4); /* records go on while it is packed */
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_PACK);
    flow_packed(&f);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_COMMIT); /* the 4 are not of this cut */
    flow_fini(&f);
}

static void test_dear_states_are_packed_less_often(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATEFUL, &dense, 1);
    use(&f, 0, 0);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_CUT);
    flow_cut_taken(&f, COMMIT_US);
    flow_packing(&f, COMMIT_US / 2);
    flow_packing(&f, COMMIT_US / 2);
    flow_packed(&f);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_COMMIT);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, 2 * COMMIT_US);
    use(&f, 0, 0);
    assert_int_equal(flow_decide(&f, 6 * COMMIT_US - 1), FLOW_NOTHING);
    assert_int_equal(flow_decide(&f, 6 * COMMIT_US), FLOW_CUT);
    flow_cut_taken(&f, 6 * COMMIT_US);
    flow_packed(&f); /* cheap again */
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, 6 * COMMIT_US);
    use(&f, 0, 0);
    assert_int_equal(flow_decide(&f, 7 * COMMIT_US), FLOW_CUT);
    flow_fini(&f);
}

static void test_state_alone_can_be_changed(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATEFUL, &dense, 2);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_NOTHING);
    flow_change(&f);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_CUT);
    flow_cut_taken(&f, COMMIT_US);
    assert_int_equal(f.sources[0].cut_next, 10); /* at the offset there was */
    flow_packed(&f);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, COMMIT_US);
    flow_change(&f); /* nor is it given back without it */
    flow_stop(&f, COMMIT_US);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_CUT);
    flow_fini(&f);
}

static void test_no_cut_while_outputs_are_owed(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATEFUL, &dense, 2);
    use(&f, 0, 1);
    f.sources[1].has_more = true;
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_NOTHING);
    flow_stop(&f, COMMIT_US);
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_NOTHING); /* nor when it drains */
    f.sources[1].has_more = false;
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_CUT);
    flow_fini(&f);
}

static void test_a_failed_commit_is_covered_by_the_next(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 2);
    use(&f, 0, 0);
    int64_t now_us = COMMIT_US, wait_us = SECOND;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(flow_decide(&f, now_us), FLOW_CUT);
        flow_cut_taken(&f, now_us);
        assert_int_equal(flow_decide(&f, now_us), FLOW_COMMIT);
        flow_commit_began(&f);
        flow_committed(&f, COMMIT_FAILED, now_us);
        assert_true(flow_is_dirty(&f));
        assert_int_equal(flow_decide(&f, now_us + wait_us - 1), FLOW_NOTHING);
        now_us += wait_us;
        wait_us = MIN(2 * wait_us, 4 * SECOND);
    }
    assert_int_equal(flow_decide(&f, now_us), FLOW_CUT);
    flow_cut_taken(&f, now_us);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, now_us);
    assert_false(flow_is_dirty(&f));
    use(&f, 1, 0);
    assert_int_equal(flow_decide(&f, now_us + COMMIT_US), FLOW_CUT); /* no wait is left */
    flow_fini(&f);
}

static void test_a_sink_tries_the_same_cut_again(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_SINK, &dense, 1);
    use(&f, 0, 0);
    flow_cut_taken(&f, COMMIT_US);
    use(&f, 0, 0);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_AGAIN, COMMIT_US);
    assert_int_equal(flow_decide(&f, COMMIT_US + SECOND - 1), FLOW_NOTHING);
    assert_int_equal(flow_decide(&f, COMMIT_US + SECOND), FLOW_COMMIT);
    assert_int_equal(f.sources[0].cut_next, 11);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, COMMIT_US + SECOND);
    assert_int_equal(flow_decide(&f, COMMIT_US + SECOND), FLOW_CUT);
    flow_fini(&f);
}

static void test_fenced_gives_all_back(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATEFUL, &dense, 1);
    use(&f, 0, 5);
    flow_cut_taken(&f, COMMIT_US);
    flow_packed(&f);
    ack(&f, 5);
    flow_commit_began(&f);
    use(&f, 0, 1);
    flow_committed(&f, COMMIT_FENCED, COMMIT_US);
    assert_false(flow_may_read(&f));
    assert_int_equal(flow_decide(&f, COMMIT_US), FLOW_RELEASE); /* commits nothing more */
    flow_released(&f);
    assert_int_equal(f.phase, FLOW_IDLE);
    assert_int_equal(f.n_sources, 0);
    flow_fini(&f);
}

static void test_drains(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    use(&f, 0, 2);
    flow_revoked(&f, false, 10);
    assert_false(flow_may_read(&f));
    assert_int_equal(flow_decide(&f, 10), FLOW_CUT); /* at once, not when it would be due */
    flow_cut_taken(&f, 10);
    assert_int_equal(flow_decide(&f, 11), FLOW_NOTHING);
    ack(&f, 2);
    assert_int_equal(flow_decide(&f, 12), FLOW_COMMIT);
    flow_commit_began(&f);
    assert_int_equal(flow_decide(&f, 13), FLOW_NOTHING);
    flow_committed(&f, COMMIT_DONE, 14);
    assert_int_equal(flow_decide(&f, 14), FLOW_RELEASE);
    flow_fini(&f);
}

static void test_a_drain_has_its_limit(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    use(&f, 0, 2);
    flow_revoked(&f, false, 10);
    flow_cut_taken(&f, 10);
    flow_revoked(&f, false, 4000); /* a second word moves no limit */
    assert_int_equal(flow_decide(&f, 10 + DRAIN_US - 1), FLOW_NOTHING);
    assert_int_equal(flow_decide(&f, 10 + DRAIN_US), FLOW_RELEASE);
    flow_released(&f);
    flow_committed(&f, COMMIT_DONE, 6000); /* an outcome that comes too late means nothing */
    assert_int_equal(f.phase, FLOW_IDLE);
    flow_fini(&f);
}

static void test_lost_commits_nothing(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    use(&f, 0, 0);
    flow_revoked(&f, true, 10);
    assert_int_equal(flow_decide(&f, 10), FLOW_RELEASE);
    flow_released(&f);

    run(&f, STAGE_STATELESS, &dense, 1); /* lost while it drains */
    use(&f, 0, 0);
    flow_revoked(&f, false, 10);
    flow_cut_taken(&f, 10);
    flow_revoked(&f, true, 11);
    assert_int_equal(flow_decide(&f, 11), FLOW_RELEASE);
    flow_fini(&f);
}

static void test_stops_while_it_starts(void **state)
{
    const struct stage_input *input = &dense;
    const uint32_t partition = 0;
    struct flow f;
    (void)state;
    flow_init(&f, STAGE_STATELESS, &limits);
    flow_stop(&f, 0); /* nothing assigned: nothing to drain */
    assert_true(f.phase == FLOW_IDLE && f.is_stopping);
    flow_init(&f, STAGE_STATELESS, &limits);
    flow_assigned(&f, &input, &partition, 1);
    flow_revoked(&f, false, 5);
    assert_int_equal(flow_decide(&f, 5), FLOW_RELEASE);
    flow_released(&f);
    flow_assigned(&f, &input, &partition, 1); /* and may begin anew */
    flow_started(&f, 6);
    assert_false(f.is_lost);
    assert_true(flow_may_read(&f));
    flow_fini(&f);
}

static void test_back_pressure(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    flow_outputs(&f, 1, 0, limits.outputs_bytes - 1);
    assert_true(flow_may_read(&f));
    flow_outputs(&f, 2, 0, limits.outputs_bytes);
    assert_false(flow_may_read(&f));
    flow_outputs(&f, 2, 1, 10);
    assert_true(flow_may_read(&f));
    flow_fini(&f);
}

static void test_hurry_makes_a_cut_due(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_SINK, &dense, 1);
    flow_hurry(&f);
    assert_int_equal(flow_decide(&f, 1), FLOW_NOTHING);
    use(&f, 0, 0);
    assert_int_equal(flow_decide(&f, 1), FLOW_CUT);
    flow_cut_taken(&f, 1);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, 1);
    use(&f, 0, 0);
    assert_int_equal(flow_decide(&f, 2), FLOW_NOTHING); /* it was for one cut only */
    flow_fini(&f);
}

static void test_a_broken_producer_is_made_anew(void **state)
{
    struct flow f;
    int64_t now_us = 100, wait_us = 0;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    for (int i = 0; i < 8; i++) { /* at once, then 1, 2, 4 ... 30 s apart */
        flow_producer_broken(&f, now_us);
        flow_producer_broken(&f, now_us + 1); /* heard of twice */
        if (wait_us > 0)
            assert_int_equal(flow_decide(&f, now_us + wait_us - 1), FLOW_NOTHING);
        now_us += wait_us;
        assert_int_equal(flow_decide(&f, now_us), FLOW_REMAKE_PRODUCER);
        flow_producer_made(&f);
        assert_int_equal(flow_decide(&f, now_us), FLOW_NOTHING);
        wait_us = wait_us == 0 ? SECOND : MIN(2 * wait_us, 30 * SECOND);
    }
    use(&f, 0, 0);
    flow_cut_taken(&f, now_us);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, now_us);
    flow_producer_broken(&f, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_REMAKE_PRODUCER); /* at once again */
    flow_fini(&f);
}

static void test_judges_offsets(void **state)
{
    struct flow f;
    struct position p = position_at(50);
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    struct flow_source *s = &f.sources[0];
    assert_int_equal(flow_take(s, 9, &p), TAKE_STALE);
    assert_int_equal(flow_take(s, 12, &p), TAKE_HOLE);
    assert_int_equal(flow_take(s, 12, &p), TAKE_TORN);
    assert_int_equal(flow_take(s, 10, &p), TAKE_USE);
    flow_used(s, 10, &p, 0);
    assert_int_equal(flow_take(s, 12, &p), TAKE_HOLE); /* a new hole is sought back to again */
    assert_int_equal(flow_take(s, 11, &p), TAKE_REPEAT);
    flow_used(s, 11, NULL, 0);
    assert_int_equal(flow_take(s, 11, &p), TAKE_STALE);
    p.offset = 51;
    assert_int_equal(flow_take(s, 12, &p), TAKE_USE);
    assert_int_equal(flow_take(s, 12, NULL),
                     TAKE_USE); /* what bears no position is no repeat */
    flow_fini(&f);
}

static void test_holes_where_they_may_be(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &sparse, 1);
    struct flow_source *s = &f.sources[0];
    assert_int_equal(flow_take(s, 70, NULL), TAKE_USE);
    flow_used(s, 70, NULL, 0);
    assert_int_equal(flow_take(s, 70, NULL), TAKE_STALE);
    assert_int_equal(flow_take(s, 72, NULL), TAKE_USE);
    flow_fini(&f);
}

static void test_an_open_source_takes_what_comes_first(void **state)
{
    struct flow f;
    struct position p = position_at(1);
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 1);
    struct flow_source *s = &f.sources[0];
    flow_place(s, 0, true);
    assert_int_equal(flow_take(s, 500, &p),
                     TAKE_USE); /* retention has passed what was before */
    flow_used(s, 500, &p, 0);
    assert_int_equal(flow_take(s, 500, &p), TAKE_STALE);
    assert_int_equal(flow_take(s, 502, &p), TAKE_HOLE);
    flow_fini(&f);
}

/* A cut that was taken before a source's first record has no offset to name for it. */
static void test_a_cut_knows_what_was_open(void **state)
{
    struct flow f;
    (void)state;
    run(&f, STAGE_STATELESS, &dense, 2);
    flow_place(&f.sources[1], 0, true);
    use(&f, 0, 1);
    flow_cut_taken(&f, COMMIT_US);
    struct position p = position_at(1);
    flow_used(&f.sources[1], 700, &p, 0);
    assert_true(f.sources[1].cut_is_open && !f.sources[0].cut_is_open);
    ack(&f, 1);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_DONE, COMMIT_US);
    flow_cut_taken(&f, 2 * COMMIT_US);
    assert_true(!f.sources[1].cut_is_open && f.sources[1].cut_next == 701);
    flow_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commits_after_the_acks),
        cmocka_unit_test(test_a_cut_stands_still),
        cmocka_unit_test(test_state_is_packed_before),
        cmocka_unit_test(test_dear_states_are_packed_less_often),
        cmocka_unit_test(test_state_alone_can_be_changed),
        cmocka_unit_test(test_no_cut_while_outputs_are_owed),
        cmocka_unit_test(test_a_failed_commit_is_covered_by_the_next),
        cmocka_unit_test(test_a_sink_tries_the_same_cut_again),
        cmocka_unit_test(test_fenced_gives_all_back),
        cmocka_unit_test(test_drains),
        cmocka_unit_test(test_a_drain_has_its_limit),
        cmocka_unit_test(test_lost_commits_nothing),
        cmocka_unit_test(test_stops_while_it_starts),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_hurry_makes_a_cut_due),
        cmocka_unit_test(test_a_broken_producer_is_made_anew),
        cmocka_unit_test(test_judges_offsets),
        cmocka_unit_test(test_holes_where_they_may_be),
        cmocka_unit_test(test_an_open_source_takes_what_comes_first),
        cmocka_unit_test(test_a_cut_knows_what_was_open),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
