#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""definitions_test - the reference on examples that were worked out by hand, of what is easily got wrong."""
import base64
import struct
import unittest

import compare
from codes import DAY, FEATURES, HOUR, SECOND, micros, text_of
from counting import Distinct, estimate
from reference import Partition, options_of

NOON = micros("2026-01-07T12:00:00Z")  # a Wednesday
MINUTE = 60 * SECOND


class Log:
    """A partition that is told of one visitor of site 1, and what it said last."""

    def __init__(self, *options):
        self.said = []
        self.partition = Partition(0, options_of(["--ratings", "--summaries", *options]), self.said.append)
        self.offset = 0

    def put(self, **record):
        self.offset += 1
        head = {"epoch": 1, "origin": 1, "partition": 0, "offset": self.offset, "index": 0, "import_id": 0,
                "_partition": 0, "_offset": self.offset}
        self.partition.use({**head, **record})

    def event(self, t, kind="click", received=None, **said):
        """The vector of an event, with features by name."""
        self.put(**{"rec": 1, "type": kind, "ts": text_of(t), "received": text_of(t if received is None else received),
                    "visitor": "v", "site_id": 1, "event_id": f"e{self.offset}", **said})
        last = [r for r in self.said if r["_topic"] == "features"][-1]
        return {**last, **dict(zip(FEATURES, last.get("features", ())))}

    def old(self, t, kind="click", received=NOON, import_id=5, **said):
        return self.event(t, kind, received, origin=2, import_id=import_id, **said)

    def events(self, t, *told):
        """Events of (seconds since NOON or since t, type, properties); the last's vector."""
        for wait, kind, said in told:
            last = self.event(t + round(wait * SECOND), kind, **said)
        return last

    def site(self, version=1, **body):
        self.put(rec=5, origin=3, what="site", name="1", version=version, body=body)

    def signal(self, kind, site_id=1, **said):
        self.put(rec=19, index=2000, received=text_of(NOON), kind=kind, site_id=site_id, **said)


