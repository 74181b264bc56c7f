# SPDX-License-Identifier: Apache-2.0
"""features_session - the later lines of features.def that tell of the event and of its session."""
import collections
import math

from codes import (MINUTE, SECOND, VIDEO, VIEWS, added, fnv, free_code, mean, page_code, page_depth, small,
                   wide_code)
from counting import MOST_SET
from settings import newest_of
from state import Events

FAILURES = "error", "form_error", "payment_failed", "task_fail"
SUCCESSES = "form_submit", "payment_success", "purchase", "task_success"
COUNTED = {
    "internal_links": "internal_link_click", "external_links": "external_link_click", "form_starts": "form_start",
    "form_submits": "form_submit", "form_abandons": "form_abandon", "form_errors": "form_error",
    "video_completes": "video_complete", "downloads": "download", "sorts": "sort_changed", "shares": "share",
    "ratings_given": "rating_submitted", "wishlist_removes": "wishlist_remove", "group_joins": "group_join_complete",
    "group_leaves": "group_leave", "retry_count": "retry", "page_exits": "page_exit",
    "page_refreshes": "page_refresh", "video_pauses": "video_pause", "video_seeks": "video_seek",
    "video_replays": "video_replay", "video_speed_changes": "video_speed"}
NOTHING = Events()


def features(s, now, holding):
    """The features by name; None = NaN. s is the session or, for late events, perhaps None; now the event; holding
    the signals that hold."""
    every, ordered = (s.every, s.ordered) if s else (NOTHING, NOTHING)
    return {**{name: every.n(kind) for name, kind in COUNTED.items()}, **clock(s, now), **pages(s, now, every, ordered),
            **page(now.t, ordered), **acts(s, every, ordered), **struggle(now.t, every, ordered),
            **video(every, ordered), **automation(s, every, ordered), **context(s, now, holding)}


def clock(s, now):
    """Local times of the event and of the session's first."""
    return {
        "local_hour": now.hour,
        "local_hour_sin": math.sin(2 * math.pi * now.hour / 24),
        "local_hour_cos": math.cos(2 * math.pi * now.hour / 24),
        "local_dow": now.weekday,
        "local_dow_sin": math.sin(2 * math.pi * now.weekday / 7),
        "local_dow_cos": math.cos(2 * math.pi * now.weekday / 7),
        "local_is_weekend": now.weekday >= 5,
        "session_start_hour": s.hour if s else None,
        "session_start_dow": s.weekday if s else None,
        "hours_since_prev_session": max(s.started - s.closed_before, 0) / 3.6e9
                                    if s and s.closed_before is not None else None,
        "utc_offset_h": now.offset_min / 60,
    }


def pages(s, now, every, ordered):
    """The way through the pages."""
    steps, views = s.steps if s else [], ordered.of(*VIEWS)
    codes = [page_code(path) for path in steps]
    depth = max((page_depth(path) for path in every.having("path", *VIEWS)), default=0)
    breadth = s.paths.n() if s else 0
    return {
        "page_depth": page_depth(now.get("path", "")),
        "path_length": len(steps),
        "back_moves": sum(steps[i] == steps[i - 2] for i in range(2, len(steps))),
        "entry_page": codes[0] if codes else 0,
        "previous_page": codes[-2] if len(codes) > 1 else 0,
        "step_probability": step_probability(codes),
        "path_hash_3": 1 + fnv(bytes(codes[-3:])) % 65535 if len(codes) > 2 else 0,
        "page_entropy": s.page_paths.entropy() if s else 0,
        "avg_time_per_page_s": (now.t - views[0].t) / 1e6 / len(views) if views else None,
        "time_on_page_s": (now.t - views[-1].t) / 1e6 if views else None,
        "crawl_breadth": breadth,
        "crawl_depth": depth,
        "breadth_to_depth": breadth / max(1, depth),
    }


def step_probability(codes):
    """Of the pairs of codes of successive steps, the first 64 different ones."""
    pairs = collections.Counter()
    newest = None
    for newest in zip(codes, codes[1:]):
        if newest in pairs or len(pairs) < MOST_SET:
            pairs[newest] += 1
    if newest not in pairs:
        return None
    return pairs[newest] / sum(times for (left, _), times in pairs.items() if left == newest[0])


def page(t, ordered):
    """What was done on the page that is open: since the newest page or screen view."""
    views = ordered.of(*VIEWS)
    if not views:
        return {"page_engagement_score": 0, "reading_speed": None}
    since = ordered.all[ordered.all.index(views[-1]) + 1:]
    seconds = (t - views[-1].t) / 1e6
    depth = max([0, *(x.get("depth_pct", 0) for x in since if x.type == "scroll")])
    clicks, scrolls = (sum(x.type == kind for x in since) for kind in ("click", "scroll"))
    return {
        "page_engagement_score": float(min(100, 2 * clicks + scrolls + depth / 4 + min(25, seconds / 6))),
        "reading_speed": depth / seconds if seconds >= 1 else None,
    }


