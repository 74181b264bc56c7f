/* SPDX-License-Identifier: Apache-2.0 */
/* cells - counts of 16 bits side by side: by hour, weekday, code, or bucket of time. */
#ifndef AUSPEX_CELLS_H
#define AUSPEX_CELLS_H

#include <stddef.h>
#include <stdint.h>

/* Stops at 65535. */
static inline void cell_add(uint16_t *cell)
{
    *cell = (uint16_t)(*cell + (*cell < UINT16_MAX));
}

/* Those of [from, to). */
static inline uint32_t cells_sum(const uint16_t *cells, size_t from, size_t to)
{
    uint32_t sum = 0;
    for (size_t i = from; i < to; i++)
        sum += cells[i];
    return sum;
}

/* Which of n has the most, the first of equals; n when all are 0. */
static inline size_t cells_mode(const uint16_t *cells, size_t n)
{
    size_t most = 0;
    for (size_t i = 1; i < n; i++)
        most = cells[i] > cells[most] ? i : most;
    return cells[most] > 0 ? most : n;
}

#endif
