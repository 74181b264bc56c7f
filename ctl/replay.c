/* SPDX-License-Identifier: Apache-2.0 */
/* replay - sends the entries of a file to `imports`, as far ahead as pace allows, then says
 * what became of them.
 *
 * Nothing is kept here: where a broken-off import goes on is read from `imports` itself. */
#include "ctl/ctl.h"
#include "ctl/import.h"
#include "ctl/pace.h"
#include "ctl/progress.h"
#include "ctl/tally.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/publish.h"
#include "common/bus/tail.h"
#include "common/wire/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCAN_MS = 30000, FLUSH_MS = 60000, NAP_US = 5000, STALL_S = 120, WAITS_US = 3000000 };

struct replay {
    const struct config *config;
    struct import import;
    struct publisher *publisher;
    struct pace pace;
    struct progress progress;
    char topic[TOPIC_NAME];
    struct buf record;
    double speed;                     /* event time over real time; 0 = as fast as it goes */
    uint64_t behind;                  /* entries up to this one stand in `imports` already */
    bool is_complete;                 /* and so does the end */
    uint64_t entries;                 /* of the file, so far */
    uint64_t sent, sent_asked;        /* in all; when pace was asked last */
    int64_t began_us, first_event_us; /* monotonic; event time that it stands for */
};

/* What of this import stands in `imports`. */
static bool earlier_find(struct replay *r, struct err *e)
{
    struct tail *t = tail_open(r->config, r->topic, -1, TAIL_BEGINNING, e);
    if (!t)
        return false;
    struct tail_message m;
    enum tail_step step = TAIL_FAILED;
    while (!ctl_is_interrupted() && (step = tail_next(t, &m, SCAN_MS, e)) == TAIL_RECORD) {
        struct position p;
        if (position_read(&p, m.value.at, m.value.len) || p.import_id != r->import.id)
            continue;
        r->is_complete |= p.rec == REC_import_end;
        if (p.rec == REC_import_line)
            r->behind = MAX(r->behind, p.offset);
    }
    tail_free(t);
    if (ctl_is_interrupted())
        return err_code(e, EXIT_CODE_AGAIN, "interrupted; nothing was sent");
    if (step == TAIL_IDLE)
        (void)err_code(e, EXIT_CODE_GONE, "reading %s: nothing came within %d s", r->topic,
                       SCAN_MS / 1000);
    return step == TAIL_AT_END;
}

static bool record_send(struct replay *r, struct err *e)
{
    r->sent++;
    return publisher_send(r->publisher, r->topic, 0, (struct str){NULL, 0},
                          buf_as_str(&r->record), false, e);
}

static bool line_send(struct replay *r, struct str line, struct err *e)
{
    struct import_line l;
    import_line_init(&l);
    l.epoch = 1;
    l.origin = ORIGIN_IMPORTS;
    l.offset = r->import.number;
    l.import_id = r->import.id;
    l.site_id = r->import.site_id;
    l.format = str_of(import_entry_format(&r->import));
    l.body = line;
    buf_reset(&r->record);
    import_line_pack(&r->record, &l);
    return record_send(r, e);
}

static bool end_send(struct replay *r, struct err *e)
{
    struct import_end end;
    import_end_init(&end);
    end.epoch = 1;
    end.origin = ORIGIN_IMPORTS;
    end.offset = r->import.lines + 1;
    end.import_id = r->import.id;
    end.of_import = r->import.id;
    end.site_id = r->import.site_id;
    end.lines = r->import.lines;
    buf_reset(&r->record);
    import_end_pack(&r->record, &end);
    return record_send(r, e);
}

static void progress_tell(struct replay *r)
{
    double elapsed_s = (double)(clock_mono_us() - r->began_us) * 1e-6;
    double share = r->import.bytes ? (double)r->import.bytes_read / (double)r->import.bytes : 1;
    double rate = elapsed_s > 0.1 ? (double)r->sent / elapsed_s : 0;
    double entries_left = share > 0 ? (double)r->entries / share * (1 - share) : 0;
    char bar[21] = "....................";
    for (int i = 0; i < (int)(share * 20) && i < 20; i++)
        bar[i] = '#';
    if (clock_mono_us() - r->pace.alive_us > WAITS_US && r->pace.ahead >= r->pace.window)
        progress_show(&r->progress,
                      "waits for collector and featurizer, which do not go on; %" PRIu64
                      " ahead",
                      r->pace.ahead);
    progress_show(&r->progress,
                  "[%s] %3.0f %%  line %" PRIu64 "  %.0f %s/s  %" PRIu64 " ahead  %.0f s left",
                  bar, 100 * share, r->import.lines, rate, import_entries[r->import.format],
                  r->pace.ahead, rate > 0 ? entries_left / rate : 0);
}

