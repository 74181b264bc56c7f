/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of visitors' states in decisions. What it takes, it packs; that must
 * be read and packed again to the same bytes. */
#include "actuator/dossier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slab slab = {0};
    struct dossier first = {0}, second = {0};
    struct buf once = {0}, twice = {0};
    struct err e = {0};
    if (dossier_unpack(&slab, &first, str_over(data, size), &e)) {
        dossier_pack(&once, &first);
        CHECK(dossier_unpack(&slab, &second, buf_as_str(&once), &e));
        dossier_pack(&twice, &second);
        CHECK(str_eq(buf_as_str(&once), buf_as_str(&twice)));
    } else {
        CHECK(e.text[0] != '\0');
    }
    dossier_clear(&slab, &first);
    dossier_clear(&slab, &second);
    slab_fini(&slab);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
