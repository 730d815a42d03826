"""Calibration of the fates of clones, on planted cohorts whose truth is known.

Baselines are drawn from named clone-size laws. For the follow-up each of the law's 150 largest
clones keeps its share (60 %), vanishes (15 %), or is contracted or expanded four-fold (10 % and
15 %); what that frees goes to new clones, half of it to five of them, the rest to 20,000 small
ones, so that the share of a stable clone does not change. Function-level:
`immune_reset.fates.judge` and `immune_reset.clone_groups.follow`.

    .venv/bin/python benchmarks/calibration/fates.py [--quick] [--draws 50] [--out FILE]
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from diversity import clone_laws  # noqa: E402

from immune_reset import clone_groups, fates  # noqa: E402

DEPTHS = (
    (300, 100),
    (300, 300),
    (1000, 100),
    (1000, 300),
    (1000, 1000),
    (3000, 300),
    (3000, 3000),
    (5000, 500),
)  # fmt: skip
PLANTED = ("stable", "eradicated", "contracted", "expanded")
CHANCES = (0.60, 0.15, 0.10, 0.15)
FACTOR = {"stable": 1.0, "eradicated": 0.0, "contracted": 0.25, "expanded": 4.0}
LARGEST, NEW, SMALL = 150, 5, 20_000
COMMAND = ".venv/bin/python benchmarks/calibration/fates.py"


def plant(law: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares at baseline and follow-up, and the planted fate of each clone.

    Expansions that would leave nothing for new clones are taken back, the largest first.
    """
    fate = np.full(len(law), "stable", dtype=object)
    top = np.argsort(-law, kind="stable")[:LARGEST]
    fate[top] = rng.choice(PLANTED, size=len(top), p=CHANCES)
    after = law * np.array([FACTOR[name] for name in fate])
    for clone in top:
        if after.sum() <= 0.98:
            break
        if fate[clone] == "expanded":
            fate[clone], after[clone] = "stable", law[clone]
    free = 1 - after.sum()
    if free < 1e-9:  # nothing was taken away: one clone has to make room
        fate[top[0]], after[top[0]] = "eradicated", 0.0
        free = 1 - after.sum()
    fresh = np.concatenate([np.full(NEW, free / 2 / NEW), np.full(SMALL, free / 2 / SMALL)])
    before = np.concatenate([law, np.zeros(NEW + SMALL)])
    return before, np.concatenate([after, fresh]), np.append(fate, ["new"] * (NEW + SMALL))


