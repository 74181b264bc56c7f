# SPDX-License-Identifier: Apache-2.0
"""features_history - the later lines of features.def that tell of all that a visitor did."""
import math

from codes import CODES, DAY, HOUR, MINUTE, SECOND, added, code, free_code, mean, since
from counting import MOST_COUNT, most_frequent

CHANNELS = "direct organic paid_search paid_social social email display affiliate referral other".split()
NEWEST_CLOSED, WEEK = 64, 7 * DAY


def features(v, s, now):
    """The features by name; None = NaN. s is the session or, for late events, perhaps None; now the event."""
    return {**windows(v, now), **conversions(v), **touches(v, now.t), **sessions(v, s, now), **trends(v, now.t),
            **interests(v), **customer(v, now.t), **groups(v)}


def windows(v, now):
    def ring(width, n, kind=""):
        return v.rings[width, kind].total(n, now.t, v.newest_at)

    def last_days(n, counted):
        return counted.total(n, now.t, v.newest_at)

    days = v.days
    return {
        "events_5m": ring(30 * SECOND, 10),
        "events_1h": ring(5 * MINUTE, 12),
        "events_24h": ring(HOUR, 24),
        "product_views_1h": ring(5 * MINUTE, 12, "product_view"),
        "product_views_24h": ring(HOUR, 24, "product_view"),
        "cart_adds_24h": ring(HOUR, 24, "add_to_cart"),
        "orders_30d": last_days(30, days["purchase"]),
        "orders_90d": last_days(90, days["purchase"]),
        "revenue_30d": float(last_days(30, v.revenue_days)),
        "revenue_90d": float(last_days(90, v.revenue_days)),
        **{f"sessions_{n}d": last_days(n, v.opened_days) for n in (7, 30, 60, 90)},
        "active_days_30": len(days[""].within(30, now.t, v.newest_at)),
        "support_tickets_30d": last_days(30, days["support_ticket"]),
        "support_tickets_90d": last_days(90, days["support_ticket"]),
        "videos_30d": last_days(30, days["video_play"]),
    }


def conversions(v):
    def worth(*types):
        return added(x.value or 0.0 for x in v.events.of(*types))

    n = v.events.n
    return {
        "conversion_rate": mean(n("purchase", "signup", "subscription"), v.sessions),
        "orders_ever": n("purchase"),
        "revenue_ever": worth("purchase"),
        "refunds": n("refund"),
        "refund_value": added(abs(x.value or 0.0) for x in v.events.of("refund")),
        "monetary": worth("purchase", "subscription"),
        "ad_cost": added(x.cost or 0.0 for x in v.events.of("ad_impression", "ad_click")),
        "ad_impressions": n("ad_impression"),
        "ad_clicks": n("ad_click"),
    }


def touches(v, t):
    times = [at for at, _ in v.touches]
    codes = [code("CHANNEL", word) for _, word in v.touches]
    return {
        "days_since_first_touch": since(t, min(times, default=None), DAY),
        "first_channel": codes[0] if codes else 0,
        "last_channel": codes[-1] if codes else 0,
        **{f"touches_{word}": min(codes.count(CODES["CHANNEL"].get(word, 1)), MOST_COUNT) for word in CHANNELS},
        "hours_between_touches": (max(times) - min(times)) / 3.6e9 / (len(times) - 1) if len(times) > 1 else None,
    }


def sessions(v, s, now):
    t, closed = now.t, v.closed
    first_seen = since(t, v.first, DAY) or 0.0
    recency = max(s.started - s.before, 0) / DAY if s and s.before else None
    duration = (t - s.started) / 1e6 if s else 0.0
    engagement = s.engagement() if s else 0
    usual = mean(added(c.engagement for c in closed), len(closed))
    weekends = v.weekdays[5] + v.weekdays[6]
    parts = {"night": 0, "morning": 6, "afternoon": 12, "evening": 18}
    return {
        "total_time_on_site_s": added(c.duration for c in closed) + duration,
        **{f"share_{name}": mean(sum(v.hours[hour] for hour in range(start, start + 6)), v.sessions)
           for name, start in parts.items()},
        "recency_score": math.exp(-recency / 30) if recency is not None else None,
        "avg_pages_per_session": mean(added(c.pages for c in closed), len(closed)),
        "preferred_hour": most_frequent(v.hours),
        "preferred_dow": most_frequent(v.weekdays),
        "is_weekend_shopper": 2 * weekends > v.sessions,
        "preferred_device": most_frequent(v.devices) or 0,
        "events_per_day": len(v.events.all) / max(1.0, first_seen),
        "engagement_vs_own_mean": engagement - usual if closed else None,
        "engagement_drop": max(0.0, usual - engagement) / usual if usual else None,
        "night_share": v.night / len(v.events.all),
        "video_hour_mode": most_frequent(v.video_hours),
    }


def trends(v, t):
    """Slopes over the last four weeks, by the sessions that ended in each."""
    weeks = [[c for c in v.closed[-NEWEST_CLOSED:] if t - (k + 1) * WEEK < c.ended <= t - k * WEEK] for k in range(4)]

    def slope(of):
        w = [of(week) for week in weeks]
        return (3 * (w[0] - w[3]) + w[1] - w[2]) / 10 if any(weeks) else None

    return {
        "trend_sessions": slope(len),
        "trend_duration_s": slope(lambda week: mean(added(c.duration for c in week), len(week)) or 0.0),
        "trend_engagement": slope(lambda week: mean(added(c.engagement for c in week), len(week)) or 0.0),
    }


def interests(v):
    return {
        "categories_explored": v.categories.n(),
        "category_diversity": v.few_categories.entropy(),
        "top_category_share": v.few_categories.top_share(),
        "products_explored": v.products.n(),
    }


def customer(v, t):
    n = v.events.n
    scores = v.events.having("score", "satisfaction")
    began = [x.at for x in v.events.of("signup", "subscription")]
    used = [x.at for x in v.events.of("feature_used")]
    return {
        "campaigns_sent": n("campaign_sent"),
        "campaign_open_rate": at_most_1(mean(n("campaign_opened"), n("campaign_sent"))),
        "campaign_response_rate": at_most_1(mean(n("campaign_clicked"), n("campaign_sent"))),
        "satisfaction_last": scores[-1] if scores else None,
        "days_since_feature_use": since(t, max(used, default=None), DAY),
        "feature_diversity": v.features.n(),
        "plan": free_code(v.plan),
        "tenure_days": since(t, min(began, default=None), DAY),
    }


def at_most_1(rate):
    return None if rate is None else min(1.0, rate)


def groups(v):
    n = v.events.n
    bought = sum(bool(x.get("group_id")) for x in v.events.of("purchase"))
    return {
        "view_to_click_rate": mean(n("group_join_click"), n("group_view")),
        "click_to_join_rate": mean(n("group_join_complete"), n("group_join_click")),
        "join_to_purchase_rate": mean(bought, n("group_join_complete")),
        "overall_conversion_rate": mean(bought, n("group_view")),
    }
