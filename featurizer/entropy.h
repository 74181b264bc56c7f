/* SPDX-License-Identifier: Apache-2.0 */
/* entropy - of counts that grow one by one, in bits, from the sum of c log2 c over them: a step
 * takes two logarithms, however many counts there are. */
#ifndef AUSPEX_ENTROPY_H
#define AUSPEX_ENTROPY_H

#include <stdint.h>

/* After one of the counts has become `count`. */
void entropy_grow(double *sum, uint32_t count);
/* log2 n - sum / n, n = all counts; 0 below 1e-9, and over nothing. */
double entropy_of(double sum, uint32_t n);

#endif
