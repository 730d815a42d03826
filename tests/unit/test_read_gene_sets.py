"""The shipped gene sets and the user's joined."""

from types import SimpleNamespace

import pandas as pd
import pytest

import read_gene_sets
from immune_reset import tables
from immune_reset.errors import InputError
from immune_reset.gene_sets import SCORED, of_part


class Files(dict):
    __getattr__ = dict.__getitem__


def run(root, tmp_path, **extra):
    place = root / "resources/gene_sets"
    files = {"gene_sets": place / "gene_sets.tsv", "progeny": place / "progeny_jak_stat.tsv"}
    out = Files(gene_sets=tmp_path / "sets.parquet", overlap=tmp_path / "gene_set_overlap.tsv")
    smk = SimpleNamespace(input=Files(files | extra), output=out, log=[], params=None)
    read_gene_sets.main(smk)
    return tables.read(out.gene_sets)


def test_the_users_sets_stand_beside_the_shipped_ones(root, tmp_path):
    own = tmp_path / "own.gmt"
    own.write_text("MINE\tnote\tMX1\tISG15\tWARS\n")
    sets = run(root, tmp_path, extra=[str(own)])
    assert set(sets.loc[sets["collection"] == "user", "symbol"]) == {"MX1", "ISG15", "WARS1"}
    assert {"ISG28", "PROGENY_JAK_STAT", "HALLMARK_HYPOXIA"} <= set(sets["gene_set"])
    weights = sets.loc[sets["gene_set"] == "PROGENY_JAK_STAT"].set_index("symbol")["weight"]
    assert weights["OAS1"] == pytest.approx(15.0287145880853)
    pairs = tables.read(tmp_path / "gene_set_overlap.tsv").set_index(["set_a", "set_b"])
    assert pairs.loc[("ISG28", "MINE"), ["n_a", "n_b", "n_shared"]].tolist() == [28, 3, 2]
    scored = set(sets.loc[sets["collection"].isin(SCORED), "gene_set"])
    assert len(pairs) == len(scored) * (len(scored) - 1) / 2


def test_either_part_holds_its_sets_alone(root, tmp_path):
    own = tmp_path / "own.gmt"
    own.write_text("MINE\tnote\tMX1\tISG15\n")
    joined = run(root, tmp_path, extra=[str(own)])
    place = root / "resources/gene_sets"
    files = [place / "gene_sets.tsv", place / "progeny_jak_stat.tsv"]
    shipped = of_part("shipped", {path: tables.read(path) for path in files})
    mine = of_part("own", {"sets.parquet": joined})
    assert set(mine["gene_set"]) == {"MINE"}
    pd.testing.assert_frame_equal(pd.concat([shipped, mine], ignore_index=True), joined)


def test_without_own_sets_none_are_made(root, tmp_path):
    assert "user" not in set(run(root, tmp_path, extra=[])["collection"])
    assert "user" not in set(run(root, tmp_path)["collection"])


def test_a_shipped_name_is_refused_and_leaves_no_table(root, tmp_path):
    own = tmp_path / "own.gmt"
    own.write_text("ISG28\tnote\tMX1\n")
    with pytest.raises(InputError, match=r"own\.gmt, line 1.*ISG28"):
        run(root, tmp_path, extra=str(own))
    assert not (tmp_path / "sets.parquet").exists()