static bool stall_check(struct replay *r, struct err *e)
{
    int64_t now_us = clock_mono_us();
    if (now_us - r->pace.alive_us < STALL_S * SECOND_US)
        return true;
    return err_code(e, EXIT_CODE_AGAIN,
                    "neither collector nor featurizer has gone on for %d s (`auspexctl status` "
                    "tells more); the same command goes on from where this one ended",
                    STALL_S);
}

/* Waits while too much is ahead, or while it is too early for a line of this event time. False
 * when interrupted or stalled. */
static bool turn_wait(struct replay *r, int64_t due_us, struct err *e)
{
    while (!ctl_is_interrupted()) {
        int64_t now_us = clock_mono_us();
        int64_t asked_us = r->pace.asked_us;
        pace_ask(&r->pace, now_us);
        if (r->pace.asked_us != asked_us)
            r->sent_asked = publisher_acked(r->publisher);
        uint64_t ahead = r->pace.ahead + (r->sent - r->sent_asked);
        progress_tell(r);
        if (now_us >= due_us && ahead < r->pace.window)
            return true;
        if (now_us >= due_us && !stall_check(r, e))
            return false;
        if (!publisher_flush(r->publisher, 0, e) && !e->retry)
            return false; /* serves deliveries, and tells when one has failed */
        *e = (struct err){0};
        (void)usleep(NAP_US);
    }
    return err_code(e, EXIT_CODE_AGAIN,
                    "interrupted before line %" PRIu64 "; the same command goes on from there",
                    r->import.number);
}

/* When a line is due, on the monotonic clock. */
static int64_t due_of(struct replay *r, struct str line)
{
    int64_t event_us;
    if (r->speed <= 0 || !import_time(&r->import, line, &event_us))
        return 0;
    if (r->first_event_us == 0)
        r->first_event_us = event_us;
    return r->began_us + (int64_t)((double)(event_us - r->first_event_us) / r->speed);
}

static bool lines_send(struct replay *r, struct err *e)
{
    r->began_us = clock_mono_us();
    r->pace.alive_us = r->began_us;
    for (;;) {
        struct str line;
        if (!import_next(&r->import, &line, e))
            return false;
        if (!line.at)
            return end_send(r, e);
        r->entries++;
        if (r->import.number <= r->behind)
            continue;
        if (!turn_wait(r, due_of(r, line), e) || !line_send(r, line, e))
            return false;
    }
}

/* Until collector and featurizer are past all of it; offsets of featurizer are those of its
 * checkpoints, so nothing of it can come again differently. */
static bool through_wait(struct replay *r, int64_t end, struct err *e)
{
    int64_t *events_end = NULL;
    bool is_through = false;
    r->pace.alive_us = clock_mono_us();
    while (!(is_through = pace_is_through(&r->pace, end, &events_end))) {
        if (ctl_is_interrupted()) {
            (void)err_code(e, EXIT_CODE_AGAIN,
                           "interrupted; all lines are sent, the same command tells what came "
                           "of them");
            break;
        }
        if (!stall_check(r, e))
            break;
        pace_ask(&r->pace, clock_mono_us());
        progress_show(&r->progress, "all sent; %" PRIu64 " records to go", r->pace.ahead);
        (void)usleep(20000);
    }
    free(events_end);
    return is_through;
}

static bool file_send(struct replay *r, struct err *e)
{
    r->publisher = publisher_new(r->config, e);
    if (!r->publisher)
        return false;
    bool is_sent = lines_send(r, e);
    struct err flush = {0};
    if (publisher_flush(r->publisher, FLUSH_MS, &flush))
        return is_sent;
    if (is_sent)
        *e = flush;
    return false;
}

static void result_print(const struct replay *r, const struct tally *t)
{
    struct buf text = {0};
    tally_print(t, &text);
    (void)printf("%s\n", buf_cstr(&text));
    buf_fini(&text);
    if (r->sent > 0) {
        double took_s = (double)(clock_mono_us() - r->began_us) * 1e-6;
        (void)printf("%" PRIu64 " lines, %" PRIu64 " sent, in %.1f s\n", r->import.lines,
                     r->sent - 1, took_s);
    }
}

static void plan_print(const struct replay *r, bool is_resend)
{
    (void)printf("import %016" PRIx64 ": %s, %" PRIu64 " bytes, site %" PRIu64 ", %s\n",
                 r->import.id, r->import.path, r->import.bytes, r->import.site_id,
                 import_formats[r->import.format]);
    if (is_resend && r->behind > 0)
        (void)printf("sent before up to line %" PRIu64 "; sends all again\n", r->behind);
    else if (r->is_complete)
        (void)printf("imported before, as a whole; nothing is sent\n");
    else if (r->behind > 0)
        (void)printf("goes on behind line %" PRIu64 "\n", r->behind);
    (void)fflush(stdout);
}

