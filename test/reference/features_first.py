# SPDX-License-Identifier: Apache-2.0
"""features_first - the lines of features.def that were there first: times in UTC, amounts as sent."""
import math

from codes import (CONVERSIONS, DAY, HOUR, VIEWS, added, code, free_code, mean, page_code, since)

NOTHING = ()


def features(v, s, now):
    """The features by name; None = NaN. s is the session or, for late events, perhaps None; now the event."""
    t = now.t
    n = s.every.n if s else lambda *_: 0
    return {**time(v, s, now, n), **acts(s, now, n), **context(v, s, now), **history(v, s, t)}


def time(v, s, now, n):
    t, gaps = now.t, s.gaps if s else []
    gap_mean = mean(added(gaps), len(gaps))
    squares = mean(added(g * g for g in gaps), len(gaps))
    duration = (t - s.started) / 1e6 if s else 0.0
    events = len(s.every.all) if s else 0
    hour, weekday = t % DAY // HOUR, (t // DAY + 3) % 7
    return {
        "session_duration_s": duration,
        "session_number": s.number if s else 0,
        "event_index": events,
        "secs_since_prev_event": gaps[-1] if gaps and not now.late else None,
        "gap_mean_s": gap_mean,
        "gap_sd_s": math.sqrt(max(0.0, squares - gap_mean * gap_mean)) if gaps else None,
        "gap_max_s": max(gaps) if gaps else None,
        "hour_of_day": hour,
        "hour_sin": math.sin(2 * math.pi * hour / 24),
        "hour_cos": math.cos(2 * math.pi * hour / 24),
        "day_of_week": weekday,
        "is_weekend": weekday >= 5,
        "events_per_minute": 60.0 * events / max(60.0, duration),
        "recency_days": max(s.started - s.before, 0) / DAY if s and s.before else None,
        "days_since_first_visit": since(t, v.first, DAY),
    }


def acts(s, now, n):
    """What was done in the session."""
    prices = s.every.having("price", "product_view") if s else NOTHING
    depths = s.every.having("depth_pct", "scroll") if s else NOTHING
    adds = s.ordered.of("add_to_cart") if s else NOTHING
    return {
        "pages": n(*VIEWS),
        "unique_pages": s.page_paths.n() if s else 0,
        "returns_to_page": s.page_paths.again() if s else 0,
        "current_page": page_code(now.get("path", "")),
        "clicks": n("click"),
        "scroll_depth_mean": mean(added(depths), len(depths)) or 0,
        "scroll_depth_max": max([*depths, 0]),
        "searches": n("search_performed"),
        "filters": n("filter_applied", "sort_changed"),
        "engagement_score": s.engagement() if s else 0,
        "product_views": n("product_view"),
        "distinct_products": s.products.n() if s else 0,
        "distinct_categories": s.categories.n() if s else 0,
        "product_revisits": s.products.again() if s else 0,
        "price_min": min(prices, default=None),
        "price_mean": mean(added(prices), len(prices)),
        "price_max": max(prices, default=None),
        "price_current": now.get("price"),
        "cart_adds": n("add_to_cart"),
        "cart_removes": n("remove_from_cart"),
        "cart_items": s.items if s else 0,
        "cart_value": s.worth if s else 0,
        "wishlist_adds": n("wishlist_add"),
        "checkouts_started": n("checkout_start"),
        "secs_since_cart_add": since(now.t, adds[-1].t, 1e6) if adds else None,
        "session_conversions": n(*CONVERSIONS),
        "group_views": n("group_view"),
        "group_join_clicks": n("group_join_click"),
        "error_count": n("error"),
        "rage_clicks": n("rage_click"),
        "help_requests": n("help_request"),
        "video_plays": n("video_play"),
        "video_completion_rate": mean(n("video_complete"), n("video_play")),
    }


def context(v, s, now):
    told = s.told if s else lambda _: ""
    types = [code("EVENT_TYPE", x.type) for x in s.ordered.all[-2:]] if s else []
    before = types if now.late else types[:-1]
    country = told("country")
    return {
        "event_type": code("EVENT_TYPE", now.type),
        "prev_event_type": before[-1] if before else 0,
        "device_type": code("DEVICE", told("device")),
        "os": free_code(told("os")),
        "country": 1 + 26 * (ord(country[0]) - 65) + ord(country[1]) - 65 if country else 0,
        "channel": code("CHANNEL", told("channel")),
        "campaign": free_code(told("utm_campaign")),
        "touchpoints": len(v.touches),
        "distinct_channels": len({code("CHANNEL", word) for _, word in v.touches}),
    }


def history(v, s, t):
    n = v.events.n
    converted = max((x.at for kind in CONVERSIONS for x in v.events.of(kind)), default=0)
    return {
        "conversions": n(*CONVERSIONS),
        "avg_order_value": mean(v.paid, n("purchase")),
        "days_since_conversion": since(t, converted, DAY),
        "total_sessions": v.sessions,
        "total_events": len(v.events.all),
        "avg_session_duration_s": mean(added(c.duration for c in v.closed), len(v.closed)),
        "lifetime_value": v.lifetime,
        "is_identified": v.user != "",
        "support_tickets": n("support_ticket"),
        "payment_failures": n("payment_failed"),
    }
