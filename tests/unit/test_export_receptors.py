"""airr_rearrangement.tsv: chains by hand, and the AIRR Community's own validation."""

import subprocess
import sys
from pathlib import Path

import airr
import numpy as np
import pandas as pd
import pytest
from airr.schema import RearrangementSchema
from unit.report_jobs import Files
from unit.test_export_cohort import DESIGN, chain

import export_receptors
from immune_reset import tables


def made_files(folder):
    """Sample A: a B cell with an orphan TCR chain, a cell that was not kept; sample B: a T cell."""
    rows = {
        "A": [chain("A:c0", 1, "IGH", "TGTGCGTGG"), chain("A:c0", 2, "TRB", "TGTAAA"),
              chain("A:c1", 1, "IGH", "TGTGCGTGG")],
        "B": [chain("B:c0", 1, "TRB", "TGTAGC") | {"productive": False, "v_identity": 0.975,
              "consensus_count": np.nan}],
    }  # fmt: skip
    files = {"chains": [], "cells": [], "clonotypes": [folder / "P1.parquet"]}
    for sample, chains in rows.items():
        ids = sorted({row["cell_id"] for row in chains})
        cells = pd.DataFrame({"cell_id": ids, "sample": sample})
        cells["keep"] = [not name.endswith("c1") for name in ids]
        for name, frame in (("chains", pd.DataFrame(chains)), ("cells", cells)):
            frame.to_parquet(folder / f"{sample}.{name}.parquet")
            files[name].append(folder / f"{sample}.{name}.parquet")
    clones = {"cell_id": ["A:c0", "B:c0"], "clone_id": ["P1:BCR:1", "P1:TCR:1"]}
    clones = pd.DataFrame(clones).assign(receptor=["BCR", "TCR"])
    clones.to_parquet(folder / "P1.parquet")
    labels = pd.DataFrame({"cell_id": ["A:c0", "B:c0"], "cell_type": ["B", "CD4 T"]})
    labels.assign(cell_subtype=["naive B", None]).to_parquet(folder / "labels.parquet")
    return files | {"labels": folder / "labels.parquet"}


def export(files, output):
    export_receptors.main(
        Files(
            input=Files(**files),
            output=Files(receptors=output),
            params=Files(design=DESIGN, cfg={}),
            log=[],
        )
    )
    return pd.read_csv(output, sep="\t", dtype=str, keep_default_na=False)


def test_the_table_passes_the_validation_of_the_airr_community(tmp_path, capsys):
    output = tmp_path / "airr_rearrangement.tsv"
    export(made_files(tmp_path), output)
    assert airr.validate_rearrangement(str(output), debug=True), capsys.readouterr().err
    tool = Path(sys.executable).with_name("airr-tools")
    done = subprocess.run(
        [tool, "validate", "rearrangement", "-a", output], capture_output=True, text=True
    )
    assert done.returncode == 0 and "error" not in done.stderr


def test_every_column_that_the_schema_requires_is_there_and_typed(tmp_path):
    found = export(made_files(tmp_path), tmp_path / "a.tsv")
    assert list(RearrangementSchema.required) == export_receptors.REQUIRED
    assert set(export_receptors.OPTIONAL) <= set(RearrangementSchema.properties)
    assert list(found)[:14] == RearrangementSchema.required
    for name in found:
        if RearrangementSchema.type(name) == "integer":
            assert found[name].str.fullmatch(r"\d*").all(), name
        if RearrangementSchema.type(name) == "boolean":
            assert found[name].isin(["T", "F", ""]).all(), name


def test_chains_of_kept_cells_with_the_clone_of_their_own_receptor(tmp_path):
    found = export(made_files(tmp_path), tmp_path / "a.tsv").set_index("sequence_id")
    assert list(found.index) == ["A:c0_1", "A:c0_2", "B:c0_1"]
    assert found["clone_id"].tolist() == ["P1:BCR:1", "", "P1:TCR:1"]
    assert found["repertoire_id"].tolist() == ["A", "A", "B"]
    assert found["timepoint"].tolist() == ["pre", "pre", "post"]
    assert found["productive"].tolist() == ["T", "T", "F"]
    assert found["junction_length"].tolist() == ["9", "6", "6"]
    assert found["duplicate_count"].tolist() == found["umi_count"].tolist() == ["3"] * 3
    assert found["consensus_count"].tolist() == ["5", "5", ""]
    assert found["v_identity"].tolist() == ["", "", "0.975"]
    assert found["cell_type"].tolist() == ["B", "B", "CD4 T"]


def test_a_cohort_of_repertoires_alone_has_no_labels(tmp_path):
    files = made_files(tmp_path)
    del files["labels"]
    found = export(files, tmp_path / "a.tsv")
    assert len(found) == 3 and "cell_type" not in found
    assert airr.validate_rearrangement(str(tmp_path / "a.tsv"))


@pytest.mark.parametrize(("column", "value"), [("productive", "maybe"), ("umi_count", "3.0")])
def test_the_validation_sees_a_fault(tmp_path, column, value):
    """The AIRR library refuses what this table must not hold."""
    found = export(made_files(tmp_path), tmp_path / "a.tsv")
    found[column] = value
    tables.write(found, tmp_path / "b.tsv")
    assert not airr.validate_rearrangement(str(tmp_path / "b.tsv"))
