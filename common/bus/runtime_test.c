/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime rests on where no broker is needed: which group metadata may vouch for a
 * checkpoint, and that a drain tries at once what had been put off. */
#include "common/bus/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_good(rd_kafka_consumer_group_metadata_t *group)
{
    struct err e = {0};
    bool good = checkpoint_group_is_good(group, &e);
    assert_true(good || e.code != EXIT_CODE_BUG); /* the form itself is known */
    rd_kafka_consumer_group_metadata_destroy(group);
    return good;
}

static void test_only_members_vouch(void **state)
{
    (void)state;
    static const struct {
        const char *member, *instance;
        int32_t generation;
        bool is_good;
    } cases[] = {
        {"member-7", NULL, 1, true},
        {"m", "host-1", 0, true},
        {"member-7", NULL, INT32_MAX, true},
        {"", NULL, -1, false},
        {"member-7", NULL, -1, false},
        {"", NULL, 3, false},
        {"", "host-1", 3, false}, /* the instance's name is no member id */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            is_good(rd_kafka_consumer_group_metadata_new_with_genid(
                "auspex.featurizer", cases[i].generation, cases[i].member, cases[i].instance)),
            cases[i].is_good);
    /* the broker would take this one, even while the group has members */
    assert_false(is_good(rd_kafka_consumer_group_metadata_new("auspex.featurizer")));
}

enum { COMMIT_US = 200000, DRAIN_US = 3500000 };

static const struct stage_input events = {.topic = TOPIC_events, .role = INPUT_GROUP};

/* A flow with one partition, one record used and `n` commits failed, at *now_us. */
static void flow_failed(struct flow *f, int n, int64_t *now_us)
{
    const struct flow_limits limits = {1 << 20, COMMIT_US, DRAIN_US};
    const struct stage_input *inputs[] = {&events};
    const uint32_t partitions[] = {0};
    flow_init(f, STAGE_STATELESS, &limits);
    flow_assigned(f, inputs, partitions, 1);
    flow_place(&f->sources[0], 10, false);
    flow_started(f, *now_us);
    flow_used(&f->sources[0], 10, NULL, 0);
    for (int i = 0; i < n; i++) {
        *now_us += 60 * (int64_t)1000000;
        assert_int_equal(flow_decide(f, *now_us), FLOW_CUT);
        flow_cut_taken(f, *now_us);
        assert_int_equal(flow_decide(f, *now_us), FLOW_COMMIT);
        flow_commit_began(f);
        flow_committed(f, COMMIT_FAILED, *now_us);
    }
}

static void test_a_drain_tries_at_once(void **state)
{
    (void)state;
    struct flow f;
    int64_t now_us = 0;
    flow_failed(&f, 4, &now_us);
    assert_int_equal(flow_decide(&f, now_us + COMMIT_US), FLOW_NOTHING); /* it rests */
    flow_revoked(&f, false, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_CUT);
    flow_cut_taken(&f, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_COMMIT);
    flow_commit_began(&f);
    flow_committed(&f, COMMIT_FAILED, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_NOTHING); /* but only once: no spin */
    assert_int_equal(flow_decide(&f, now_us + DRAIN_US), FLOW_RELEASE);
    flow_fini(&f);
}

static void test_a_drain_remakes_the_producer_at_once(void **state)
{
    (void)state;
    struct flow f;
    int64_t now_us = 0;
    flow_failed(&f, 0, &now_us);
    flow_producer_broken(&f, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_REMAKE_PRODUCER);
    flow_producer_made(&f);
    flow_producer_broken(&f, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_NOTHING); /* the second time it rests */
    flow_stop(&f, now_us);
    assert_int_equal(flow_decide(&f, now_us), FLOW_REMAKE_PRODUCER);
    flow_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_members_vouch),
        cmocka_unit_test(test_a_drain_tries_at_once),
        cmocka_unit_test(test_a_drain_remakes_the_producer_at_once),
    };
    return cmocka_run_group_tests_name("runtime", tests, NULL, NULL);
}
