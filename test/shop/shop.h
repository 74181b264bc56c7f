/* SPDX-License-Identifier: Apache-2.0 */
/* shop - the simulated shop: an open population of visitors with hidden types, and what they
 * do.
 *
 * Somebody arrives (shop_arrive, at a time the caller chooses), and shop_take yields the events
 * of all open sessions in order of time. A session's course is drawn when it opens, from a
 * stream of its own, so that nothing depends on how often or how fast the caller asks. Keeps
 * the visitors, those that may come again, and the open sessions. No clock, no Kafka, no files.
 */
#ifndef AUSPEX_SHOP_SHOP_H
#define AUSPEX_SHOP_SHOP_H

#include "common/base/clock.h"
#include "test/shop/catalogue.h"
#include "test/shop/habits.h"

/* Within a session two events are at most SHOP_GAP_MAX_US apart, and it is never longer than
 * SHOP_SESSION_MAX_US; between two sessions of a visitor lie at least SHOP_IDLE_MIN_US. */
#define SHOP_GAP_MAX_US     (8 * MINUTE_US)
#define SHOP_SESSION_MAX_US (75 * MINUTE_US)
#define SHOP_IDLE_MIN_US    (40 * MINUTE_US)

struct visitor {
    uint32_t number; /* 0, 1, 2 … in order of their first session */
    uint32_t n_sessions;
    enum visitor_type type;
    enum account account;
    enum device device;
    unsigned agent;    /* index of the user agent, within its device */
    unsigned locale;   /* index */
    unsigned category; /* the one looked at most often */
    uint64_t id[2];    /* random bits of the anonymous id */
    int64_t idle_from_us;
};

struct line {
    uint16_t product; /* number */
    uint16_t quantity;
};

struct step {
    enum action action;
    struct state after;
    int64_t ts_us;
    uint16_t product;  /* viewed, added, removed … or last looked at */
    uint16_t category; /* of the listing or product in sight */
    uint16_t amount;   /* quantity, depth in percent, results, code … by action */
    uint16_t n_lines;  /* what the cart, or the order, holds: CART_MAX at most */
    struct line lines[CART_MAX];
    double converts; /* hidden P(conversion strictly later in this session) */
};

struct session {
    uint64_t number;        /* unique and rising, in order of arrival */
    struct visitor visitor; /* as it was when the session began */
    enum source source;
    unsigned campaign; /* index, for sources that have one */
    uint64_t salt;     /* of the seed and shop_salt: ids are made of it, number and index */
    size_t n, next;    /* steps; those before `next` were taken */
    struct step *steps;
    bool is_moved; /* by an offer: the rest of the course leads to a purchase */
};

/* What somebody is given, or is held out from, in the middle of a session. */
struct offer {
    uint64_t salt; /* of its own: what it does is drawn from the shop's seed and this */
    double effect; /* P(it moves somebody who would not convert any more) */
    bool is_held;  /* held out: moves nobody, but the truth is told */
};

/* The hidden truth about an offer. */
struct offered {
    bool is_reached; /* still there: neither gone nor between two sessions */
    bool is_moved;   /* would not have converted, and now will */
    /* P(conversion in the rest of the session), without the offer and with it, as the shop
     * knows it by type, state and that the visitor is still there; 0 and 0 for who has left */
    double p_without, p_with;
};

struct shop_options {
    uint64_t seed;
    double returning;      /* P(an arrival is somebody who was here before), if there is one */
    uint32_t max_visitors; /* 0 = unbounded; then `returning` is 1, and all come back */
    int64_t idle_min_us;   /* at least SHOP_IDLE_MIN_US */
};

struct shop;

MUST_USE struct shop *shop_new(const struct shop_options *o);
void shop_free(struct shop *s);
/* Later sessions get ids, and a course, of their own for this `salt`: so that a shop started
 * twice over the same past does not tell two different stories under the same ids. 0 at start.
 */
void shop_salt(struct shop *s, uint64_t salt);

/* Somebody comes at `at_us`; sessions must arrive in order of time, also against shop_take. No
 * event will be later than `last_us`: a session that would be starts earlier instead. Think
 * times are divided by `speed`. False when nobody can come: a bounded population is busy. */
bool shop_arrive(struct shop *s, int64_t at_us, int64_t last_us, double speed);
/* When the next event of an open session is due; false when none is open. */
bool shop_due(const struct shop *s, int64_t *due_us);
/* Takes the event that is due next: session->steps[session->next - 1]. The session is valid
 * until the next call of shop_take; it is over when next == n. NULL when none is open. */
const struct session *shop_take(struct shop *s);
/* Calls `each` for every open session, in no order a caller may rely on. */
void shop_each_open(const struct shop *s, void (*each)(const struct session *, void *),
                    void *context);

/* Gives a visitor an offer at `at_us`, not before what was taken last. Who is in an open
 * session of which something was taken, and would not convert in its rest, does with
 * probability o->effect: the rest becomes a short way to a purchase. All others stay as they
 * are. The same for the same seed, course and salt. Think times are divided by `speed`. */
struct offered shop_offer(struct shop *s, uint32_t visitor, const struct offer *o,
                          int64_t at_us, double speed);

/* Whether a conversion stands among steps [i + 1, n_sent): what in fact happened. */
bool session_converts_later(const struct session *s, size_t i, size_t n_sent);

/* Since shop_new: sessions begun, and how many events these have. */
uint64_t shop_n_sessions(const struct shop *s);
uint64_t shop_n_events(const struct shop *s);
uint32_t shop_n_visitors(const struct shop *s);
const struct product *shop_products(const struct shop *s);
const struct chain *shop_chain(const struct shop *s);

#endif
