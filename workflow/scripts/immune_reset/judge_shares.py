"""Which rows and tests stand behind the claims on shares of cells.

A patient's claim is the log2 ratio of two shares, or an exact bound where counts are small, from
the counts in tables/composition_change.tsv, isotypes.tsv and car_cells.tsv. The cohort's is a
paired t-test on the patients' log ratios. Of a patient whose count fell to zero, or rose from it,
the end of the interval that lies nearer to no change is taken, which understates the change: to
leave out the patients in whom a type vanished would hide depletion itself.
"""

import math
from dataclasses import replace

import pandas as pd

from immune_reset.absolute_changes import number_words, only_the_share
from immune_reset.intervals import share_ratio
from immune_reset.judge import COHORT, Cohort, Finding, cohort_finding
from immune_reset.judge_rows import NO_MATRIX, NO_VDJ, by_key, missing

SUBSETS = {"naive B", "transitional B"}
SWITCHED = "class switched"
CAR_ENOUGH = "the transgene in the reference that reads were aligned to, or car.features"
Counts = tuple[int, int]
Pairs = dict[tuple[str, str], tuple[Counts, Counts]]


def composition_findings(
    table: pd.DataFrame | None, cohort: Cohort, *, minimum: float
) -> list[Finding]:
    """Return the findings on fractions of cell types; `table` as tables/composition_change.tsv.

    `b_cell_fraction` and `plasma_fraction` among all cells, `naive_b_fraction` the naive and
    transitional among the B cells.
    """
    found = []
    for claim, of, kinds, parent, unit in (
        ("b_cell_fraction", "B cells among all cells", {"B"}, "", "cells"),
        ("naive_b_fraction", "naive and transitional among B cells", SUBSETS, "B", "B cells"),
        ("plasma_fraction", "plasma cells among all cells", {"plasma"}, "", "cells"),
    ):
        pairs = {} if table is None else _composition_pairs(table, kinds, parent)
        start = Finding(claim, "composition", COHORT, "", f"log2 ratio of {of}")
        lacking = {"unit": unit, "without": NO_MATRIX}
        if parent and table is not None and len(table) and not pairs:
            lacking["unit"] = f"{unit} with a subset in the labels"
        made = _share_findings(start, pairs, cohort, minimum, table, **lacking)
        found += made if parent or table is None else _with_numbers(made, table, kinds)
    return found


def _with_numbers(found: list[Finding], table: pd.DataFrame, kinds: set[str]) -> list[Finding]:
    """Add to each finding what became of the cells' number, where blood counts are known."""
    own = table.loc[(table["level"] == "cell_type") & table["cell_type"].isin(kinds)]
    rows = by_key(own, ["scope", "comparison"])
    out = []
    for f in found:
        row = rows.get((f.scope, f.comparison), {"scope": f.scope})
        end = f.ci_high if f.ci_high < 0 else f.ci_low
        detail = "; ".join(filter(None, [f.detail, number_words(row)]))
        out.append(replace(f, detail=detail, if_changed=only_the_share(row, end)))
    return out


def _composition_pairs(table: pd.DataFrame, kinds: set[str], parent: str) -> Pairs:
    level = "cell_subtype" if parent else "cell_type"
    inside = (table["level"] == level) & (table["parent"].fillna("") == parent)
    own = table.loc[inside & (table["scope"] != COHORT)]
    of_kind = own["cell_type"].isin(kinds)
    pairs: Pairs = {}
    for key, part in own.groupby(["scope", "comparison"], sort=False):
        chosen = part.loc[of_kind.loc[part.index]]
        pairs[key] = tuple(
            (int(chosen[f"n_{time}"].sum()), int(part[f"total_{time}"].iloc[0]))
            for time in ("baseline", "followup")
        )
    return pairs


def switched_findings(
    isotypes: pd.DataFrame | None, cohort: Cohort, *, minimum: float
) -> list[Finding]:
    """Return the findings of `class_switched_fraction`; `isotypes` as tables/isotypes.tsv.

    The share of class-switched cells among the cells with a BCR whose isotype is known. A timepoint
    without a BCR file is another reason than one without cells.
    """
    counts: dict[tuple[str, str], Counts] = {}
    unsequenced: set[tuple[str, str]] = set()
    if isotypes is not None:
        own = isotypes.loc[isotypes["isotype"] == SWITCHED]
        none = own[own["n_total"].isna()]
        unsequenced = set(none[["patient", "timepoint"]].itertuples(index=False, name=None))
        own = own.dropna(subset=["n_total"])
        rows = by_key(own, ["patient", "timepoint"])
        counts = {key: (int(row["n_cells"]), int(row["n_total"])) for key, row in rows.items()}
    measure = "log2 ratio of class-switched cells among cells with a BCR isotype"
    start = Finding("class_switched_fraction", "composition", COHORT, "", measure)
    lacking = {"unit": "cells with a BCR isotype", "without": NO_VDJ}
    pairs = _pairs(counts, cohort)
    return _share_findings(
        start, pairs, cohort, minimum, isotypes, unsequenced=unsequenced, **lacking
    )


