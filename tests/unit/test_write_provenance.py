"""The record of a run: digests, sheets, git, and what may differ between two runs."""

import hashlib
import io
import json
from types import SimpleNamespace

import pytest

import digest_inputs
import write_provenance
from immune_reset import tables

ROWS = [{"sample": "A", "patient": "NA", "timepoint": "pre", "gex": "matrix"}]


def record(tmp_path, name="provenance.json"):
    folder = tmp_path / "benchmarks"
    (folder / "load_sample").mkdir(parents=True, exist_ok=True)
    (folder / "load_sample/A.tsv").write_text("s\tmax_rss\n2.5\t300.5\n")
    (folder / "load_sample/B.tsv").write_text("s\tmax_rss\n4.0\t200\n")
    (folder / "judge_claims.tsv").write_text("s\tmax_rss\n0.1\tNA\n")
    tables.write_json(digests(tmp_path), tmp_path / "inputs.json")
    smk = SimpleNamespace(
        input=SimpleNamespace(inputs=tmp_path / "inputs.json"),
        output=SimpleNamespace(provenance=tmp_path / name),
        params=SimpleNamespace(
            settings={"seed": 0, "qc.min_genes": 200}, rows=ROWS, benchmarks=str(folder)
        ),
        log=[],
    )
    write_provenance.main(smk)
    return json.loads((tmp_path / name).read_text())


def digests(tmp_path):
    folder = tmp_path / "matrix"
    folder.mkdir(exist_ok=True)
    (folder / "barcodes.tsv.gz").write_bytes(b"abc")
    contigs = tmp_path / "contigs.csv"
    contigs.write_text("barcode\n")
    smk = SimpleNamespace(
        input=SimpleNamespace(sources=[contigs, folder, contigs]),
        output=SimpleNamespace(inputs=tmp_path / "digests.json"),
        log=[],
    )
    digest_inputs.main(smk)
    return tables.read_json(tmp_path / "digests.json")


def test_digest_is_sha256_whatever_the_size():
    data = bytes(range(256)) * 10_000
    assert digest_inputs.digest(io.BytesIO(data)) == (len(data), hashlib.sha256(data).hexdigest())


def test_record_holds_inputs_sheet_and_config(tmp_path):
    found = record(tmp_path)
    assert found["samples"] == ROWS
    assert len(found["inputs"]) == 2
    files = {entry["path"].rsplit("/", 1)[-1]: entry for entry in found["inputs"]}
    assert files["barcodes.tsv.gz"]["bytes"] == 3
    assert files["barcodes.tsv.gz"]["sha256"] == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert files["contigs.csv"]["bytes"] == 8
    assert found["config"] == {"qc.min_genes": 200, "seed": 0}
    assert found["software"]["packages"]["pandas"]


def test_record_says_what_each_rule_took(tmp_path):
    first, second = record(tmp_path)["run"]["rules"]
    assert first == {
        "rule": "load_sample", "jobs": 2, "seconds": 6.5, "longest": 4.0, "max_rss_mb": 300.5
    }  # fmt: skip
    assert (second["rule"], second["jobs"], second["max_rss_mb"]) == ("judge_claims", 1, None)


def test_the_executor_is_told_by_what_it_sets():
    assert write_provenance.executor({"SLURM_JOB_ID": "7", "HOME": "x"}) == "Slurm"
    assert write_provenance.executor({"LSB_JOBID": "7"}) == "LSF"
    assert write_provenance.executor({"HOME": "x"}) == "local"


def test_two_runs_differ_in_the_run_block_alone(tmp_path):
    first, second = record(tmp_path, "a.json"), record(tmp_path, "b.json")
    first.pop("run"), second.pop("run")
    assert first == second


@pytest.mark.parametrize(("status", "dirty"), [("", False), (" M workflow/x.py", True)])
def test_git_state_says_whether_files_differ(status, dirty):
    answers = {"rev-parse HEAD": "c0ffee", "rev-parse --abbrev-ref HEAD": "main"}
    state = write_provenance.git_state(lambda a: answers.get(" ".join(a), status))
    assert (state["commit"], state["branch"], state["dirty"]) == ("c0ffee", "main", dirty)
    assert state["changed_files"] == (["workflow/x.py"] if dirty else [])


def test_absent_git_is_said():
    state = write_provenance.git_state(lambda arguments: None)
    assert state["commit"] is None
    assert "no git" in state["note"]
