-- SPDX-License-Identifier: Apache-2.0
-- spine - events and what was made of them, in tables partitioned by the day (UTC) of `received`.
--
-- Columns bear the names of schemas/*.def, times without _us. Unsigned 64-bit numbers (hashes,
-- import ids) are bigint in two's complement. What a record leaves out is NULL, but numbers and
-- flags are 0 and false. The key of a row is its position; archiver stores each once, so no unique
-- index is needed.
--
-- (epoch, partition, "offset") name the record of the topic events, in every table but rejected,
-- where they name the record of the topic rejected. origin and source_* name where a record of
-- events comes from, and in rejected what was refused: origin 1 raw, 2 imports (source_offset =
-- line), 3 control, 4 events.

CREATE TABLE events_all (
    epoch int NOT NULL,
    origin int NOT NULL,
    source_partition int NOT NULL,
    source_offset bigint NOT NULL,
    source_index int NOT NULL,
    import_id bigint NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    event_id text,
    anonymous_id text,
    user_id text,
    session_hint text,
    type text,
    ts timestamptz,
    ts_raw timestamptz,
    sent_at timestamptz,
    source text,
    body_hash bigint NOT NULL,
    url text,
    path text,
    title text,
    referrer text,
    device text,
    browser text,
    os text,
    screen text,
    country text,
    region text,
    city text,
    timezone text,
    language text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_term text,
    utm_content text,
    channel text,
    consent bigint NOT NULL,
    product_id text,
    category text,
    brand text,
    price double precision,
    quantity double precision,
    value double precision,
    currency text,
    order_id text,
    query text,
    results double precision,
    element text,
    depth_pct double precision,
    seconds double precision,
    target text,
    form text,
    field text,
    rating double precision,
    campaign text,
    code text,
    group_id text,
    plan text,
    feature text,
    position_s double precision,
    length_s double precision,
    properties jsonb,
    items jsonb
) PARTITION BY RANGE (received);
CREATE INDEX events_all_time ON events_all USING brin (received, ts) WITH (autosummarize = on);
CREATE INDEX events_all_place ON events_all (partition, "offset");

-- Events that came before, with the same id and body; judged by featurizer.
CREATE TABLE repeats (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    event_id text,
    type text,
    ts timestamptz,
    of_import bigint NOT NULL
) PARTITION BY RANGE (received);
CREATE INDEX repeats_place ON repeats (partition, "offset");

-- One row for each event that counts; features = float32, little-endian, in the order of
-- schemas/features.def.
CREATE TABLE features (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    event_id text,
    user_id text,
    type text,
    ts timestamptz,
    session_id text,
    session_started timestamptz,
    event_index bigint NOT NULL,
    late boolean NOT NULL,
    of_import bigint NOT NULL,
    control bigint NOT NULL,
    features_n bigint NOT NULL,
    features_hash bigint NOT NULL,
    features bytea,
    tail bytea,
    product_id text,
    value double precision,
    currency text,
    order_id text,
    channel text
) PARTITION BY RANGE (received);
CREATE INDEX features_time ON features USING brin (received, ts) WITH (autosummarize = on);

CREATE TABLE sessions (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    index int NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    user_id text,
    session_id text,
    started timestamptz,
    ended timestamptz,
    ended_by text,
    of_import bigint NOT NULL,
    session_number bigint NOT NULL,
    events bigint NOT NULL,
    late_events bigint NOT NULL,
    pages bigint NOT NULL,
    product_views bigint NOT NULL,
    cart_adds bigint NOT NULL,
    purchases bigint NOT NULL,
    value double precision,
    converted boolean NOT NULL,
    entry_page text,
    exit_page text,
    channel text,
    device text
) PARTITION BY RANGE (received);
CREATE INDEX sessions_time ON sessions USING brin (received, started) WITH (autosummarize = on);

-- One row for each kind of prediction.
CREATE TABLE predictions (
    epoch int NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    visitor text,
    site_id bigint NOT NULL,
    event_id text,
    user_id text,
    type text,
    ts timestamptz,
    session_id text,
    late boolean NOT NULL,
    of_import bigint NOT NULL,
    control bigint NOT NULL,
    features_hash bigint NOT NULL,
    product_id text,
    value double precision,
    currency text,
    order_id text,
    channel text,
    kind text,
    probability double precision,
    lower double precision,
    upper double precision,
    margin double precision,
    model text,
    version bigint NOT NULL,
    lacked boolean NOT NULL
) PARTITION BY RANGE (received);
CREATE INDEX predictions_time ON predictions USING brin (received, ts) WITH (autosummarize = on);

CREATE TABLE rejected (
    epoch int NOT NULL,
    origin int NOT NULL,
    source_partition int NOT NULL,
    source_offset bigint NOT NULL,
    source_index int NOT NULL,
    import_id bigint NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    received timestamptz NOT NULL,
    stage text,
    reason text,
    detail text,
    site_id bigint NOT NULL,
    of_import bigint NOT NULL,
    body bytea
) PARTITION BY RANGE (received);
CREATE INDEX rejected_time ON rejected USING brin (received) WITH (autosummarize = on);
CREATE INDEX rejected_conflicts ON rejected (source_partition, source_offset)
    WHERE reason = 'id_conflict';

-- Every event once: without repeats, and without events whose id came before with another body.
-- Until featurizer has judged it, an event shows.
CREATE VIEW events AS
SELECT * FROM events_all e
WHERE NOT EXISTS (SELECT FROM repeats r
                  WHERE r.partition = e.partition AND r."offset" = e."offset"
                    AND r.epoch = e.epoch)
  AND NOT EXISTS (SELECT FROM rejected j
                  WHERE j.reason = 'id_conflict' AND j.origin = 4
                    AND j.source_partition = e.partition AND j.source_offset = e."offset"
                    AND j.epoch = e.epoch);

-- Models as trainer made them.
CREATE TABLE models (
    name text NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    sha256 bytea NOT NULL,
    bytes bigint NOT NULL,
    trained timestamptz NOT NULL,
    data_from timestamptz,
    data_to timestamptz,
    features_n bigint NOT NULL,
    features_hash bigint NOT NULL,
    metrics jsonb,
    PRIMARY KEY (name, version)
);

-- Where archiver goes on, moved in the same transaction as the rows: consumer group (with its
-- suffix), full name of the topic, partition, next offset, marks as common/bus/marks.h prints them.
CREATE TABLE archive_offsets (
    grp text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next_offset bigint NOT NULL,
    marks text NOT NULL,
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, topic, partition)
) WITH (fillfactor = 50);

-- Makes the partitions of a day where they are missing. A table is filled into its parent by
-- ATTACH, which lets readers and writers of the other partitions go on; the lock makes concurrent
-- archivers take turns.
CREATE FUNCTION archive_ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
BEGIN
    PERFORM pg_advisory_xact_lock(4707182563418);
    FOREACH parent IN ARRAY ARRAY['events_all', 'repeats', 'features', 'sessions', 'predictions',
                                  'rejected'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', child, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       parent, child, day::timestamp AT TIME ZONE 'UTC',
                       (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END
$$;