def car_findings(table: pd.DataFrame | None, cohort: Cohort, *, minimum: float) -> list[Finding]:
    """Return the findings of `car_t_fraction`; `table` as tables/car_cells.tsv.

    Samples without a call (no CAR feature in the matrix) hold no count.
    """
    counts: dict[tuple[str, str], Counts] = {}
    if table is not None:
        called = table.dropna(subset=["n_car", "n_t_cells"])
        sums = called.groupby(["patient", "timepoint"], sort=False)[["n_car", "n_t_cells"]].sum()
        counts = {key: (int(car), int(t)) for key, car, t in sums.itertuples(name=None)}
    start = Finding(
        "car_t_fraction", "car", COHORT, "", "log2 ratio of CAR-positive cells among T cells"
    )
    if table is not None and not counts and len(table):
        status = "; ".join(dict.fromkeys(table["status"]))
        return _no_call(start, cohort, table, {"reason": status, "enough": CAR_ENOUGH})
    lacking = {"unit": "T cells with a CAR call", "without": NO_MATRIX}
    return _share_findings(start, _pairs(counts, cohort), cohort, minimum, table, **lacking)


def _pairs(counts: dict[tuple[str, str], Counts], cohort: Cohort) -> Pairs:
    return {
        (patient, name): tuple(counts.get((patient, at), (0, 0)) for at in (baseline, followup))
        for patient in cohort.patients
        for followup, baseline, name in cohort.comparisons
    }


def _no_call(
    start: Finding, cohort: Cohort, table: pd.DataFrame, why: dict[str, str]
) -> list[Finding]:
    return [
        replace(
            start,
            scope=scope,
            comparison=name,
            **((scope != COHORT and missing(cohort, scope, name, table, NO_MATRIX)) or why),
        )
        for _, _, name in cohort.comparisons
        for scope in (*cohort.patients, COHORT)
    ]


def _share_findings(
    start: Finding,
    pairs: Pairs,
    cohort: Cohort,
    minimum: float,
    table: pd.DataFrame | None,
    *,
    unit: str,
    without: str,
    unsequenced: set[tuple[str, str]] = frozenset(),
) -> list[Finding]:
    found, least = [], cohort.min_expected
    for *times, name in cohort.comparisons:
        start, values = replace(start, comparison=name), {}
        for patient in cohort.patients:
            own = replace(start, scope=patient, minimum=minimum)
            absent = missing(cohort, patient, name, table, without)
            absent = absent or no_file(patient, times, unsequenced)
            pair = pairs.get((patient, name), ((0, 0), (0, 0)))
            found.append(
                replace(own, **absent)
                if absent
                else share_finding(own, *pair, unit=unit, min_expected=least)
            )
            if patient in cohort.members:
                values[patient] = math.nan if absent else least_change(*pair, min_expected=least)
        found.append(cohort_finding(values, start))
    return found


def no_file(patient: str, times: list[str], unsequenced: set[tuple[str, str]]) -> dict[str, str]:
    """Return reason and enough where a timepoint has no BCR file; {} where both have one."""
    gaps = [time for time in reversed(times) if (patient, time) in unsequenced]
    if not gaps:
        return {}
    at = " and ".join(gaps)
    return {"reason": f"no BCR file at {at}", "enough": f"a BCR contig table at {at}"}


def share_finding(
    start: Finding, before: Counts, after: Counts, *, unit: str, min_expected: float = 5
) -> Finding:
    """Return the finding on a share, `before` and `after` as (cells of the kind, all cells)."""
    (x0, n0), (x1, n1) = before, after
    at = [time for time, n in (("baseline", n0), ("follow-up", n1)) if n == 0]
    numbers = replace(start, n_baseline=n0, n_followup=n1)
    if at:
        reason = f"no {unit} at {' and '.join(at)}"
        return replace(numbers, reason=reason, enough=f"{unit} at both timepoints")
    if x0 + x1 == 0:
        return replace(numbers, reason=f"none among {n0} and {n1} {unit}", enough=f"more {unit}")
    ratio = share_ratio(x0, n0, x1, n1, min_expected=min_expected)
    bound = ratio.status == "bound"
    needed = math.ceil(min_expected * (n0 + n1) / (x0 + x1))
    return replace(
        numbers,
        estimate=ratio.estimate,
        ci_low=ratio.ci_low,
        ci_high=ratio.ci_high,
        p_value=ratio.p,
        bound=bound,
        enough=f"about {needed} {unit} at both timepoints" if bound else "",
        detail=f"{x0} of {n0} to {x1} of {n1}",
    )


def least_change(before: Counts, after: Counts, *, min_expected: float = 5) -> float:
    """Return a patient's datum for the cohort: the log2 ratio of the shares, NaN without one.

    Where one count is zero although `min_expected` were expected, the interval's end nearer to 0.
    """
    (x0, n0), (x1, n1) = before, after
    if min(n0, n1) == 0 or (x0 + x1) / (n0 + n1) * min(n0, n1) < min_expected:
        return math.nan
    ratio = share_ratio(x0, n0, x1, n1, min_expected=min_expected)
    if ratio.status == "estimable":
        return ratio.estimate
    return ratio.ci_high if x1 == 0 else ratio.ci_low
