/* SPDX-License-Identifier: Apache-2.0 */
/* catalogue - the products of the simulated shop: the same for every seed. */
#ifndef AUSPEX_SHOP_CATALOGUE_H
#define AUSPEX_SHOP_CATALOGUE_H

#include "common/base/base.h"

enum {
    N_CATEGORIES = 12,
    N_BRANDS = 30,
    PRODUCTS_EACH = 42,
    N_PRODUCTS = N_CATEGORIES * PRODUCTS_EACH
};

struct product {
    unsigned number;   /* 0 .. N_PRODUCTS - 1 */
    unsigned category; /* 0 .. N_CATEGORIES - 1 */
    unsigned brand;    /* 0 .. N_BRANDS - 1 */
    unsigned cents;    /* price */
};

struct category {
    const char *path; /* "electronics/phones": the `category` of its events */
    const char *noun; /* "Phone" */
    double cents;     /* median price */
};

extern const struct category catalogue_categories[N_CATEGORIES];
extern const char *const catalogue_brands[N_BRANDS];

/* Fills products[N_PRODUCTS], by category, within a category from the cheapest to the dearest.
 */
void catalogue_fill(struct product *products);

#endif
