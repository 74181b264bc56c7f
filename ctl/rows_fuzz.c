/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of any bytes as rows of a log, of GA4's export and, by the mapping in front of them (up
 * to a line of three dashes), of a CSV file: what becomes of one is JSON, or nothing. */
#include "common/wire/json_text.h"
#include "ctl/ga4_export.h"
#include "ctl/mapping.h"
#include "ctl/weblog.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* Whether it is nested no deeper than json_is_valid goes. */
static bool is_flat(struct str line)
{
    enum { DEEPEST = 48 };
    size_t n = 0;
    for (size_t i = 0; i < line.len; i++)
        n += line.at[i] == '[' || line.at[i] == '{';
    return n <= DEEPEST;
}

/* Afterwards the buffer is empty. */
static void check(bool is_row, struct str line, struct buf *json)
{
    CHECK(is_row || json->len == 0);
    CHECK(!is_row || !is_flat(line) || json_is_valid(buf_as_str(json)));
    buf_reset(json);
}

static void read_rows(struct mapping *m, struct ga4_export *g, struct str rest)
{
    struct buf json = {0};
    while (rest.at) {
        struct str line = str_cut(rest, '\n', &rest);
        check(weblog_row(line, &json), line, &json);
        check(ga4_export_row(g, line, &json), line, &json);
        if (m)
            check(mapping_row(m, line, &json), line, &json);
        weblog_mask(line, &json);
        buf_reset(&json);
    }
    buf_fini(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct err e = {0};
    struct str rest = str_over(at, len), text = {NULL, 0};
    const char *end = len > 0 ? memmem(at, len, "\n---\n", 5) : NULL;
    if (end) {
        text = str_over(at, (size_t)(end - rest.at));
        rest = str_over(end + 5, len - text.len - 5);
    }
    struct mapping *m = mapping_new(text, "a mapping", &e);
    if (m && !mapping_header(m, str_cut(rest, '\n', &rest), &e)) {
        mapping_free(m);
        m = NULL;
    }
    struct ga4_export *g = ga4_export_new();
    CHECK(g != NULL);
    read_rows(m, g, rest);
    ga4_export_free(g);
    mapping_free(m);
    return 0;
}
