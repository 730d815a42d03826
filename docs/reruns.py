"""Write docs/reruns.md: for every key of the configuration, the rules that a change runs again.

`python docs/reruns.py` asks the workflow itself: a small cohort with everything is taken as
finished, one key is changed, and Snakemake says in a dry-run which jobs it would run.
tests/workflow/test_rerun_map.py holds the page against a real run and what the scripts read.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow" / "scripts")]

from immune_reset import igblast  # noqa: E402
from immune_reset.dry_run import FOLLOWS, Job, jobs_to_run  # noqa: E402

PAGE = "docs/reruns.md"
# every key with another valid value; files named here are made by `own_files`
CHANGES: dict[str, Any] = {
    "samples": "cohort/again.tsv",
    "outdir": "elsewhere",
    "seed": 1,
    "clinical.table": "own/clinical.tsv",
    "clinical.window_days": 20,
    "design.baseline": "month_3",
    "design.timepoints": ["month_3", "baseline"],
    "qc.min_counts": 600,
    "qc.min_genes": 250,
    "qc.max_pct_mt": 15,
    "qc.nmads": 4,
    "doublets.n_genes": 1500,
    "doublets.n_components": 20,
    "doublets.sim_ratio": 1.5,
    "doublets.expected_rate": 0.05,
    "doublets.max_score": 0.4,
    "doublets.use_receptors": False,
    "genes.join_by": "symbol",
    "genes.n_top": 1000,
    "genes.exclude_vdj": False,
    "genes.keep": ["TRAV1-2"],
    "embedding.n_components": 20,
    "embedding.harmony": False,
    "embedding.batch_key": "patient",
    "embedding.theta": 1.0,
    "graph.n_neighbors": 20,
    "layout.min_dist": 0.3,
    "layout.spread": 1.5,
    "clusters.resolution": 1.0,
    "annotation.markers": "own/markers.tsv",
    "annotation.overrides": "own/overrides.tsv",
    "annotation.labels": "own/labels.tsv",
    "annotation.labels_column": "kind",
    "annotation.min_confidence": 0.2,
    "car.features": ["CAR_BCMA"],
    "car.pattern": "^CAR$",
    "car.max_false_positive_rate": 0.01,
    "receptors.min_umis": 2,
    "receptors.productive_only": False,
    "receptors.high_confidence_only": False,
    "receptors.igblast_germline": "own/germline",
    "receptors.igblast_organism": "mouse",
    "clonotypes.bcr_max_distance": 0.1,
    "clonotypes.light_chain": "ignore",
    "clonotypes.tcr_arms": "beta",
    "clonotypes.tcr_sequence": "aa",
    "diversity.orders": [0, 1],
    "diversity.min_cells": 30,
    "diversity.min_repeats": 12,
    "diversity.bootstraps": 50,
    "clones.min_cells": 4,
    "clones.fdr": 0.1,
    "clones.expanded_min_cells": 4,
    "clones.follow_plasma": False,
    "clones.lookup": "own/lookup.tsv",
    "composition.min_expected": 8,
    "expression.min_cells": 20,
    "expression.min_counts": 2000,
    "expression.permutations": 500,
    "expression.min_set_size": 15,
    "expression.max_set_size": 200,
    "pathways.gene_sets": ["own/sets.gmt"],
    "pathways.min_cells": 20,
    "pathways.min_counts": 30,
    "pathways.min_genes": 5,
    "guard.window_days": 14,
    "guard.early_days": 21,
    "guard.max_ratio": 2,
    "claims.alpha": 0.1,
    "claims.min_log2_change": 1.0,
    "claims.min_log_diversity": 0.3,
    "report.title": "Another title",
    "report.language": "zh",
    "report.pseudonyms": True,
    "report.pseudonym_table": "own/pseudonyms.tsv",
    "export.h5mu": False,
    "export.h5ad": True,
    "export.airr": False,
}
ALWAYS = ("write_provenance", "render_report")


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return {"a": {"b": value}} for the key "a.b"."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def own_files(project: Path) -> None:
    """Write the files that a user could name in the configuration, and the config `tiny.yaml`."""
    own, cohort = project / "own", project / "cohort"
    own.mkdir(exist_ok=True)
    shutil.copy2(cohort / "samples.tsv", cohort / "again.tsv")
    shutil.copy2(cohort / "clinical.tsv", own / "clinical.tsv")
    shutil.copy2(project / "resources/markers/pbmc.tsv", own / "markers.tsv")
    (own / "overrides.tsv").write_text("cluster\tlabel\n0\tCD4 T\n")
    (own / "labels.tsv").write_text("cell_id\tcell_type\tkind\nLN01_baseline:A\tB\tb\n")
    (own / "lookup.tsv").write_text("junction_aa\tlabel\nCASSF\tknown\n")
    (own / "pseudonyms.tsv").write_text("patient\tpseudonym\nLN01\tA\nLN02\tB\n")
    (own / "sets.gmt").write_text("MINE\tno link\tIFI27\tIFI44L\tISG15\n")
    (project / "tiny.yaml").write_text("samples: cohort/samples.tsv\n")
    _igblast(own, cohort)


def _igblast(own: Path, cohort: Path) -> None:
    """Write what a run with IgBLAST asks for before it starts: a dry-run goes no further."""
    (own / "germline/internal_data/human").mkdir(parents=True, exist_ok=True)
    for gene in igblast.NEEDED:
        (own / f"germline/{gene}.fasta").write_text(f">IGH{gene}1-1*01\nACGT\n")
    for table in cohort.glob("*/*_contig_annotations.csv"):
        Path(igblast.fasta_beside(table)).write_text(">contig\nACGT\n")
    (own / "bin").mkdir(exist_ok=True)
    for program in igblast.PROGRAMS:
        (own / "bin" / program).touch(mode=0o755)


def _edit(path: str, old: str = "", new: str = "\n") -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        file = project / path
        text = file.read_text("utf-8")
        changed = text.replace(old, new, 1) if old else text + new
        assert changed != text, path
        file.write_text(changed, "utf-8")

    return edit


def _rows(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def edit(project: Path) -> None:
        sheet = project / "cohort/samples.tsv"
        sheet.write_text("\n".join(change(sheet.read_text().splitlines())) + "\n")

    return edit


def _new(sample: str, patient: str, timepoint: str) -> Callable[[Path], None]:
    """Add a sample whose files are LN01_baseline's, the counts and contigs a little changed."""

    def add(project: Path) -> None:
        from conftest import other_library

        shutil.copytree(project / "cohort/LN01_baseline", project / "cohort" / sample)
        other_library(project / "cohort" / sample)
        _rows(
            lambda rows: [
                *rows,
                rows[1]
                .replace("LN01_baseline", sample)
                .replace("\tLN01\tbaseline\t-7\t", f"\t{patient}\t{timepoint}\t-7\t"),
            ]
        )(project)

    return add


