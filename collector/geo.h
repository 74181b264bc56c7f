/* SPDX-License-Identifier: Apache-2.0 */
/* geo - where a network is, by a database in MaxMind's format, which is read again when its
 * file changes.
 *
 * The file is copied into memory as it is opened, so that nobody who writes over it can harm a
 * look-up; the new one is tried before the old one is let go. Opening 59 MB (1.36 million
 * networks, generated) took 46 ms of CPU; beside other work 75 to 156 ms passed, in which no
 * event is read. */
#ifndef AUSPEX_GEO_H
#define AUSPEX_GEO_H

#include "common/base/str.h"

struct err;
struct geo;

/* Each empty where it is not known; texts of the database, at most GEO_TEXT_MAX bytes. */
enum { GEO_TEXT_MAX = 128 };
struct geo_place {
    struct str country; /* ISO 3166 */
    struct str region;  /* the first part of ISO 3166-2 behind the country's */
    struct str city;    /* its English name */
    struct str timezone;
};

/* NULL, with EXIT_CODE_CONFIG, when there is no such file or it is no database. */
MUST_USE struct geo *geo_open(const char *path, struct err *e);
void geo_free(struct geo *g);

/* Where the network is that address_truncate has written; false when it is not known. The texts
 * are valid until geo_refresh. */
MUST_USE bool geo_find(struct geo *g, struct str network, struct geo_place *place);

enum geo_refreshed {
    GEO_SAME,
    GEO_NEW,
    GEO_BAD /* the file has changed and cannot be used: told once, and the old one goes on */
};
/* Looks at the file, at most once a second. */
enum geo_refreshed geo_refresh(struct geo *g, int64_t mono_us, struct err *e);

#endif
