"""Write the report: one HTML file that holds its pictures and asks nothing of the network.

Inputs: `claims`, `patients` and, where the cohort has them, the other tables by name; `figures`
(PNG files, named by their stem), `templates` (the files of workflow/report), optional
`provenance`, `map` (cells of the interactive map) and `languages` (the catalogue of another
language). Params: `cfg` ("report.language", "report.title"), `settings`
(every configuration leaf), `design`, `versions` ({package: version}), `history` (file that keeps
what the last report said; read, and written anew). Outputs: `report`, with pseudonyms
`pseudonyms` (name, pseudonym).
"""

import logging
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from immune_reset import (
    claims_text,
    design,
    input_remarks,
    language,
    pseudonyms,
    report,
    report_columns,
    report_facts,
    report_guard,
    report_map,
    report_patients,
    report_rows,
    report_views,
    since,
    tables,
)
from immune_reset.language import all_said
from immune_reset.pseudonyms import hide
from immune_reset.runtime import start

logger = logging.getLogger("render_report")

TABLES = (
    "ambient",
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
UNSEEN = ("claims", "patients", "clones", "disease_states", "inputs")  # shown otherwise
SECTIONS = (
    ("claims", "What changed"),
    ("patients", "Patients"),
    ("design", "Design and quality"),
    ("cells", "Cells"),
    ("repertoire", "Repertoire"),
    ("pathways", "Pathways"),
    ("reference", "Healthy controls"),
    ("clinical", "Clinical course"),
    ("methods", "Methods"),
    ("provenance", "Provenance"),
)
REMARKS = ("without_receptors", "remarks")
QUESTION = "What changed between the samples before and after the infusion, by how much, "
QUESTION += "and what in the data says so?"


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


def context_of(
    frames: Mapping[str, pd.DataFrame], texts: Mapping[str, str], *, plan: Mapping[str, Any],
    settings: Mapping[str, Any], title: str, history: str = "",
) -> tuple[dict[str, Any], list[since.State]]:  # fmt: skip
    """Return what the templates name, but for figures, versions and provenance, and the history."""
    settings = report.Settings(settings)
    catalogue = report.catalogue(texts["sentences.yaml"])
    units = report_facts.clinical_units(frames.get("clinical"))
    views = claims_text.claim_views(frames["claims"], catalogue, units)
    people, names = design.patients_of(plan), design.comparison_names(plan)
    names = list(dict.fromkeys([*names, *frames["claims"]["comparison"]]))
    has = {"gex": "composition" in frames, "vdj": "diversity" in frames}
    has["controls"] = "reference" in frames
    qc = frames.get("qc") if has["gex"] else None
    groups = report_views.claim_groups(views, people, names)
    for group in groups:
        own = [view for view in views if view["scope"] == group["scope"]]
        group["notes"] = report_guard.beside(frames.get("design_guard"), group["scope"], own)
    frames, guarded = report_guard.context(frames, catalogue)
    states = states_of(frames["claims"], texts, units, settings, plan, history)
    changes = since.changes(states)
    first = [("since", "Since the last report")] if changes else []
    context = guarded | {
        "title": title,
        "question": QUESTION,
        "since": changes,
        "sections": first + [s for s in SECTIONS if s[0] != "reference" or has["controls"]],
        "design": plan,
        "settings": settings,
        "setting": lambda key: report.setting_text(settings[key]),
        "facts": report_facts.facts_of(plan, qc, views, has_gex=has["gex"]),
        "has": has | {"clinical": len(frames.get("clinical", ())) > 0},
        "evidence": list(catalogue["evidence"].values()),
        "glance": report_views.glance(views, people, names),
        "claim_groups": groups,
        "words": catalogue["pages"],
        "cluster_words": catalogue["clusters"],
        "pages": report_patients.pages(frames, groups, people, plan, catalogue),
        "grid": report_views.sample_grid(plan, qc),
        "without_receptors": report_views.without_receptors(plan, frames.get("diversity")),
        "remarks": report_views.sample_remarks(plan, qc) + input_remarks.said(plan, frames),
        "views": table_views(frames, min_confidence=settings["annotation.min_confidence"]),
        "references": yaml.safe_load(texts["references.yaml"]),
    }
    return context | all_said({name: context[name] for name in REMARKS}), states


def states_of(
    claims: pd.DataFrame, texts: Mapping[str, str], units: Mapping[str, str],
    settings: Mapping[str, Any], plan: Mapping[str, Any], history: str,
) -> list[since.State]:  # fmt: skip
    """Return what the last two reports that differ said, in English whatever their language."""
    words = yaml.safe_load(texts["sentences.yaml"])
    views = claims_text.claim_views(claims, words, units, say=str)
    samples = [row["sample"] for row in plan["samples"]]
    return since.remember(history, since.state_of(views, settings, samples))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, params, out = smk.params.cfg, smk.params, smk.output
    texts = {Path(p).name: Path(p).read_text(encoding="utf-8") for p in smk.input.templates}
    pngs = {hide(Path(p).stem): Path(p).read_bytes() for p in smk.input.figures}
    found = {name: tables.optional(smk.input, name) for name in (*UNSEEN, *TABLES)}
    frames = {name: hide(tables.read(path)) for name, path in found.items() if path}
    history = Path(params.history)
    context, states = context_of(
        frames,
        texts,
        plan=hide(params.design),
        settings=hide(params.settings),
        title=language.said(cfg["report.title"]),
        history=history.read_text(encoding="utf-8") if history.is_file() else "",
    )
    path = tables.optional(smk.input, "provenance")
    context["record"] = hide(tables.read_json(path)) if path else {}
    context["provenance"] = report_facts.provenance_lines(context["record"])
    context |= {"versions": dict(params.versions), "masked": pseudonyms.KEY in params.design}
    cells = tables.optional(smk.input, "map")
    library = (files("plotly") / "package_data/plotly.min.js").read_bytes() if cells else b""
    context["map"] = report_map.view(cells and hide(tables.read_json(cells)), library, texts)
    html = report.render(texts, pngs, context)
    tables.write_text(html, out.report)
    if path := tables.optional(out, "pseudonyms"):
        tables.write(pseudonyms.table(), path)
    tables.write_json(states, history)
    logger.info("report: %.1f MB, %d claims", len(html) / 1e6, len(frames["claims"]))


if __name__ == "__main__":
    main(snakemake)
