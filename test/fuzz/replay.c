/* SPDX-License-Identifier: Apache-2.0 */
/* replay - main for a fuzz target in ordinary builds: runs it once over each file named and
 * each file in the folders named, in the order of their names. Exits 1 where there was none to
 * run. */
#include "common/base/base.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (f == NULL || fstat(fileno(f), &st) != 0) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (f != NULL)
            (void)fclose(f);
        return false;
    }
    size_t len = (size_t)st.st_size;
    uint8_t *at = malloc(len); /* exactly, so that a sanitizer sees the first byte behind */
    CHECK(at != NULL || len == 0);
    bool is_read = fread(at, 1, len, f) == len;
    (void)fclose(f);
    if (is_read) {
        check_context(path);
        (void)LLVMFuzzerTestOneInput(at, len);
    }
    free(at);
    return is_read;
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

/* False on the first that could not be read; *n grows by those that ran. */
static bool run_path(const char *path, unsigned *n)
{
    struct dirent **names;
    int found = scandir(path, &names, is_visible, alphasort);
    bool is_done = true;
    if (found < 0) {
        is_done = run_file(path);
        *n += is_done;
        return is_done;
    }
    for (int i = 0; i < found; i++) {
        char inside[4096];
        (void)snprintf(inside, sizeof inside, "%s/%s", path, names[i]->d_name);
        is_done = is_done && run_path(inside, n);
        free(names[i]);
    }
    free(names);
    return is_done;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        if (!run_path(argv[i], &n))
            return 1;
    printf("%u inputs\n", n);
    return n > 0 ? 0 : 1;
}
