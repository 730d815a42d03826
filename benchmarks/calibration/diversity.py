"""Calibration of the diversity intervals and claims on clone-size laws whose truth is known.

Three studies, all on the functions that the workflow calls:

1. Coverage: of the 95 % intervals of asymptotic D2 and of S(m), D1(m), D2(m) at m = n and
   m = n/3, over draws of each law at each n, among the draws called estimable.
2. Null cohorts at 10:1 depth: how many make any false diversity claim.
3. Halving: pairs of laws that differ; does the verdict turn round when a side is halved?

    .venv/bin/python benchmarks/calibration/diversity.py [--quick] [--draws 1000] [--out FILE]
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import binom

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from immune_reset.hill import Abundances, abundances, to_hill  # noqa: E402
from immune_reset.hill_change import compare  # noqa: E402
from immune_reset.hill_intervals import (  # noqa: E402
    d2_interval,
    d2_lower_bound,
    is_estimable,
    log_hill_interval,
)
from immune_reset.multiplicity import holm  # noqa: E402

DEPTHS = (30, 100, 300, 1000, 3000, 10000, 20000)
LEVEL = 0.95
COMMAND = ".venv/bin/python benchmarks/calibration/diversity.py"


def clone_laws() -> dict[str, np.ndarray]:
    """Return the shares of the clones of each named law."""
    rng = np.random.default_rng(20240101)
    rank = np.arange(1, 100_001, dtype=float)
    raw = {
        "geometric, ratio .98": 0.98 ** np.arange(1000),
        "geometric, ratio .999": 0.999 ** np.arange(20_000),
        "lognormal, sd 1.5, 2,000 clones": np.exp(1.5 * rng.standard_normal(2_000)),
        "lognormal, sd 2, 20,000 clones": np.exp(2.0 * rng.standard_normal(20_000)),
        "Zipf 1.0, 10,000 clones": rank[:10_000] ** -1.0,
        "Zipf 1.2, 100,000 clones": rank**-1.2,
        "naive-like, 100,000 clones": np.exp(0.5 * rng.standard_normal(100_000)),
        "naive-like, 10,000 clones": np.exp(0.5 * rng.standard_normal(10_000)),
    }
    laws = {name: share / share.sum() for name, share in raw.items()}
    expanded = 0.8 ** np.arange(10)
    laws["expanded clones (30 %) in naive"] = np.concatenate(
        [0.3 * expanded / expanded.sum(), 0.7 * laws["naive-like, 100,000 clones"]]
    )
    laws["one clone (20 %) in naive"] = np.concatenate(
        [[0.2], 0.8 * laws["naive-like, 100,000 clones"]]
    )
    return laws


def draw(law: np.ndarray, n: int, rng: np.random.Generator) -> Abundances:
    """Return the clone sizes of n cells drawn from the law."""
    return abundances(rng.multinomial(n, law))


def expected_hill(law: np.ndarray, q: int, m: int) -> float:
    """Return the Hill number expected of m cells of the law, exactly.

    By the binomial law of each clone's cells; clones of nearly equal share (1e-4) together.
    """
    key = np.unique(np.round(np.log(law) / 1e-4), return_inverse=True)[1]
    weight = np.bincount(key)
    share = np.bincount(key, law) / weight
    if q == 0:
        return float(weight @ -np.expm1(m * np.log1p(-share)))
    if q == 2:
        return 1.0 / (1.0 / m + (m - 1) / m * float(weight @ share**2))
    total = 0.0
    for part in np.array_split(np.arange(len(share)), max(1, len(share) // 500)):
        top = int(min(m, m * share[part].max() + 12 * np.sqrt(m * share[part].max()) + 40))
        k = np.arange(1, top + 1)
        chance = binom.pmf(k[None, :], m, share[part][:, None])
        total += float(weight[part] @ (chance @ (-(k / m) * np.log(k / m))))
    return float(to_hill(total, 1))


def measured(a: Abundances, n: int) -> dict[str, tuple[float, float]]:
    """Return every 95 % interval of one draw, by the name of its quantity."""
    third = n // 3
    found = {"D2 asymptotic": d2_interval(a)}
    for q in (0, 1):
        for where, m in (("n", n), ("n/3", third)):
            found[f"D{q}({where})"] = tuple(np.exp(log_hill_interval(a, q, m)))
    for where, m in (("n", n), ("n/3", third)):
        found[f"D2({where})"] = d2_interval(a, m=m)
    return found


def truths(law: np.ndarray, n: int) -> dict[str, float]:
    """Return the true value of every quantity in `measured`."""
    true = {"D2 asymptotic": 1.0 / float(law @ law)}
    for q in (0, 1, 2):
        true[f"D{q}(n)"], true[f"D{q}(n/3)"] = (expected_hill(law, q, m) for m in (n, n // 3))
    return true


def coverage_study(laws: dict, depths: tuple, *, draws: int, seed: int) -> list[dict]:
    """Return one row per law and depth: share estimable, coverage of each interval, of the bound.

    Coverage is NaN where fewer than 20 % of the draws are estimable.
    """
    rows = []
    for (name, law), n in ((item, n) for item in laws.items() for n in depths):
        rng = np.random.default_rng([seed, n, len(rows)])
        true = truths(law, n)
        inside = dict.fromkeys(true, 0)
        estimable = bounds = bound_holds = 0
        for _ in range(draws):
            a = draw(law, n, rng)
            if not is_estimable(a):
                bounds += 1
                bound_holds += d2_lower_bound(a) <= true["D2 asymptotic"]
                continue
            estimable += 1
            for quantity, (low, high) in measured(a, n).items():
                inside[quantity] += low <= true[quantity] <= high
        row = {"law": name, "n": n, "estimable": estimable / draws, "k": estimable}
        enough = estimable >= 0.2 * draws
        row |= {key: inside[key] / estimable if enough else np.nan for key in true}
        row["bound"] = bound_holds / bounds if bounds >= 0.2 * draws else np.nan
        rows.append(row)
    return rows


def verdict(baseline: Abundances, followup: Abundances) -> tuple[float, str, float]:
    """Return (p, direction, ln ratio) of the headline row, as the judge reads it."""
    changes = compare(baseline, followup)
    if "bound" in changes:
        bound = changes["bound"]
        return bound.p_value, bound.direction, bound.log_ratio
    if not changes or np.isnan(changes["ln_D1"].p_value):
        return np.nan, "", np.nan
    d1, d2 = changes["ln_D1"].log_ratio, changes["log_D2"].log_ratio
    direction = "" if d1 * d2 <= 0 else ("increased" if d1 > 0 else "decreased")
    return changes["ln_D1"].p_value, direction, d1


def null_study(laws: dict, *, cohorts: int, seed: int, least: float) -> dict[str, int]:
    """Return how many null cohorts make a claim, and how many patients and tests there were.

    A cohort: 3 patients, each with 6 compartments x 2 follow-ups, Holm within the patient.
    Each compartment has a law of its own; the deep side has 300 to 10,000 cells, the other a
    tenth; which side is the deep one alternates.
    """
    rng = np.random.default_rng(seed)
    names = list(laws)
    count = {"cohorts": cohorts, "claiming": 0, "claiming with minimum effect": 0, "tests": 0}
    count |= {"patients claiming": 0, "raw p < .05": 0}
    for cohort in range(cohorts):
        claims, large = 0, 0
        for patient in range(3):
            found = []
            for _ in range(6):
                law, deep = laws[names[rng.integers(len(names))]], int(10 ** rng.uniform(2.5, 4))
                sizes = (deep, deep // 10) if (cohort + patient) % 2 else (deep // 10, deep)
                baseline = draw(law, sizes[0], rng)
                found += [verdict(baseline, draw(law, sizes[1], rng)) for _ in range(2)]
            p = np.array([f[0] for f in found])
            claimed = (holm(p) < 1 - LEVEL) & np.array([f[1] != "" for f in found])
            big = claimed & (np.abs([f[2] for f in found]) >= least)
            claims, large = claims + claimed.any(), large + big.any()
            count["tests"] += int(np.sum(~np.isnan(p)))
            count["raw p < .05"] += int(np.sum((p < 0.05) & [f[1] != "" for f in found]))
            count["patients claiming"] += int(claimed.any())
        count["claiming"] += int(claims > 0)
        count["claiming with minimum effect"] += int(large > 0)
    return count


def halving_study(laws: dict, *, pairs: int, seed: int) -> dict[str, int]:
    """Return what becomes of verdicts when one side is halved at random (without replacement)."""
    rng = np.random.default_rng(seed)
    names = list(laws)
    count = {"claims": 0, "kept": 0, "lost": 0, "turned round": 0}
    for _ in range(pairs):
        first, second = rng.choice(len(names), 2, replace=False)
        n0, n1 = (int(10 ** rng.uniform(1.5, 3.7)) for _ in range(2))
        cells = [draw(laws[names[i]], n, rng) for i, n in ((first, n0), (second, n1))]
        whole = verdict(*cells)
        if not (whole[0] < 0.05 and whole[1]):
            continue
        for side in (0, 1):
            half = list(cells)
            half[side] = halve(cells[side], rng)
            p, direction, _ = verdict(*half)
            count["claims"] += 1
            if p < 0.05 and direction:
                count["kept" if direction == whole[1] else "turned round"] += 1
            else:
                count["lost"] += 1
    return count


def halve(a: Abundances, rng: np.random.Generator) -> Abundances:
    """Return a random half of the cells."""
    counts = np.repeat(a.sizes, a.clones)
    return abundances(rng.multivariate_hypergeometric(counts, a.n_cells // 2, method="marginals"))


def report(rows: list[dict], null: dict, halving: dict, *, draws: int, options: str) -> str:
    """Return the studies as a Markdown page."""
    keys = [key for key in rows[0] if key not in ("law", "n", "k", "estimable", "bound")]
    lines = [
        "# Calibration of clonal diversity",
        "",
        f"Repeat with `{COMMAND}{options}`. Written by it; do not edit.",
        "",
        f"Coverage of the 95 % intervals over {draws:,} draws a row, among the draws called "
        "estimable (20 cells, 10 repeats); a dash where fewer than 20 % of draws are. "
        "`bound`: share of the draws not estimable whose one-sided 95 % bound of D2 holds.",
        "",
        "| law | n | estimable | " + " | ".join(keys) + " | bound |",
        "|---|---|---|" + "---|" * (len(keys) + 1),
    ]
    for row in rows:
        shown = ["–" if np.isnan(row[key]) else f"{row[key]:.3f}" for key in [*keys, "bound"]]
        head = f"| {row['law']} | {row['n']:,} | {row['estimable']:.3f} | "
        lines.append(head + " | ".join(shown) + " |")
    low = failures(rows, keys)
    shares = [r for r in rows if r["n"] >= 1000 and r["law"].startswith(("geo", "log", "Zipf"))]
    worst = min((r["estimable"] for r in shares), default=np.nan)
    claims, cohorts = null["claiming"], null["cohorts"]
    lines += [
        "",
        f"- Cells of the table below .90 less two binomial standard errors: {len(low)}"
        + "".join(f"; {item}" for item in low),
        f"- Smallest estimable share of the geometric, lognormal and Zipf laws at n >= 1,000: "
        f"{worst:.3f}",
        f"- Null cohorts at 10:1 depth (3 patients, 6 compartments, 2 follow-ups, Holm within the "
        f"patient) with any false claim: {claims} of {cohorts}; with the minimum effect of "
        f".2 in ln D1: {null['claiming with minimum effect']} of {cohorts}; patients with one: "
        f"{null['patients claiming']} of {3 * cohorts}; single tests without Holm: "
        f"{null['raw p < .05']} of {null['tests']:,}",
        f"- Halving one side of a pair that carries a claim ({halving['claims']:,} halvings): kept "
        f"{halving['kept']:,}, lost {halving['lost']:,}, turned round {halving['turned round']}",
    ]
    return "\n".join(lines) + "\n"


def failures(rows: list[dict], keys: list[str]) -> list[str]:
    """Return the cells of the table whose coverage is below .90 less two standard errors."""
    return [
        f"{row['law']}, n = {row['n']:,}, {key}: {row[key]:.3f}"
        for row in rows
        for key in keys
        if row[key] < 0.9 - 2 * np.sqrt(0.09 / max(row["k"], 1))
    ]


def main() -> None:
    """Run the three studies and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few draws, small n: a smoke test")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "calibration_diversity.md")
    options = parser.parse_args()
    draws, depths, cohorts, pairs = options.draws, DEPTHS, 100, 1000
    if options.quick:
        draws, depths, cohorts, pairs = min(options.draws, 50), (30, 300, 1000), 5, 50
    laws, began = clone_laws(), time.perf_counter()
    rows = coverage_study(laws, depths, draws=draws, seed=options.seed)
    null = null_study(laws, cohorts=cohorts, seed=options.seed, least=0.2)
    halving = halving_study(laws, pairs=pairs, seed=options.seed)
    said = (" --quick" if options.quick else "") + (
        f" --draws {options.draws}" if options.draws != 1000 else ""
    )
    page = report(rows, null, halving, draws=draws, options=said)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page + f"\n{time.perf_counter() - began:.0f} s, written to {options.out}\n")


if __name__ == "__main__":
    main()