def acts(s, every, ordered):
    n = every.n
    features_used = s.features.n() if s else 0
    return {
        "features_used": features_used,
        "feature_usage_score": min(100, 10 * features_used + 2 * n("feature_used")),
        "reported_time_s": added(every.having("seconds", "time_on_page")),
        "price_comparisons": price_comparisons(ordered),
        "view_to_cart_rate": mean(n("add_to_cart"), n("product_view")),
        "cart_to_checkout_rate": mean(n("checkout_start"), n("add_to_cart")),
        "session_products": s.product_ids.n() if s else 0,
    }


def price_comparisons(ordered):
    views = [x for x in ordered.of("product_view") if x.get("product_id") and x.get("category")]
    found = 0
    for i, x in enumerate(views):
        found += any(y.get("category") == x.get("category") and y.get("product_id") != x.get("product_id")
                     and x.t - y.t <= 10 * MINUTE for y in views[max(0, i - 8):i])
    return found


def struggle(t, every, ordered):
    n = every.n
    in_a_row = 0
    for x in every.all:
        in_a_row = 0 if x.type in SUCCESSES else in_a_row + (x.type in FAILURES)
    successes = ordered.of(*SUCCESSES)
    return {
        "click_frustration": n("rage_click") + bursts(ordered.of("click")),
        "consecutive_errors": in_a_row,
        "success_rate": mean(n(*SUCCESSES), n(*SUCCESSES, *FAILURES)),
        "secs_since_success": (t - successes[-1].t) / 1e6 if successes else None,
        "tasks_open": max(0, n("task_start") - n("task_success", "task_fail")),
    }


def bursts(clicks):
    """Three clicks on one element within a second, none of them in two bursts."""
    found, row = 0, []
    for x in clicks:
        element = x.get("element")
        if not element or (row and row[-1].get("element") != element):
            row = []
        if element:
            row.append(x)
        if len(row) >= 3 and row[-1].t - row[-3].t <= SECOND:
            found, row = found + 1, []
    return found


def video(every, ordered):
    watched, before, drop_off = 0.0, None, None
    for x in ordered.of(*VIDEO):
        position, length = x.get("position_s"), x.get("length_s")
        if position is not None:
            rise = position - before if before is not None else 0
            if x.type in ("video_progress", "video_pause", "video_complete") and 0 < rise <= 60:
                watched += rise
            before = position
        if position is not None and length is not None and length > 0:
            drop_off = min(100.0, max(0.0, 100 * (1 - position / length)))
        if x.type == "video_complete" and drop_off is not None:
            drop_off = 0.0
    speeds = every.having("speed", "video_speed")
    return {"watch_s": watched, "drop_off_pct": drop_off, "video_mean_speed": mean(added(speeds), len(speeds))}


def automation(s, every, ordered):
    views = every.of(*VIEWS)
    gaps = s.gaps if s else []
    gap_mean = mean(added(gaps), len(gaps))
    squares = mean(added(g * g for g in gaps), len(gaps))
    marks = [x.get("agent_marks", 0) for x in ordered.all]
    mouse = {name: every.having(field, "mouse_summary") for name, field in (
        ("mouse_straightness", "straightness"), ("mouse_mean_speed", "mean_speed"), ("mouse_pause_share", "pauses"))}
    return {
        "gap_variance_s2": max(0.0, squares - gap_mean * gap_mean) if gaps else None,
        "share_without_referrer": mean(sum(not x.get("referrer") for x in views), len(views)),
        **{name: mean(added(values), len(values)) for name, values in mouse.items()},
        "is_headless": any(mark & 2 for mark in marks),
        "is_known_bot": any(mark & 1 for mark in marks) or (s is not None and s.told("device") == "bot"),
    }


def context(s, now, holding):
    told = s.told if s else lambda _: ""
    return {
        "category_current": wide_code(now.get("category", "")),
        "browser": free_code(told("browser")),
        "screen_class": screen_class(told("screen")),
        "is_mobile": told("device") == "mobile",
        "region": wide_code(told("region")),
        "city": wide_code(told("city")),
        "language": free_code(small(told("language").replace("_", "-").split("-")[0])),
        "traffic_source": wide_code(small(told("utm_source"))),
        "traffic_medium": wide_code(small(told("utm_medium"))),
        "referrer_domain": wide_code(told("referrer_domain")),
        **{f"signal_{kind}": newest_of(kind, holding) for kind in ("weather", "holiday", "trend")},
        "signals_active": len(holding),
    }


def screen_class(screen):
    if not screen:
        return 0
    width = int(screen.split("x")[0])
    return 1 + (width >= 600) + (width >= 1024) + (width >= 1920)
