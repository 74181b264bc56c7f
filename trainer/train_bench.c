/* SPDX-License-Identifier: Apache-2.0 */
/* train_bench - a whole training over invented rows, one thread: seconds, and the AUC beside
 * that of the truth. Arguments: rows (200000), features (45). */
#include "common/base/clock.h"
#include "common/base/err.h"
#include "trainer/invent.h"
#include "trainer/train.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    uint32_t width = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 45;
    struct invented v;
    struct trained t;
    struct err e = {0};
    struct buf text = {0};
    struct train_options o = {boost_defaults, "bench", "conversion", 1, NULL, NULL};
    invent(&v, 1, n, width);
    int64_t start_us = clock_mono_us();
    if (!train_run(&v.set, &o, &t, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    double spent_s = (double)(clock_mono_us() - start_us) / 1e6;
    report_text(&t.report, &text);
    size_t start = n - t.report.parts[PART_TEST].rows;
    printf("%zu rows x %u features: %.2f s, container of %zu bytes\n%s", n, width, spent_s,
           t.container.len, buf_cstr(&text));
    printf("truth itself: AUC %.4f\n",
           metric_auc(v.truth + start, v.labels + start, n - start));
    buf_fini(&text);
    trained_fini(&t);
    invented_fini(&v);
    return 0;
}
