/* SPDX-License-Identifier: Apache-2.0 */
/* report - policies report: what the archive says of policies. */
#ifndef AUSPEX_CTL_REPORT_H
#define AUSPEX_CTL_REPORT_H

struct ctl;
struct err;

int policies_report_run(struct ctl *c, struct err *e);

#endif
