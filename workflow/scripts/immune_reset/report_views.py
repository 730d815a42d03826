"""What the report shows of each table: formatted cells, the claims at a glance, remarks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from immune_reset import wording
from immune_reset.design import no_file, times_of_patient
from immune_reset.figures import spoken
from immune_reset.language import said

FORMATS = {
    "text": lambda v: "" if _none(v) else said(str(v)),
    "spoken": lambda v: "" if _none(v) else spoken(v),
    "tally": lambda v: "" if _none(v) else ";".join(map(_counted, v.split(";"))),
    "count": lambda v: "–" if _none(v) else f"{int(v):,}",
    "share": lambda v: "–" if _none(v) else wording.percent(float(v)),
    "number": lambda v: "–" if _none(v) else wording.number(float(v), 3),
    "plain": lambda v: "–" if _none(v) else _plain(v),
    "p": lambda v: "–" if _none(v) else wording.p_value(float(v)),
}
BOTH = {"both patients increased": "△", "both patients decreased": "▽"}
FEW = 4  # up to so many patients, each has its own column at a glance


def _counted(part: str) -> str:
    name, sign, n = part.rpartition(":")  # baseline:3
    return f"{spoken(name)}{sign}{n}"


def _plain(value: Any) -> str:
    number = pd.to_numeric(value, errors="coerce")  # a drug or event may have words for its value
    return said(str(value)) if pd.isna(number) else wording.plain(float(number))


def _none(value: Any) -> bool:
    return value is None or value == "" or bool(pd.isna(value))


def table_view(
    frame: pd.DataFrame | None,
    columns: Sequence[tuple[str, str, str]],
    *,
    name: str,
    limit: int | None = None,
) -> dict[str, Any] | None:
    """Return headers and formatted rows of a table, or None where it is absent or empty.

    `columns` holds (column, header, format); columns that the table lacks are left out. `limit`
    cuts the rows; `n` says how many there are in `tables/<name>.tsv`.
    """
    if frame is None or frame.empty:
        return None
    shown = [entry for entry in columns if entry[0] in frame]
    rows = [
        [FORMATS[kind](record[column]) for column, _, kind in shown]
        for record in frame.head(limit).to_dict("records")
    ]
    return {
        "headers": [said(header) for _, header, _ in shown],
        "kinds": ["text" if kind in ("text", "spoken", "tally") else "num" for _, _, kind in shown],
        "rows": rows,
        "n": len(frame),
        "name": name,
    }


def glance(
    views: Sequence[Mapping[str, Any]], patients: Sequence[str], comparisons: Sequence[str]
) -> dict[str, Any]:
    """Return the claims at a glance: a row per claim, a column per comparison and scope.

    Of a claim with several compartments the first is shown, unless the catalogue gives each a row
    of its own. Beyond `FEW` patients, the patients
    of a comparison share a cell that counts how many went which way.
    """
    first: dict[tuple, Mapping[str, Any]] = {}
    for view in views:
        first.setdefault((view["glance"], view["scope"], view["comparison"]), view)
    labels = dict.fromkeys(view["glance"] for view in views)
    few = len(patients) <= FEW
    scopes = ["cohort"] if len(patients) > 1 else []
    scopes += list(patients) if few else ["patients"]
    rows = []
    for label in labels:
        cells = []
        for comparison in comparisons:
            for scope in scopes:
                if scope == "patients":
                    own = [first.get((label, patient, comparison)) for patient in patients]
                    cells.append(_tally([view for view in own if view]))
                else:
                    view = first.get((label, scope, comparison))
                    cells.append(_cell(view, pair=len(patients) == 2))
        rows.append({"label": label, "cells": cells})
    return {"scopes": scopes, "comparisons": [spoken(c) for c in comparisons], "rows": rows}


def _cell(view: Mapping[str, Any] | None, *, pair: bool) -> dict[str, str]:
    if view is None:
        return {"css": "none", "symbol": "", "text": "·", "word": said("no such claim")}
    text = said({"level": "", "unknown": "n.e."}.get(view["css"], view["short"]))
    symbol = "" if view["css"] == "unknown" else view["symbol"]
    if pair and (both := BOTH.get(view["found"])):
        word = said(f"{view['found']}, no test of the cohort")
        return {"css": "described", "symbol": both, "text": said("both"), "word": word}
    if view["described"]:
        word = said(f"{view['word']}, described and not tested")
        return {"css": "described", "symbol": symbol, "text": text, "word": word}
    return {"css": view["css"], "symbol": symbol, "text": text, "word": view["word"]}


def _tally(views: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    counts: dict[str, int] = {}
    for view in views:
        mark = said("n.e.") if view["css"] == "unknown" else view["symbol"]
        counts[mark] = counts.get(mark, 0) + 1
    text = "  ".join(f"{mark} {n}" for mark, n in counts.items())
    word = said("patients by direction")
    return {"css": "tally", "symbol": "", "text": text or "·", "word": word}


def claim_groups(
    views: Sequence[Mapping[str, Any]], patients: Sequence[str], comparisons: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the claims by scope: the cohort first, then each patient, then any other scope.

    Each group holds `changed`, `unchanged` (lists of (comparison, views)), `described` (values
    without inference) and `unknown`; `counts` says how many of each, and `lacking` names what is
    not estimable.
    """
    scopes = list(dict.fromkeys(["cohort", *patients, *(view["scope"] for view in views)]))
    groups = []
    for scope in scopes:
        own = [view for view in views if view["scope"] == scope]
        tested = [view for view in own if not view["described"]]
        split = {"changed": ("up", "down"), "unchanged": ("level",)}
        parts = {
            name: [
                (spoken(comparison), chosen)
                for comparison in comparisons
                if (chosen := _chosen(tested, comparison, css))
            ]
            for name, css in split.items()
        }
        unknown = [view for view in own if view["css"] == "unknown"]
        parts |= {"unknown": unknown, "described": [view for view in own if view["described"]]}
        parts |= {"counts": claim_counts(own), "lacking": _names(unknown)}
        groups.append({"scope": scope, "any": bool(own)} | parts)
    return groups


