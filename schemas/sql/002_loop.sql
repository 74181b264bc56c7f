-- SPDX-License-Identifier: Apache-2.0
-- loop - what was decided, what came of it and how it was delivered.
--
-- Tables as in 001: partitioned by the day (UTC) of `received`, deliveries by that of `started`.
-- (epoch, partition, "offset", index) are the intervention's position, in outcomes that of the
-- record of events which showed the outcome.

-- What policies decided to do, for those who are held out, too.
CREATE TABLE interventions (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    index int NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    event_id text,
    user_id text,
    type text,
    ts timestamptz,
    session_id text,
    of_import bigint NOT NULL,
    control bigint NOT NULL,
    intervention_id text,
    policy text,
    policy_version bigint NOT NULL,
    holdout boolean NOT NULL,
    propensity double precision,
    action text,
    priority text,
    channel text,
    webhook text,
    message text,
    expires timestamptz,
    window_s bigint NOT NULL
) PARTITION BY RANGE (received);
CREATE INDEX interventions_time ON interventions USING brin (received, ts) WITH (autosummarize = on);

-- What came of each of them, once it is known.
CREATE TABLE outcomes (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    index int NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    user_id text,
    of_import bigint NOT NULL,
    intervention_id text,
    policy text,
    policy_version bigint NOT NULL,
    holdout boolean NOT NULL,
    result text,
    value double precision,
    currency text,
    order_id text,
    event_id text,
    type text,
    ts timestamptz,
    fired timestamptz
) PARTITION BY RANGE (received);
CREATE INDEX outcomes_time ON outcomes USING brin (received, ts) WITH (autosummarize = on);
CREATE INDEX outcomes_intervention ON outcomes (intervention_id);

-- One row for each attempt to deliver one, in no order.
CREATE TABLE deliveries (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    index int NOT NULL,
    started timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    intervention_id text,
    policy text,
    attempt bigint NOT NULL,
    webhook text,
    result text,
    status bigint NOT NULL,
    took_ms bigint NOT NULL,
    detail text,
    next timestamptz
) PARTITION BY RANGE (started);
CREATE INDEX deliveries_time ON deliveries USING brin (started) WITH (autosummarize = on);
CREATE INDEX deliveries_intervention ON deliveries (intervention_id);

-- Each intervention with what came of it: its outcome (NULL = open), how often it was tried and
-- how that ended (NULL = not yet, or no webhook).
CREATE VIEW interventions_with_outcome AS
SELECT i.*, o.result, o.value, o.currency, o.order_id, o.received AS outcome_received,
       o.event_id AS outcome_event_id, o.type AS outcome_type, o.ts AS outcome_ts,
       d.attempts, d.delivery
FROM interventions i
LEFT JOIN outcomes o ON o.intervention_id = i.intervention_id
LEFT JOIN (SELECT intervention_id, count(DISTINCT attempt) FILTER (WHERE attempt > 0) AS attempts,
                  max(result) FILTER (WHERE result <> 'retry') AS delivery
           FROM deliveries GROUP BY intervention_id) d ON d.intervention_id = i.intervention_id;

-- The clock of the partition of events, by which outcomes are decided. Predictions hold no vector:
-- it is in features.
ALTER TABLE features ADD COLUMN clock timestamptz;
ALTER TABLE predictions ADD COLUMN clock timestamptz;

-- As in 001, for the new tables, too. Their partitions of days that have the others already are
-- made when the function is called for that day again.
CREATE OR REPLACE FUNCTION archive_ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(4707182563418);
    FOREACH parent IN ARRAY ARRAY['events_all', 'repeats', 'features', 'sessions', 'predictions',
                                  'rejected', 'interventions', 'outcomes', 'deliveries'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', child, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent, child, day::timestamp AT TIME ZONE 'UTC',
                       (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END
$$;
