"""What the report says beside the claims: the design guard's findings, and shared genes."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from immune_reset.annotation import T_TYPES
from immune_reset.figures import spoken
from immune_reset.judge_pathways import PATHWAY_CLAIMS
from immune_reset.language import all_said
from immune_reset.wording import percent

SAID = {
    "pathways": "pathways",
    "composition": "composition",
    "diversity": "diversity",
    "clones": "clones",
    "car": "CAR T cells",
    "clinical": "clinical values",
    "bcr_diversity": "BCR diversity",
    "tcr_diversity": "TCR diversity",
}
UNKNOWN = "unknown"
COLUMNS: dict[str, list[tuple[str, str, str]]] = {
    "reference": [
        ("patient", "Patient", "text"),
        ("timepoint", "Timepoint", "spoken"),
        ("measure", "Measure", "spoken"),
        ("cell_type", "Of", "text"),
        ("value", "Value", "number"),
        ("n_controls", "Controls", "count"),
        ("control_mean", "Their mean", "number"),
        ("control_low", "Smallest", "number"),
        ("control_high", "Largest", "number"),
        ("z", "z", "number"),
        ("position", "Position", "text"),
        ("toward", "Since baseline", "text"),
    ],
    "design_guard": [
        ("scope", "Scope", "text"),
        ("comparison", "Comparison", "spoken"),
        ("found", "Found", "text"),
        ("who", "In", "text"),
        ("why", "Why it matters", "text"),
        ("touches", "Touches", "text"),
        ("effect", "Effect on evidence", "text"),
    ],
    "gene_set_overlap": [
        ("set_a", "Gene set", "spoken"),
        ("n_a", "Genes", "count"),
        ("set_b", "Other set", "spoken"),
        ("n_b", "Genes", "count"),
        ("n_shared", "Shared", "count"),
        ("share", "of the smaller", "share"),
    ],
}
"""Columns of the tables shown beside the claims: column, heading, format."""


def beside(
    notes: pd.DataFrame | None, scope: str, views: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the guard's findings to print with the claims of `scope`, comparison by comparison.

    `notes` as tables/design_guard.tsv, `views` the claims of the scope. A finding that touches no
    claim with a result is left to the table of the design section, unless it holds for all
    comparisons. One finding is told once for all comparisons in which it is the same.
    """
    if notes is None or notes.empty:
        return []
    told_of = [view for view in views if view["css"] != UNKNOWN]
    known = {(view["comparison"], view[name]) for view in told_of for name in ("family", "claim")}
    told: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in notes.loc[notes["scope"] == scope].fillna("").to_dict("records"):
        families = row["touches"].split("; ")
        at = row["comparison"]
        if at and not any((at, family) in known for family in families):
            continue
        key = tuple(row[name] for name in ("check", "found", "who", "why", "effect"))
        entry = told.setdefault(key, note_view(row, families) | {"comparisons": []})
        entry["comparisons"] += [spoken(at)] if at else []
    return all_said(list(told.values()), but=("check",))


def note_view(row: Mapping[str, str], families: Sequence[str]) -> dict[str, Any]:
    """Return one finding in words: found, who (of the cohort), why, touches, lowered."""
    return {
        "check": row["check"],
        "found": row["found"],
        "who": row["who"] if row["scope"] == "cohort" else "",
        "why": row["why"],
        "touches": ", ".join(SAID.get(family, family) for family in families),
        "lowered": row["effect"] != "remark",
    }