def _matrix(project: Path) -> None:
    file = project / "cohort/LN01_baseline/filtered_feature_bc_matrix.h5"
    file.write_bytes(file.read_bytes() + b"\0")


def _contigs(project: Path) -> None:
    file = project / "cohort/LN01_baseline/vdj_b_filtered_contig_annotations.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")


def _in_rules(old: str, new: str) -> Callable[[Path], None]:
    """Write `new` for `old` in every rule."""

    def edit(project: Path) -> None:
        texts = {p: p.read_text("utf-8") for p in (project / "workflow/rules").glob("*.smk")}
        assert sum(text.count(old) for text in texts.values()) > 20, old
        for path, text in texts.items():
            path.write_text(text.replace(old, new), "utf-8")

    return edit


def _touch(project: Path) -> None:
    (project / "cohort/LN01_baseline/vdj_b_filtered_contig_annotations.csv").touch()
    (project / "workflow/scripts/immune_reset/hill.py").touch()


PACKAGE = "workflow/scripts/immune_reset"
OVERRIDES = {"annotation": {"overrides": "own/overrides.tsv"}}
OWN_SETS = {"pathways": {"gene_sets": ["own/sets.gmt"]}}
# what is done, settings that the finished run has beside the defaults, the deed
CASES: dict[str, tuple[dict[str, Any], Callable[[Path], None]]] = {
    "a new sample of a new patient": ({}, _new("LN03_baseline", "LN03", "baseline")),
    "a new sample of a known patient": ({}, _new("LN01_more", "LN01", "baseline")),
    "a removed sample (LN02_month_3)": ({}, _rows(lambda rows: rows[:-1])),
    "samples in another order in the sheet": (
        {},
        _rows(lambda rows: [rows[0], *rows[3:], *rows[1:3]]),
    ),
    "a changed matrix of one sample": ({}, _matrix),
    "a changed contig file of one sample": ({}, _contigs),
    "a threshold for one sample (column `qc_min_genes`)": (
        {},
        _rows(
            lambda rows: [
                f"{rows[0]}\tqc_min_genes",
                f"{rows[1]}\t300",
                *[f"{row}\t" for row in rows[2:]],
            ]
        ),
    ),
    "an edited clinical table": ({}, _edit("cohort/clinical.tsv")),
    "an edited table of overrides": (
        OVERRIDES,
        _edit("own/overrides.tsv", new="1\tCD8 T\n"),
    ),
    "an edited gene set of your own": (OWN_SETS, _edit("own/sets.gmt", "ISG15", "ISG20")),
    "an edited shipped gene set": ({}, _edit("resources/gene_sets/gene_sets.tsv")),
    "an edited marker panel": ({}, _edit("resources/markers/pbmc.tsv")),
    "an edited script (`measure_diversity.py`)": (
        {},
        _edit("workflow/scripts/measure_diversity.py", new="# edited\n"),
    ),
    "an edited helper (`immune_reset/hill.py`)": (
        {},
        _edit(f"{PACKAGE}/hill.py", new="# edited\n"),
    ),
    "an edited template of the report": ({}, _edit("workflow/report/styles.css")),
    "another number of threads": ({}, _in_rules("threads: 1", "threads: 2")),
    "another resource of a job": ({}, _in_rules("runtime=minutes()", "runtime=20")),
    "inputs and helpers touched, not changed": ({}, _touch),
}


