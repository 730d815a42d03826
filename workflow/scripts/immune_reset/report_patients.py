"""The page of each patient: claims, states of disease, and the ledger of clones."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from immune_reset import report_views, wording
from immune_reset.figures import spoken
from immune_reset.language import said

UNTESTED = "too few to test"
ROWS, FEWEST = 900, 40  # clones of all ledgers together, and of one at least
MOST = 300  # clones of one ledger at most


def pages(
    frames: Mapping[str, pd.DataFrame],
    groups: Sequence[Mapping[str, Any]],
    people: Sequence[str],
    plan: Mapping[str, Any],
    catalogue: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return what the page of each patient shows: patient, group, states, ledger, samples.

    `groups`: the claims by scope (`report_views.claim_groups`); `frames`: the report's tables.
    """
    by_scope = {group["scope"]: group for group in groups}
    limit = min(MOST, max(FEWEST, ROWS // max(len(people), 1)))
    found = []
    for patient in people:
        own = [r for r in plan["samples"] if str(r["patient"]) == patient]
        times = [t for t in plan["timepoints"] if any(r["timepoint"] == t for r in own)]
        view = {"patient": patient, "group": by_scope.get(patient), "times": times}
        view["states"] = states_view(frames.get("disease_states"), patient, times, catalogue)
        view["ledger"] = ledger(
            frames.get("clones"), frames.get("clone_fates"), patient, times, catalogue, limit
        )
        found.append(view)
    return found


def states_view(
    table: pd.DataFrame | None,
    patient: str,
    times: Sequence[str],
    catalogue: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the states of disease of a patient: a row per state, a cell per timepoint.

    A cell holds the word (met, not met, not computable) and why, in the catalogue's words.
    """
    if table is None or table.empty:
        return []
    own = table[table["patient"].astype(str) == patient]
    rows = []
    for state, part in own.groupby("state", sort=False):
        entry = catalogue["states"]["named"][state]
        cells = []
        for time in times:
            at = part[part["timepoint"] == time]
            if not at.empty:
                cells.append(state_cell(at, catalogue["states"]))
            else:
                cells.append({"met": "none", "word": "–", "why": ""})
        rows.append({"name": entry["name"], "doi": entry["doi"], "cells": cells})
    return rows


def state_cell(rows: pd.DataFrame, words: Mapping[str, Any]) -> dict[str, str]:
    """Return one state at one timepoint in words: what fails, or what is missing."""
    whole = str(rows.loc[rows["component"] == "all", "met"].iloc[0])
    parts = rows[rows["component"] != "all"]
    failed = [_component(row, words) for row in parts[parts["met"] == "no"].to_dict("records")]
    lacking = [
        words["components"][name] for name in parts.loc[parts["met"] == "not given"].component
    ]
    why = ", ".join(failed) if whole == "no" else ""
    if whole == "not computable":
        why = words["missing"].format(what=", ".join(lacking))
    return {"met": whole.replace(" ", "-"), "word": words[whole], "why": why}


def _component(row: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    name = words["components"][row["component"]]
    numbers = {"value": wording.plain(float(row["value"])), "limit": f"{float(row['limit']):g}"}
    kind = "below" if row["state"] == "DORIS" and row["component"] == "physician_global" else "most"
    if row["component"] == "clinical_sledai" and not _clinical(row["source"]):
        name, kind = spoken(row["source"]), "whole"
    return words[kind].format(name=name, **numbers)


def _clinical(source: str) -> bool:
    return str(source).lower().startswith("c")  # clinical_SLEDAI-2K, cSLEDAI


def ledger(
    clones: pd.DataFrame | None,
    fates: pd.DataFrame | None,
    patient: str,
    times: Sequence[str],
    catalogue: Mapping[str, Any],
    limit: int,
) -> dict[str, Any] | None:
    """Return the view of a patient's clones: the tested ones first, the largest first.

    Columns: the clone, its genes and CDR3, its cells at each timepoint and its fate in each
    comparison, in words. None without clones. `n` counts all clones of the patient.
    """
    if clones is None or clones.empty:
        return None
    own = clones[clones["patient"].astype(str) == patient].copy()
    words, counts = catalogue["ledger"], [f"n_{t}" for t in times if f"n_{t}" in clones]
    if own.empty:
        return None
    columns = [(c, words[c], "text") for c in ("clone_id", "v_call", "junction_aa")]
    columns += [(c, words["cells_at"].format(time=spoken(c[2:])), "count") for c in counts]
    own["tested"] = False
    if fates is not None and not fates.empty:
        mine = fates[fates["patient"].astype(str) == patient]
        for comparison, part in mine.groupby("comparison", sort=False):
            told = part.drop_duplicates("clone_id").set_index("clone_id")
            flag = told["flag"].fillna("").map(lambda f: f" ({f})" if f else "")
            own[comparison] = own["clone_id"].map(told["fate"].astype(str) + flag).fillna("")
            own["tested"] |= ~own[comparison].isin(["", UNTESTED])
            head = words["fate_at"].format(comparison=spoken(comparison))
            columns.append((comparison, head, "text"))
    own["size"] = own[counts].apply(pd.to_numeric).max(axis=1) if counts else 0
    own = own.sort_values(["tested", "size"], ascending=False, kind="stable")
    for column in (c for c in ("isotypes", "cell_subtypes") if c in own):
        own[column] = own[column].map(_shortened)
        columns.append((column, words[column], "text"))
    return report_views.table_view(own, columns, name="clones", limit=limit)


def _shortened(text: Any) -> str:
    """Return "IGHG1:14;IGHM:2" as "IGHG1 14, IGHM 2"; at most the three largest."""
    if text is None or pd.isna(text) or not text:
        return ""
    parts = str(text).split(";")
    more = ", …" if len(parts) > 3 else ""
    return ", ".join(map(_counted, parts[:3])) + more


def _counted(part: str) -> str:
    name, _, n = part.partition(":")
    return said(name) + (f" {n}" if n else "")
