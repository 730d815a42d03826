"""The plot rules and the report as jobs on the invented cohort."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
from unit import report_claims, report_repertoire
from unit import report_tables as made

from immune_reset import language
from immune_reset.planning import patient_design

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "workflow" / "report"
FONTS = [ROOT / f"resources/fonts/NotoSansSC-{weight}.ttf.base64" for weight in ("Regular", "Bold")]
FIGURES = {
    "plot_qc": ["qc_losses", "qc_distributions"],
    "plot_cells": ["umap_cell_type", "umap_timepoint", "umap_patient", "umap_interferon"],
    "plot_composition": [
        "composition",
        "composition_over_time",
        "b_cell_subsets",
        "composition_change",
    ],
    "plot_diversity": ["diversity", "diversity_change", "diversity_curves"],
    "plot_clones": ["clones_over_time", "clone_fates", "baseline_clones"],
    "plot_isotypes": ["isotypes_over_time", "hypermutation"],
    "plot_repertoire": [
        "v_gene_change",
        "junction_lengths",
        "expansion_classes",
        "expansion_shares",
    ],
    "plot_pathways": ["pathway_interferon", "pathway_jak_stat", "pathway_change", "attribution"],
    "plot_clinical": ["clinical_course"],
    "plot_patient": ["patient"],
    "plot_reference": ["reference"],
}


REPERTOIRE = ("usage", "usage_change", "expansion", "lengths")


class Files(SimpleNamespace):
    """Named files as Snakemake gives them, absent ones answered with None by `get`."""

    def get(self, name: str, default=None):
        return getattr(self, name, default)


def parquets() -> dict[str, pd.DataFrame]:
    """Return the Parquet tables that the plot rules read."""
    frames = made.atlas(900) | {"curves": made.diversity_curves()}
    frames["baseline"] = made.baseline_clones()
    frames |= {name: getattr(report_repertoire, name)() for name in REPERTOIRE}
    return frames | {f"cells_{r['sample']}": made.cells(r["sample"]) for r in samples()}


def samples() -> list[dict]:
    return made.design()["samples"]


def inputs(script: str, tables: dict[str, str], files: dict[str, str]) -> Files:
    """Return the inputs of one plot rule."""
    given = {
        "plot_qc": {
            "qc": tables["qc"],
            "cells": [path for name, path in files.items() if name.startswith("cells_")],
        },
        "plot_cells": {k: files[k] for k in ("umap", "labels")} | {"scores": [files["scores"]]},
        "plot_composition": {
            "composition": tables["composition"],
            "change": tables["composition_change"],
        },
        "plot_diversity": {
            "diversity": tables["diversity"],
            "change": tables["diversity_change"],
            "curves": files["curves"],
        },
        "plot_clones": {
            "clones": tables["clones"],
            "fates": tables["clone_fates"],
            "baseline": files["baseline"],
        },
        "plot_repertoire": {
            **{name: files[name] for name in REPERTOIRE},
        },
        "plot_isotypes": {"isotypes": tables["isotypes"]},
        "plot_pathways": {
            "scores": tables["pathway_scores"],
            "change": tables["pathway_change"],
            "attribution": tables["attribution"],
        },
        "plot_clinical": {"clinical": tables["clinical"]},
        "plot_patient": {
            **{name: tables[name] for name in ("clinical", "composition", "diversity")},
            "car": tables["car_cells"],
            "scores": tables["pathway_scores"],
        },
        "plot_reference": {"reference": tables["reference"]},
    }
    return Files(**given[script])


def outputs(script: str, folder: Path) -> Files:
    """Return the outputs of one plot rule below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return Files(
        **{
            f"{name}_{kind}": str(folder / f"{name}.{kind}")
            for name in FIGURES[script]
            for kind in ("png", "pdf")
        }
    )


def draw(
    script: str,
    folder: Path,
    *,
    empty: bool = False,
    design: dict | None = None,
    language: str = "en",
) -> Path:
    """Run one plot rule on the invented cohort, or on its tables without rows."""
    frames, columns = report_claims.every_table(), parquets()
    if empty:
        frames, columns = ({k: f.iloc[:0] for k, f in d.items()} for d in (frames, columns))
    tables = report_claims.write_all(folder, frames)
    files = report_claims.write_parquet(folder / "cohort", columns)
    design = design or made.design()
    if script == "plot_patient":
        rows = [{"has_bcr": True, "has_tcr": True} | row for row in design["samples"]]
        names = {key: design[key] for key in ("pseudonyms",) if key in design}
        design = patient_design(design | {"samples": rows}, made.PATIENTS[0]) | names
    given = inputs(script, tables, files)
    if language != "en":
        given.languages, given.fonts = TEMPLATES / f"languages/{language}.yaml", FONTS
    job = SimpleNamespace(
        input=given,
        output=outputs(script, folder / "figures"),
        params=SimpleNamespace(cfg=made.SETTINGS | {"report.language": language}, design=design),
        log=[],
    )
    importlib.import_module(script).main(job)
    return folder / "figures"


def render(
    folder: Path,
    frames: dict[str, pd.DataFrame] | None = None,
    *,
    design: dict | None = None,
    figures: list[Path] = (),
    title: str = "Was the immune system reset?",
    provenance: str | None = None,
    settings: dict | None = None,
    cell_map: str | None = None,
    pseudonyms: bool = False,
    code: str = "en",
) -> str:
    """Write the report of the given tables and return its HTML."""
    given = report_claims.write_all(folder, frames)
    given |= {"provenance": provenance} if provenance else {}
    given |= {"map": cell_map} if cell_map else {}
    given |= {"languages": TEMPLATES / f"languages/{code}.yaml"} if code != "en" else {}
    told = {"pseudonyms": str(folder / "pseudonyms.tsv")} if pseudonyms else {}
    job = SimpleNamespace(
        input=Files(
            **given,
            figures=[str(path) for path in figures],
            templates=sorted(str(p) for p in TEMPLATES.rglob("*") if p.is_file()),
        ),
        output=Files(report=str(folder / "report.html"), **told),
        params=SimpleNamespace(
            cfg={"report.title": title, "report.language": code},
            settings=settings or made.SETTINGS,
            design=design or made.design(),
            versions=made.VERSIONS,
            history=str(folder / "history.json"),
        ),
        log=[],
    )
    try:
        importlib.import_module("render_report").main(job)
    finally:
        language.use("en", None)
    return (folder / "report.html").read_text(encoding="utf-8")