static bool replay_do(struct replay *r, bool is_resend, struct err *e)
{
    struct tally_from from = {0};
    struct tally tally;
    if (!earlier_find(r, e) || !pace_open(&r->pace, r->config, e))
        return false;
    plan_print(r, is_resend);
    bool is_fresh = r->behind == 0 && !r->is_complete;
    if (is_resend) {
        r->behind = 0;
        r->is_complete = false;
    }
    /* of an import that is not new, results may stand anywhere: all is read */
    bool is_good = !is_fresh || tally_note(&from, r->config, e);
    is_good = is_good && (r->is_complete || file_send(r, e));
    int64_t end =
        r->publisher ? publisher_last_offset(r->publisher) + 1 : r->pace.imports.end[0];
    is_good = is_good && through_wait(r, end, e);
    progress_end(&r->progress);
    is_good = is_good && tally_count(&tally, r->config, r->import.id, &from, e);
    if (is_good)
        result_print(r, &tally);
    tally_from_fini(&from);
    return is_good;
}

static bool options_read(const struct ctl *c, struct replay *r, enum import_format *format,
                         uint64_t *site_id, struct err *e)
{
    const char *speed = ctl_value(c, "speed"), *word = ctl_value(c, "format");
    *format = 0;
    while (word && *format < IMPORT_FORMATS && strcmp(word, import_formats[*format]) != 0)
        ++*format;
    if (!word || *format == IMPORT_FORMATS)
        return err_code(
            e, EXIT_CODE_USAGE,
            "--format must be ndjson, csv, crm, ad_spend, weblog, ga4, rees46 or onlineretail");
    if (speed && strcmp(speed, "max") != 0 &&
        (!str_f64(str_of(speed), &r->speed) || r->speed <= 0))
        return err_code(e, EXIT_CODE_USAGE, "--speed must be max, or a number above 0");
    return ctl_number(c, "site", 1, 1, 2147483647, site_id, e);
}

static int replay_run(struct ctl *c, struct err *e)
{
    struct replay r = {.config = c->config, .import = {.fd = -1}};
    enum import_format format = IMPORT_NDJSON;
    uint64_t site_id = 1;
    if (!options_read(c, &r, &format, &site_id, e) ||
        !import_open(&r.import, c->operands[0], format, ctl_value(c, "mapping"), site_id, e))
        return err_exit(e);
    topic_name(c->config, TOPIC_imports, r.topic);
    progress_init(&r.progress);
    ctl_catch_signals();
    bool is_good = replay_do(&r, ctl_value(c, "resend") != NULL, e);
    progress_end(&r.progress);
    publisher_free(r.publisher);
    pace_close(&r.pace);
    import_close(&r.import);
    buf_fini(&r.record);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb replay_verbs[] = {
    {.name = "replay",
     .operands = "FILE",
     .summary = "imports a file of events, beside the live ones",
     .options = {{"format", "WORD",
                  "ndjson, csv, crm, ad_spend, weblog, ga4, rees46, onlineretail"},
                 {"mapping", "FILE", "of csv, crm, ad_spend: which column means what"},
                 {"site", "N", "site that the events belong to (1)"},
                 {"speed", "X|max", "event time times X, or as fast as it goes (max)"},
                 {"resend", NULL, "sends all again; what came before is dropped behind"}},
     .manual =
         "ndjson: one JSON event a line. csv: rows as a mapping says, whose lines are\n"
         "  MEMBER = COLUMN     userId, timestamp, properties.price, context.page.url ...; a\n"
         "                      column is a word or [in brackets], a constant \"in quotes\";\n"
         "                      several one behind the other are joined, | parts alternatives\n"
         "  PLACE.* = *         all other columns, by their names, as properties.* = *\n"
         "  type[VALUE] = NAME  what a value of the column of type means\n"
         "  comma = MEMBER ...  their numbers are written as 1.299,50\n"
         "  separator = ;       or tab; a comma unless told\n"
         "crm: customers, one a line (user_id, updated_at; the rest are traits). ad_spend: "
         "what\n"
         "advertisements cost (day, channel, amount, campaign, currency). weblog: the "
         "combined\n"
         "log of Apache and nginx. ga4: Google Analytics 4's BigQuery export as NDJSON. "
         "rees46:\n"
         "rows of REES46's CSV. onlineretail: the CSV of\n"
         "UCI's Online Retail, the lines of an invoice as one event: purchase, refund,\n"
         "stock_adjustment or bad_debt_adjustment; an invoice with a bad line is refused "
         "whole,\n"
         "and lines of one that stand 10,000 lines behind its first make one of their own.\n"
         "\n"
         "The import's id is made of the file's bytes, the site and the format: the same file\n"
         "a second time adds nothing, and one that was broken off goes on where it ended. It\n"
         "stays about a second of work ahead of collector and featurizer. At the end it waits\n"
         "for them and prints: accepted N, rejected N (reason n, ...), late N, repeats N.\n"
         "Blank lines count as lines and are passed over; a line over 900 KiB is sent cut and\n"
         "refused as too_large. Only regular, uncompressed files.\n"
         "Exit codes: 0 imported; 1 wrong header, or the file changed; 75 interrupted, or the\n"
         "programs do not go on.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = replay_run},
    {.name = NULL},
};
