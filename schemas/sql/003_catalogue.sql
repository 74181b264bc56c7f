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
