# SPDX-License-Identifier: Apache-2.0
"""invent - what the events of generate.py say: one at random, and stories in which something comes of one behind the
other."""
from codes import CODES, CONVERSIONS, VIDEO

OFTEN = "screen_view click click scroll scroll add_to_cart add_to_cart purchase plan_upgraded revenue session".split()
TYPES = ["page_view"] * 16 + ["product_view"] * 10 + 2 * OFTEN + sorted(CODES["EVENT_TYPE"])
CHANNELS = [*CODES["CHANNEL"], "newsletter", "other"]
DEVICES = "desktop mobile tablet bot fridge".split()
SCREENS = "1920x1080 1919x900 1024x768 1023x768 600x800 599x1 0x0 wide 1080 1920X1080 800x x600 390x844px".split()
COUNTRIES = ["DE", "DE", "GB", "US", "de", "DEU", "D1"]
REGIONS = ["BY", "BE", "CA", "ÖST", "DE"]
CURRENCIES = ["EUR", "EUR", "USD", "GBP", "JPY", "XXX"]
LANGUAGES = ["de", "de-DE", "EN_us", "en", "fr-", "Ünsinn", "PT-br", "-x", "_"]
LONG = "ä" * 40


def common(r):
    """What any event may say, whatever its type."""
    page = r.choice(["/", "/cart", "cart/x", "//a//b/", "/p/ü" + "ä" * r.choice((1, 200))]
                    + [f"/{r.choice('pqrst')}/{r.randrange(60)}" for _ in range(6)]
                    + [f"/{r.choice('abcdefghijklmnopqrstuvwxyz')}{r.randrange(4)}/x/{r.randrange(9)}"])
    return {
        "path": (.8, page),
        "referrer": (.5, "https://example.com/"),
        "referrer_domain": (.2, r.choice(["example.com", "google.com"])),
        "device": (.25, r.choice(DEVICES)),
        "browser": (.3, r.choice(["Firefox", "Chrome", "Sáfari"])),
        "os": (.3, r.choice(["iOS", "Android", "Windows"])),
        "screen": (.3, r.choice(SCREENS)),
        "country": (.3, r.choice(COUNTRIES)),
        "region": (.2, r.choice(REGIONS)),
        "city": (.2, r.choice(["München", "Bristol"])),
        "language": (.2, r.choice(LANGUAGES)),
        "utm_source": (.2, r.choice(["Google", "google", "Übersee", "mail"])),
        "utm_medium": (.2, r.choice(["cpc", "CPC", "e-mail"])),
        "utm_campaign": (.2, r.choice(["spring_sale", "brand"])),
        "channel": (.2, r.choice(CHANNELS)),
        "consent": (.3, r.randrange(16)),
        "user_id": (.1, f"u{r.randrange(3)}"),
        "utc_offset_min": (.2, float(r.choice([0, 60, 120, -480, -210, 345, 840, -720]))),
        "agent_marks": (.01, r.randrange(1, 4)),
        "product_id": (.6, r.choice([f"p{r.randrange(100)}", f"p{r.randrange(20)}", f"{LONG}{r.randrange(9)}"])),
        "category": (.6, f"c{r.randrange(80)}" if r.random() < .5 else f"c{r.randrange(6)}"),
        "price": (.6, 1e300 if r.random() < .01 else r.choice([0.0, .1, 19.99, r.random() * 500])),
        "currency": (.5, r.choice(CURRENCIES)),
        "group_id": (.3, "g1"),
    }


def own(r, kind):
    """What events of a type may say besides."""
    position = r.choice([0.0, r.random() * 600, float(r.randrange(30))])
    of_video = {"position_s": (.7, position), "length_s": (.5, r.choice([0.0, 600.0, 120.0])), "video": (.3, "v1"),
                "speed": (.8, r.choice([.5, 1.0, 2.0])), "from_s": (.5, 1.0), "to_s": (.5, 9.0)}
    amount = {"quantity": (.4, float(r.randrange(4))), "order_id": (.5, f"o{r.random()}"),
              "value": (.8, 1e39 if r.random() < .01 else r.choice([-5.0, 249.9, r.random() * 500]))}
    mouse = {"straightness": (.8, r.random()), "mean_speed": (.8, r.random() * 900), "pauses": (.8, r.random())}
    table = {
        **dict.fromkeys(VIDEO, of_video), **dict.fromkeys(CONVERSIONS, amount), "refund": amount,
        "add_to_cart": amount, "remove_from_cart": amount, "mouse_summary": mouse,
        "click": {"element": (.8, r.choice(["#buy", "#more"]))},
        "scroll": {"depth_pct": (.8, r.random() * 100)},
        "time_on_page": {"seconds": (.8, r.random() * 100)},
        "rating_submitted": {"rating": (.8, r.choice([0.0, 2.5, 5.0]))},
        "feature_used": {"feature": (.9, f"f{r.choice((3, r.randrange(150)))}")},
        "satisfaction": {"score": (.7, r.random() * 10)},
        "ad_click": {"cost": (.8, r.random())}, "ad_impression": {"cost": (.6, r.random() / 100)}}
    plan = {"plan": (.7, r.choice(["basic", "pro"]))} if kind in (*CONVERSIONS, "profile_update", "identify") else {}
    return {**table.get(kind, {}), **plan}


