/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/atoms.h"

#include <stdlib.h>

enum { BYTES = 256 };

struct state {
    int atom;      /* that ends here, or -1 */
    uint32_t back; /* the longest end of this text that begins an atom */
    uint32_t ends; /* the nearest state on the way back where an atom ends; 0 = none */
};

struct atoms {
    uint8_t kind_of[BYTES]; /* bytes that are in no atom share kind 0 */
    uint32_t n_kinds, n_states;
    struct state *states; /* 0 is the start */
    uint32_t *next;       /* [n_states][n_kinds] */
    uint32_t *turn_of;    /* [n_atoms] the look-up that found it last */
    uint32_t turn;
    size_t n;
};

static uint32_t *next_of(const struct atoms *a, uint32_t state, uint32_t kind)
{
    return &a->next[(size_t)state * a->n_kinds + kind];
}

static void plant(struct atoms *a, struct str text, int atom)
{
    uint32_t at = 0;
    CHECK(text.len > 0);
    for (size_t i = 0; i < text.len; i++) {
        uint32_t *next = next_of(a, at, a->kind_of[(uint8_t)text.at[i]]);
        if (*next == 0) {
            a->states[a->n_states].atom = -1;
            *next = a->n_states++;
        }
        at = *next;
    }
    CHECK(a->states[at].atom < 0);
    a->states[at].atom = atom;
}

/* Breadth first: fills in where to go on when no atom goes on, from shorter texts. */
static void link_back(struct atoms *a)
{
    uint32_t *queue = mem_new(a->n_states * sizeof *queue);
    size_t n_queued = 0;
    for (uint32_t kind = 0; kind < a->n_kinds; kind++)
        if (*next_of(a, 0, kind) != 0)
            queue[n_queued++] = *next_of(a, 0, kind);
    for (size_t i = 0; i < n_queued; i++) {
        uint32_t at = queue[i], back = a->states[at].back;
        a->states[at].ends = a->states[back].atom >= 0 ? back : a->states[back].ends;
        for (uint32_t kind = 0; kind < a->n_kinds; kind++) {
            uint32_t *next = next_of(a, at, kind), other = *next_of(a, back, kind);
            if (*next == 0) {
                *next = other;
                continue;
            }
            a->states[*next].back = other;
            queue[n_queued++] = *next;
        }
    }
    free(queue);
}

struct atoms *atoms_new(const struct str *texts, size_t n)
{
    struct atoms *a = mem_zero(1, sizeof *a);
    size_t most = 1;
    a->n = n;
    a->n_kinds = 1;
    for (size_t i = 0; i < n; i++) {
        most += texts[i].len;
        for (size_t k = 0; k < texts[i].len; k++) {
            uint8_t byte = (uint8_t)texts[i].at[k];
            if (a->kind_of[byte] == 0)
                a->kind_of[byte] = (uint8_t)a->n_kinds++;
            CHECK(a->n_kinds < BYTES);
        }
    }
    CHECK(most < UINT32_MAX);
    a->states = mem_zero(most, sizeof *a->states);
    a->next = mem_zero(most * a->n_kinds, sizeof *a->next);
    a->turn_of = mem_zero(n + 1, sizeof *a->turn_of);
    a->states[0].atom = -1;
    a->n_states = 1;
    for (size_t i = 0; i < n; i++)
        plant(a, texts[i], (int)i);
    link_back(a);
    a->next = mem_grow(a->next, (size_t)a->n_states * a->n_kinds * sizeof *a->next);
    return a;
}

void atoms_free(struct atoms *a)
{
    if (!a)
        return;
    free(a->states);
    free(a->next);
    free(a->turn_of);
    free(a);
}

/* A new look-up; its number stands in no atom. */
static void begin(struct atoms *a)
{
    if (++a->turn != 0)
        return;
    memset(a->turn_of, 0, a->n * sizeof *a->turn_of);
    a->turn = 1;
}

size_t atoms_find(struct atoms *a, struct str text, int *found)
{
    size_t n = 0;
    uint32_t at = 0;
    begin(a);
    for (size_t i = 0; i < text.len; i++) {
        at = *next_of(a, at, a->kind_of[(uint8_t)text.at[i]]);
        uint32_t end = a->states[at].atom >= 0 ? at : a->states[at].ends;
        for (; end != 0; end = a->states[end].ends) {
            int atom = a->states[end].atom;
            if (a->turn_of[atom] == a->turn)
                break; /* with it, all that end further back were found */
            a->turn_of[atom] = a->turn;
            found[n++] = atom;
        }
    }
    return n;
}
