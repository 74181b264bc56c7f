/* SPDX-License-Identifier: Apache-2.0 */
#include "scorer/registry.h"

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/model/model.h"
#include "common/wire/feature.h"
#include "common/wire/record.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NAME = 65, CHUNK_MAX = 256 * 1024, ACTIVATIONS_FIRST = 16 };

struct version {
    char name[NAME];
    uint64_t number, touched; /* touched: order of the last record about it */
    bool has_manifest, is_bad;
    struct sha256 sha256;
    uint64_t bytes, n_chunks, n_got;
    struct str *chunks; /* n_cap of them, each its own copy; empty = lacking */
    size_t n_cap;
    struct model *model;
};

struct activation {
    uint64_t offset, version;
    struct sha256 sha256;
    char kind[NAME], name[NAME];
};

/* From the record behind `offset` on, until the next. */
struct wanting {
    uint64_t offset;
    bool is_wanted;
};

struct registry {
    struct version versions[REGISTRY_VERSIONS];
    size_t n_versions;
    uint64_t touch;
    struct activation *activations; /* in the order of the log */
    size_t n_activations, cap_activations;
    uint64_t known;
    char (*wanting)[NAME]; /* policies that ask for features, as of `known` */
    size_t n_wanting, cap_wanting;
    struct wanting *wantings; /* where the answer changed, in the order of the log */
    size_t n_wantings, cap_wantings;
};

struct registry *registry_new(void)
{
    return mem_zero(1, sizeof(struct registry));
}

static void chunks_drop(struct version *v)
{
    for (size_t i = 0; i < v->n_cap; i++)
        free((void *)(uintptr_t)v->chunks[i].at);
    free(v->chunks);
    v->chunks = NULL;
    v->n_cap = 0;
}

static void version_fini(struct version *v)
{
    chunks_drop(v);
    model_free(v->model);
    *v = (struct version){0};
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_versions; i++)
        version_fini(&r->versions[i]);
    free(r->activations);
    free(r->wanting);
    free(r->wantings);
    free(r);
}

static bool name_copy(char to[NAME], struct str from)
{
    if (from.len == 0 || from.len >= NAME)
        return false;
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    return true;
}

static struct version *version_find(struct registry *r, const char *name, uint64_t number)
{
    for (size_t i = 0; i < r->n_versions; i++)
        if (r->versions[i].number == number && strcmp(r->versions[i].name, name) == 0)
            return &r->versions[i];
    return NULL;
}

static bool is_activated(const struct registry *r, const struct version *v)
{
    for (size_t i = 0; i < r->n_activations; i++)
        if (r->activations[i].version == v->number &&
            strcmp(r->activations[i].name, v->name) == 0)
            return true;
    return false;
}

/* The place for a new version: a free one, or that of the one longest untouched; those that
 * were once activated go last, since a rollback may want them. */
static struct version *version_place(struct registry *r)
{
    if (r->n_versions < REGISTRY_VERSIONS)
        return &r->versions[r->n_versions++];
    struct version *oldest = NULL;
    bool is_kept = true;
    for (size_t i = 0; i < r->n_versions; i++) {
        struct version *v = &r->versions[i];
        bool kept = is_activated(r, v);
        if (!oldest || (is_kept && !kept) ||
            (kept == is_kept && v->touched < oldest->touched)) {
            oldest = v;
            is_kept = kept;
        }
    }
    version_fini(oldest);
    return oldest;
}

static struct version *version_touch(struct registry *r, struct str name, uint64_t number,
                                     struct err *e)
{
    char text[NAME];
    if (!name_copy(text, name) || number == 0) {
        err_set(e, 0, "a model without name or version");
        return NULL;
    }
    struct version *v = version_find(r, text, number);
    if (!v) {
        v = version_place(r);
        memcpy(v->name, text, sizeof text);
        v->number = number;
    }
    v->touched = ++r->touch;
    return v;
}

static void chunks_reserve(struct version *v, size_t n)
{
    if (n <= v->n_cap)
        return;
    v->chunks = mem_grow(v->chunks, n * sizeof *v->chunks);
    memset(v->chunks + v->n_cap, 0, (n - v->n_cap) * sizeof *v->chunks);
    v->n_cap = n;
}