def event(r, kind=None):
    """An event's type and properties."""
    kind = kind or r.choice(TYPES)
    may = {**common(r), **own(r, kind)}
    return {"type": kind, **{field: value for field, (chance, value) in may.items() if r.random() < chance}}


# Stories: events with the seconds since the one before, as a list of (seconds, type, what they say).

def buy(r):
    product = {"product_id": f"p{r.randrange(30)}", "category": f"c{r.randrange(3)}", "price": 20.0, "currency": "USD"}
    return [(9, "page_view", {"path": "/shop"}), (20, "product_view", {**product, "path": "/shop/x"}),
            (3, "group_view", product), (3, "group_join_click", product), (3, "group_join_complete", product),
            (30, "add_to_cart", {**product, "quantity": 2.0}), (5, "page_view", {"path": "/cart"}),
            (5, "checkout_start", {}), (9, "payment_failed", {}), (9, "payment_success", {}),
            (1, "purchase", {**product, "value": 40.0, "group_id": "g1", "order_id": f"o{r.random()}"}),
            (60, "rating_submitted", {**product, "rating": 4.5})]


def compare(r):
    """Products of few categories, one behind the other, some of them after 10 minutes or to the microsecond."""
    return [(r.choice([2, 40, 300, 599.999999, 600, 600.000001]), "product_view",
             {"product_id": f"p{r.randrange(5)}", "category": f"c{r.randrange(3)}", "price": r.random() * 90})
            for _ in range(24)]


def hammer(r):
    """Clicks, often three of them within a second on one element."""
    return [(r.choice([0, .1, .333333, .5, .500001, .9, 1, 5]), r.choice(["click"] * 5 + ["scroll", "rage_click"]),
             {} if r.random() < .1 else {"element": r.choice(["#buy", "#buy", "#buy", "#more"])}) for _ in range(30)]


def watch(r):
    at, told = 0.0, []
    for _ in range(20):
        kind = r.choice(["video_progress"] * 5 + list(VIDEO))
        at = max(0.0, at + r.choice([10, 10, 59.5, 60, 60.5, -30, 0, 200]))
        what = {"position_s": at, "length_s": 600.0, "speed": 1.5, "video": "v1"}
        told.append((r.choice([1, 10, 60]), kind, {k: v for k, v in what.items() if r.random() < .85}))
    return told


def wander(r):
    """There and back again over few pages, acting on each."""
    told = []
    for _ in range(12):
        told.append((r.choice([1, .5, 20, 200]), r.choice(["page_view", "screen_view"]),
                     {"path": r.choice(["/", "/a", "/b", "/a/1", "/b/2"]), "referrer": r.choice(["", "/"])}))
        told += [(r.choice([.5, 1, 4, 40]), r.choice(["scroll", "click", "scroll", "time_on_page"]),
                  {"depth_pct": r.random() * 100, "seconds": 5.5}) for _ in range(r.randrange(3))]
    return told


def crawl(r):
    """A robot: many pages and products, so that lists are full and sketches begin."""
    marks = {"agent_marks": r.randrange(4), "device": r.choice(["bot", "desktop"])}
    few = r.randrange(40, 260)
    return [(.5, r.choice(["page_view", "product_view"]),
             {**marks, "path": f"/{r.choice('abcdefghijklmnopqrstuv')}/{r.randrange(few)}" + "/x" * r.randrange(4),
              "product_id": f"x{r.randrange(3 * few)}", "category": f"k{r.randrange(few)}"}) for _ in range(few)]


def hoard(r):
    """So many products and categories that a sketch no longer counts its empty registers."""
    return [(1, "product_view", {"product_id": f"h{i}", "category": f"h{i}"}) for i in range(r.randrange(400, 600))]


def struggle(r):
    kinds = ["error", "form_error", "payment_failed", "task_start", "task_start", "task_fail", "task_success",
             "form_submit", "form_start", "form_abandon", "retry", "help_request", "page_refresh", "page_exit",
             "rage_click"]
    return [(r.choice([1, 9]), r.choice(kinds), {}) for _ in range(20)]


def answer(r):
    kinds = ["campaign_sent", "campaign_sent", "campaign_opened", "campaign_clicked", "ad_impression", "ad_click",
             "satisfaction", "support_ticket", "subscription", "subscription_cancel", "profile_update", "feature_used"]
    return [(r.choice([60, 600]), kind, event(r, kind)) for kind in r.choices(kinds, k=10)]


def use(r):
    """The features of the product, more of them than are told apart."""
    return [(r.choice([.1, 2]), "feature_used", {"feature": f"f{r.randrange(150)}"}) for _ in range(r.randrange(9, 99))]


STORIES = 4 * [buy, buy, compare, hammer, watch, wander, wander, struggle, answer, crawl, use] + [hoard]


def visits(r):
    """A visitor who comes again and again over months."""
    told = []
    for _ in range(r.randrange(60, 110)):
        first = (r.choice([.3, .9, 1, 1.5, 3]) * 86400, "page_view", event(r, "page_view"))
        told += [first] + [(r.randrange(300), kind, event(r, kind))
                           for kind in r.choices(["click", "form_submit", *TYPES], k=r.randrange(5))]
    return told
