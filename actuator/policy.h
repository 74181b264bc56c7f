/* SPDX-License-Identifier: Apache-2.0 */
/* policy - a policy as people write it (schemas/policy.def), read, checked and made ready to be
 * asked. Used by actuator, and by auspexctl before it puts one into control. */
#ifndef AUSPEX_ACTUATOR_POLICY_H
#define AUSPEX_ACTUATOR_POLICY_H

#include "common/base/err.h"
#include "common/wire/record.h"

enum {
    POLICY_MAX = 64 * 1024,   /* bytes of JSON */
    POLICY_DEPTH = 16,        /* of the condition */
    POLICY_LEAVES = 256,      /* comparisons in it */
    POLICY_MESSAGE = 4 * 1024 /* bytes of a message with its values filled in; cut there */
};

struct rule; /* a policy made ready */
struct view; /* a prediction made ready, see operand.h */

/* NULL with EXIT_CODE_CONFIG and what is wrong where, in words for whoever wrote it: an unknown
 * member, feature, fact or operator is named, with the nearest name there is. */
MUST_USE struct rule *rule_read(struct str json, struct err *e);
void rule_free(struct rule *r);
/* With defaults filled in; valid as long as the rule. `when` is the condition as it was given.
 */
const struct policy *rule_policy(const struct rule *r);
bool rule_wants_features(const struct rule *r);
/* The whole policy as JSON, defaults filled in: what goes into control. */
void rule_json(const struct rule *r, struct buf *out);

/* Whether the condition holds. `features` is NULL, or features_n floats, NaN = absent. A
 * comparison with what is absent is false, also by !=; `not` of it is true. */
bool rule_holds(const struct rule *r, const struct prediction *p, const float *features);
/* Appends the message with its values; an absent value is the empty text. */
void rule_message(const struct rule *r, const struct prediction *p, const float *features,
                  struct buf *out);
/* The same for callers that ask many rules of one prediction. */
bool rule_holds_in(const struct rule *r, const struct view *v);
void rule_message_in(const struct rule *r, const struct view *v, struct buf *out);

#endif