def due(project: Path, config: dict[str, Any] | None = None) -> list[Job]:
    """Return the jobs that a run of `tiny.yaml` with `config` would make."""
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{path}{os.pathsep}{project / 'own/bin'}"
    try:
        return jobs_to_run(
            project / "Snakefile",
            workdir=project,
            config=config,
            configfiles=(project / "tiny.yaml",),
        )
    finally:
        os.environ["PATH"] = path


def finished(folder: Path, cohort: Path, config: dict[str, Any] | None = None) -> Path:
    """Return a project in `folder` in which the run of `cohort` is taken as finished."""
    import faked_run
    from conftest import copy_project

    project = copy_project(folder / "project")
    shutil.copytree(cohort, project / "cohort", copy_function=shutil.copy2)
    own_files(project)
    faked_run.finish(project, configfiles=(project / "tiny.yaml",), config=config)
    return project


def after(jobs: list[Job]) -> dict[str, list[str]]:
    """Return for every rule those that read, directly or not, what it makes; `jobs` are all."""
    rules = dict.fromkeys(job.rule for job in jobs)
    makers = {path: job.rule for job in jobs for path in job.outputs}
    reads = {
        rule: {makers[p] for j in jobs if j.rule == rule for p in j.inputs if p in makers}
        for rule in rules
    }
    follows = {}
    for rule in rules:
        found, more = set(), {rule}
        while more:
            more = {other for other in rules if reads[other] & more} - found
            found |= more
        follows[rule] = [name for name in rules if name in found and name not in ALWAYS]
    return follows


def key_row(key: str, jobs: list[Job], follows: dict[str, list[str]]) -> str:
    """Return the table row of one key: where the change enters, and what follows from there."""
    first = dict.fromkeys(j.rule for j in jobs if j.why != FOLLOWS and j.rule not in ALWAYS)
    then = dict.fromkeys(j.rule for j in jobs if j.rule not in (*first, *ALWAYS))
    value = yaml.safe_dump(CHANGES[key], default_flow_style=True, width=1000)
    shown = value.removesuffix("\n").removesuffix("\n...")
    expected = {name for rule in first for name in follows.get(rule, ())} - set(first)
    if set(follows) - set(ALWAYS) <= {*first, *then}:
        return f"| `{key}` | `{shown}` | {EVERY} | |"
    words = FOLLOWING if then and expected == set(then) else _names(then)
    return f"| `{key}` | `{shown}` | {_names(first)} | {words} |"


