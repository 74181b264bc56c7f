# SPDX-License-Identifier: Apache-2.0
"""ratings - what a visitor thinks of products, as its acts tell: features.def, below "Ratings"."""
from codes import DAY, cut, f32

MOST_PRODUCTS, MOST_TOLD, MOST_ID = 32, 16, 64
WEIGHTS = {"purchase": 10, "group_join_complete": 9, "payment_success": 8, "checkout_start": 7, "add_to_cart": 6,
           "group_join_click": 5, "rating_submitted": 4, "wishlist_add": 3, "product_view": 2, "group_view": 2,
           "search_performed": 1.5, "page_view": 1, "wishlist_remove": -1, "remove_from_cart": -2, "group_leave": -3}


class Product:
    def __init__(self, product_id):
        self.id, self.acts, self.explicit = product_id, [], None  # acts: (at, weight)

    def sum(self, now, half_life):
        """Of the weights, each halved for every half-life that it is old."""
        return sum(weight * 2.0 ** (-(now - at) / half_life) for at, weight in self.acts)

    def rating(self, now, half_life):
        s = self.sum(now, half_life)
        implicit = 5 * s / (s + 5) if s > 0 else 0.0
        return implicit if self.explicit is None else (2 * self.explicit + implicit) / 3


class Ratings:
    def __init__(self, half_life_days):
        self.half_life, self.products = half_life_days * DAY, []
        self.newest = 0  # when the newest act was, of whatever product

    def now(self, t):
        """When ratings are told: at t, but not before the newest act."""
        return max(t, self.newest)

    def add(self, e, at, t):
        """Counts an event. A 33rd product takes the place of that with the lowest sum."""
        product_id, weight = e.get("product_id"), WEIGHTS.get(e["type"])
        if not product_id or weight is None:
            return
        self.newest = max(self.newest, at)
        product = self.of(product_id)
        if not product:
            product = Product(product_id)
            if len(self.products) < MOST_PRODUCTS:
                self.products.append(product)
            else:
                sums = [p.sum(self.now(t), self.half_life) for p in self.products]
                self.products[sums.index(min(sums))] = product
        product.acts.append((at, weight))
        if e["type"] == "rating_submitted" and "rating" in e:
            product.explicit = f32(e["rating"])

    def of(self, product_id):
        return next((p for p in self.products if p.id == product_id), None)

    def rating(self, product_id, t):
        product = self.of(product_id) if product_id else None
        return product.rating(self.now(t), self.half_life) if product else None

    def highest(self, t):
        return max((p.rating(self.now(t), self.half_life) for p in self.products), default=None)

    def told(self, t):
        """The list of a vector: the highest first, equals as they stand in the list."""
        now = self.now(t)
        rated = [{"product_id": cut(p.id, MOST_ID), "rating": p.rating(now, self.half_life)} for p in self.products]
        return sorted(rated, key=lambda r: -r["rating"])[:MOST_TOLD]
