/* SPDX-License-Identifier: Apache-2.0 */
/* retail - invoices of Online Retail (UCI): the lines of one invoice, each
 * InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
 * (RFC 4180), with '\n' between them, become one event.
 *
 * type      InvoiceNo begins with C: refund; with A: bad_debt_adjustment; digits alone:
 *           stock_adjustment when each line has no customer, a price of zero and a quantity
 *           below it, else purchase. Nothing but a letter C or A may stand before the digits.
 * value     sum of quantity times price over the lines, exact in ten-thousandths, then rounded
 *           to the cent, halves away from zero; below zero for refunds. GBP.
 * ts_us     InvoiceDate of the first line; the file's local times are taken for UTC.
 * visitor   CustomerID as user_id; where it is NA or empty, anonymous_id "invoice-536414".
 * items     [{"product_id","name","quantity","price"}], one a line, in the file's order; no
 *           name where the description is NA or empty.
 * country   of the first line, where its name is one that has an ISO 3166 code in retail.c.
 *
 * An invoice with one bad line is refused whole, since without it the sum would be wrong. */
#ifndef AUSPEX_RETAIL_H
#define AUSPEX_RETAIL_H

#include "collector/draft.h"

enum {
    RETAIL_MAX = 256 * 1024, /* bytes of an invoice's lines; the file's longest has 101 KiB */
    RETAIL_ITEMS_MAX = 192 * 1024
};

/* Whether it is the line that names the columns. */
bool retail_is_header(struct str line);
/* Fills the event. Slices point into `lines`, the arena and `items`, which is reset and holds
 * the items' JSON. Else REASON_bad_row, bad_utf8 or nul_in_string, and *detail (in the arena,
 * or static) names the line within the invoice, from 1, and its column; REASON_too_large. */
enum reason retail_read(struct event *e, struct str lines, const struct arrival *a,
                        struct arena *arena, struct buf *items, const char **detail);

#endif
