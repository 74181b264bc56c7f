/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/effect.h"

#include <inttypes.h>
#include <math.h>

/* Below it the normal law says nothing about how many are held out. */
static const double variance_min = 5;

double arm_rate(const struct arm *a)
{
    return a->known ? (double)a->converted / (double)a->known : (double)NAN;
}

double arm_value(const struct arm *a)
{
    return a->known ? a->value / (double)a->known : (double)NAN;
}

/* Variance of the mean; NaN of fewer than two. */
static double mean_variance(const struct arm *a)
{
    double n = (double)a->known;
    if (a->known < 2)
        return (double)NAN;
    return fmax(0, (a->value_squares - a->value * a->value / n) / (n - 1)) / n;
}

static struct estimate value_difference(const struct arm *treated, const struct arm *held)
{
    double d = arm_value(treated) - arm_value(held);
    double half = PROPORTION_Z95 * sqrt(mean_variance(treated) + mean_variance(held));
    return (struct estimate){d, d - half, d + half};
}

void effect_judge(struct effect *out, const struct arm *treated, const struct arm *held)
{
    double met = (double)(treated->met + held->met), due = treated->chance + held->chance;
    double variance = treated->variance + held->variance;
    *out = (struct effect){
        .rate =
            proportion_difference((struct share){treated->converted, treated->known},
                                  (struct share){held->converted, held->known}, PROPORTION_Z95),
        .value = value_difference(treated, held),
        .held_share = (double)held->met / met,
        .held_due = due / met,
        .ratio_z = variance > 0 ? ((double)held->met - due) / sqrt(variance) : (double)NAN,
    };
}

void effect_ratio_sentence(struct buf *out, const struct effect *effect,
                           const struct arm *treated, const struct arm *held)
{
    double variance = treated->variance + held->variance;
    buf_printf(out, "%.1f %% of visitors were held out, %.1f %% was due",
               effect->held_share * 100, effect->held_due * 100);
    if (variance < variance_min)
        buf_text(out, "; too few to check.");
    else if (fabs(effect->ratio_z) > EFFECT_RATIO_Z)
        buf_printf(out,
                   ": chance does not do that (%+.1f standard deviations). Do not trust the "
                   "comparison before you know why.",
                   effect->ratio_z);
    else
        buf_printf(out, ": as chance has it (%+.1f standard deviations).", effect->ratio_z);
}

void effect_sentence(struct buf *out, const struct effect *effect, const struct arm *treated,
                     const struct arm *held)
{
    const struct estimate *d = &effect->rate;
    if (held->met == 0 && treated->chance <= 0) {
        buf_text(out, "Nobody is held out, so there is nothing to compare with.");
        return;
    }
    if (treated->known == 0 || held->known == 0)
        buf_printf(out, "Nothing can be told yet: the window of nobody %s is over.",
                   held->known == 0 ? "held out" : "treated");
    else if (d->lower <= 0 && d->upper >= 0)
        buf_text(out, "Not distinguishable from nothing: the interval holds 0.");
    else
        buf_printf(out, "Distinguishable from nothing: treated visitors convert %s often.",
                   d->lower > 0 ? "more" : "less");
}
