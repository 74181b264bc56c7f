#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""model_test - the simulated shop knows the probability of each of its events; a model trained on what the pipeline
made of them must come within 0.02 of the AUC that the shop's own probabilities reach on the same events. Training
twice gives the same file. Versions are activated, replaced and rolled back, and each prediction names its own. A model
that XGBoost trained elsewhere on an export is imported, promoted, and predicts as it did there."""
import csv
import re
import sys

import harness
from harness import Pipeline, binary, demand, say, until

SESSIONS = 8000
GAP = 0.02


def auc(pairs):
    """Area under the ROC curve of (score, label), ties counted half: the rank-sum statistic."""
    pairs = sorted(pairs)
    rank_sum, i, n = 0.0, 0, len(pairs)
    positives = sum(label for _, label in pairs)
    while i < n:
        j = i
        while j < n and pairs[j][0] == pairs[i][0]:
            j += 1
        rank_sum += sum(label for _, label in pairs[i:j]) * (i + 1 + j) / 2
        i = j
    return (rank_sum - positives * (positives + 1) / 2) / (positives * (n - positives))


def trainer(p, *words):
    return harness.logs.run([binary("auspex-trainer"), "-c", str(p.ini), *map(str, words)]).decode()


def bring_history(p):
    past, truth = p.dir / "past.ndjson", p.dir / "truth.csv"
    harness.logs.run([binary("auspex-shop"), "history", "--days", "14", "--sessions", str(SESSIONS), "--seed", "3", "--out",
                      str(past), "--truth", str(truth)])
    p.ctl("replay", past, "--format", "ndjson", "--site", 1, "--speed", "max", limit_s=400)
    p.ctl("wait", "archived", limit_s=400)
    with truth.open(newline="") as file:
        return {r["message_id"]: (float(r["p_hidden"]), int(r["converts_later"])) for r in csv.DictReader(file)}


def trained_rows(p):
    """The training set in its order, each row with the id of its event."""
    out = p.dir / "set.csv"
    trainer(p, "export", "--out", out)
    ids = {(r["partition"], r["offset"]): r["event_id"] for r in p.db.rows("features")}
    with out.open(newline="") as file:
        for r in csv.DictReader(file):
            yield r["session_id"], ids[int(r["partition"]), int(r["offset"])], int(r["label"])


def test_part(rows):
    """The last 15 %: from the first session that starts at or behind 85 % of the rows."""
    k = int(len(rows) * 0.85)
    while k > 0 and k < len(rows) and rows[k][0] == rows[k - 1][0]:
        k += 1
    return rows[k:]


def judge_auc(p, truth, report):
    rows = list(trained_rows(p))
    demand(len(rows) == len(truth), f"{len(rows)} rows for {len(truth)} events")
    wrong = [r for r in rows if truth[r[1]][1] != r[2]]
    demand(not wrong, f"{len(wrong)} labels are not what came later in the session, first {wrong[:1]}")
    last = test_part(rows)
    hidden = auc([(truth[event][0], label) for _, event, label in last])
    own = float(re.search(r"^AUC ([0-9.]+)", report, re.M).group(1))
    say(f"AUC {own:.4f}, the shop's own probabilities {hidden:.4f}, on {len(last)} events")
    demand(own >= hidden - GAP, f"AUC {own:.4f} is not within {GAP} of {hidden:.4f}")


def same_file_twice(p):
    files = [p.dir / f"{k}.model" for k in "ab"]
    for file in files:
        trainer(p, "conversion", "--no-publish", "--out", file)
    demand(files[0].read_bytes() == files[1].read_bytes(), "training twice gave two files")
    say(f"trained twice: the same {files[0].stat().st_size} bytes")


def versions_of(p, since):
    sql = ("select string_agg(distinct version::text, ',' order by version::text) from predictions "
           f"where not lacked and of_import = 0 and received > '{since}'")
    return p.db.value(sql)


def serves(p, version, since):
    p.shop(rate=100, events=100, seed=9, instance=f"shop{version}-{since[-9:-6]}").wait_end()
    p.ctl("wait", "archived")
    got = versions_of(p, since)
    demand(got == str(version), f"versions that predicted since {since}: {got}, not {version}")


def now(p):
    return p.db.value("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")


def promotions(p):
    trainer(p, "conversion", "--rounds", 5)
    for words, version in ((("promote", "conversion", 1), 1), (("promote", "conversion"), 2), (("rollback", "conversion"), 1)):
        p.ctl("models", *words)
        p.ctl("wait", "scored")
        serves(p, version, now(p))
        say(f"models {' '.join(map(str, words))}: version {version} serves")
    demand("conversion" in p.ctl("models", "list"), "models list names no conversion")
    p.ctl("models", "promote", "conversion", 77, status=1)
    p.ctl("models", "rollback", "nobody", status=1)


def imports(p):
    """A model from outside, on the export that judge_auc has made: refused while it asks for what we have not."""
    out, file = p.dir / "set.csv", p.dir / "outside.json"
    say(harness.logs.run([str(harness.build() / "trainer/outside"), str(out), str(file), "40"]).decode().strip())
    strange = p.dir / "strange.json"
    strange.write_text(file.read_text().replace('"cart_value"', '"cart_volume"'))
    said = p.ctl("models", "import", strange, "--kind", "conversion", status=1)
    demand('"cart_volume" is none of ours; the nearest is "cart_value"' in said, said)
    p.ctl("models", "import", file, "--kind", "churn", status=2)
    p.ctl("models", "import", p.dir / "nowhere.json", "--kind", "conversion", status=74)
    said = p.ctl("models", "import", file, "--kind", "conversion", "--calibrate", out)
    demand("published as version 3 of conversion" in said and '"calibration":"isotonic"' in said, said)
    p.ctl("models", "import", file, "--kind", "conversion", "--name", "outside")
    wanted = {"conversion": "3|3|0", "outside": "1|1|1"}
    for name, want in wanted.items():
        got = p.db.value("select count(*), max(version), count(*) filter (where metrics->>'auc' is null) from models "
                         f"where name = '{name}'")
        demand(got == want, f"table models, {name}: {got}, not {want}")
    say("a model from outside is version 3 of conversion, and version 1 of outside")
    serves(p, 1, now(p))  # none of them before it is promoted
    p.ctl("models", "promote", "conversion", 3)
    p.ctl("wait", "scored")
    serves(p, 3, now(p))
    without_database(p, file)


def without_database(p, file):
    """A version without a row; whoever numbers the next one minds it."""
    ini = p.write_ini("away.ini", postgres__dsn="postgresql://127.0.0.1:1/away")
    said = p.ctl("models", "import", file, "--kind", "conversion", "--name", "outside", ini=ini)
    demand("no row in table models" in said and "version 2 of outside" in said, said)
    demand("version 3 of outside" in p.ctl("models", "import", file, "--kind", "conversion", "--name", "outside"),
           "a number was given twice")
    p.ctl("models", "promote", "outside")
    p.ctl("wait", "scored")
    since = now(p)
    serves(p, 3, since)
    got = p.db.value(f"select min(model), bool_and(lower = 0 and upper = 1) from predictions where received > '{since}' "
                     "and of_import = 0")
    demand(got in ("outside|t", "outside|true"), f"who predicts: {got}")
    say("models promote outside: it predicts under its own name")


def main():
    p = Pipeline("model", partitions=4).apply()
    programs = p.start()
    truth = bring_history(p)
    same_file_twice(p)
    report = trainer(p, "conversion")
    judge_auc(p, truth, report)
    until("the model has a row", lambda: p.db.value("select count(*) from models") == "1")
    promotions(p)
    imports(p)
    p.drain(programs)


if __name__ == "__main__":
    sys.exit(harness.run(main))
