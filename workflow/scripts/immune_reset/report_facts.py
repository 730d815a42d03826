"""The numbers of the report's first screen and of its foot."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from immune_reset import design, report_views


def facts_of(
    plan: Mapping[str, Any], qc: pd.DataFrame | None, claims: list[dict[str, Any]], *, has_gex: bool
) -> dict[str, Any]:
    """Return the numbers of the first screen: patients, timepoints, samples, cells, claims."""
    rows = plan["samples"]
    counted = has_gex and qc is not None and "cells_kept" in qc
    return {
        "patients": design.patients_of(plan),
        "timepoints": [t for t in plan["timepoints"] if any(r["timepoint"] == t for r in rows)],
        "comparisons": design.comparison_names(plan),
        "samples": len(rows),
        "controls": sum(not row.get("in_cohort", True) for row in rows),
        "cells": int(qc["cells_kept"].sum()) if counted else None,
        "claims": report_views.claim_counts(claims) if claims else None,
    }


def clinical_units(clinical: pd.DataFrame | None) -> dict[str, str]:
    """Return {measure: unit} of the clinical measures that have a unit."""
    if clinical is None or not {"measure", "unit"} <= set(clinical.columns):
        return {}
    rows = clinical.dropna(subset=["unit"]).drop_duplicates("measure")
    return dict(zip(rows["measure"], rows["unit"].astype(str), strict=True))


def provenance_lines(record: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return what the foot of the report says of the run in a line each, but for its time."""
    if not record:
        return []
    workflow, run = record.get("workflow", {}), record.get("run", {})
    lines = []
    if workflow.get("commit"):
        changed = " with uncommitted changes" if workflow.get("dirty") else ""
        lines.append(("Workflow", f"commit {workflow['commit']}{changed}"))
    if python := record.get("software", {}).get("python"):
        lines.append(("Python", str(python)))
    inputs = record.get("inputs", [])
    size = sum(entry.get("bytes", 0) for entry in inputs) / 1e6
    if inputs:
        lines.append(("Inputs", f"{len(inputs)} files, {size:,.1f} MB"))
    if executor := run.get("executor"):
        lines.append(("Executor", str(executor)))
    lines.append(("More", "every package, and the time of the run: provenance.json"))
    return lines