class Definitions(unittest.TestCase):
    def tells(self, vector, **wanted):
        for name, value in wanted.items():
            if isinstance(value, float):
                self.assertAlmostEqual(vector[name], value, delta=2e-6 * max(1, abs(value)), msg=name)
            else:
                self.assertEqual(vector[name], value, name)

    def test_local_time(self):
        log = Log()
        self.tells(log.event(NOON), local_hour=12, utc_offset_h=0.0)
        log.site(zone_rules="0=60 1774746000=120 1792890000=60")
        before = micros("2026-03-29T00:59:59Z")
        self.tells(log.event(before), local_hour=1, local_dow=6, local_is_weekend=1, utc_offset_h=1.0)
        v = log.event(before + SECOND)
        self.tells(v, local_hour=3, utc_offset_h=2.0, hour_of_day=1, session_start_hour=1, session_start_dow=6)
        self.tells(log.event(before + 2 * SECOND, utc_offset_min=-210.0), local_hour=21, local_dow=5, utc_offset_h=-3.5)
        log.site(version=0)
        self.tells(log.event(before + 3 * SECOND), local_hour=1, utc_offset_h=0.0)

    def test_steps(self):
        log = Log()
        v = log.events(NOON, (0, "page_view", {"path": "/a/1"}), (1, "page_view", {"path": "/a/1"}),
                       (2, "click", {"path": "/c"}), (3, "screen_view", {"path": "/b"}),
                       (4, "page_view", {"path": "/a/1"}))
        self.tells(v, path_length=3, back_moves=1, returns_to_page=2, unique_pages=2, step_probability=1.0,
                   page_depth=2)
        self.tells(v, entry_page=v["current_page"], page_entropy=0.811278124)  # 3 and 1 of 4
        self.assertNotEqual(v["previous_page"], v["current_page"])
        v = log.events(NOON, (5, "page_view", {"path": "/c"}))  # from a: to b and to c
        self.tells(v, step_probability=.5, path_length=4, back_moves=1, avg_time_per_page_s=1.0, time_on_page_s=0.0)
        late = log.event(NOON - 2 * MINUTE, "page_view", path="/d")
        self.tells(late, path_length=4, unique_pages=4, pages=6, late=True, avg_time_per_page_s=1.0)

    def test_codes(self):
        v = Log().event(NOON, category="a", path="/a", language="DE-at", utm_source="A", screen="599x9")
        self.assertEqual(0xe40c292c, 3826002220)  # FNV-1a of "a", by its authors
        self.tells(v, category_current=1 + 3826002220 % 65535, current_page=1 + 3826002220 % 255, screen_class=1,
                   traffic_source=1 + 3826002220 % 65535)
        self.tells(Log().event(NOON, language="de"), language=v["language"])

    def test_page(self):
        log = Log()
        v = log.events(NOON, (0, "click", {}), (10, "page_view", {}), (11, "click", {}),
                       (12, "scroll", {"depth_pct": 40.0}), (13, "scroll", {}), (40, "click", {}))
        self.tells(v, page_engagement_score=4 + 2 + 10 + 5.0, reading_speed=40 / 30)
        v = log.events(NOON, (40.5, "page_view", {}), (41, "scroll", {"depth_pct": 80.0}))
        self.tells(v, page_engagement_score=1 + 20 + .5 / 6, reading_speed=None)

    def test_price_comparisons(self):
        def view(t, product, category="c"):
            return (t, "product_view", {"product_id": product, "category": category})

        v = Log().events(NOON, view(0, "a"), view(600, "b"), view(1200.000001, "c"))
        self.tells(v, price_comparisons=1)
        v = Log().events(NOON, view(0, "a"), view(1, "a"), *(view(2, f"x{i}", f"d{i}") for i in range(7)), view(3, "b"))
        self.tells(v, price_comparisons=1)
        v = Log().events(NOON, view(0, "a"), *(view(2, f"x{i}", f"d{i}") for i in range(8)), view(3, "b"))
        self.tells(v, price_comparisons=0)

    def test_bursts(self):
        def frustration(*clicks):
            told = [(t, "click", {"element": e} if e else {}) for t, e in clicks]
            return Log().events(NOON, *told)["click_frustration"]

        self.assertEqual(frustration((0, "a"), (.5, "a"), (1, "a")), 1)
        self.assertEqual(frustration((0, "a"), (.5, "a"), (1.000001, "a")), 0)
        self.assertEqual(frustration((0, "a"), (.9, "a"), (1.1, "a"), (1.2, "a")), 1)
        self.assertEqual(frustration(*((i / 10, "a") for i in range(5))), 1)
        self.assertEqual(frustration(*((i / 10, "a") for i in range(6))), 2)
        self.assertEqual(frustration((0, "a"), (.1, "a"), (.2, "b"), (.3, "a")), 0)
        self.assertEqual(frustration((0, "a"), (.1, "a"), (.2, ""), (.3, "a")), 0)

    def test_video(self):
        def at(t, kind, position=None, length=None):
            said = {"position_s": position, "length_s": length}
            return (t, f"video_{kind}", {k: v for k, v in said.items() if v is not None})

        log = Log()
        v = log.events(NOON, at(0, "play", 0.0), at(9, "progress", 10.0), at(9, "speed"),
                       at(9, "progress", 70.0, 100.0), at(9, "seek", 90.0), at(9, "pause", 95.0),
                       at(9, "progress", 30.0), at(9, "play", 40.0), at(9, "complete", 100.5))
        self.tells(v, watch_s=75.0, drop_off_pct=0.0, videos_30d=2, video_hour_mode=12)
        self.tells(log.events(NOON, at(10, "progress", 25.0, 100.0)), drop_off_pct=75.0)
        self.tells(Log().events(NOON, at(0, "complete")), drop_off_pct=None)

    def test_ring(self):
        log, start = Log(), NOON - NOON % (30 * SECOND)
        log.event(start + 29 * SECOND)
        self.tells(log.event(start + 299 * SECOND), events_5m=2)
        self.tells(log.event(start + 300 * SECOND), events_5m=2, events_1h=3)
        self.tells(log.event(start), events_5m=2, late=True)  # 11 buckets back: not counted any more
        self.tells(log.event(start + 31 * SECOND), events_5m=3, total_events=5)
        self.tells(log.old(NOON - 2 * HOUR), events_5m=0, events_1h=0, events_24h=1)

    def test_days(self):
        log, midnight = Log(), NOON - NOON % DAY
        log.event(midnight, "purchase", value=5.0)
        log.event(midnight + 30 * DAY - 1, "purchase", value=7.0)
        v = log.event(midnight + 30 * DAY, "purchase", value=9.0, currency="USD")
        self.tells(v, orders_30d=2, revenue_30d=16.0, orders_90d=3, sessions_30d=1, sessions_60d=2, active_days_30=2)
        log.site(currency="EUR", rates="USD=0.5")
        log.event(midnight + 31 * DAY, "purchase", value=10.0, currency="USD")
        v = log.event(midnight + 31 * DAY, "purchase", value=10.0, currency="GBP")
        self.tells(v, revenue_30d=21.0, revenue_ever=26.0, orders_ever=5, avg_order_value=41 / 5)
        self.tells(log.old(midnight - 60 * DAY, "purchase", midnight + 31 * DAY), orders_90d=0, orders_ever=6)

    def test_sketch(self):
        self.assertEqual(estimate([1] * 128), 183)
        self.assertEqual(estimate([0] * 64 + [1] * 64), 89)  # 128 ln 2
        self.assertEqual(estimate([0] * 127 + [9]), 65)
        few = Distinct()
        few.add("")  # XXH3 of nothing is 2d06800538d394c2
        self.assertEqual([(i, rank) for i, rank in enumerate(few.registers) if rank], [(0x16, 1)])
        for i in range(64):
            few.add(str(i % 63))
        self.assertEqual(few.n(), 64)
        for i in range(1000):
            few.add(str(i))
        self.assertTrue(700 < few.n() < 1300)

    def test_ratings(self):
        log = Log()
        self.tells(log.event(NOON, "purchase", product_id="p"), implicit_rating=50 / 15, rating=50 / 15)
        v = log.event(NOON + 30 * DAY, "error", product_id="p")
        self.tells(v, implicit_rating=2.5, implicit_rating_max=2.5)
        v = log.event(NOON + 30 * DAY, "rating_submitted", product_id="p", rating=1.0)
        self.tells(v, rating=(2 + 45 / 14) / 3)
        v = log.event(NOON + 30 * DAY, "remove_from_cart", product_id="q")
        self.tells(v, rating=0.0, implicit_rating_max=(2 + 45 / 14) / 3)
        self.assertEqual([r["product_id"] for r in v["ratings"]], ["p", "q"])
        self.tells(log.event(NOON + 30 * DAY, "error", product_id="r"), rating=None)
        self.tells(log.old(NOON, "error", NOON + 30 * DAY, product_id="p"), rating=(2 + 45 / 14) / 3)
        for i in range(31):
            v = log.event(NOON + 30 * DAY, "product_view", product_id="ä" * 40 + str(i))
        self.assertEqual((len(v["ratings"]), v["ratings"][2]["product_id"]), (16, "ä" * 32))
        self.tells(log.event(NOON + 30 * DAY, "error", product_id="q"), rating=None)  # the lowest made room

    def test_signals(self):
        log = Log()
        log.signal("weather", value=1.5)
        log.signal("weather", value=2.5, region="DE", **{"from": text_of(NOON), "to": text_of(NOON + 9 * SECOND)})
        log.signal("holiday", region="DE-BY")
        log.signal("strike", region="BY")
        log.signal("trend", site_id=2)
        self.tells(log.event(NOON, country="GB"), signal_weather=1.5, signal_holiday=None, signals_active=1)
        log = Log()
        for region in ("DE", "DE-BY", "BY", "GB-BY"):
            log.signal("holiday", region=region)
        log.signal("weather", value=2.5, region="DE", **{"from": text_of(NOON), "to": text_of(NOON + 9 * SECOND)})
        self.tells(log.event(NOON, region="BY"), signals_active=1)
        self.tells(log.event(NOON + 1, country="DE"), signals_active=3, signal_weather=2.5)
        self.tells(log.event(NOON + 9 * SECOND, country="GB"), signals_active=2, signal_holiday=1.0)
        log.event(NOON + DAY, country="DE", region="BY")
        self.tells(log.event(NOON + DAY), signals_active=3)
        for i in range(254):
            log.signal("trend", value=float(i))
        self.tells(log.event(NOON + DAY), signals_active=254, signal_trend=253.0)

    def test_visitors_end(self):
        log = Log()
        log.site(keep_days=1)
        log.event(NOON)
        self.tells(log.event(NOON + DAY - 1), total_events=2)
        self.tells(log.event(NOON + 2 * DAY - 1), total_events=1, total_sessions=1)
        self.assertEqual([r["ended_by"] for r in log.said if r["_topic"] == "sessions"], ["silence"] * 2)
        log.old(NOON, received=NOON + 2 * DAY)
        log.old(NOON, received=NOON + 4 * DAY, visitor="another")
        self.tells(log.event(NOON + 4 * DAY), total_events=3)  # an import may still tell of it

    def test_repeats(self):
        log = Log()
        log.event(NOON + 900000, event_id="x")
        self.tells(log.event(NOON + 7 * DAY - 1, event_id="x"), verdict=1)
        self.tells(log.event(NOON + 7 * DAY, event_id="x"), total_events=2)
        self.tells(log.event(NOON + 7 * DAY, event_id="x", body_hash=1), verdict=2)
        for _ in range(256):
            log.event(NOON + 7 * DAY)
        self.tells(log.event(NOON + 7 * DAY, event_id="x"), total_events=259)

    def test_consent(self):
        log = Log()
        self.tells(log.event(NOON), consent=0)
        log.site(consent=3)
        self.tells(log.event(NOON), consent=3)
        self.tells(log.event(NOON, consent=4), consent=4)

    def test_gap_of_site(self):
        log = Log()
        log.site(session_gap_s=60)
        log.event(NOON)
        self.tells(log.event(NOON + MINUTE - 1), session_number=1)
        self.tells(log.event(NOON + 2 * MINUTE - 1, received=NOON + MINUTE), session_number=2)
        log.site(version=0)
        self.tells(log.event(NOON + 30 * MINUTE), session_number=3)  # as was said when the second opened
        log.site(session_gap_s=60)
        self.tells(log.event(NOON + 59 * MINUTE), session_number=3)

    def test_closed_sessions(self):
        log = Log()
        log.events(NOON, (0, "page_view", {"channel": "email", "device": "tablet"}), (60, "form_submit", {}))
        log.events(NOON + 7 * DAY, (0, "page_view", {}), (1, "page_view", {}), (20, "error", {}))
        v = log.event(NOON + 8 * DAY)
        # weeks: 1 day ago (20 s, 0), 8 days less a minute ago (60 s, 10)
        self.tells(v, trend_sessions=.4, trend_duration_s=(3 * 20 + 60) / 10, trend_engagement=1.0,
                   recency_days=1 - 20 / 86400, hours_since_prev_session=24 - 20 / 3600, avg_pages_per_session=1.5,
                   engagement_vs_own_mean=-3.0, engagement_drop=.6, total_time_on_site_s=80.0, preferred_hour=12,
                   preferred_dow=2, share_afternoon=1.0)
        told = list(struct.iter_unpack("<qqff6H4B", base64.b64decode(v["summaries"])))
        self.assertEqual(told, [
            (NOON, NOON + MINUTE, 0.0, 10.0, 2, 1, 0, 0, 0, 0, 7, 5, 2, 0),
            (NOON + 7 * DAY, NOON + 7 * DAY + 20 * SECOND, 0.0, 0.0, 3, 2, 0, 0, 0, 1, 0, 0, 2, 0)])
        v = log.event(NOON + 30 * DAY + MINUTE)
        self.assertEqual(len(base64.b64decode(v["summaries"])), 80)

    def test_touches(self):
        log = Log()
        log.event(NOON, channel="email")
        log.event(NOON + 2 * HOUR, channel="newsletter")
        v = log.event(NOON + 5 * HOUR, channel="email", device="mobile")
        self.tells(v, touches_email=2, touches_other=1, hours_between_touches=2.5, first_channel=7, last_channel=7,
                   days_since_first_touch=5 / 24, is_mobile=1, preferred_device=4)
        self.tells(log.old(NOON - DAY, channel="direct"), first_channel=7, last_channel=2, days_since_first_touch=0.0)

    def test_struggle(self):
        v = Log().events(NOON, (0, "error", {}), (1, "task_start", {}), (2, "task_success", {}), (3, "form_error", {}),
                         (4, "click", {}), (5, "task_fail", {}))
        self.tells(v, consecutive_errors=2, success_rate=.25, secs_since_success=3.0, tasks_open=0)

    def test_customer(self):
        log = Log()
        log.events(NOON, (0, "subscription", {"plan": "pro"}), (1, "campaign_opened", {}), (2, "campaign_opened", {}))
        v = log.events(NOON, (3, "campaign_sent", {}), (4, "satisfaction", {"score": 3.5}), (5, "satisfaction", {}))
        self.tells(v, campaign_open_rate=1.0, campaign_response_rate=0.0, satisfaction_last=3.5, tenure_days=5 / 86400)
        self.assertNotEqual(v["plan"], 0)
        self.tells(log.event(NOON + DAY, "subscription_cancel", plan="pro"), plan=0)

    def test_late_without_session(self):
        log = Log()
        log.event(NOON)
        v = log.event(NOON - 2 * MINUTE, "page_view", received=NOON + HOUR, path="/a")
        self.tells(v, session_id="", session_start_hour=None, hours_since_prev_session=None, recency_score=None,
                   pages=0, path_length=0, share_without_referrer=None, total_events=2, total_time_on_site_s=0.0,
                   page_depth=1)

    def test_compare(self):
        """What compare.py takes for equal."""
        want = [100.0] + [7] * (len(FEATURES) - 2) + [None]

        def differ(i, x):
            return [text.split(":")[0] for text in compare.unlike_features(want, want[:i] + [x] + want[i + 1:])]

        self.assertEqual((differ(0, 100.0009), differ(0, 100.0011)), ([], [FEATURES[0]]))
        self.assertEqual(differ(0, None), [FEATURES[0]])
        self.assertEqual((differ(1, 7), differ(1, 7.00001)), ([], [FEATURES[1]]))
        self.assertEqual((differ(len(want) - 1, None), differ(len(want) - 1, 0)), ([], [FEATURES[-1]]))
        rated = [{"product_id": name, "rating": rating} for name, rating in (("a", 2.0), ("b", 2.0), ("c", 1.0))]
        self.assertEqual(list(compare.unlike_ratings(rated, [rated[1], rated[0], rated[2]])), [])
        self.assertEqual(len(list(compare.unlike_ratings(rated, [rated[0], rated[2], rated[1]]))), 1)
        self.assertEqual(len(list(compare.unlike_ratings(rated, rated[:2]))), 1)
        self.assertEqual(list(compare.unlike({"rating": 0.0}, {"rating": 0})), [])
        self.assertEqual(list(compare.unlike({"rating": 0.0}, {})), ["rating: 0.0 != None"])


if __name__ == "__main__":
    unittest.main()