EVERY = "every rule"
FOLLOWING = "what follows"


def _names(rules: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in rules) or "–"


def case_row(words: str, jobs: list[Job]) -> str:
    """Return the table row of a case: every rule with the number of its jobs."""
    counts = Counter(job.rule for job in jobs)
    text = " ".join(f"`{rule}`" + (f"×{n}" if n > 1 else "") for rule, n in counts.items())
    return f"| {words} | {text or 'nothing'} |"


HEAD = """# What runs again

Generated from the workflow by `python docs/reruns.py`: in a finished cohort of two patients and
four samples one thing is changed, and Snakemake says which jobs it would run. Tests hold the page
against a finished run, key by key: these rules, no more and no fewer.

`make preview CONFIG=mine.yaml SET='clusters.resolution=1'` says the same for your own cohort, with
the time that the jobs took last, and the tables and figures that would be new.

## A changed key of the configuration

`write_provenance` and `render_report` print every setting, so they run on every change and are left
out below. "First" are the rules at which the change enters, "then" is what follows from them by the
next table.

| key | changed to | first | then |
|---|---|---|---|"""
RULES = """
Where `annotation.labels` is given, `annotation.labels_column` runs `read_labels` and what follows,
as a change of `annotation.labels` does. With `export.h5mu: false` nothing is deleted.

## What follows from a rule

| after | these run |
|---|---|"""
OTHERS = """
## Another change

Rules with the number of their jobs, where it is more than one. A job of a sample or of a patient
runs for those whom the change concerns; the others stay as they are.

| what is changed | what runs |
|---|---|"""


def page(keys: dict[str, list[Job]], cases: dict[str, list[Job]]) -> str:
    """Return the text of docs/reruns.md."""
    follows = after(keys["outdir"])
    lines = [HEAD, *(key_row(key, jobs, follows) for key, jobs in keys.items())]
    lines += [RULES]
    lines += [
        f"| `{rule}` | {_names(names)} |" for rule, names in follows.items() if rule not in ALWAYS
    ]
    lines += [OTHERS, *(case_row(words, jobs) for words, jobs in cases.items())]
    return "\n".join(lines) + "\n"


def read_page(text: str) -> tuple[dict[str, set[str]], dict[str, dict[str, int]]]:
    """Return from docs/reruns.md the rules of every key, and rules with jobs of every case."""
    parts = [_cells(part) for part in text.split("\n## ")[1:]]
    follows = {cells[0].strip("`"): _rules(cells[1]) for cells in parts[1]}
    keys = {}
    for key, _, first, then in parts[0]:
        names = set(follows) if first == EVERY else _rules(first) | _rules(then)
        if then == FOLLOWING:
            names |= {other for rule in _rules(first) for other in follows.get(rule, ())}
        keys[key.strip("`")] = {*names, *ALWAYS}
    counted = re.compile(r"`([a-z_]+)`(?:×(\d+))?")
    cases = {
        words: {rule: int(n or 1) for rule, n in counted.findall(runs)} for words, runs in parts[2]
    }
    return keys, cases


def _cells(part: str) -> list[list[str]]:
    rows = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def _rules(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


def main() -> None:
    """Ask for every key and every case, and write the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate = [sys.executable, ROOT / "workflow/scripts/simulate_cohort.py", folder / "made"]
        subprocess.run([*map(str, simulate), "--preset", "tiny"], check=True, capture_output=True)
        project = finished(folder / "keys", folder / "made")
        keys = {key: due(project, nested(key, value)) for key, value in CHANGES.items()}
        cases = {}
        for number, (words, (config, deed)) in enumerate(CASES.items()):
            project = finished(folder / f"case{number}", folder / "made", config)
            deed(project)
            cases[words] = due(project, config)
    (ROOT / PAGE).write_text(page(keys, cases), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
