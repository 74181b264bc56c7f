/* SPDX-License-Identifier: Apache-2.0 */
/* model_seeds - writes the fuzzer's first inputs into the folder named: sound models of several
 * sizes, and one cut short. The corpus in the repository was made by it. */
#include "common/model/model_grow.h"

#include <stdio.h>

static bool put_file(const char *folder, const char *name, const void *at, size_t len)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return false;
    bool is_whole = fwrite(at, 1, len, f) == len;
    return fclose(f) == 0 && is_whole;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint32_t n_trees, depth;
    } seeds[] = {
        {"leaf", 1, 0}, {"stump", 1, 1}, {"small", 3, 2}, {"deep", 2, 8}, {"nine", 9, 3}};
    struct buf b = {0};
    bool is_done = argc == 2;
    for (size_t i = 0; is_done && i < ARRAY_LEN(seeds); i++) {
        buf_reset(&b);
        model_grow(&b, i, seeds[i].n_trees, seeds[i].depth);
        is_done = put_file(argv[1], seeds[i].name, b.at, b.len);
    }
    is_done = is_done && put_file(argv[1], "short", b.at, b.len / 2);
    buf_fini(&b);
    if (!is_done)
        (void)fprintf(stderr, "usage: model_seeds FOLDER (one that can be written)\n");
    return is_done ? 0 : 1;
}
