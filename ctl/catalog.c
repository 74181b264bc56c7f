/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/catalog.h"
#include "ctl/sweep.h"

#include "common/base/buf.h"
#include "common/wire/record.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MODEL_BYTES = 64 << 20 };

static struct catalog_model *model_place(struct catalog *c, const struct manifest *m)
{
    for (size_t i = 0; i < c->n_models; i++)
        if (str_eq(c->models[i].name, m->name) && c->models[i].version == m->version)
            return &c->models[i]; /* the later manifest stands */
    c->models = mem_grow(c->models, (c->n_models + 1) * sizeof *c->models);
    return &c->models[c->n_models++];
}

static void use_manifest(void *to, const struct tail_message *r)
{
    struct catalog *c = to;
    struct manifest m;
    if (manifest_read(&m, r->value.at, r->value.len) || m.sha256.len != SHA256_LEN)
        return; /* a chunk, or nothing we could promote */
    struct catalog_model *model = model_place(c, &m);
    *model = (struct catalog_model){
        .name = arena_str(&c->arena, m.name),
        .kind = arena_str(&c->arena, m.kind),
        .metrics = arena_str(&c->arena, m.metrics),
        .version = m.version,
        .bytes = m.bytes,
        .n_chunks = m.chunks,
        .trained_us = m.trained_us,
    };
    memcpy(model->sha256.bytes, m.sha256.at, SHA256_LEN);
}

static void use_control(void *to, const struct tail_message *r)
{
    struct catalog *c = to;
    struct control control;
    if (control_read(&control, r->value.at, r->value.len) || !str_is(control.what, "model"))
        return;
    c->activations = mem_grow(c->activations, (c->n_activations + 1) * sizeof *c->activations);
    c->activations[c->n_activations++] = (struct catalog_activation){
        .name = arena_str(&c->arena, control.name),
        .kind = arena_str(&c->arena, control.kind),
        .version = control.version,
        .offset = r->offset,
    };
}

static int models_order(const void *a, const void *b)
{
    const struct catalog_model *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : (x->version > y->version) - (x->version < y->version);
}

bool catalog_read(struct catalog *c, const struct config *config, struct err *e)
{
    *c = (struct catalog){0};
    if (!sweep_topic(config, TOPIC_models, use_manifest, c, e) ||
        !sweep_topic(config, TOPIC_control, use_control, c, e)) {
        catalog_fini(c);
        return false;
    }
    if (c->n_models > 0)
        qsort(c->models, c->n_models, sizeof *c->models, models_order);
    return true;
}

void catalog_fini(struct catalog *c)
{
    free(c->models);
    free(c->activations);
    arena_fini(&c->arena);
    *c = (struct catalog){0};
}

const struct catalog_model *catalog_find(const struct catalog *c, struct str name,
                                         uint64_t version)
{
    const struct catalog_model *found = NULL;
    for (size_t i = 0; i < c->n_models; i++)
        if (str_eq(c->models[i].name, name) && (!version || c->models[i].version == version))
            found = &c->models[i];
    return found;
}

const struct catalog_activation *catalog_active(const struct catalog *c, struct str kind)
{
    for (size_t i = c->n_activations; i > 0; i--)
        if (str_eq(c->activations[i - 1].kind, kind))
            return &c->activations[i - 1];
    return NULL;
}

bool catalog_is_active(const struct catalog *c, const struct catalog_model *m)
{
    const struct catalog_activation *a = catalog_active(c, m->kind);
    return a && str_eq(a->name, m->name) && a->version == m->version;
}

/* The chunks of one version, put together. */
struct whole {
    const struct catalog_model *model;
    struct str *pieces;
    struct arena arena;
};

static void use_chunk(void *to, const struct tail_message *r)
{
    struct whole *w = to;
    struct chunk c;
    if (chunk_read(&c, r->value.at, r->value.len) || !str_eq(c.name, w->model->name) ||
        c.version != w->model->version || c.chunk >= w->model->n_chunks)
        return;
    w->pieces[c.chunk] = arena_str(&w->arena, c.bytes);
}

static bool whole_check(const struct whole *w, struct err *e)
{
    const struct catalog_model *m = w->model;
    struct buf bytes = {0};
    struct sha256 digest;
    for (size_t i = 0; i < m->n_chunks; i++) {
        if (w->pieces[i].len == 0) {
            buf_fini(&bytes);
            return err_set(e, 0,
                           "%.*s %" PRIu64 " is not whole: chunk %zu of %" PRIu64 " is missing",
                           STR_ARGS(m->name), m->version, i, m->n_chunks);
        }
        buf_str(&bytes, w->pieces[i]);
    }
    hash_sha256(bytes.at, bytes.len, &digest);
    bool is_good = bytes.len == m->bytes && memcmp(&digest, &m->sha256, sizeof digest) == 0;
    buf_fini(&bytes);
    return is_good || err_set(e, 0,
                              "%.*s %" PRIu64 " is damaged: its chunks are not what the "
                              "manifest says",
                              STR_ARGS(m->name), m->version);
}

bool catalog_verify(const struct config *config, const struct catalog_model *m, struct err *e)
{
    if (m->bytes > MODEL_BYTES || m->n_chunks == 0 || m->n_chunks > MODEL_BYTES / 1024)
        return err_set(e, 0, "the manifest of %.*s %" PRIu64 " is out of bounds",
                       STR_ARGS(m->name), m->version);
    struct whole w = {.model = m, .pieces = mem_zero(m->n_chunks, sizeof *w.pieces)};
    bool is_good = sweep_topic(config, TOPIC_models, use_chunk, &w, e) && whole_check(&w, e);
    arena_fini(&w.arena);
    free(w.pieces);
    return is_good;
}
