/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/geo.h"

#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/base/rng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Networks looked up of late are kept, by their hash: 10 ns against 715 (collector_bench). */
enum { KEPT = 4096, NETWORK_MAX = 24 };

struct kept {
    char network[NETWORK_MAX]; /* with its terminator */
    size_t len;                /* of it; 0 = none */
    bool is_found;
    struct geo_place place;
};

/* By which a change of the file shows. */
struct trace {
    bool is_there;
    struct timespec changed;
    off_t size;
    ino_t inode;
    dev_t device;
};

struct geo {
    char *path;
    MMDB_s database;
    struct trace trace;
    int64_t due_us; /* of the next look at the file */
    struct kept *kept;
};

static struct trace trace_of(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return (struct trace){0};
    return (struct trace){true, s.st_mtim, s.st_size, s.st_ino, s.st_dev};
}

static bool is_same(const struct trace *a, const struct trace *b)
{
    return a->is_there == b->is_there && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec && a->size == b->size &&
           a->inode == b->inode && a->device == b->device;
}

static bool config_error(struct err *e, int errnum, const char *what)
{
    (void)err_set(e, errnum, "%s", what);
    e->code = EXIT_CODE_CONFIG;
    return false;
}

/* Copies all of a file; errno tells why not. */
static bool copy_all(int from, int to)
{
    enum { STEP = 1 << 30 };
    ssize_t n;
    do
        n = sendfile(to, from, NULL, STEP);
    while (n > 0);
    return n == 0;
}

/* Descriptor of a copy in memory, or -1. */
static int copy_of(const char *path, struct err *e)
{
    auto_close int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        (void)config_error(e, errno, "it cannot be opened");
        return -1;
    }
    int to = memfd_create("geoip", MFD_CLOEXEC);
    if (to >= 0 && copy_all(from, to))
        return to;
    (void)config_error(e, errno, "it cannot be read");
    if (to >= 0)
        (void)close(to);
    return -1;
}

/* Goes down the tree by these bits, past empty branches; whether all that it meets is sound. */
static bool is_way_sound(MMDB_s *m, uint64_t bits)
{
    enum { DEEPEST = 128 };
    uint32_t at = 0;
    for (int depth = 0; depth < DEEPEST; depth++) {
        MMDB_search_node_s node;
        if (MMDB_read_node(m, at, &node) != MMDB_SUCCESS)
            return false;
        bool is_right = bits >> depth % 64 & 1;
        if ((is_right ? node.right_record_type : node.left_record_type) ==
            MMDB_RECORD_TYPE_EMPTY)
            is_right = !is_right;
        uint8_t type = is_right ? node.right_record_type : node.left_record_type;
        at = (uint32_t)(is_right ? node.right_record : node.left_record);
        if (type == MMDB_RECORD_TYPE_DATA) {
            MMDB_entry_data_list_s *list = NULL;
            int status = MMDB_get_entry_data_list(
                is_right ? &node.right_record_entry : &node.left_record_entry, &list);
            MMDB_free_entry_data_list(list);
            return status == MMDB_SUCCESS;
        }
        if (type != MMDB_RECORD_TYPE_SEARCH_NODE)
            return type == MMDB_RECORD_TYPE_EMPTY;
    }
    return false;
}

/* Tries ways all over the tree: all of them would take seconds. */
static bool is_sound(MMDB_s *m)
{
    enum { TRIED = 2048 };
    struct rng r = {1};
    for (int i = 0; i < TRIED; i++)
        if (!is_way_sound(m, rng_u64(&r)))
            return false;
    return true;
}

static bool database_open(MMDB_s *m, const char *path, struct err *e)
{
    char copy[64];
    auto_close int fd = copy_of(path, e);
    if (fd < 0)
        return false;
    (void)snprintf(copy, sizeof copy, "/proc/self/fd/%d", fd);
    int status = MMDB_open(copy, MMDB_MODE_MMAP, m);
    if (status != MMDB_SUCCESS)
        return config_error(e, 0, MMDB_strerror(status));
    if (is_sound(m))
        return true;
    MMDB_close(m);
    return config_error(e, 0, "the database is damaged");
}

struct geo *geo_open(const char *path, struct err *e)
{
    struct geo *g = mem_zero(1, sizeof *g);
    g->path = mem_text(path);
    g->trace = trace_of(path);
    if (!database_open(&g->database, path, e)) {
        (void)err_prefix(e, "collector.geoip = %s", path);
        free(g->path);
        free(g);
        return NULL;
    }
    g->kept = mem_zero(KEPT, sizeof *g->kept);
    return g;
}

void geo_free(struct geo *g)
{
    if (!g)
        return;
    MMDB_close(&g->database);
    free(g->kept);
    free(g->path);
    free(g);
}

/* A text of the entry; what is none, or is not fit for an event, counts as absent. */
static struct str text_at(MMDB_entry_s *entry, const char *const *path)
{
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return (struct str){NULL, 0};
    struct str text = str_over(data.utf8_string, data.data_size);
    bool is_fit = text.len > 0 && text.len <= GEO_TEXT_MAX && str_is_utf8(text) &&
                  memchr(text.at, 0, text.len) == NULL;
    return is_fit ? text : (struct str){NULL, 0};
}

static bool is_place(const struct geo_place *p)
{
    return p->country.len > 0 || p->region.len > 0 || p->city.len > 0 || p->timezone.len > 0;
}

static bool look_up(struct geo *g, const char *network, struct geo_place *place)
{
    static const char *const country[] = {"country", "iso_code", NULL};
    static const char *const region[] = {"subdivisions", "0", "iso_code", NULL};
    static const char *const city[] = {"city", "names", "en", NULL};
    static const char *const timezone[] = {"location", "time_zone", NULL};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = (const struct sockaddr *)&v4;
    int status = MMDB_SUCCESS;
    *place = (struct geo_place){0};
    if (inet_pton(AF_INET, network, &v4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, network, &v6.sin6_addr) != 1)
            return false;
        address = (const struct sockaddr *)&v6;
    }
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&g->database, address, &status);
    if (status != MMDB_SUCCESS || !found.found_entry)
        return false;
    place->country = text_at(&found.entry, country);
    place->region = text_at(&found.entry, region);
    place->city = text_at(&found.entry, city);
    place->timezone = text_at(&found.entry, timezone);
    return is_place(place);
}

bool geo_find(struct geo *g, struct str network, struct geo_place *place)
{
    *place = (struct geo_place){0};
    if (network.len == 0 || network.len >= NETWORK_MAX)
        return false;
    struct kept *k = &g->kept[hash64_str(network) % KEPT];
    if (!str_eq(network, str_over(k->network, k->len))) {
        memcpy(k->network, network.at, network.len);
        k->network[network.len] = '\0';
        k->len = network.len;
        k->is_found = look_up(g, k->network, &k->place);
    }
    *place = k->place;
    return k->is_found;
}

enum geo_refreshed geo_refresh(struct geo *g, int64_t mono_us, struct err *e)
{
    MMDB_s fresh;
    if (mono_us < g->due_us)
        return GEO_SAME;
    g->due_us = mono_us + SECOND_US;
    struct trace now = trace_of(g->path);
    if (is_same(&now, &g->trace))
        return GEO_SAME;
    g->trace = now;
    if (!database_open(&fresh, g->path, e)) {
        (void)err_prefix(e, "collector.geoip = %s", g->path);
        return GEO_BAD;
    }
    MMDB_close(&g->database);
    g->database = fresh;
    memset(g->kept, 0, KEPT * sizeof *g->kept);
    return GEO_NEW;
}
