/* SPDX-License-Identifier: Apache-2.0 */
/* exact - logarithm and power of two by plain arithmetic, so that every machine and library
 * gives the same bits; within 1e-14 of the truth (relative, for |log2| under 1 absolute). */
#ifndef AUSPEX_EXACT_H
#define AUSPEX_EXACT_H

/* x > 0, finite and not subnormal. */
double exact_log2(double x);
/* 0 below -1022, infinite from 1024 on; NaN stays. */
double exact_exp2(double x);

#endif