def judged(
    before: np.ndarray, after: np.ndarray, planted: np.ndarray, n: tuple, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the clones that were seen: planted and called fate, cells, chance to miss."""
    x, y = rng.multinomial(n[0], before), rng.multinomial(n[1], after / after.sum())
    seen = x + y >= fates.MIN_CELLS
    x, y, no = x[seen], y[seen], np.zeros(int(seen.sum()), dtype=bool)
    called = fates.judge(
        x, y, total=n[0], depth=n[1], min_cells=3, fdr=0.05, doubtful=no, gone_before=no
    )
    miss = fates.miss_chance(x, *n)
    return called[["fate"]].assign(planted=planted[seen], x=x, y=y, miss=miss)


def fate_study(laws: dict, *, draws: int, seed: int) -> pd.DataFrame:
    """Return every tested clone of every planted cohort, with its law and depths."""
    found = []
    for i, (name, law) in enumerate(laws.items()):
        for n in DEPTHS:
            rng = np.random.default_rng([seed, i, *n])
            for _ in range(draws):
                rows = judged(*plant(law, rng), n, rng)
                found.append(rows.assign(law=name, depths=f"{n[0]:,} → {n[1]:,}"))
    return pd.concat(found, ignore_index=True)


def measures(rows: pd.DataFrame) -> dict[str, float]:
    """Return what the issue of fates is judged by, over the given clones."""
    able = (rows["x"] >= 3) & (rows["miss"] < 0.05)
    persists = ~rows["planted"].isin(["eradicated", "new"]) & (rows["x"] > 0)
    gone = rows["fate"] == "eradicated"
    large = rows["x"] + rows["y"] >= 20
    right = rows["fate"] == rows["planted"]
    found = {
        "persisting called eradicated": gone[persists].mean(),
        "of those that qualify, unchanged": gone[
            persists & able & (rows["planted"] == "stable")
        ].mean(),
        "eradicated, detectable: called": gone[(rows["planted"] == "eradicated") & able].mean(),
        "X + Y ≥ 20, tested: right": right[large & (rows["fate"] != "below detection")].mean(),
        "untested too": right[large].mean(),
        "wrong way": wrong_way(rows[large]),
    }
    for name in (*PLANTED, "new"):
        found[name] = right[large & (rows["planted"] == name)].mean()
    return found


def wrong_way(rows: pd.DataFrame) -> float:
    """Return how often a clone is called what its planted fate excludes.

    A persisting clone eradicated or new, a smaller one expanded, a larger one contracted, a stable
    one changed.
    """
    smaller, larger = ["contracted", "eradicated"], ["expanded", "new"]
    planted, fate = rows["planted"], rows["fate"]
    wrong = planted.isin(smaller) & fate.isin(larger)
    wrong |= planted.isin(larger) & fate.isin(smaller)
    wrong |= (planted == "stable") & fate.isin([*smaller, *larger])
    wrong |= (planted == "contracted") & (fate == "eradicated")
    return wrong.mean()


def group_study(laws: dict, *, draws: int, seed: int) -> pd.DataFrame:
    """Return by group how often no change is called one, and how often 4-fold falls are covered."""
    rows = []
    for i, (name, law) in enumerate(laws.items()):
        for n in DEPTHS[:6]:
            rng = np.random.default_rng([seed, 7, i, *n])
            plasma = rng.beta(0.3, 3, len(law))
            for _ in range(draws):
                cells = rng.multinomial(n[0], np.concatenate([law * plasma, law * (1 - plasma)]))
                secreting, x = cells[: len(law)], cells[: len(law)] + cells[len(law) :]
                y = rng.multinomial(n[1], law)
                groups = clone_groups.follow(x, y, secreting, depth=n[1], min_cells=3)
                changes = {group.name: (group.change, group.picked) for group in groups}
                all_of_baseline = fates.group_change(x, y, depth=n[1], min_cells=1)
                changes["all baseline clones (turnover)"] = (all_of_baseline, x > 0)
                for group, (change, picked) in changes.items():
                    lower = np.where(picked, law / 4, law)
                    lower[~picked] *= (1 - lower[picked].sum()) / max(lower[~picked].sum(), 1e-12)
                    rows.append((name, group, *called(change, x, picked, lower, law, n, rng)))
    return pd.DataFrame(rows, columns=["law", "group", "estimable", "claimed", "covered"])


def called(change, x, picked, lower, law, n, rng) -> tuple[bool, float, float]:
    """Return whether a change is estimable, claimed where there is none, and a fall is covered."""
    if change.status != "estimable":
        return False, np.nan, np.nan
    found = int(rng.multinomial(n[1], lower / lower.sum())[picked].sum())
    held = change.share_baseline
    size = effective(x, change, n[0])
    fall = fates.share_change(held, size, found, n[1])
    true = lower[picked].sum() / lower.sum() - law[picked].sum()
    return True, float(change.p_value < 0.05), float(fall.ci_low <= true <= fall.ci_high)


def effective(x: np.ndarray, change: fates.GroupChange, total: int) -> float:
    """Return the effective size behind a baseline share, from its Clopper-Pearson lower end."""
    from scipy.optimize import brentq

    held, low = change.share_baseline, change.share_baseline_low
    if held >= 1:
        return float(total)

    def gap(size: float) -> float:
        return float(fates.clopper_pearson(held * size, size)[0]) - low

    return brentq(gap, 0.5, total * 1.001) if gap(0.5) * gap(total * 1.001) < 0 else float(total)


def table(rows: pd.DataFrame, by: str) -> list[str]:
    """Return a Markdown table of the measures, a row per value of `by` and one for all."""
    parts = [*rows.groupby(by, sort=False), ("all", rows)]
    names = list(measures(rows.iloc[:0]))
    lines = [f"| {by} | clones | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for name, part in parts:
        shown = ["–" if np.isnan(v) else f"{v:.3f}" for v in measures(part).values()]
        lines.append(f"| {name} | {len(part):,} | " + " | ".join(shown) + " |")
    return lines


def page(rows: pd.DataFrame, groups: pd.DataFrame, *, draws: int, options: str) -> str:
    """Return the studies as a Markdown page."""
    by_group = groups.groupby("group", sort=False)[["estimable", "claimed", "covered"]].mean()
    lines = [
        "# Calibration of the fates of clones",
        "",
        f"Repeat with `{COMMAND}{options}`. Written by it; do not edit.",
        "",
        f"Planted cohorts, {draws:,} per clone-size law and pair of depths (cells at baseline → "
        "at follow-up): the 150 largest clones of a law are stable (60 %), eradicated (15 %), "
        "contracted (10 %) or expanded (15 %) four-fold; new clones take what is freed. Clones of "
        "three cells or more, both times together.",
        "",
        "- *persisting called eradicated*: of all clones seen at baseline that are still there, "
        "the contracted ones included; at most .05.",
        "- *of those that qualify, unchanged*: the same of stable clones with X ≥ 3 that an "
        "unchanged share would show with a chance of 95 %.",
        "- *eradicated, detectable: called*: of eradicated clones with X ≥ 3 whose detection "
        "chance, at the lower bound of their share, is at least 95 %; all.",
        "- *X + Y ≥ 20, tested: right*: called as planted, of the clones that a test decides; at "
        "least .90 over all depths. A clone below detection has no verdict and is no tested clone; "
        "*untested too* counts it as wrong, as do the columns of the single fates. At a follow-up "
        "of a tenth of the cells no test can show a four-fold fall of a clone of 20 (18 and 2 "
        "cells where nothing changed, 19.5 and .5 after the fall).",
        "- *wrong way*: called what the planted fate excludes (a persisting clone eradicated, a "
        "stable one changed, a smaller one expanded).",
        "",
        *table(rows, "depths"),
        "",
        *table(rows, "law"),
        "",
        "## Groups of baseline clones",
        "",
        "Nothing changed: how often the change of the group's share is estimable, and of these "
        "how often p < .05. Covered: the 95 % interval of the change holds the truth where the "
        "group falls to a quarter. Same laws, the first six pairs of depths.",
        "",
        "| group | estimable | claimed although nothing changed | fall covered |",
        "|---|---|---|---|",
    ]
    for name, row in by_group.iterrows():
        shown = " | ".join(f"{row[c]:.3f}" for c in ("estimable", "claimed", "covered"))
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the studies and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few draws: a smoke test")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "calibration_fates.md")
    options = parser.parse_args()
    draws = min(options.draws, 3) if options.quick else options.draws
    laws, began = clone_laws(), time.perf_counter()
    rows = fate_study(laws, draws=draws, seed=options.seed)
    groups = group_study(laws, draws=draws, seed=options.seed)
    said = (" --quick" if options.quick else "") + (
        f" --draws {options.draws}" if options.draws != 50 else ""
    )
    text = page(rows, groups, draws=draws, options=said)
    options.out.write_text(text, encoding="utf-8")
    sys.stdout.write(text + f"\n{time.perf_counter() - began:.0f} s, written to {options.out}\n")


if __name__ == "__main__":
    main()