def shared_genes(
    overlap: pd.DataFrame | None, changes: pd.DataFrame | None, names: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return the shared genes of the sets behind the claims, and what follows for the claims.

    `overlap` as tables/gene_set_overlap.tsv, `changes` as tables/pathway_change.tsv. Rows: pairs
    of the claims' sets, and these with every other set that shares a gene, most shared first, with
    `share` of the smaller set. The sentences name claims that rest on one signal: the same set in
    several cell types, and JAK-STAT where it changes with interferon alone (`same_signal_as`);
    `names` says how a claim is called.
    """
    if overlap is None or overlap.empty:
        return pd.DataFrame(), []
    claims = claims_by_set()
    rows = overlap[
        (overlap["n_shared"] > 0) & overlap[["set_a", "set_b"]].isin(list(claims)).any(axis=1)
    ]
    smaller = rows[["n_a", "n_b"]].min(axis=1)
    rows = rows.assign(share=rows["n_shared"] / smaller)
    rows = rows.sort_values(["share", "n_shared"], ascending=False, kind="stable")
    words = [
        f"{'; '.join(names[claim] for claim in behind)}: these rest on the same genes "
        f"({spoken(gene_set)}) in different cells, so they are one response seen several times."
        for gene_set, behind in claims.items()
        if len(behind) > 1
    ]
    return rows, words + one_signal(changes, names)


def claims_by_set() -> dict[str, list[str]]:
    """Return the names of the pathway claims by the gene set on which they rest."""
    found: dict[str, list[str]] = {}
    for claim, (gene_set, _) in PATHWAY_CLAIMS.items():
        found.setdefault(gene_set, []).append(claim)
    return found


def one_signal(changes: pd.DataFrame | None, names: Mapping[str, str]) -> list[str]:
    """Say where the JAK-STAT claim is the interferon signal under another name."""
    if changes is None or "same_signal_as" not in changes:
        return []
    words = []
    for claim, (gene_set, cell_type) in PATHWAY_CLAIMS.items():
        own = changes[(changes["gene_set"] == gene_set) & (changes["cell_type"] == cell_type)]
        same = own[own["same_signal_as"].fillna("") != ""]
        for signal, part in same.groupby("same_signal_as", sort=False):
            where = {
                spoken(name): ", ".join(scopes["scope"].astype(str))
                for name, scopes in part.groupby("comparison", sort=False)
            }
            told = "; ".join(f"{name}: {scopes}" for name, scopes in where.items())
            words.append(
                f"{names[claim]} is the same signal as {signal} ({told}): without the genes that "
                "interferon moves, it does not change in the same direction."
            )
    return words


def arithmetic_of_depletion(changes: pd.DataFrame | None, least: float = 1.05) -> list[str]:
    """Say, for each patient in whom B and plasma cells fell, what that does to all other shares.

    `changes` as tables/composition_change.tsv; a rise by less than `least`-fold is not told. The
    T cells' number stands beside it where blood counts are known.
    """
    if changes is None or "arithmetic" not in changes:
        return []
    own = changes[(changes["level"] == "cell_type") & (changes["scope"] != "cohort")]
    words = []
    for (scope, comparison), part in own.groupby(["scope", "comparison"], sort=False):
        rise = 2 ** part["arithmetic"].dropna().median()
        if not rise >= least:
            continue
        lost = part[part["cell_type"].isin(("B", "plasma"))]
        before, after = (lost[f"fraction_{time}"].sum() for time in ("baseline", "followup"))
        told = (
            f"{scope}, {spoken(comparison)}: B and plasma cells went from {percent(before)} to "
            f"{percent(after)} of all cells, so by arithmetic alone every other share rises "
            f"{rise:.2f}-fold."
        )
        numbers = part[part["cell_type"].isin(T_TYPES)][
            ["cells_per_ul_baseline", "cells_per_ul_followup"]
        ].dropna()
        if len(numbers):
            v0, v1 = numbers.sum()
            told += f" T cells in number: {v0:,.0f} to {v1:,.0f} per µL."
        words.append(told)
    return words


def context(
    frames: Mapping[str, pd.DataFrame], catalogue: Mapping[str, Any]
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return the tables with the shared genes as they are shown, and what the templates name."""
    names = {claim: catalogue["claims"][claim]["label"] for claim in PATHWAY_CLAIMS}
    rows, signals = shared_genes(
        frames.get("gene_set_overlap"), frames.get("pathway_change"), names
    )
    notes = frames.get("design_guard")
    strange = [] if notes is None else notes[notes["check"] == "labels"].to_dict("records")
    shown = dict(frames) | ({"gene_set_overlap": rows} if len(rows) else {})
    words = {
        "signals": all_said(signals),
        "label_notes": all_said(strange),
        "per_ul": _has_numbers(frames.get("composition_change")),
        "arithmetic": all_said(arithmetic_of_depletion(frames.get("composition_change"))),
    }
    return shown, words


def _has_numbers(changes: pd.DataFrame | None) -> bool:
    column = "cells_per_ul_change"
    return changes is not None and column in changes and bool(changes[column].notna().any())