bool registry_manifest(struct registry *r, const struct manifest *m, struct err *e)
{
    if (m->sha256.len != SHA256_LEN || m->bytes > REGISTRY_MODEL_MAX || m->chunks == 0 ||
        m->chunks > m->bytes || m->bytes > m->chunks * CHUNK_MAX)
        return err_set(e, 0, "manifest of %.*s %" PRIu64 " is out of bounds", STR_ARGS(m->name),
                       m->version);
    struct version *v = version_touch(r, m->name, m->version, e);
    if (!v)
        return false;
    if (v->has_manifest && memcmp(v->sha256.bytes, m->sha256.at, SHA256_LEN) != 0)
        return err_set(e, 0, "%s %" PRIu64 " was published before with other bytes", v->name,
                       v->number);
    memcpy(v->sha256.bytes, m->sha256.at, SHA256_LEN);
    v->bytes = m->bytes;
    v->n_chunks = m->chunks;
    v->has_manifest = true;
    return true;
}

bool registry_chunk(struct registry *r, const struct chunk *c, struct err *e)
{
    if (c->chunk >= REGISTRY_MODEL_MAX / CHUNK_MAX || c->bytes.len == 0 ||
        c->bytes.len > CHUNK_MAX)
        return err_set(e, 0, "chunk %" PRIu64 " of %.*s is out of bounds", c->chunk,
                       STR_ARGS(c->name));
    struct version *v = version_touch(r, c->name, c->version, e);
    if (!v)
        return false;
    if (v->model || v->is_bad)
        return true; /* what was whole does not change */
    chunks_reserve(v, c->chunk + 1);
    struct str *place = &v->chunks[c->chunk];
    if (place->len > 0)
        return str_eq(*place, c->bytes) ||
               err_set(e, 0, "chunk %" PRIu64 " of %s %" PRIu64 " came before with other bytes",
                       c->chunk, v->name, v->number);
    char *copy = mem_new(c->bytes.len);
    memcpy(copy, c->bytes.at, c->bytes.len);
    *place = str_over(copy, c->bytes.len);
    v->n_got++;
    return true;
}

/* Keeps which policies ask for features; one that is set again says so again. */
static void wanting_set(struct registry *r, const char name[NAME], bool wants)
{
    size_t i = 0;
    while (i < r->n_wanting && strcmp(r->wanting[i], name) != 0)
        i++;
    if (!wants && i < r->n_wanting) {
        memmove(r->wanting[i], r->wanting[--r->n_wanting], NAME);
    } else if (wants && i == r->n_wanting) {
        if (r->n_wanting == r->cap_wanting) {
            r->cap_wanting = MAX(2 * r->cap_wanting, (size_t)ACTIVATIONS_FIRST);
            r->wanting = mem_grow(r->wanting, r->cap_wanting * sizeof *r->wanting);
        }
        memcpy(r->wanting[r->n_wanting++], name, NAME);
    }
}

static void control_policy(struct registry *r, const struct control *c, uint64_t offset)
{
    char name[NAME];
    bool was_wanted = r->n_wanting > 0;
    if (!name_copy(name, c->name))
        return;
    wanting_set(r, name, c->version != 0 && c->wants_features);
    if (was_wanted == (r->n_wanting > 0))
        return;
    if (r->n_wantings == r->cap_wantings) {
        r->cap_wantings = MAX(2 * r->cap_wantings, (size_t)ACTIVATIONS_FIRST);
        r->wantings = mem_grow(r->wantings, r->cap_wantings * sizeof *r->wantings);
    }
    r->wantings[r->n_wantings++] = (struct wanting){offset, !was_wanted};
}

bool registry_wants_features(const struct registry *r, uint64_t control)
{
    size_t i = r->n_wantings;
    while (i > 0 && r->wantings[i - 1].offset >= control)
        i--;
    return i > 0 && r->wantings[i - 1].is_wanted;
}

static void control_model(struct registry *r, const struct control *c, uint64_t offset)
{
    struct activation a = {.offset = offset, .version = c->version};
    if (!name_copy(a.kind, c->kind) || !name_copy(a.name, c->name))
        return;
    if (c->sha256.len == SHA256_LEN)
        memcpy(a.sha256.bytes, c->sha256.at, SHA256_LEN);
    if (r->n_activations == r->cap_activations) {
        r->cap_activations = MAX(2 * r->cap_activations, (size_t)ACTIVATIONS_FIRST);
        r->activations = mem_grow(r->activations, r->cap_activations * sizeof *r->activations);
    }
    r->activations[r->n_activations++] = a;
}