def claim_counts(views: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many claims show a change, show none, are not estimable or only described."""
    tested = [view["css"] for view in views if not view["described"]]
    return {
        "changed": sum(css in ("up", "down") for css in tested),
        "unchanged": tested.count("level"),
        "unknown": tested.count("unknown"),
        "described": len(views) - len(tested),
    }


def _names(views: Sequence[Mapping[str, Any]]) -> str:
    """Return the claims' names with their follow-ups: "BCR diversity (month 1, month 3)"."""
    times: dict[str, list[str]] = {}
    for view in views:
        times.setdefault(view["glance"], []).append(view["followup"])
    named = [label + said(f" ({', '.join(dict.fromkeys(at))})") for label, at in times.items()]
    return said("; ").join(named)


def _chosen(views: Sequence[Mapping[str, Any]], comparison: str, css: Sequence[str]) -> list:
    return [v for v in views if v["comparison"] == comparison and v["css"] in css]


def sample_grid(design: Mapping[str, Any], qc: pd.DataFrame | None) -> dict[str, Any]:
    """Return the design as patients by timepoints: samples with their day and cells kept."""
    kept = dict(zip(qc["sample"], qc["cells_kept"], strict=True)) if _usable(qc) else {}
    grid: dict[str, dict[str, list]] = {}
    for row in design["samples"]:
        cells = kept.get(row["sample"])
        entry = {"sample": row["sample"], "day": None if _none(row.get("day")) else row["day"]}
        entry["cells"] = None if _none(cells) else int(cells)
        entry["control"] = not row.get("in_cohort", True)
        times = grid.setdefault(str(row["patient"]), {})
        times.setdefault(row["timepoint"], []).append(entry)
    return {"timepoints": list(design["timepoints"]), "patients": grid}


def _usable(qc: pd.DataFrame | None) -> bool:
    return qc is not None and {"sample", "cells_kept"} <= set(qc.columns)


def sample_remarks(design: Mapping[str, Any], qc: pd.DataFrame | None) -> list[str]:
    """Return what a reader must know of the samples: gaps, pooling, heavy losses, controls."""
    grid = sample_grid(design, qc)
    remarks = []
    for patient, times in grid["patients"].items():
        rows = [entry for entries in times.values() for entry in entries]
        if all(entry["control"] for entry in rows):
            remarks.append(
                f"{patient} is not part of the cohort's comparisons (control or other tissue)."
            )
            continue
        absent = [spoken(t) for t in grid["timepoints"] if t not in times]
        if absent:
            remarks.append(f"{patient} has no sample at {', '.join(absent)}.")
        for time, entries in times.items():
            own = [e["sample"] for e in entries if not e["control"]]
            if len(own) > 1:
                remarks.append(
                    f"{patient}, {spoken(time)}: {', '.join(own)} are pooled as replicates."
                )
    if _usable(qc) and "barcodes_in" in qc:
        low = qc[(qc["cells_kept"] < 0.5 * qc["barcodes_in"]) & (qc["barcodes_in"] > 0)]
        for row in low.itertuples():
            share = wording.percent(row.cells_kept / row.barcodes_in)
            remarks.append(
                f"{row.sample} kept only {share} of its barcodes: see the reasons below."
            )
    return remarks


def without_receptors(plan: Mapping[str, Any], diversity: pd.DataFrame | None) -> list[str]:
    """Return in words which timepoints have no contig file, and which a file without cells.

    `diversity`: tables/diversity.tsv. The two are told apart: of the first nothing is known, the
    second is a finding (no B cell after depletion, say) or a failed library.
    """
    if diversity is None:
        return []
    whole = diversity[diversity["compartment"] == "all"]
    keys = ["patient", "receptor", "timepoint"]
    n = whole.drop_duplicates(keys).set_index(keys)["n_cells"]
    found = []
    for patient in dict.fromkeys(row["patient"] for row in plan["samples"]):
        for receptor, cells in (("BCR", "B"), ("TCR", "T")):
            times = times_of_patient(plan, patient)
            gone = [t for t in times if no_file(plan, patient, t, receptor)]
            none = [t for t in times if t not in gone and n.get((patient, receptor, t), 1) == 0]
            if gone:
                at = " and ".join(map(spoken, gone))
                found.append(f"{patient} has no {receptor} file at {at}: nothing is known of it.")
            if none:
                at = " and ".join(map(spoken, none))
                words = f"{patient} has a {receptor} file at {at}, but no {cells} cell with a clone"
                found.append(f"{words}.")
    return found
