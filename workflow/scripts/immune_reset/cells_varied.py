"""Claims on scores and shares under other gene sets, cut-offs of quality control and least cells.

The functions are those behind the tables and the claims (`pathways`, `cohort_pathways`,
`composition`, `judge_shares`); only their settings differ, and the run's own is always among them.
Quality control is varied towards the stricter side alone: a cell that the run lost has no label and
is in no count, so a looser cut-off needs a run of its own (`qc.min_genes`, `qc.max_pct_mt`).
"""

import math
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pandas as pd

from immune_reset import composition, pathways
from immune_reset.cohort_pathways import GATE, cohort_changes
from immune_reset.design import Design, comparisons
from immune_reset.gene_sets import BEYOND
from immune_reset.guard_rows import COLUMNS as NOTES
from immune_reset.judge import COHORT, Cohort, Finding
from immune_reset.judge_pathways import INTERFERON, JAK_STAT, PATHWAY_CLAIMS
from immune_reset.judge_shares import composition_findings
from immune_reset.settings_varied import ALPHA, NOT_ESTIMABLE, direction

GENE_SETS = {
    INTERFERON: (INTERFERON, "ISG6", "ISG4", "HALLMARK_INTERFERON_ALPHA_RESPONSE"),
    JAK_STAT: (JAK_STAT, "HALLMARK_IL2_STAT5_SIGNALING", BEYOND),
}
"""Sets on which a claim of the first is computed anew."""

MIN_GENES = (300, 500)
MAX_PCT_MT = (10, 5)
MIN_CELLS = (20, 50)
MIN_EXPECTED = (10, 20)
SCORE, RATIO = "log2 share of UMIs", "log2 ratio of shares"
TYPES = {
    "patient": "string", "claim": "string", "compartment": "string", "comparison": "string",
    "gene_set": "string", "min_genes": "float64", "max_pct_mt": "float64", "min_cells": "float64",
    "own_setting": "bool", "measure": "string", "n_baseline": "Int64", "n_followup": "Int64",
    "direction": "string", "effect": "float64", "estimate": "float64", "ci_low": "float64",
    "ci_high": "float64", "p_value": "float64",
}  # fmt: skip

Setting = dict[str, Any]
Cells = Mapping[str, pd.DataFrame]


def grid(own: Setting, stricter: tuple[float, ...]) -> Iterator[tuple[Setting, float]]:
    """Yield (min_genes, max_pct_mt) as a setting, with each least number of cells.

    `own` has the run's min_genes, max_pct_mt and least (of cells); of the fixed values those count
    that are stricter than the run's.
    """
    genes = (own["min_genes"], *(n for n in MIN_GENES if n > own["min_genes"]))
    shares = (own["max_pct_mt"], *(n for n in MAX_PCT_MT if n < own["max_pct_mt"]))
    fewest = (own["least"], *(n for n in stricter if n > own["least"]))
    for floor, ceiling in product(genes, shares):
        for least in fewest:
            yield {"min_genes": floor, "max_pct_mt": ceiling}, least


def passing(cells: pd.DataFrame, own: Setting, quality: Setting) -> pd.Series:
    """Return which kept cells (n_genes_by_counts, pct_counts_mt) pass the cut-offs of `quality`.

    At the run's own value every kept cell passes, whatever its sample's own threshold was; a cell
    without the metric passes too.
    """
    keep = pd.Series(True, index=cells.index)
    if quality["min_genes"] != own["min_genes"]:
        keep &= ~(cells["n_genes_by_counts"] < quality["min_genes"])
    if quality["max_pct_mt"] != own["max_pct_mt"]:
        keep &= ~(cells["pct_counts_mt"] > quality["max_pct_mt"])
    return keep


def vary_pathways(
    cells: Cells, measured: Mapping[str, pd.Series], plan: Design, own: Setting, **limits: int
) -> pd.DataFrame:
    """Return the claims on pathways in every setting, columns `TYPES`.

    Parameters
    ----------
    cells
        Per sample its labelled cells as `pathways.cells_by_sample`, with the two metrics.
    measured
        Per sample the number of measured genes of each set.
    plan
        Gather design.
    own
        The run's min_genes, max_pct_mt and, as least, pathways.min_cells.
    limits
        min_counts and min_genes of `pathways.patient_changes`, which do not vary.
    """
    wanted = [name for sets in GENE_SETS.values() for name in sets]
    measured = {key: n[n.index.isin(wanted)] for key, n in measured.items()}
    columns = [*wanted, "cell_type", "total_counts", "n_genes_by_counts", "pct_counts_mt"]
    cells = {key: part[part.columns.intersection(columns)] for key, part in cells.items()}
    rows, single, last = [], pd.DataFrame(), None
    for quality, least in grid(own, MIN_CELLS):
        if quality != last:
            kept = {key: part[passing(part, own, quality)] for key, part in cells.items()}
            single = pathways.patient_changes(kept, measured, plan, min_cells=int(least), **limits)
            last = quality
        single = from_cells(single, least)
        table = pd.concat([single, cohort_changes(single)], ignore_index=True)
        setting = quality | {"min_cells": least}
        same = all(quality[name] == own[name] for name in quality) and least == own["least"]
        rows += _pathway_rows(table, setting, same)
    return framed(rows)


