-- SPDX-License-Identifier: Apache-2.0
-- catalogue - what all types of events say, and what vectors carry beside the features.
--
-- Columns are named and filled as in 001.

ALTER TABLE events_all ADD COLUMN ip text;
ALTER TABLE events_all ADD COLUMN referrer_domain text;
ALTER TABLE events_all ADD COLUMN utc_offset_min double precision;
ALTER TABLE events_all ADD COLUMN agent_marks bigint NOT NULL DEFAULT 0;
ALTER TABLE events_all ADD COLUMN browser_version text;
ALTER TABLE events_all ADD COLUMN os_version text;
ALTER TABLE events_all ADD COLUMN x double precision;
ALTER TABLE events_all ADD COLUMN y double precision;
ALTER TABLE events_all ADD COLUMN distance double precision;
ALTER TABLE events_all ADD COLUMN straightness double precision;
ALTER TABLE events_all ADD COLUMN mean_speed double precision;
ALTER TABLE events_all ADD COLUMN pauses double precision;
ALTER TABLE events_all ADD COLUMN file text;
ALTER TABLE events_all ADD COLUMN from_s double precision;
ALTER TABLE events_all ADD COLUMN to_s double precision;
ALTER TABLE events_all ADD COLUMN speed double precision;
ALTER TABLE events_all ADD COLUMN video text;
ALTER TABLE events_all ADD COLUMN task text;
ALTER TABLE events_all ADD COLUMN score double precision;
ALTER TABLE events_all ADD COLUMN ad_channel text;
ALTER TABLE events_all ADD COLUMN cost double precision;
ALTER TABLE events_all ADD COLUMN day text;
ALTER TABLE events_all ADD COLUMN amount double precision;
ALTER TABLE events_all ADD COLUMN kind text;
ALTER TABLE events_all ADD COLUMN valid_from timestamptz;
ALTER TABLE events_all ADD COLUMN valid_to timestamptz;
ALTER TABLE events_all ADD COLUMN previous_id text;
ALTER TABLE events_all ADD COLUMN text_version text;
ALTER TABLE events_all ADD COLUMN consent_source text;
ALTER TABLE events_all ADD COLUMN account_id text;
ALTER TABLE features ADD COLUMN rating double precision;
ALTER TABLE features ADD COLUMN summaries bytea;
ALTER TABLE features ADD COLUMN consent bigint NOT NULL DEFAULT 0;

-- The view names its columns once and for all, so that the new ones need it anew.
CREATE OR REPLACE VIEW events AS
SELECT * FROM events_all e
WHERE NOT EXISTS (SELECT FROM repeats r
                  WHERE r.partition = e.partition AND r."offset" = e."offset"
                    AND r.epoch = e.epoch)
  AND NOT EXISTS (SELECT FROM rejected j
                  WHERE j.reason = 'id_conflict' AND j.origin = 4
                    AND j.source_partition = e.partition AND j.source_offset = e."offset"
                    AND j.epoch = e.epoch);

-- What stands in events between the events and matters to their features: settings of sites,
-- policies and models (rec 5), external signals (19), ends of imports (4), each as its record; and of
-- an end, in a row of its own without the record, the clock of the partition then, as featurizer told
-- it. With events_all it is all that features are made of. One plain table: a setting holds on when
-- the day that it came on is dropped.
CREATE TABLE notices (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    rec bigint NOT NULL,
    record bytea,
    clock timestamptz
);
CREATE INDEX notices_place ON notices (partition, "offset");

-- Ends of imports from before there were notices, as the sessions that they closed tell of them: msgpack
-- of rec 4, epoch 1, origin 2, import_id, received and of_import, as import_end.def numbers them.
INSERT INTO notices
SELECT epoch, partition, "offset", received, 4,
       '\x86000401010202'::bytea || '\x06cf' || int8send(of_import)
       || '\x0ad3' || int8send((extract(epoch FROM received) * 1000000)::bigint)
       || '\x0bcf' || int8send(of_import), NULL
FROM sessions WHERE ended_by = 'import_end'
GROUP BY epoch, partition, "offset", received, of_import;

-- The archived vectors and events of a visitor, for who computes them anew: a hash costs a third of
-- what a B-tree does.
CREATE INDEX events_all_visitor ON events_all USING hash (visitor);
CREATE INDEX features_visitor ON features USING hash (visitor);

-- Training sets that were computed anew from archived events: featurizer --backfill.
CREATE TABLE backfills (
    name text PRIMARY KEY,
    made timestamptz NOT NULL,
    period_from timestamptz,
    period_to timestamptz,
    known_at timestamptz NOT NULL,
    site_id bigint,
    features_n bigint NOT NULL,
    features_hash bigint NOT NULL,
    options jsonb NOT NULL,
    vectors bigint NOT NULL,
    sessions bigint NOT NULL
);

-- Their vectors: columns as in features; a row without features is a conversion behind the period.
CREATE TABLE backfill_vectors (
    backfill text NOT NULL,
    LIKE features INCLUDING DEFAULTS
);
CREATE INDEX backfill_vectors_of ON backfill_vectors (backfill);

-- And their sessions: columns as in sessions.
CREATE TABLE backfill_sessions (
    backfill text NOT NULL,
    LIKE sessions INCLUDING DEFAULTS
);
CREATE INDEX backfill_sessions_of ON backfill_sessions (backfill);
