"""What the configuration names is looked at before any job runs."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from immune_reset import named_files
from immune_reset.errors import InputError
from immune_reset.plan import schema
from immune_reset.settings import settings

ROOT = Path(__file__).resolve().parents[2]
ROWS = [{"sample": "S1"}, {"sample": "S2"}]


def check(**sections):
    chosen = settings(sections, schema("config", ROOT))
    named_files.check_named_files(chosen, ROWS, ROOT)


def test_the_defaults_name_nothing_that_fails():
    check()


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("overrides", "Cluster,Label\n0,B\n", "no column 'cluster'"),
        ("overrides", "cluster\tlabel\n0\tFrogs\n", "'Frogs' is not known"),
        ("overrides", "", "empty"),
        ("markers", "gene\tx\nA\tB\n", "no column 'cell_type'"),
        ("labels", "", "empty"),
        ("labels", "cell_id\ttype\nS1:A-1\tB\n", "no column 'cell_type'"),
        ("labels", "barcode\tcell_type\nA-1\tB\n", "no key of the cells"),
        ("labels", "cell_id\tcell_type\nother:A-1\tB\n", "no cell of a sample.*'other'.*S1"),
        ("labels", "sample\tbarcode\tcell_type\nother\tA-1\tB\n", "no cell of a sample"),
    ],
)
def test_tables_that_no_job_could_use_are_refused(tmp_path, key, text, words):
    path = tmp_path / "table.tsv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path}.*{words}"):
        check(annotation={key: str(path)})


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("overrides", "cluster\tlabel\n0\tB cells\n1\t\n"),
        ("labels", "cell_id\tcell_type\nS2:A-1\tmine\n"),
        ("labels", "sample\tbarcode\tcell_type\nS1\tA-1\tmine\n"),
    ],
)
def test_tables_that_a_job_can_use_pass(tmp_path, key, text):
    path = tmp_path / "table.tsv"
    path.write_text("\ufeff" + text, encoding="utf-8")
    check(annotation={key: str(path)})


def test_labels_in_an_h5ad_need_their_column(tmp_path):
    path = tmp_path / "labels.h5ad"
    with h5py.File(path, "w") as file:
        file["obs/_index"] = np.array(["S1:A-1"], dtype="S")
        file["obs/mine"] = np.array(["B"], dtype="S")
    check(annotation={"labels": str(path), "labels_column": "mine"})
    with pytest.raises(InputError, match=r"no column 'cell_type' \(its columns: mine\)"):
        check(annotation={"labels": str(path)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ISG15 MX1\n", "line 1: not a gene set"),
        ("", "no gene set found"),
        ("ISG28\tx\tISG15\n", "ISG28 exists already"),
        ("S\xc4T\tx\tISG15\n", "not UTF-8"),
    ],
)
def test_gene_sets_that_no_job_could_use_are_refused(tmp_path, text, words):
    path = tmp_path / "own.gmt"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=words):
        check(pathways={"gene_sets": [str(path)]})


def test_a_set_in_two_files_is_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("MINE\tx\tISG15\n")
    check(pathways={"gene_sets": [str(tmp_path / "a")]})
    with pytest.raises(InputError, match=r"b, line 1: .*MINE exists already"):
        check(pathways={"gene_sets": [str(tmp_path / "a"), str(tmp_path / "b")]})


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(InputError, match=r"car\.pattern: '\('"):
        check(car={"pattern": "("})
