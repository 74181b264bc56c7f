/* SPDX-License-Identifier: Apache-2.0 */
/* malloc_count - for tests: how often the project's own objects have asked for memory. The
 * linker brings their calls of malloc, calloc, realloc and operator new here (meson's
 * `malloc_count`); those of shared libraries are not counted. */
#ifndef AUSPEX_MALLOC_COUNT_H
#define AUSPEX_MALLOC_COUNT_H

#include <stdint.h>

uint64_t malloc_count(void);

#endif