void registry_control(struct registry *r, const struct control *c, uint64_t offset)
{
    if (offset < r->known)
        return;
    r->known = offset + 1;
    if (str_is(c->what, "model"))
        control_model(r, c, offset);
    else if (str_is(c->what, "policy"))
        control_policy(r, c, offset);
}

uint64_t registry_known(const struct registry *r)
{
    return r->known;
}

static bool bytes_join(const struct version *v, struct buf *out, struct err *e)
{
    for (uint64_t i = 0; i < v->n_chunks; i++) {
        if (i >= v->n_cap || v->chunks[i].len == 0)
            return err_set(e, 0, "%s %" PRIu64 " lacks chunk %" PRIu64 " of %" PRIu64, v->name,
                           v->number, i, v->n_chunks);
        buf_str(out, v->chunks[i]);
    }
    struct sha256 sum;
    hash_sha256(out->at, out->len, &sum);
    if (out->len != v->bytes || memcmp(&sum, &v->sha256, sizeof sum) != 0)
        return err_set(e, 0, "%s %" PRIu64 " has not the digest its manifest names", v->name,
                       v->number);
    return true;
}

static bool knows_our_features(const struct model *m, struct err *e)
{
    const struct container_head *h = model_head(m);
    return (h->n_features <= FEATURES_N && h->features_hash == features_hash(h->n_features)) ||
           err_set(e, 0, "%s was trained on other features than this program knows", h->name);
}

/* A version whose bytes are whole but wrong stays bad: they cannot change. */
static struct model *version_model(struct version *v, struct err *e)
{
    struct buf bytes = {0};
    if (v->model)
        return v->model;
    if (v->is_bad) {
        err_set(e, 0, "%s %" PRIu64 " cannot be used", v->name, v->number);
        return NULL;
    }
    if (!v->has_manifest || v->n_got < v->n_chunks) {
        err_set(e, 0, "%s %" PRIu64 " is not whole yet", v->name, v->number);
        return NULL;
    }
    if (bytes_join(v, &bytes, e))
        v->model = model_load(bytes.at, bytes.len, e);
    if (v->model && !knows_our_features(v->model, e)) {
        model_free(v->model);
        v->model = NULL;
    }
    v->is_bad = !v->model;
    buf_fini(&bytes);
    chunks_drop(v);
    return v->model;
}

static struct model *activation_model(struct registry *r, const struct activation *a,
                                      struct err *e)
{
    struct version *v = version_find(r, a->name, a->version);
    if (!v) {
        err_set(e, 0, "%s %" PRIu64 " is not on the topic", a->name, a->version);
        return NULL;
    }
    struct model *m = version_model(v, e);
    if (m && memcmp(&v->sha256, &a->sha256, sizeof v->sha256) != 0) {
        err_set(e, 0, "%s %" PRIu64 " is not the one that was activated", a->name, a->version);
        return NULL;
    }
    return m;
}

/* The newest activation of the kind before the place that can be loaded. */
static void serve(struct registry *r, size_t before, struct serving *s, struct err *why)
{
    struct err unused = {0};
    for (size_t i = before; i-- > 0 && !s->model;) {
        const struct activation *a = &r->activations[i];
        if (!str_is(s->kind, a->kind))
            continue;
        bool is_wanted = s->wanted == 0 && s->name.len == 0;
        if (is_wanted) {
            s->wanted = a->version;
            s->wanted_name = s->name = str_of(a->name);
            if (a->version == 0)
                return; /* switched off */
        }
        if (a->version == 0)
            continue;
        s->model = activation_model(r, a, is_wanted ? why : &unused);
        s->version = a->version;
        if (s->model)
            s->name = str_of(a->name);
    }
}

size_t registry_serving(struct registry *r, uint64_t control,
                        struct serving out[REGISTRY_KINDS], struct err *why)
{
    size_t n = 0, before = 0;
    while (before < r->n_activations && r->activations[before].offset < control)
        before++;
    for (size_t i = 0; i < before; i++) {
        size_t k = 0;
        while (k < n && !str_is(out[k].kind, r->activations[i].kind))
            k++;
        if (k == n && n < REGISTRY_KINDS)
            out[n++] = (struct serving){.kind = str_of(r->activations[i].kind)};
    }
    for (size_t k = 0; k < n; k++)
        serve(r, before, &out[k], why);
    return n;
}
