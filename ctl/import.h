/* SPDX-License-Identifier: Apache-2.0 */
/* import - a file as entries under an import id, which depends on its bytes, site, format and
 * mapping alone. An entry is a line; of onlineretail it is an invoice: its lines with '\n'
 * between. Lines of csv, crm, ad_spend, weblog and ga4 are given as the JSON of an event. */
#ifndef AUSPEX_CTL_IMPORT_H
#define AUSPEX_CTL_IMPORT_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/str.h"

struct invoices;
struct mapping;
struct ga4_export;

/* A longer line is sent as its first bytes; collector refuses it as too large all the same. */
enum { IMPORT_LINE_MAX = 900 * 1024 };

enum import_format {
    IMPORT_NDJSON,
    IMPORT_REES46,
    IMPORT_ONLINERETAIL,
    IMPORT_CSV,
    IMPORT_CRM,
    IMPORT_AD_SPEND,
    IMPORT_WEBLOG,
    IMPORT_GA4,
    IMPORT_FORMATS
};
extern const char *const import_formats[IMPORT_FORMATS];
extern const char *const import_entries[IMPORT_FORMATS]; /* what people call its entries */

struct import {
    const char *path;
    enum import_format format;
    uint64_t id, site_id;
    uint64_t bytes, bytes_read; /* of the file; up to the end of the last line read */
    uint64_t lines;             /* number of the last line read, from 1 */
    uint64_t number;            /* of the first line of the entry given last; only rises */
    struct invoices *invoices;  /* of onlineretail, else NULL */
    struct mapping *mapping;    /* of csv, crm and ad_spend */
    struct ga4_export *ga4;     /* of ga4 */
    struct buf json;            /* the entry given last, where it is made */
    bool is_unfit;              /* that entry is a line as it stands: not as the format says */
    int fd;
    int64_t changed_ns; /* of the file, when it was opened */
    char *buffer;
    size_t from, to; /* what is left in the buffer */
    bool is_at_end, is_in_long_line;
};

/* Reads the whole file once for its digest. Fails for what is no regular file (a digest first
 * and lines after it need one), for compressed ones, and for a wrong header. `mapping` is the
 * path of a mapping's file (mapping.h): of csv it must be told, of crm and ad_spend it may be,
 * of others it is NULL. */
MUST_USE bool import_open(struct import *i, const char *path, enum import_format format,
                          const char *mapping, uint64_t site_id, struct err *e);
void import_close(struct import *i);
/* The next entry, without blank lines, header and the ends of lines; valid until the next call.
 * At the end *entry is {NULL, 0}. Fails when the file cannot be read or is no longer the same.
 */
MUST_USE bool import_next(struct import *i, struct str *entry, struct err *e);
/* Event time that an entry tells of, for its pace only; false when none is found. */
bool import_time(const struct import *i, struct str entry, int64_t *us);
/* The format that collector is told for the entry given last. */
const char *import_entry_format(const struct import *i);

/* First 8 bytes, big-endian, of the SHA-256 over the file's SHA-256 (32 bytes), the site (8
 * bytes, big-endian), the name of the format and the mapping's text. Never 0. */
struct sha256;
uint64_t import_id(const struct sha256 *file, uint64_t site_id, enum import_format format,
                   struct str mapping);

#endif
