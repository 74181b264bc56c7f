/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/import.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/csv.h"
#include "common/base/hash.h"
#include "ctl/ga4_export.h"
#include "ctl/invoices.h"
#include "ctl/mapping.h"
#include "ctl/read_file.h"
#include "ctl/weblog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1024 * 1024 };

const char *const import_formats[IMPORT_FORMATS] = {
    "ndjson", "rees46", "onlineretail", "csv", "crm", "ad_spend", "weblog", "ga4"};
const char *const import_entries[IMPORT_FORMATS] = {"lines", "lines", "invoices", "lines",
                                                    "lines", "lines", "lines",    "lines"};

/* The first line of a file, quotes left out; NULL where it is an entry. */
static const char *const headers[IMPORT_FORMATS] = {
    [IMPORT_REES46] =
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,"
        "user_session",
    [IMPORT_ONLINERETAIL] =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
};

/* What begins so is compressed; the tool that makes lines of it. */
static const struct {
    struct str magic;
    const char *name, *tool;
} packed[] = {
    {{"\xfd"
      "7zXZ",
      5},
     "xz",
     "xzcat"},
    {{"\x1f\x8b", 2}, "gzip", "zcat"},
    {{"\x28\xb5\x2f\xfd", 4}, "zstd", "zstdcat"},
    {{"BZh", 3}, "bzip2", "bzcat"},
    {{"PK\x03\x04", 4}, "zip", "unzip -p"},
};

uint64_t import_id(const struct sha256 *file, uint64_t site_id, enum import_format format,
                   struct str mapping)
{
    struct buf b = {0};
    struct sha256 digest;
    uint64_t id = 0;
    buf_put(&b, file->bytes, sizeof file->bytes);
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_byte(&b, (uint8_t)(site_id >> shift));
    buf_text(&b, import_formats[format]);
    buf_str(&b, mapping);
    hash_sha256(b.at, b.len, &digest);
    buf_fini(&b);
    for (int i = 0; i < 8; i++)
        id = id << 8 | digest.bytes[i];
    return id ? id : 1; /* 0 means: no import */
}

static bool file_check(struct import *i, struct err *e)
{
    struct stat st;
    if (i->fd < 0 || fstat(i->fd, &st) != 0) {
        (void)err_set(e, errno, "%s", i->path);
        e->code = EXIT_CODE_IO;
        return false;
    }
    if (!S_ISREG(st.st_mode))
        return err_code(e, EXIT_CODE_USAGE,
                        "%s is no regular file: its digest is the import's id, so it is read "
                        "twice, and again to go on after a break",
                        i->path);
    i->bytes = (uint64_t)st.st_size;
    i->changed_ns = st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
    return true;
}

static bool file_is_same(const struct import *i)
{
    struct stat st;
    return fstat(i->fd, &st) == 0 && (uint64_t)st.st_size == i->bytes &&
           st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec == i->changed_ns;
}

/* Moves what is left to the front and reads on. */
static bool buffer_fill(struct import *i, struct err *e)
{
    memmove(i->buffer, i->buffer + i->from, i->to - i->from);
    i->to -= i->from;
    i->from = 0;
    while (i->to < BUFFER && !i->is_at_end) {
        ssize_t n = read(i->fd, i->buffer + i->to, BUFFER - i->to);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            (void)err_set(e, errno, "%s", i->path);
            e->code = EXIT_CODE_IO;
            return false;
        }
        i->is_at_end = n == 0;
        i->to += (size_t)n;
        if (n > 0 && memchr(i->buffer + i->to - n, '\n', (size_t)n))
            break;
    }
    return true;
}

/* Takes `len` bytes and the end of line behind them. */
static struct str line_cut(struct import *i, size_t len, bool has_end)
{
    struct str line = str_over(i->buffer + i->from, len);
    i->from += len + has_end;
    i->bytes_read += len + has_end;
    return line;
}

/* One line of any kind; {NULL, 0} at the end. Of one that is longer than the buffer the first
 * bytes are given and the rest is passed over at the next call. */