def from_cells(changes: pd.DataFrame, least: float) -> pd.DataFrame:
    """Return patients' changes with those of fewer than `least` cells on a side not scorable.

    The same as `patient_changes` with a larger min_cells gives, without summing the cells again.
    """
    few = (changes["n_baseline"] < least) | (changes["n_followup"] < least)
    numbers = changes[pathways.NUMBERS].mask(few)
    return changes.assign(status=changes["status"].mask(few, "not scorable"), **numbers)


def _pathway_rows(table: pd.DataFrame, setting: Setting, same: bool) -> list[dict[str, Any]]:
    keys = ["scope", "comparison", "cell_type", "gene_set"]
    found = {tuple(row[name] for name in keys): row for row in table.to_dict("records")}
    rows = []
    for scope, comparison in table[["scope", "comparison"]].drop_duplicates().to_numpy():
        for claim, (first, cell_type) in PATHWAY_CLAIMS.items():
            for gene_set in GENE_SETS[first]:
                row = found.get((scope, comparison, cell_type, gene_set))
                if row is None:
                    continue
                p = row["p_value"]
                if scope == COHORT:
                    gate = found[scope, comparison, GATE, gene_set]["p_value"]
                    p = math.nan if math.isnan(p) or math.isnan(gate) else max(p, gate)
                    row = row | {"n_baseline": row["n_patients"], "n_followup": row["n_patients"]}
                finding = Finding(
                    claim, "pathways", scope, comparison, SCORE, p_value=p,
                    bound=row["status"] == "bound",
                    **{name: row[name] for name in NUMBERS},
                )  # fmt: skip
                own = same and gene_set == first
                rows.append(_row(finding, setting | {"gene_set": gene_set}, own))
    return rows


NUMBERS = ("n_baseline", "n_followup", "estimate", "ci_low", "ci_high")


def vary_composition(
    labels: pd.DataFrame, metrics: pd.DataFrame, plan: Design, own: Setting
) -> pd.DataFrame:
    """Return the claims on shares of cell types in every setting, columns `TYPES`.

    `labels`: cell_id, sample, cell_type, cell_subtype of the kept cells; `metrics`: cell_id and the
    two metrics; `own`: the run's min_genes, max_pct_mt and, as least, composition.min_expected.
    """
    labels = labels.merge(metrics, on="cell_id", how="left", validate="one_to_one")
    samples = [row["sample"] for row in plan["samples"]]
    rows, table, last = [], pd.DataFrame(), None
    for quality, least in grid(own, MIN_EXPECTED) if comparisons(plan) else ():
        if quality != last:
            kept = labels[passing(labels, own, quality)]
            table = paired_counts(composition.count_parts(kept, None, samples), plan)
            last = quality
        cohort = Cohort(plan, min_expected=least, notes=pd.DataFrame(columns=NOTES))
        setting = quality | {"gene_set": "", "min_cells": least}
        same = all(quality[name] == own[name] for name in quality) and least == own["least"]
        found = composition_findings(table, cohort, minimum=0.0)
        rows += [_row(f, setting, same) for f in found]
    return framed(rows)


def paired_counts(counts: pd.DataFrame, plan: Design) -> pd.DataFrame:
    """Return the cells of each part at both times of each patient's comparisons.

    `counts` as `composition.count_parts`. Columns: scope, comparison, level, parent, cell_type,
    n_baseline, total_baseline, n_followup, total_followup.
    """
    found = []
    for patient, name, *times in composition.paired_samples(plan):
        sides = [
            counts[counts["sample"].isin(samples)]
            .groupby(composition.PARTS, sort=False)[["n_cells", "n_total"]]
            .sum()
            .set_axis([f"n_{when}", f"total_{when}"], axis=1)
            for samples, when in zip(times, ("baseline", "followup"), strict=True)
        ]
        both = sides[0].join(sides[1]).reset_index()
        found.append(both.assign(scope=patient, comparison=name))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _row(finding: Finding, setting: Setting, same: bool) -> dict[str, Any]:
    """Return a row of the table; the direction is by the setting's own 95 % interval."""
    f = finding
    size = f.estimate
    if math.isnan(size):
        size = f.ci_low if f.ci_low > 0 else f.ci_high if f.ci_high < 0 else 0.0
    word = direction(size, f.p_value)
    what = RATIO if f.family == "composition" else SCORE
    if f.bound and not f.p_value < ALPHA:
        word = NOT_ESTIMABLE
    return setting | {
        "patient": f.scope,
        "claim": f.claim,
        "compartment": f.compartment,
        "comparison": f.comparison,
        "own_setting": same,
        "measure": f"{'bound' if f.bound else 'change'} of {what}",
        "direction": word,
        "effect": size,
        "p_value": f.p_value,
        **{name: getattr(f, name) for name in NUMBERS},
    }


def framed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table of the columns and types `TYPES`."""
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)
