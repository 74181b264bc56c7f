/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/operand.h"

#include "common/wire/in.h"

#include <math.h>

static const char *const fact_names[FACTS_N] = {
#define FACT(name, type) #name,
    FACTS(FACT)
#undef FACT
};

static const uint8_t fact_types[FACTS_N] = {
#define FACT(name, type) VALUE_##type,
    FACTS(FACT)
#undef FACT
};

static const char *const prediction_names[PREDICTIONS_N] = {"conversion"};

static const char *const feature_names[FEATURES_N] = {
#define FEATURE(name, type, unit, group, absent, meaning, rule) #name,
#include "schemas/features.def"
#undef FEATURE
};

static void view_kinds(struct view *v, const struct wire_list *kinds)
{
    struct in in = in_over(kinds->at, kinds->len);
    for (uint32_t n = kinds->n > 0 ? in_array(&in) : 0; n > 0; n--) {
        struct kind k;
        struct str raw = in_raw(&in);
        if (in.bad || kind_read(&k, raw.at, raw.len) != WIRE_OK)
            return;
        for (size_t i = 0; i < PREDICTIONS_N; i++)
            if (str_is(k.kind, prediction_names[i]))
                v->probability[i] = k.probability;
    }
}

void view_make(struct view *v, const struct prediction *p, const float *features)
{
    v->p = p;
    v->features = features;
    v->features_n = features ? (size_t)MIN(p->features_n, (uint64_t)FEATURES_N) : 0;
    for (size_t i = 0; i < PREDICTIONS_N; i++)
        v->probability[i] = (double)NAN;
    view_kinds(v, &p->kinds);
}

const char *operand_kind_name(enum operand_kind k)
{
    static const char *const names[] = {"fact", "prediction", "feature"};
    return names[k];
}

const char *word_nearest(struct str word, const char *const *words, size_t n)
{
    size_t best = 0;
    unsigned least = UINT32_MAX;
    CHECK(n > 0);
    for (size_t i = 0; i < n; i++) {
        unsigned distance = str_distance(word, str_of(words[i]));
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return words[best];
}

static bool find(struct operand *o, enum operand_kind k, struct str name,
                 const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_is(name, names[i]))
            continue;
        *o = (struct operand){
            (uint8_t)k, k == OPERAND_FACT ? fact_types[i] : (uint8_t)VALUE_NUMBER, (uint16_t)i};
        return true;
    }
    return false;
}

bool operand_find(struct operand *o, enum operand_kind k, struct str name, const char **nearest)
{
    const struct {
        const char *const *names;
        size_t n;
    } tables[] = {[OPERAND_FACT] = {fact_names, FACTS_ASKED},
                  [OPERAND_PREDICTION] = {prediction_names, PREDICTIONS_N},
                  [OPERAND_FEATURE] = {feature_names, FEATURES_N}};
    if (find(o, k, name, tables[k].names, tables[k].n))
        return true;
    *nearest = word_nearest(name, tables[k].names, tables[k].n);
    return false;
}

bool operand_find_any(struct operand *o, struct str name, const char **nearest)
{
    if (find(o, OPERAND_FACT, name, fact_names, FACTS_N) ||
        find(o, OPERAND_PREDICTION, name, prediction_names, PREDICTIONS_N) ||
        find(o, OPERAND_FEATURE, name, feature_names, FEATURES_N))
        return true;
    const char *const best[] = {word_nearest(name, fact_names, FACTS_N),
                                word_nearest(name, prediction_names, PREDICTIONS_N),
                                word_nearest(name, feature_names, FEATURES_N)};
    *nearest = word_nearest(name, best, ARRAY_LEN(best));
    return false;
}

bool operand_text(struct operand o, const struct view *v, struct str *out)
{
    const struct str texts[FACTS_N] = {
        [FACT_type] = v->p->type,         [FACT_channel] = v->p->channel,
        [FACT_currency] = v->p->currency, [FACT_product_id] = v->p->product_id,
        [FACT_order_id] = v->p->order_id, [FACT_session_id] = v->p->session_id,
        [FACT_user_id] = v->p->user_id,   [FACT_visitor] = v->p->visitor,
    };
    CHECK(o.kind == OPERAND_FACT && o.type == VALUE_TEXT);
    *out = texts[o.index];
    return out->len > 0;
}

bool operand_number(struct operand o, const struct view *v, double *out)
{
    CHECK(o.type == VALUE_NUMBER);
    if (o.kind == OPERAND_PREDICTION)
        *out = v->probability[o.index];
    else if (o.kind == OPERAND_FEATURE)
        *out = o.index < v->features_n ? (double)v->features[o.index] : (double)NAN;
    else
        *out = o.index == FACT_value ? v->p->value : (double)v->p->site_id;
    return !isnan(*out);
}

bool operand_flag(struct operand o, const struct view *v)
{
    CHECK(o.kind == OPERAND_FACT && o.type == VALUE_FLAG);
    if (o.index == FACT_identified)
        return v->p->user_id.len > 0;
    return o.index == FACT_late ? v->p->late : v->p->of_import != 0;
}
