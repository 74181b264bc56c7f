/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of visitor states; the first byte says the version. What it takes, it
 * packs; that must be read and packed again to the same bytes. */
#include "featurizer/state_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slab slab = {0};
    struct profile first = {0}, second = {0};
    struct buf once = {0}, twice = {0};
    struct err e = {0};
    const struct state_version *version = size > 0 ? state_version_of(data[0]) : NULL;
    if (!version)
        return 0;
    if (state_unpack(&slab, &first, version, str_over(data + 1, size - 1), &e)) {
        state_pack(&once, &first);
        version = state_version_of(STATE_VERSION);
        CHECK(state_unpack(&slab, &second, version, buf_as_str(&once), &e));
        state_pack(&twice, &second);
        CHECK(str_eq(buf_as_str(&once), buf_as_str(&twice)));
    } else {
        CHECK(e.text[0] != '\0');
    }
    profile_clear(&slab, &first);
    profile_clear(&slab, &second);
    slab_fini(&slab);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
