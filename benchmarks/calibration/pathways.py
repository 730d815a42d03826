"""Calibration of the claims on pathways and composition, on cohorts whose truth is known.

Cohorts at the level of cell tables (`made_cohorts`), through the functions that compare_pathways,
compare_composition and judge_claims call. Writes docs/calibration_pathways.md.

    .venv/bin/python benchmarks/calibration/pathways.py [--quick] [--jobs 2] [--out FILE]
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "workflow" / "scripts", Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import made_cohorts as law  # noqa: E402

from compare_composition import all_changes  # noqa: E402
from compare_pathways import mark_same_signal  # noqa: E402
from immune_reset import composition, pathways  # noqa: E402
from immune_reset.cohort_pathways import GATE, cohort_changes  # noqa: E402
from immune_reset.judge import WORDS  # noqa: E402
from immune_reset.multiplicity import holm  # noqa: E402
from judge_claims import INPUTS, all_claims  # noqa: E402

COMMAND = ".venv/bin/python benchmarks/calibration/pathways.py"
ALLOWED, RECOVERED, COVERED = 16 / 200, 0.9, (0.93, 0.97)
PLANTED = {law.ISG: (-6.0, -3.4), law.JAK: (-1.9, -1.4)}
EFFECTS, SIZES = (0.0, -0.25, -0.5, -1.0, -2.0), (3, 4, 5, 6, 8)
SPREAD = 0.5
CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
ALPHA = CONFIG["claims"]["alpha"]


def score(made: law.Made) -> pd.DataFrame:
    """Return the patients' rows of tables/pathway_change.tsv."""
    genes = pd.Series(law.GENES)
    kept = {name: CONFIG["pathways"][name] for name in ("min_cells", "min_counts", "min_genes")}
    measured = dict.fromkeys(made.cells, genes)
    return pathways.patient_changes(made.cells, measured, made.design, **kept)


def claims_of(made: law.Made) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (claims, pathway changes) of a cohort, through the workflow's own functions."""
    single = score(made)
    change = pd.concat([single, cohort_changes(single)], ignore_index=True)
    change = mark_same_signal(change, law.COLLECTIONS)
    counts = composition.count_parts(law.labels(made), None, list(made.cells))
    least = CONFIG["composition"]["min_expected"]
    shares = all_changes(counts, made.design, level=1 - ALPHA, min_expected=least)
    found = dict.fromkeys(INPUTS) | {
        "pathway_change": change,
        "composition_change": shares,
        "isotypes": law.isotype_table(made),
    }
    claims = all_claims(
        found,
        made.design,
        alpha=ALPHA,
        min_log2_change=CONFIG["claims"]["min_log2_change"],
        min_log_diversity=CONFIG["claims"]["min_log_diversity"],
        min_expected=least,
    )
    return claims, change


