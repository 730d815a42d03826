"""Everything that is known before a job runs: settings, sheets and design, all checked."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from immune_reset import outdirs, planning, pseudonyms, sheets, text_files
from immune_reset.clinical_sheet import read_clinical
from immune_reset.design import Design
from immune_reset.errors import at
from immune_reset.settings import settings

DEMO_SHEET = "resources/demo/samples.tsv"


@dataclass(frozen=True)
class Plan:
    """A checked run: what the config and the sheets say."""

    settings: dict[str, Any]
    sheet: str
    rows: dict[str, dict[str, Any]]
    clinical: str | None
    design: Design
    pseudonyms: dict[str, str]  # what the report shows in place of the sheet's names; empty: none

    @property
    def has_gex(self) -> bool:
        """Whether the cohort has count matrices."""
        return any("gex" in row for row in self.rows.values())

    @property
    def has_vdj(self) -> bool:
        """Whether the cohort has contigs."""
        return any("bcr" in row or "tcr" in row for row in self.rows.values())

    @property
    def has_controls(self) -> bool:
        """Whether the cohort has healthy controls."""
        return any(row.get("group") == "control" for row in self.rows.values())


def make_plan(config: dict[str, Any], root: str | Path, made: set[str] | None = None) -> Plan:
    """Return the plan of a run.

    Parameters
    ----------
    config
        Configuration as read, before defaults.
    root
        Folder of the Snakefile; schemas and the demo's sheets are found below it.
    made
        Paths that a rule writes, and which therefore need not exist.

    Raises
    ------
    InputError
        Names the place, what was found and the mend.
    """
    chosen = settings(config, schema("config", root))
    outdirs.check(chosen["outdir"])
    sheet = sample_sheet(chosen["samples"], root)
    rows = sheets.read_samples(sheet, schema("samples", root))
    sheets.check_files(rows, made or set(), sheet)
    files = [sheet, *sheets.files_of(rows)]
    outdirs.check_inputs(chosen["outdir"], files)
    wanted = chosen["design"]
    design = planning.cohort_design(
        rows, baseline=wanted["baseline"], timepoints=wanted["timepoints"]
    )
    clinical = _clinical(chosen["clinical"]["table"], sheet)
    if clinical:
        known = {row["patient"] for row in rows}
        read_clinical(clinical, schema("clinical", root), known)
    named_files = _check_named_files(chosen)
    outdirs.check_names([*files, *([clinical] if clinical else []), *named_files])
    named = {row["sample"]: row for row in rows}
    return Plan(chosen, sheet, named, clinical, design, _pseudonyms(chosen["report"], design))


def _pseudonyms(wanted: dict[str, Any], design: Design) -> dict[str, str]:
    if wanted["pseudonym_table"] is None:
        return pseudonyms.names(design) if wanted["pseudonyms"] else {}
    path = Path(wanted["pseudonym_table"])
    place = "configuration, report.pseudonym_table"
    if not path.is_file():
        raise at(place, f"no file {path}", "check the path, or leave it out")
    table = text_files.table(path)
    if not {"patient", "pseudonym"} <= set(table):
        raise at(place, f"{path} has no column patient or pseudonym", "give both, tab-separated")
    own = dict(zip(table["patient"].str.strip(), table["pseudonym"].str.strip(), strict=True))
    return pseudonyms.names(design, own)


def schema(name: str, root: str | Path) -> dict[str, Any]:
    """Return the JSON schema of `config`, `samples` or `clinical`."""
    import yaml

    path = Path(root) / "workflow" / "schemas" / f"{name}.schema.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)


def sample_sheet(path: str, root: str | Path) -> str:
    """Return where the sample sheet is; the demo's is found from any folder."""
    if path == DEMO_SHEET and not Path(path).exists():
        return os.path.relpath(Path(root) / path)
    return path


def _clinical(named: str | None, sheet: str) -> str | None:
    if named is not None:
        if not Path(named).is_file():
            raise at("configuration, clinical.table", f"no file {named}", "check the path")
        return named
    beside = Path(sheet).parent / "clinical.tsv"
    return str(beside) if os.path.lexists(beside) else None


def _check_named_files(chosen: dict[str, Any]) -> list[str]:
    """Return the files that the configuration names, which are there and no results of the run."""
    keys = ("markers", "overrides", "labels")
    named = [(f"annotation.{key}", chosen["annotation"][key]) for key in keys]
    named += [("pathways.gene_sets", path) for path in chosen["pathways"]["gene_sets"]]
    named += [("clones.lookup", chosen["clones"]["lookup"])]
    for key, path in named:
        if path is not None and not Path(path).is_file():
            raise at(f"configuration, {key}", f"no file {path}", "check the path, or leave it out")
        if path is not None and Path(chosen["outdir"]).resolve() in Path(path).resolve().parents:
            found = f"{path} lies in outdir, where a run writes over it"
            raise at(f"configuration, {key}", found, "copy it elsewhere, and name the copy")
    return [path for _, path in named if path is not None]
