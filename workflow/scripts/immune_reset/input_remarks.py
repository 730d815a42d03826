"""What can be meant but is worth a second look: sex, days, genes not measured, contigs lost."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from immune_reset.design import Design

MIN_LOSS = 0.05
"""Share of a sample's genes that others lack from which it is said."""

FEW_IN_MATRIX = 0.2
"""Share of the cells with contigs that are in the matrix below which it is said."""

MIN_CELLS = 20
"""Cells with contigs from which that share is said."""

REASONS = {
    "few_umis": "of too few UMIs",
    "not_productive": "not productive",
    "low_confidence": "of low confidence",
    "no_junction": "without junction",
    "no_locus": "of no one locus",
    "not_a_cell": "in no cell",
    "no_cell_id": "without barcode",
}
"""What contigs are left out for, by the facts of `read_receptors`."""

MUCH_AMBIENT = 0.2
"""Ambient share from which it is said; 2 to 10 % are usual (Young and Behjati 2020)."""


def of_samples(
    rows: Sequence[Mapping[str, Any]], receptors: Sequence[Mapping[str, Any]] | None = None
) -> list[str]:
    """Return the remark of each row of the table `inputs`, "" where there is none.

    `receptors`: the facts of `read_receptors`, sample by sample.
    """
    found = []
    for row, facts in zip(rows, receptors or [{}] * len(rows), strict=True):
        own = [other for other in rows if other["patient"] == row["patient"]]
        texts = [sex_remark(row, own), gene_remark(row), ambient_remark(row)]
        texts += [contig_remark(kind, facts.get(kind) or {}) for kind in ("BCR", "TCR")]
        found.append("; ".join(text for text in texts if text))
    return found


def sex_remark(row: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> str:
    """Return what the sex-linked genes say against the other samples of the patient (`own`)."""
    umis = f"{row['xist_umis']} UMIs of XIST, {row['y_umis']} of the Y"
    if row["sex"] == "both":
        return f"sex-linked genes of both sexes ({umis}): cells of another person, or a chimera"
    against = {"female": "male", "male": "female"}.get(row["sex"])
    others = [other["sample"] for other in own if against and other["sex"] == against]
    if not others:
        return ""
    names = ", ".join(others)
    return (
        f"sex-linked genes say {row['sex']} ({umis}), those of {names} of the same patient "
        f"{against}: samples may have been swapped"
    )


def gene_remark(row: Mapping[str, Any]) -> str:
    """Return how many genes are compared in fewer samples, where they are many."""
    if not row["genes"]:
        return ""
    lost = row["genes"] - row["genes_shared"]
    if lost <= MIN_LOSS * row["genes"]:
        return ""
    return f"{lost:,} of its {row['genes']:,} genes are not in every sample's matrix"


def ambient_remark(row: Mapping[str, Any]) -> str:
    """Return how much of the sample is soup, where it is much."""
    if row["ambient"] is None or row["ambient"] <= MUCH_AMBIENT:
        return ""
    return (
        f"about {row['ambient']:.0%} of its UMIs are ambient: faint signals of any cell may be "
        "leaked (tables/ambient.tsv)"
    )


def contig_remark(kind: str, facts: Mapping[str, Any]) -> str:
    """Return what is odd in the contigs of one receptor: none accepted, or hardly any in cells."""
    own = facts.get("contigs", 0) - facts.get("other_receptor", 0)
    if own and not facts["accepted"]:
        lost = {words: facts.get(name) for name, words in REASONS.items()}
        why = ", ".join(f"{n:,} {words}" for words, n in lost.items() if n)
        return f"none of its {own:,} {kind} contigs is accepted ({why})"
    given, inside = facts.get("cells_given", 0), facts.get("cells_in_matrix", 0)
    if given >= MIN_CELLS and inside < FEW_IN_MATRIX * given:
        return f"only {inside:,} of {given:,} barcodes with {kind} contigs are in its matrix"
    return ""


def said(design: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what a reader must know of the days, and of the files by the table `inputs`."""
    return day_remarks(design) + lines(frames.get("inputs"))


def lines(inputs: pd.DataFrame | None) -> list[str]:
    """Return the remarks of the table `inputs`, sample by sample."""
    if inputs is None or "remark" not in inputs:
        return []
    rows = inputs.assign(remark=inputs["remark"].fillna("").astype(str))
    return [f"{row.sample}: {row.remark}." for row in rows[rows["remark"] != ""].itertuples()]


def day_remarks(design: Design | Mapping[str, Any]) -> list[str]:
    """Return the patients whose days run against the order of the timepoints, in words.

    Also said: a baseline after the infusion, which cannot show what the infusion changed.
    """
    order = list(design["timepoints"])
    found = []
    for patient in dict.fromkeys(row["patient"] for row in design["samples"]):
        own = [
            row for row in design["samples"]
            if row["patient"] == patient and row.get("day") is not None
            and row.get("group") != "control"
        ]  # fmt: skip
        own.sort(key=lambda row: order.index(row["timepoint"]))
        for one, other in pairwise(own):
            if one["timepoint"] != other["timepoint"] and one["day"] >= other["day"]:
                first, second = (f"{r['timepoint']} (day {r['day']:g})" for r in (one, other))
                found.append(
                    f"{patient}: {second} should follow {first}: check the days and timepoints."
                )
        if own and own[0]["timepoint"] == design["baseline"] and own[0]["day"] > 0:
            found.append(
                f"{patient}: the baseline {own[0]['sample']} is of day {own[0]['day']:g}, "
                "after the infusion."
            )
    return found
