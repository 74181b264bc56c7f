# SPDX-License-Identifier: Apache-2.0
"""state - all that is kept of visitors: their events, sessions and lanes. Nothing is ever left out; what features need
again and again is counted as events come."""
import collections
import re

from codes import CODES, DAY, HOUR, MINUTE, SECOND, VIEWS, cut, page_code
from counting import Distinct, FirstSome, days, ring
from ratings import Ratings

TOLD = ("device", "os", "country", "region", "city", "channel", "utm_campaign", "utm_source", "utm_medium", "browser",
        "screen", "language", "referrer_domain")
# what counts as told, where not anything but nothing does
FORM = {"country": "[A-Z]{2}", "screen": "[0-9]+x[0-9]+", "language": "[^-_].*"}


class Seen:
    """An event as it counts, and when."""

    def __init__(self, e, site, t, late, at):
        self.e, self.type, self.t, self.late, self.at = e, e["type"], t, late, at
        self.offset_min = e.get("utc_offset_min", site.offset_min(t))
        local = t + int(self.offset_min * MINUTE)
        self.hour, self.weekday = local // HOUR % 24, (local // DAY + 3) % 7
        self.value = site.amount(e.get("value"), e.get("currency"))
        self.cost = site.amount(e.get("cost"), e.get("currency"))

    def get(self, field, absent=None):
        return self.e.get(field, absent)


class Events:
    """Events by the log, and by type."""

    def __init__(self):
        self.all, self.by = [], collections.defaultdict(list)

    def add(self, seen):
        self.all.append(seen)
        self.by[seen.type].append(seen)

    def of(self, *types):
        """Those of some types, in order of the log."""
        if len(types) == 1:
            return self.by.get(types[0], [])
        return [x for x in self.all if x.type in types]

    def n(self, *types):
        return sum(len(self.by.get(one, ())) for one in types)

    def having(self, field, *types):
        return [x.get(field) for x in self.of(*types) if field in x.e]


class Session:
    def __init__(self, visitor, seen, gap):
        visitor.sessions += 1
        e, self.gap = seen.e, gap  # the gap that the site said when it opened
        self.id = f"{e['epoch']}-{e['_partition']}-{e['_offset']}"
        self.number, self.started, self.before = visitor.sessions, seen.t, visitor.last
        self.hour, self.weekday = seen.hour, seen.weekday
        self.closed_before = visitor.closed[-1].ended if visitor.closed else None
        self.every, self.ordered = Events(), Events()  # late ones too; those in order
        self.first, self.region_country = {}, ""  # first words told, in order; the country when a region was told
        self.gaps, self.items, self.worth, self.steps = [], 0.0, 0.0, []
        self.paths, self.page_paths, self.product_ids = Distinct(), FirstSome(), Distinct()
        self.products, self.categories, self.features = FirstSome(), FirstSome(), FirstSome()

    def told(self, field):
        return self.first.get(field, "")

    def pages(self):
        return [x.get("path") for x in self.ordered.of(*VIEWS) if x.get("path")]

    def regions(self):
        """What the region of a signal may be."""
        country, region = self.told("country"), self.told("region")
        both = f"{self.region_country}-{region}" if region and self.region_country else ""
        return [word for word in (country, region, both) if word]

    def engagement(self):
        n = self.every.n
        return min(100, 2 * n("click") + n("scroll") + 5 * n("video_play") + 10 * n("form_submit"))

    def add(self, seen):
        """What late events change too."""
        self.every.add(seen)
        path, product, category = seen.get("path"), seen.get("product_id"), seen.get("category")
        if seen.type in VIEWS and path:
            self.paths.add(path)
            self.page_paths.add(path)
        if seen.type == "product_view" and product:
            self.products.add(product)
            self.product_ids.add(product)
        if seen.type == "product_view" and category:
            self.categories.add(category)
        if seen.type == "feature_used" and seen.get("feature"):
            self.features.add(seen.get("feature"))

    def follow(self, seen):
        """What only events in order change."""
        if self.ordered.all:
            self.gaps.append((seen.t - self.ordered.all[-1].t) / 1e6)
        self.ordered.add(seen)
        for field in TOLD:
            word = seen.get(field, "")
            if word and field not in self.first and re.fullmatch(FORM.get(field, ".*"), word, re.S):
                self.first[field] = word
                if field == "region":
                    self.region_country = self.told("country")
        path = seen.get("path")
        if seen.type in VIEWS and path and (not self.steps or self.steps[-1] != path):
            self.steps.append(path)
        quantity, price = seen.get("quantity", 1.0), seen.get("price", 0.0)
        sign = {"add_to_cart": 1, "remove_from_cart": -1}.get(seen.type, 0)
        self.items += sign * quantity
        self.worth += sign * (quantity * price)
        if seen.type == "purchase" or self.items <= 0:
            self.items = self.worth = 0.0
        self.worth = max(self.worth, 0.0)

    def step_codes(self):
        return [page_code(path) for path in self.steps]


