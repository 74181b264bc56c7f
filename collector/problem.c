/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/problem.h"

#include "common/wire/json_text.h"

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {200, "OK"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {429, "Too Many Requests"},
    {503, "Service Unavailable"},
};

const char *problem_title(unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "";
}

static void put_member(struct buf *b, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    buf_printf(b, ",\"%s\":", name);
    json_put_str(b, str_of(text));
}

void problem_begin(struct buf *b, unsigned status, const char *reason, const char *detail)
{
    buf_printf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u",
               problem_title(status), status);
    put_member(b, "reason", reason);
    put_member(b, "detail", detail);
}

void problem_json(struct buf *b, unsigned status, const char *reason, const char *detail)
{
    problem_begin(b, status, reason, detail);
    buf_byte(b, '}');
}
