/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/catalogue.h"

#include "test/shop/habits.h"

#include <stdlib.h>

const struct category catalogue_categories[N_CATEGORIES] = {
    {"electronics/phones", "Phone", 38900},
    {"electronics/audio", "Headphones", 8900},
    {"electronics/laptops", "Laptop", 89900},
    {"home/kitchen", "Blender", 5900},
    {"home/lighting", "Lamp", 3900},
    {"home/furniture", "Chair", 14900},
    {"fashion/shoes", "Shoes", 7900},
    {"fashion/jackets", "Jacket", 11900},
    {"fashion/bags", "Bag", 6900},
    {"sports/cycling", "Helmet", 5900},
    {"sports/outdoor", "Tent", 12900},
    {"books/cooking", "Cookbook", 2400},
};

const char *const catalogue_brands[N_BRANDS] = {
    "Acorn",  "Birk",   "Calder",  "Dovre",  "Elm",    "Fjord",  "Garnet", "Halden",
    "Isar",   "Juno",   "Kestrel", "Linden", "Merle",  "Nadir",  "Orrin",  "Pallas",
    "Quill",  "Rowan",  "Sable",   "Teal",   "Umber",  "Vesper", "Wren",   "Xylo",
    "Yarrow", "Zephyr", "Alder",   "Briar",  "Cobalt", "Delta",
};

static int by_price(const void *a, const void *b)
{
    const struct product *x = a;
    const struct product *y = b;
    return (x->cents > y->cents) - (x->cents < y->cents);
}

void catalogue_fill(struct product *products)
{
    for (unsigned c = 0; c < N_CATEGORIES; c++) {
        struct rng r = rng_stream(0x5eed, c);
        struct product *shelf = products + (size_t)c * PRODUCTS_EACH;
        for (unsigned i = 0; i < PRODUCTS_EACH; i++) {
            double cents = habits_lognormal(&r, catalogue_categories[c].cents, .55);
            /* shop prices end in .99 */
            shelf[i] = (struct product){.category = c,
                                        .brand = (c * 7 + rng_below(&r, 8)) % N_BRANDS,
                                        .cents = (unsigned)(cents / 100) * 100 + 99};
        }
        qsort(shelf, PRODUCTS_EACH, sizeof(*shelf), by_price);
        for (unsigned i = 0; i < PRODUCTS_EACH; i++)
            shelf[i].number = c * PRODUCTS_EACH + i;
    }
}