def gates(change: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort's gates of the judged sets with their p after Holm (`q`)."""
    own = change.loc[(change["scope"] == "cohort") & (change["cell_type"] == GATE)]
    own = own.loc[own["gene_set"].isin([law.ISG, law.JAK])]
    return own.assign(q=holm(own["p_value"].to_numpy(dtype=float)))


def inside(made: law.Made, change: pd.DataFrame) -> pd.DataFrame:
    """Return, per scorable change of a patient, whether its interval holds the true change."""
    rows = change.loc[(change["scope"] != "cohort") & change["cell_type"].isin(law.TYPES)]
    rows = rows.loc[rows["status"].isin(["scorable", "bound"])]
    at = {name: k for k, name in enumerate(law.SETS)}
    true = [
        law.true_change(
            made, f"{r.patient}_{r.baseline}", f"{r.patient}_{r.followup}", r.cell_type
        )[at[r.gene_set]]
        for r in rows.itertuples()
    ]
    low, high = (rows[end].astype(float) for end in ("ci_low", "ci_high"))
    holds = ~(low > true) & ~(high < true)
    fewest = rows[["n_baseline", "n_followup"]].min(axis=1).astype(int)
    out = pd.DataFrame({"status": rows["status"], "fewest": fewest, "inside": holds})
    return out.assign(gene_set=rows["gene_set"], cell_type=rows["cell_type"])


def one(plan: law.Plan) -> dict:
    """Draw and judge one cohort; return what the studies count."""
    made = law.draw(plan)
    claims, change = claims_of(made)
    cohort = claims.loc[(claims["scope"] == "cohort") & claims["direction"].isin(WORDS)]
    firm = cohort.loc[cohort["evidence"] == "cohort"]
    opened = gates(change)
    opened = opened.loc[(opened["q"] < ALPHA) & (opened["gene_set"] == law.ISG)]
    families = claims.loc[claims["scope"] == "cohort"].groupby("family")["p_value"]
    told = claims.loc[(claims["scope"] == "cohort") & (claims["family"] == "pathways"), "reason"]
    return {
        "n": plan.n,
        "false": {f: int((firm["family"] == f).sum()) for f in ("pathways", "composition")},
        "tested": {f: bool(p.notna().any()) for f, p in families},
        "lowered": int((cohort["evidence"] == "descriptive").sum()),
        "claims": list(zip(firm["claim"], firm["direction"], strict=True)),
        "gate": "" if opened.empty else WORDS[int(opened["estimate"].iloc[0] < 0)],
        "both": bool(told.str.contains("both patients").any()),
        "signal": _signals(firm),
        "covered": inside(made, change),
    }


def _signals(firm: pd.DataFrame) -> tuple[int, int]:
    jak = firm.loc[firm["claim"] == "jak_stat_b_cells", "detail"]
    return len(jak), int(jak.str.contains("same signal as interferon").sum())


def planted_plan(seed: int, index: int, *, n: int | None = None) -> law.Plan:
    """Return the plan of a cohort in which interferon falls as in the real stimulated cells."""
    n = int(np.random.default_rng([seed, index, 2]).integers(3, 9)) if n is None else n
    return law.null_plan(seed, index, n=n, effect=PLANTED, effect_sd=SPREAD, followups=1)


def power_of(plan: law.Plan) -> list[dict]:
    """Return gate verdicts of the first n patients of a cohort, for every n, with its spread."""
    single = score(law.draw(plan))
    effect, rows = plan.effect[law.ISG][0], []
    people = list(dict.fromkeys(single["patient"]))
    for n in SIZES:
        found = gates(cohort_changes(single.loc[single["patient"].isin(people[:n])]))
        row = found.loc[found["gene_set"] == law.ISG].iloc[0]
        half = (row["ci_high"] - row["ci_low"]) / 2
        rows.append(
            {"effect": effect, "n": n, "half": half, "estimate": row["estimate"]}
            | {"opened": bool(row["q"] < ALPHA), "right": bool(row["estimate"] < 0)}
        )
    spread = single.loc[single["gene_set"] == law.ISG]
    spread = spread.loc[spread["cell_type"].isin(pathways.CELL_TYPES)]
    sd = spread.groupby("patient")["estimate"].mean().std()
    return [row | {"sd": sd} for row in rows]


def thinning(plan: law.Plan) -> pd.DataFrame:
    """Thin the follow-up's cells to a quarter, then its UMIs to a third: did scores leave?

    Columns: kind, moved (the full score lies outside the thinned score's interval), score_moved
    in log2, half (half the interval).
    """
    made = law.draw(plan)
    rng = np.random.default_rng([*plan.seed, 3])
    genes = dict.fromkeys(made.cells, pd.Series(law.GENES))
    kept = {name: CONFIG["pathways"][name] for name in ("min_cells", "min_genes")}
    full = pathways.sample_scores(made.cells, genes, made.design, **kept)
    parts = []
    for kind in ("cells", "UMIs"):
        thin = {name: _thinned(part, kind, rng) for name, part in made.cells.items()}
        less = pathways.sample_scores(thin, genes, made.design, **kept)
        both = (full["status"] == "scorable") & (less["status"] == "scorable")
        out = (full["score"] < less["ci_low"]) | (full["score"] > less["ci_high"])
        moved = (less["score"] - full["score"]).where(both)
        part = pd.DataFrame({"outside": out, "shift": moved, "n_cells": less["n_cells"]})
        parts.append(part.loc[both].assign(kind=kind))
    return pd.concat(parts, ignore_index=True)


def _thinned(cells: pd.DataFrame, kind: str, rng: np.random.Generator) -> pd.DataFrame:
    if kind == "cells":
        return cells.loc[rng.random(len(cells)) < 0.25].reset_index(drop=True)
    counts = {name: rng.binomial(cells[name], 1 / 3) for name in law.SETS}
    rest = rng.binomial(cells["total_counts"] - cells[law.SETS].sum(axis=1), 1 / 3)
    return cells.assign(total_counts=rest + sum(counts.values()), **counts)


Mapper = Callable[[Callable, Iterable], list]


def run_all(counts: dict[str, int], seed: int, each: Mapper) -> dict[str, list]:
    """Run every study; `counts` says how many cohorts of each kind."""
    wide = partial(law.null_plan, seed, n=8, followups=1, fold_cells=1.0, fold_umis=1.0)
    power = [
        wide(
            index=3000 + 1000 * e + i, library_sd=0.3, effect_sd=SPREAD,
            effect={law.ISG: (effect, effect)},
        )
        for e, effect in enumerate(EFFECTS)
        for i in range(counts["power"])
    ]  # fmt: skip
    batch = [
        law.null_plan(seed, 2000 + i, n=3 + i % 6, batch="timepoint", followups=1, effect=PLANTED)
        for i in range(counts["batch"])
    ]
    return {
        "null": each(one, [law.null_plan(seed, i) for i in range(counts["null"])]),
        "planted": each(one, [planted_plan(seed, 500 + i) for i in range(counts["planted"])]),
        "two": each(one, [planted_plan(seed, 1000 + i, n=2) for i in range(counts["two"])]),
        "batch": each(one, batch),
        "power": [row for rows in each(power_of, power) for row in rows],
        "thin": each(thinning, [law.null_plan(seed, 9000 + i) for i in range(counts["thin"])]),
    }


def verdicts(found: dict[str, list]) -> list[tuple[str, str, str, bool]]:
    """Return (question, found, bound, held) of every bound that the study judges."""
    null, planted, two = found["null"], found["planted"], found["two"]
    rows = []
    for family in ("pathways", "composition"):
        k, tested = (sum(bool(r[key].get(family)) for r in null) for key in ("false", "tested"))
        said = f"{k} of {len(null)} ({tested} with a test)"
        rows.append((f"null cohorts with a false cohort claim, {family}", said,
                     f"at most {ALLOWED * len(null):.0f}", k <= ALLOWED * len(null)))  # fmt: skip
    k = sum(r["gate"] == "decreased" for r in planted)
    rows.append(("planted cohorts whose interferon gate opens, right sign",
                 f"{k} of {len(planted)}", f"at least {RECOVERED * len(planted):.0f}",
                 k >= RECOVERED * len(planted)))  # fmt: skip
    k = sum(r["gate"] == "increased" for r in planted)
    rows.append(("the same, wrong sign", str(k), "0", k == 0))
    k = sum(sum(r["false"].values()) for r in two)
    rows.append((f"cohort claims of {len(two)} planted cohorts of two pairs", str(k), "0", k == 0))
    k = sum(r["both"] for r in two)
    rows.append(('of these, said to hold in "both patients"', f"{k} of {len(two)}", "all",
                 k == len(two)))  # fmt: skip
    k = sum(sum(r["false"].values()) for r in found["batch"])
    rows.append((f"claims above descriptive of {len(found['batch'])} planted cohorts whose batch "
                 "goes with the timepoint", str(k), "0", k == 0))  # fmt: skip
    for name in ("null", "planted"):
        cover = pd.concat([r["covered"] for r in found[name]])
        cover = cover.loc[cover["status"] == "scorable", "inside"]
        held = COVERED[0] <= cover.mean() <= COVERED[1]
        rows.append((f"95 % intervals of patients that hold the realised change, {name} cohorts",
                     f"{cover.mean():.3f} of {len(cover):,}", ".93 to .97", held))  # fmt: skip
    return rows


def markdown(head: list[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """Return a Markdown table."""
    body = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *body, ""]


def power_table(rows: list[dict]) -> list[str]:
    """Return the share of cohorts whose gate opens with the right sign, by effect and n."""
    table = pd.DataFrame(rows)
    hit = (table["opened"] & (table["right"] | (table["effect"] == 0))).groupby(
        [table["effect"], table["n"]]
    )
    sd = table.groupby("effect")["sd"].median()
    out = [
        [f"{e:+g}" if e else "0", f"{abs(e) / sd[e]:.1f}"]
        + [f"{hit.get_group((e, n)).mean():.2f}" for n in SIZES]
        for e in EFFECTS
    ]
    head = ["mean change, log2", "change / sd", *(f"n = {n}" for n in SIZES)]
    return markdown(head, out)


def coverage_table(found: dict[str, list]) -> list[str]:
    """Return coverage by the smaller number of cells; of bounds, how often they hold."""
    cover = pd.concat([r["covered"] for name in ("null", "planted") for r in found[name]])
    bins = pd.cut(cover["fewest"], [9, 14, 19, 49, 199, 10**6],
                  labels=["10-14", "15-19", "20-49", "50-199", "200 and more"])  # fmt: skip
    out = []
    for name, part in cover.groupby(bins, observed=True):
        cells = [name]
        for status in ("scorable", "bound"):
            own = part.loc[part["status"] == status, "inside"]
            cells += [f"{len(own):,}", f"{own.mean():.3f}" if len(own) >= 20 else "–"]
        out.append(cells)
    head = ["cells in the smaller sample", "intervals", "hold", "bounds", "hold"]
    return markdown(head, out)


def claimed_table(found: dict[str, list]) -> list[str]:
    """Return how often each claim was made, in the null and in the planted cohorts."""
    rows: dict[tuple[str, str], list[int]] = {}
    for k, name in enumerate(("null", "planted")):
        for cohort in found[name]:
            for claim in set(cohort["claims"]):
                rows.setdefault(claim, [0, 0])[k] += 1
    return markdown(
        ["claim of the cohort", "direction", "null cohorts", "planted cohorts"],
        [[*claim, *counts] for claim, counts in sorted(rows.items())],
    )


def report(found: dict[str, list], *, options: str) -> str:
    """Return the page."""
    thin = pd.concat(found["thin"])
    jak, same = (sum(r["signal"][k] for r in found["planted"]) for k in (0, 1))
    sizes = pd.Series([r["n"] for r in found["null"]]).value_counts().sort_index()
    lines = [
        "# Calibration of the claims on pathways and composition",
        "",
        f"Repeat with `{COMMAND}{options}`. Written by it; do not edit.",
        "",
        "Cells are drawn for eight types, seven of which are compared: gamma-Poisson UMIs, a gene",
        "set's share of .2 to 2 % with gamma activity (shape 2) in every cell, patients' levels",
        "that differ by .5 log2, library effects of .2 to .4 log2 (correlation .6 between types),",
        "fractions that differ between libraries by .2 to .5 (natural log), 800 to 4,000 cells",
        "of 6,000 UMIs in the deeper timepoint, and one- to tenfold fewer cells and, drawn apart,",
        "UMIs in the other, on the same side in every patient. Null cohorts have "
        f"{sizes.index.min()} to {sizes.index.max()} patients",
        "and one or two follow-ups. In planted ones interferon (ISG28) falls by 3.4 to 6 log2 in",
        "every type, IL6-JAK-STAT3 by 1.4 to 1.9, and patients differ in it by .5 log2.",
        "",
        *markdown(
            ["", "found", "bound", "holds"],
            [[*row[:3], "yes" if row[3] else "**no**"] for row in verdicts(found)],
        ),
        "## Power of the interferon gate",
        "",
        "Share of cohorts in which the gate opens with the right sign (0: either sign), Holm over",
        "the two pathways, equal depth; patients differ in the change by .5 log2, libraries by .3.",
        f"{len(found['power']) // len(EFFECTS) // len(SIZES)} cohorts an effect. `change / sd`: "
        "over the sd of the patients' means over the types.",
        "",
        *power_table(found["power"]),
        "## Coverage of the patients' intervals",
        "",
        "Of the change between these two libraries, had every cell in the tubes been sequenced.",
        "",
        *coverage_table(found),
        "## Claims made",
        "",
        *claimed_table(found),
        f"JAK-STAT in B cells, planted with interferon alone: {same} of {jak} claims say that it "
        "is the same signal.",
        "",
        "## Thinning",
        "",
        "Every sample's cells thinned to a quarter, or its UMIs to a third: scores whose full",
        "value lies outside the interval of the thinned one, and how far they move on average.",
        "",
        *markdown(
            ["thinned", "scores", "outside", "mean shift, log2"],
            [
                [k, f"{len(g):,}", f"{g['outside'].mean():.3f}", f"{g['shift'].mean():+.3f}"]
                for k, g in thin.groupby("kind")
            ],
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Run the studies and write the page; the exit code says whether every bound holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few cohorts: a smoke test")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "calibration_pathways.md")
    chosen = parser.parse_args()
    full = {"null": 200, "planted": 200, "two": 50, "batch": 50, "power": 100, "thin": 20}
    counts = {name: max(2, n // 20) for name, n in full.items()} if chosen.quick else full
    began = time.perf_counter()
    with ProcessPoolExecutor(chosen.jobs) as pool:
        found = run_all(counts, chosen.seed, lambda f, items: list(pool.map(f, items)))
    options = (" --quick" if chosen.quick else "") + (
        f" --seed {chosen.seed}" if chosen.seed != 1 else ""
    )
    page = report(found, options=options)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page + f"\n{time.perf_counter() - began:.0f} s, written to {chosen.out}\n")
    return int(not all(row[3] for row in verdicts(found)))


if __name__ == "__main__":
    sys.exit(main())
