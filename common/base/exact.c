/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/exact.h"

#include "common/base/base.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { MANTISSA = 52, BIAS = 1023 };

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* x = m 2^e with m from sqrt(1/2) to sqrt(2); ln m = 2 atanh((m - 1) / (m + 1)), whose series
 * ends below 2^-53 after eleven terms, as (m - 1) / (m + 1) is at most .1716. */
double exact_log2(double x)
{
    static const double two_over_ln2 = 2.8853900817779268;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> MANTISSA) - BIAS;
    double m = from_bits((bits & ((1ULL << MANTISSA) - 1)) | (uint64_t)BIAS << MANTISSA);
    if (m > 1.4142135623730951) {
        m /= 2;
        e++;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return e + two_over_ln2 * s * sum;
}

/* 2^n 2^f with f from -1/2 to 1/2, by Taylor's series of e^(f ln 2) to the power 14. */
double exact_exp2(double x)
{
    static const double ln2 = 0.6931471805599453;
    static const double inverses[] = {/* of factorials */
                                      1.0,
                                      1.0,
                                      1.0 / 2,
                                      1.0 / 6,
                                      1.0 / 24,
                                      1.0 / 120,
                                      1.0 / 720,
                                      1.0 / 5040,
                                      1.0 / 40320,
                                      1.0 / 362880,
                                      1.0 / 3628800,
                                      1.0 / 39916800,
                                      1.0 / 479001600,
                                      1.0 / 6227020800,
                                      1.0 / 87178291200};
    if (isnan(x))
        return x;
    if (x < 1 - BIAS)
        return 0;
    if (x >= 1 + BIAS)
        return (double)INFINITY;
    double n = floor(x + 0.5);
    double y = (x - n) * ln2, sum = 0;
    for (size_t k = ARRAY_LEN(inverses); k-- > 0;)
        sum = sum * y + inverses[k];
    int power = (int)n;
    if (power > BIAS) { /* 2^1024 times less than 1 */
        sum *= 2;
        power--;
    }
    return sum * from_bits((uint64_t)(power + BIAS) << MANTISSA);
}
