/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/entropy.h"

#include "common/base/exact.h"

static double weight(uint32_t count)
{
    return count > 1 ? count * exact_log2(count) : 0;
}

void entropy_grow(double *sum, uint32_t count)
{
    *sum += weight(count) - weight(count - 1);
}

double entropy_of(double sum, uint32_t n)
{
    static const double nothing = 1e-9; /* what rounding leaves of 0 is less */
    double bits = n > 1 ? exact_log2(n) - sum / n : 0;
    return bits < nothing ? 0 : bits;
}
