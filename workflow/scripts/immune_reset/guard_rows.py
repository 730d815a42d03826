"""The table of the design guard: whose findings, in which comparison, and what they touch.

The checks themselves stand in `immune_reset.guard`.
"""

from collections.abc import Iterator, Mapping

import pandas as pd

from immune_reset import design as designs
from immune_reset.design import Design
from immune_reset.guard import (
    CHECKS,
    COHORT_CHECKS,
    LOWERED,
    REMARK,
    Limits,
    Note,
    Pair,
    labels,
    tissues,
)

COHORT = "cohort"
COLUMNS = ["scope", "comparison", "check", "found", "who", "why", "touches", "effect"]
CLINICAL = ["patient", "day", "kind", "measure", "value", "unit"]
DEPTH = ["cells_kept", "median_total_counts"]
SHEET = ("person", "day", "batch", "tissue", "group", "in_cohort", "has_bcr", "has_tcr")


def pairs_of(
    design: Design, clinical: pd.DataFrame | None, qc: pd.DataFrame | None, limits: Limits
) -> list[Pair]:
    """Return the pairs of every patient of the cohort, comparison by comparison."""
    samples = read_samples(design)
    samples = samples.loc[samples["in_cohort"]]
    if clinical is None:
        clinical = pd.DataFrame(columns=CLINICAL)
    qc = pd.DataFrame(columns=["sample", *DEPTH]) if qc is None else qc
    qc = qc.set_index("sample").reindex(columns=DEPTH).astype(float)
    found = []
    for followup, baseline, name in designs.comparisons(design):
        for patient, own in samples.groupby("patient", sort=False):
            sides = [own.loc[own["timepoint"] == time] for time in (baseline, followup)]
            if all(len(side) for side in sides):
                course = clinical.loc[clinical["patient"] == sides[0]["person"].iloc[0]]
                names = (baseline, followup)
                found.append(Pair(patient, name, names, *sides, course, qc, limits))
    return found


def read_samples(design: Design) -> pd.DataFrame:
    """Return the samples of patients, no controls, with every column that a check reads."""
    samples = designs.frame(design).astype({"timepoint": str})
    samples = samples.reindex(columns=list(dict.fromkeys([*samples.columns, *SHEET])))
    samples = samples.loc[samples["group"].fillna("").ne("control")]
    samples["person"] = samples["person"].fillna(samples["patient"])
    flags = {
        name: [bool(value) if pd.notna(value) else otherwise for value in samples[name]]
        for name, otherwise in (("in_cohort", True), ("has_bcr", False), ("has_tcr", False))
    }
    return samples.assign(day=pd.to_numeric(samples["day"]).astype(float), **flags)


def guard(
    design: Design,
    *,
    clinical: pd.DataFrame | None = None,
    qc: pd.DataFrame | None = None,
    clusters: pd.DataFrame | None = None,
    cell_types: pd.DataFrame | None = None,
    limits: Limits | None = None,
) -> pd.DataFrame:
    """Return what the checks found, patient by patient and for the cohort (columns `COLUMNS`).

    `clinical`, `qc` and `clusters` as tables of these names, `cell_types` the vocabulary; None
    where there is none. `touches` names families of claims; `effect` is "remark", or "descriptive"
    where it lowers their evidence. A finding without a comparison holds for all of them.
    """
    pairs = pairs_of(design, clinical, qc, limits or Limits())
    samples = read_samples(design)
    wanted = list(samples.loc[samples["in_cohort"], "patient"].unique())
    rows = [
        row_of(note, COHORT, "", "") for note in (*tissues(samples), *labels(clusters, cell_types))
    ]
    for followup, baseline, name in designs.comparisons(design):
        own = [pair for pair in pairs if pair.comparison == name]
        for check in COHORT_CHECKS:
            rows += [row_of(n, COHORT, name, "") for n in check(wanted, own, (baseline, followup))]
        found = {pair.patient: [note for check in CHECKS for note in check(pair)] for pair in own}
        rows += [row_of(note, COHORT, name, who) for note, who in of_cohort(found)]
        for patient, notes in found.items():
            rows += [row_of(note, patient, name, patient) for note in notes]
    return pd.DataFrame(rows, columns=COLUMNS)


def row_of(note: Note, scope: str, comparison: str, who: str) -> dict[str, str]:
    """Return a note as a row of the table."""
    words = (scope, comparison, note.check, note.found, who, note.why, "; ".join(note.touches))
    return dict(zip(COLUMNS, (*words, note.effect), strict=True))


def of_cohort(found: Mapping[str, list[Note]]) -> Iterator[tuple[Note, str]]:
    """Yield each finding once for all patients with whom it holds, and who they are.

    A lowered evidence stays lowered only where it holds in every patient compared.
    """
    groups: dict[tuple[str, str], list[tuple[str, Note]]] = {}
    for patient, notes in found.items():
        for note in notes:
            groups.setdefault((note.check, note.subject), []).append((patient, note))
    for held in groups.values():
        who = list(dict.fromkeys(patient for patient, _ in held))
        told = list(dict.fromkeys(note.found for _, note in held))
        words = "; ".join(told[:3]) + (f"; and {len(told) - 3} more" if told[3:] else "")
        every = len(who) == len(found)
        effect = held[0][1].effect if every else REMARK
        counted = "every patient" if every else f"{len(who)} of {len(found)} patients"
        yield held[0][1]._replace(found=words, effect=effect), f"{counted}: {', '.join(who)}"


class Notes:
    """What the guard found, by scope and comparison, as the judge asks for it."""

    def __init__(self, table: pd.DataFrame):
        """Read the table of the guard (columns `COLUMNS`)."""
        self._rows: dict[tuple[str, str], list[dict[str, str]]] = {}
        for row in table.fillna("").to_dict("records"):
            self._rows.setdefault((row["scope"], row["comparison"]), []).append(row)

    def touching(self, scope: str, comparison: str, *names: str) -> list[dict[str, str]]:
        """Return the findings that touch a claim of this scope and comparison.

        `names`: the claim's family and its own name, either of which a finding may touch.
        """
        rows = self._rows.get((scope, comparison), []) + self._rows.get((scope, ""), [])
        return [row for row in rows if set(names) & set(row["touches"].split("; "))]

    def lowering(self, scope: str, comparison: str, *names: str) -> str:
        """Return why the evidence of the claim is lowered to descriptive, or ""."""
        rows = self.touching(scope, comparison, *names)
        return "; ".join(f"{r['found']}: {r['why']}" for r in rows if r["effect"] == LOWERED)

    def checks(self, scope: str, comparison: str, *names: str) -> str:
        """Return the names of the checks that found something, by "; "."""
        rows = self.touching(scope, comparison, *names)
        return "; ".join(dict.fromkeys(row["check"] for row in rows))
