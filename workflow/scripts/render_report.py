"""Write the report: one HTML file that holds its pictures and asks nothing of the network.

Inputs: `claims`, `patients` and, where the cohort has them, the other tables by name; `figures`
(PNG files, named by their stem), `templates` (the files of workflow/report), optional
`provenance`. Params: `cfg` ("report.title"), `settings` (every configuration leaf), `design`,
`versions` ({package: version}). Output: `report`.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from immune_reset import (
    claims_text,
    panels,
    report,
    report_columns,
    report_guard,
    report_rows,
    report_views,
    tables,
)
from immune_reset.runtime import start

logger = logging.getLogger("render_report")

TABLES = (
    "qc",
    "composition",
    "clusters",
    "car_cells",
    "on_target",
    "diversity",
    "clone_fates",
    "returned_clones",
    "turnover",
    "car_clones",
    "lookup",
    "isotypes",
    "gene_usage_change",
    "overlap",
    "pathway_change",
    "enrichment",
    "clinical",
    "composition_change",
    "gene_set_overlap",
    "design_guard",
    "reference",
)
SECTIONS = (
    ("claims", "What changed"),
    ("design", "Design and quality"),
    ("cells", "Cells"),
    ("repertoire", "Repertoire"),
    ("pathways", "Pathways"),
    ("reference", "Healthy controls"),
    ("clinical", "Clinical course"),
    ("methods", "Methods"),
    ("provenance", "Provenance"),
)
QUESTION = (
    "What changed between the samples before and after the infusion, by how much, and what in "
    "the data says so?"
)


def table_views(
    frames: Mapping[str, pd.DataFrame], *, min_confidence: float
) -> dict[str, dict[str, Any] | None]:
    """Return the view of every table that the report shows; None where it is absent or empty."""
    views: dict[str, dict[str, Any] | None] = dict.fromkeys((*TABLES, "hypermutation"))
    more = {"hypermutation": frames["isotypes"]} if "isotypes" in frames else {}
    for name, frame in {**frames, **more}.items():
        if name not in views or frame.empty:
            continue
        frame = report_rows.ROWS.get(name, lambda rows: rows)(frame)
        if name == "clusters":
            frame = report_columns.marked_clusters(frame, min_confidence)
        columns = report_columns.COLUMNS.get(name) or report_columns.MADE[name](frame)
        file = "isotypes" if name == "hypermutation" else name
        limit = report_columns.LIMITS.get(name)
        views[name] = report_views.table_view(frame, columns, name=file, limit=limit)
    return views


def facts_of(
    plan: Mapping[str, Any], qc: pd.DataFrame | None, claims: list[dict[str, Any]], *, has_gex: bool
) -> dict[str, Any]:
    """Return the numbers of the first screen: patients, timepoints, samples, cells, claims."""
    rows = plan["samples"]
    counted = has_gex and qc is not None and "cells_kept" in qc
    return {
        "patients": panels.patients_of(plan),
        "timepoints": [t for t in plan["timepoints"] if any(r["timepoint"] == t for r in rows)],
        "comparisons": panels.comparison_names(plan),
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


def context_of(
    frames: Mapping[str, pd.DataFrame], texts: Mapping[str, str], *, plan: Mapping[str, Any],
    settings: Mapping[str, Any], title: str,
) -> dict[str, Any]:  # fmt: skip
    """Return what the templates name, but for figures, versions and provenance."""
    settings = report.Settings(settings)
    catalogue = report.catalogue(texts["sentences.yaml"])
    units = clinical_units(frames.get("clinical"))
    views = claims_text.claim_views(frames["claims"], catalogue, units)
    people, names = panels.patients_of(plan), panels.comparison_names(plan)
    names = list(dict.fromkeys([*names, *frames["claims"]["comparison"]]))
    has = {"gex": "composition" in frames, "vdj": "diversity" in frames}
    has["controls"] = "reference" in frames
    qc = frames.get("qc")
    groups = report_views.claim_groups(views, people, names)
    for group in groups:
        own = [view for view in views if view["scope"] == group["scope"]]
        group["notes"] = report_guard.beside(frames.get("design_guard"), group["scope"], own)
    frames, guarded = report_guard.context(frames, catalogue)
    return guarded | {
        "title": title,
        "question": QUESTION,
        "sections": [s for s in SECTIONS if s[0] != "reference" or has["controls"]],
        "design": plan,
        "settings": settings,
        "setting": lambda key: report.setting_text(settings[key]),
        "facts": facts_of(plan, qc, views, has_gex=has["gex"]),
        "has": has | {"clinical": len(frames.get("clinical", ())) > 0},
        "evidence": list(catalogue["evidence"].values()),
        "glance": report_views.glance(views, people, names),
        "claim_groups": groups,
        "grid": report_views.sample_grid(plan, qc if has["gex"] else None),
        "without_receptors": report_views.without_receptors(plan, frames.get("diversity")),
        "remarks": report_views.sample_remarks(plan, qc if has["gex"] else None),
        "views": table_views(frames, min_confidence=settings["annotation.min_confidence"]),
        "references": yaml.safe_load(texts["references.yaml"]),
    }


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, params = smk.params.cfg, smk.params
    texts = {Path(p).name: Path(p).read_text(encoding="utf-8") for p in smk.input.templates}
    pngs = {Path(p).stem: Path(p).read_bytes() for p in smk.input.figures}
    found = {name: tables.optional(smk.input, name) for name in ("claims", "patients", *TABLES)}
    frames = {name: tables.read(path) for name, path in found.items() if path}
    context = context_of(
        frames,
        texts,
        plan=params.design,
        settings=params.settings,
        title=cfg["report.title"],
    )
    path = tables.optional(smk.input, "provenance")
    context["record"] = tables.read_json(path) if path else {}
    context["provenance"] = provenance_lines(context["record"])
    context["versions"] = dict(params.versions)
    html = report.render(texts, pngs, context)
    tables.write_text(html, smk.output.report)
    logger.info("report: %.1f MB, %d claims", len(html) / 1e6, len(frames["claims"]))


if __name__ == "__main__":
    main(snakemake)