class Closed:
    """A session that is over."""

    def __init__(self, session, ended, how):
        self.session, self.started, self.ended, self.how = session, session.started, ended, how
        self.duration = (ended - session.started) / 1e6
        self.pages, self.engagement = session.every.n(*VIEWS), session.engagement()


class Lane:
    def __init__(self):
        self.newest, self.received, self.session = 0, 0, None


class Visitor:
    def __init__(self, half_life_days):
        self.lanes = {0: Lane()}
        self.ids, self.events, self.sessions = [], Events(), 0  # ids: (id, body, received), newest last
        self.closed, self.touches = [], []  # touches: (t, word of the channel)
        self.first, self.last, self.received, self.user = 0, 0, 0, ""
        self.newest_at, self.night, self.plan = 0, 0, ""
        self.paid, self.lifetime = 0.0, 0.0  # amounts as sent
        self.hours, self.weekdays, self.devices = (collections.Counter() for _ in range(3))  # of sessions
        self.video_hours = collections.Counter()
        self.categories, self.products = Distinct(), Distinct()
        self.few_categories, self.features = FirstSome(), FirstSome()
        self.rings = {(width, kind): ring(width, kept)
                      for width, kept in ((30 * SECOND, 10), (5 * MINUTE, 12), (HOUR, 24))
                      for kind in ("", "product_view", "add_to_cart")}
        self.days = {kind: days() for kind in ("", "purchase", "support_ticket", "video_play")}
        self.opened_days, self.revenue_days = days(), days()
        self.ratings = Ratings(half_life_days)

    def add(self, seen):
        """What any event changes, whether late or not."""
        self.events.add(seen)
        self.newest_at = max(self.newest_at, seen.at)
        self.user = cut(seen.get("user_id", "")) or self.user
        self.night += seen.hour < 6
        for (_, kind), one in self.rings.items():
            if kind in ("", seen.type):
                one.add(seen.at)
        for kind, one in self.days.items():
            if kind in ("", seen.type):
                one.add(seen.at)
        self.add_money(seen)
        self.add_words(seen)
        self.ratings.add(seen.e, seen.at, seen.t)

    def add_money(self, seen):
        value = seen.get("value", 0.0)
        self.paid += value if seen.type == "purchase" else 0
        self.lifetime += value if seen.type in ("purchase", "subscription") else 0
        self.lifetime -= abs(value) if seen.type == "refund" else 0
        if seen.type == "purchase":
            self.revenue_days.add(seen.at, seen.value or 0.0)

    def add_words(self, seen):
        if seen.type == "product_view" and seen.get("category"):
            self.categories.add(seen.get("category"))
            self.few_categories.add(seen.get("category"))
        if seen.type == "product_view" and seen.get("product_id"):
            self.products.add(seen.get("product_id"))
        if seen.type == "feature_used" and seen.get("feature"):
            self.features.add(seen.get("feature"))
        if seen.type == "video_play":
            self.video_hours[seen.hour] += 1
        if seen.type in ("subscription", "profile_update", "identify"):
            self.plan = seen.get("plan", "") or self.plan
        if seen.type == "subscription_cancel":
            self.plan = ""

    def open(self, seen, gap):
        """A session begins."""
        self.hours[seen.hour] += 1
        self.weekdays[seen.weekday] += 1
        self.opened_days.add(seen.t)
        return Session(self, seen, gap)

    def follow(self, session, seen):
        """What only events in order change: the first words of their session."""
        before = set(session.first)
        session.follow(seen)
        new = set(session.first) - before
        if "channel" in new:
            self.touches.append((seen.t, session.told("channel")))
        if "device" in new:
            self.devices[CODES["DEVICE"].get(session.told("device"), 1)] += 1
        self.last = max(self.last, seen.t)