static bool line_next(struct import *i, struct str *line, struct err *e)
{
    for (;;) {
        size_t len = i->to - i->from;
        const char *at = len ? memchr(i->buffer + i->from, '\n', len) : NULL;
        if (at) {
            *line = line_cut(i, (size_t)(at - i->buffer) - i->from, true);
        } else if (i->is_at_end || len == BUFFER) {
            *line = len ? line_cut(i, len, false) : (struct str){NULL, 0};
        } else {
            if (!buffer_fill(i, e))
                return false;
            continue;
        }
        bool is_rest = i->is_in_long_line;
        i->is_in_long_line = !at && len == BUFFER;
        if (!is_rest || !line->at)
            return true;
    }
}

/* Whether the line's fields, whatever quotes stand around them, make up the header. */
static bool header_is(struct str line, const char *header)
{
    enum { FIELDS = 16 };
    struct str fields[FIELDS], rest = str_of(header);
    size_t n = csv_split(str_trim(line), fields, FIELDS), same = 0;
    while (rest.at && same < n && str_eq(str_cut(rest, ',', &rest), fields[same]))
        same++;
    return n > 0 && same == n && !rest.at;
}

static bool header_check(struct import *i, struct err *e)
{
    struct str line;
    const char *header = headers[i->format];
    if (!header && !i->mapping)
        return true;
    if (!line_next(i, &line, e))
        return false;
    i->lines = 1;
    if (i->mapping)
        return mapping_header(i->mapping, line, e) || err_prefix(e, "%s:1", i->path);
    if (header_is(line, header))
        return true;
    struct str head = str_head_utf8(line, 120);
    return err_set(e, 0, "%s:1: the first line of a file of %s must be \"%s\"; it is \"%.*s\"",
                   i->path, import_formats[i->format], header,
                   STR_ARGS(str_is_utf8(head) ? head : STR("?")));
}

static bool packed_check(struct import *i, struct err *e)
{
    if (!buffer_fill(i, e))
        return false;
    struct str head = str_over(i->buffer, i->to);
    for (size_t k = 0; k < ARRAY_LEN(packed); k++)
        if (str_starts(head, packed[k].magic))
            return err_set(e, 0, "%s is compressed (%s): unpack it first, %s %s > FILE",
                           i->path, packed[k].name, packed[k].tool, i->path);
    return true;
}

static bool has_mapping(enum import_format format)
{
    return format == IMPORT_CSV || format == IMPORT_CRM || format == IMPORT_AD_SPEND;
}

/* The text of the mapping, taken from its file or from what the program brings. */
static bool mapping_take(struct import *i, const char *path, struct buf *text, struct err *e)
{
    const char *name = path ? path : import_formats[i->format];
    if (!has_mapping(i->format))
        return !path || err_code(e, EXIT_CODE_USAGE, "--mapping is for csv, crm and ad_spend");
    if (path && !file_read_whole(path, MAPPING_FILE_MAX, text, e))
        return false;
    if (!path && i->format == IMPORT_CSV)
        return err_code(e, EXIT_CODE_USAGE,
                        "csv needs --mapping FILE, which says what its columns mean");
    if (!path)
        buf_str(text, mapping_preset(name));
    i->mapping = mapping_new(buf_as_str(text), name, e);
    return i->mapping != NULL;
}

static bool file_open(struct import *i, const char *mapping, struct err *e)
{
    struct sha256 digest;
    struct buf text = {0};
    bool is_good = file_check(i, e) && mapping_take(i, mapping, &text, e) &&
                   packed_check(i, e) && header_check(i, e) &&
                   hash_sha256_file(i->path, &digest, e);
    if (is_good)
        i->id = import_id(&digest, i->site_id, i->format, buf_as_str(&text));
    buf_fini(&text);
    return is_good;
}

bool import_open(struct import *i, const char *path, enum import_format format,
                 const char *mapping, uint64_t site_id, struct err *e)
{
    *i = (struct import){.path = path, .format = format, .site_id = site_id};
    i->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    i->buffer = mem_new(BUFFER);
    if (format == IMPORT_ONLINERETAIL)
        i->invoices = invoices_new();
    if (format == IMPORT_GA4)
        i->ga4 = ga4_export_new();
    if (file_open(i, mapping, e))
        return true;
    import_close(i);
    return false;
}

void import_close(struct import *i)
{
    free(i->buffer);
    invoices_free(i->invoices);
    i->invoices = NULL;
    mapping_free(i->mapping);
    i->mapping = NULL;
    ga4_export_free(i->ga4);
    i->ga4 = NULL;
    buf_fini(&i->json);
    if (i->fd >= 0)
        (void)close(i->fd);
    i->buffer = NULL;
    i->fd = -1;
}

