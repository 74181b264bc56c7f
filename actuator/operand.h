/* SPDX-License-Identifier: Apache-2.0 */
/* operand - what conditions and messages of policies can name: facts of the event, predictions
 * and features, and how their values are found in a prediction record. */
#ifndef AUSPEX_ACTUATOR_OPERAND_H
#define AUSPEX_ACTUATOR_OPERAND_H

#include "common/wire/feature.h"
#include "common/wire/record.h"

enum operand_kind { OPERAND_FACT, OPERAND_PREDICTION, OPERAND_FEATURE };
enum value_type { VALUE_TEXT, VALUE_NUMBER, VALUE_FLAG };

/* FACT(name, type): of them only `visitor` is for messages alone. A text is absent when it is
 * empty, `value` when the event has none; the others are always there. */
#define FACTS(FACT)        \
    FACT(type, TEXT)       \
    FACT(channel, TEXT)    \
    FACT(value, NUMBER)    \
    FACT(currency, TEXT)   \
    FACT(product_id, TEXT) \
    FACT(order_id, TEXT)   \
    FACT(site_id, NUMBER)  \
    FACT(session_id, TEXT) \
    FACT(user_id, TEXT)    \
    FACT(identified, FLAG) \
    FACT(late, FLAG)       \
    FACT(is_import, FLAG)  \
    FACT(visitor, TEXT)

enum fact {
#define FACT(name, type) FACT_##name,
    FACTS(FACT)
#undef FACT
        FACTS_N
};
enum { FACTS_ASKED = FACT_visitor }; /* those before it */

/* Kinds of prediction there are models of. */
enum prediction_kind { PREDICTION_conversion, PREDICTIONS_N };

struct operand {
    uint8_t kind; /* enum operand_kind */
    uint8_t type; /* enum value_type */
    uint16_t index;
};

/* A prediction record made ready to be asked by many policies. */
struct view {
    const struct prediction *p;
    const float *features; /* NULL = none; NaN = absent */
    size_t features_n;
    double probability[PREDICTIONS_N]; /* NaN = absent */
};

/* Slices stay those of the record. */
void view_make(struct view *v, const struct prediction *p, const float *features);

/* "fact", "prediction", "feature" */
const char *operand_kind_name(enum operand_kind k);
/* False when there is no such name; `*nearest` is then the nearest there is. For conditions. */
MUST_USE bool operand_find(struct operand *o, enum operand_kind k, struct str name,
                           const char **nearest);
/* The same for messages: a fact, else a prediction, else a feature. */
MUST_USE bool operand_find_any(struct operand *o, struct str name, const char **nearest);

/* The value, by the operand's type; false when it is absent. */
MUST_USE bool operand_text(struct operand o, const struct view *v, struct str *out);
MUST_USE bool operand_number(struct operand o, const struct view *v, double *out);
bool operand_flag(struct operand o, const struct view *v);

/* The word of the list that is nearest to `word`. */
const char *word_nearest(struct str word, const char *const *words, size_t n);

#endif
