# SPDX-License-Identifier: Apache-2.0
"""settings - what holds beside the events: the settings of sites, as control records set them, and signals."""
import json
import math
import re

from codes import DAY, SECOND, micros

MOST_SIGNALS = 256


class Site:
    """The settings of a site; those of one without any are empty. ValueError when they cannot be read."""

    def __init__(self, body=None):
        body = body or {}
        rules = [rule.split("=") for rule in body.get("zone_rules", "").split()]
        self.zone = [(int(start) * SECOND, int(minutes)) for start, minutes in rules]
        self.currency = body.get("currency", "")
        rates = [rate.split("=") for rate in body.get("rates", "").split()]
        self.rates = {name: float(worth) for name, worth in rates}
        self.gap = body.get("session_gap_s", 0) * SECOND
        self.keep = body.get("keep_days", 0) * DAY
        self.consent = body.get("consent", 0)
        starts = [start for start, _ in self.zone]
        is_good = (len(self.currency) in (0, 3) and starts == sorted(set(starts)) and self.gap <= DAY
                   and self.keep <= 36500 * DAY and len(self.rates) == len(rates)
                   and all(abs(minutes) <= 18 * 60 for _, minutes in self.zone)
                   and all(re.fullmatch("[A-Z]{3}", name) and 0 < rate < math.inf for name, rate in self.rates.items()))
        if not is_good:
            raise ValueError(body)

    def offset_min(self, t):
        """Minutes that local time is ahead of UTC; the first of the rules holds always."""
        found = self.zone[0][1] if self.zone else 0
        for start, minutes in self.zone[1:]:
            if start <= t:
                found = minutes
        return found

    def amount(self, amount, currency):
        """In the site's currency; None when it was not told, or what it is worth is not known."""
        if amount is None or not currency or not self.currency or currency == self.currency:
            return amount
        return amount * self.rates[currency] if currency in self.rates else None


class Signals:
    """What was told of the world outside, in the order of the log; the newest 256 of a partition."""

    def __init__(self):
        self.kept = []

    def add(self, r):
        self.kept = (self.kept + [r])[-MOST_SIGNALS:]

    def holding(self, site_id, session, t):
        """Those that hold at t for a session, or for a visitor without, oldest first."""
        regions = {"", *(session.regions() if session else ())}
        return [r for r in self.kept
                if r["site_id"] == site_id and r.get("region", "") in regions and micros(r.get("from")) <= t
                and ("to" not in r or t < micros(r["to"]))]


def newest_of(kind, holding):
    """The value of the newest signal of the kind."""
    values = [r.get("value", 1.0) for r in holding if r["kind"] == kind]
    return values[-1] if values else None


def site_of(control, before):
    """The settings that a control record leaves; those that cannot be read leave the site as it was."""
    body = control.get("body", {})
    try:
        return Site(json.loads(body) if isinstance(body, str) else body) if control.get("version", 0) else Site()
    except ValueError:
        return before