/* The next line that is not blank. */
static bool line_read(struct import *i, struct str *line, struct err *e)
{
    do {
        if (!line_next(i, line, e))
            return false;
        if (!line->at)
            return file_is_same(i) ||
                   err_set(e, 0, "%s was changed while it was read", i->path);
        i->lines++;
        if (line->len > 0 && line->at[line->len - 1] == '\r')
            line->len--;
    } while (str_trim(*line).len == 0);
    line->len = MIN(line->len, (size_t)IMPORT_LINE_MAX);
    return true;
}

static bool invoice_read(struct import *i, struct str *entry, struct err *e)
{
    bool is_end = false;
    while (!invoices_take(i->invoices, i->lines + 1, is_end, entry, &i->number)) {
        struct str line;
        *entry = (struct str){NULL, 0};
        if (is_end)
            return true;
        if (!line_read(i, &line, e))
            return false;
        is_end = !line.at;
        if (!is_end)
            invoices_add(i->invoices, line, i->lines);
    }
    return true;
}

/* The line as an event, when its format has none of its own in collector. */
static bool made(struct import *i, struct str line)
{
    buf_reset(&i->json);
    switch (i->format) {
    case IMPORT_CSV:
    case IMPORT_CRM:
    case IMPORT_AD_SPEND:
        return mapping_row(i->mapping, line, &i->json);
    case IMPORT_WEBLOG:
        return weblog_row(line, &i->json);
    case IMPORT_GA4:
        return ga4_export_row(i->ga4, line, &i->json);
    case IMPORT_NDJSON:
    case IMPORT_REES46:
    case IMPORT_ONLINERETAIL:
    case IMPORT_FORMATS:
        break;
    }
    return false;
}

bool import_next(struct import *i, struct str *entry, struct err *e)
{
    if (i->invoices)
        return invoice_read(i, entry, e);
    if (!line_read(i, entry, e))
        return false;
    i->number = i->lines;
    if (!entry->at || i->format <= IMPORT_ONLINERETAIL)
        return true;
    i->is_unfit = !made(i, *entry);
    if (i->is_unfit && i->format == IMPORT_WEBLOG)
        weblog_mask(*entry, &i->json);
    if (!i->is_unfit || i->format == IMPORT_WEBLOG)
        *entry = buf_as_str(&i->json);
    return true;
}

const char *import_entry_format(const struct import *i)
{
    if (i->format <= IMPORT_ONLINERETAIL)
        return import_formats[i->format];
    return i->is_unfit ? "unfit" : import_formats[IMPORT_NDJSON];
}

/* The time in the fifth column of an invoice's first line. */
static bool invoice_time(struct str lines, int64_t *us)
{
    enum { COLUMNS = 8, DATE = 4 };
    struct str rest, fields[COLUMNS];
    return csv_split(str_cut(lines, '\n', &rest), fields, COLUMNS) == COLUMNS &&
           clock_parse(fields[DATE], us);
}

/* The value behind the first member of this name, wherever it stands in the object. */
static bool member_time(struct str line, struct str name, int64_t *us)
{
    const char *at = memmem(line.at, line.len, name.at, name.len);
    struct str rest = at ? str_over(at + name.len, line.len - name.len - (size_t)(at - line.at))
                         : (struct str){NULL, 0};
    struct str value, tail;
    if (str_trim(str_cut(rest, ':', &value)).len > 0 || value.len == 0)
        return false;
    value = str_trim(value);
    if (value.len > 0 && value.at[0] == '"')
        return clock_parse(str_cut(str_over(value.at + 1, value.len - 1), '"', &tail), us);
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    int64_t number;
    if (!str_i64(str_over(value.at, digits), &number) || number > INT64_MAX / SECOND_US)
        return false;
    *us = number > 100000000000 ? number * 1000 : number * SECOND_US; /* ms, or s */
    return true;
}

bool import_time(const struct import *i, struct str entry, int64_t *us)
{
    struct str rest;
    if (i->format == IMPORT_ONLINERETAIL)
        return invoice_time(entry, us);
    if (i->format == IMPORT_REES46)
        return clock_parse(str_cut(entry, ',', &rest), us);
    return member_time(entry, STR("\"timestamp\""), us) ||
           member_time(entry, STR("\"originalTimestamp\""), us) ||
           member_time(entry, STR("\"ts\""), us);
}
