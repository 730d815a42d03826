"""What is found of a reference's genes is found once, and never taken for another's."""

import numpy as np
import pandas as pd

from immune_reset import genes, genomes


def reference(ids, symbols):
    return genomes.harmonised(np.array(ids, object), np.array(symbols, object))


def of_mouse(n):
    return reference([f"ENSMUSG{i:011d}" for i in range(n)], [f"Gm{i}" for i in range(n)])


def of_human(n):
    return reference([f"ENSG{i:011d}" for i in range(n)], [f"GENE{i}" for i in range(n)])


def test_the_samples_of_one_reference_are_looked_at_once(monkeypatch):
    asked = []
    current = genes.current_symbols
    monkeypatch.setattr(genes, "current_symbols", lambda names: asked.append(1) or current(names))
    first = of_human(41)
    assert all(genomes.joined(of_human(41), "ensembl").equals(first) for _ in range(20))
    assert len(asked) == 1
    genomes.joined(of_human(41), "symbol")
    genomes.joined(of_human(42), "ensembl")
    assert len(asked) == 3


def test_references_of_one_size_are_told_apart():
    assert genomes.foreign(of_mouse(40)) == "ids such as ENSMUSG00000000000"
    assert genomes.foreign(of_human(40)) == ""
    assert genomes.has_ensembl(of_human(40)) and not genomes.has_ensembl(of_mouse(40))
    one = of_human(40)
    one.loc[0, "symbol"] = "other"
    assert genomes.joined(one, "symbol")["gene_id"].iloc[0] == "other"


def test_a_sample_may_write_into_its_own_features():
    mine = of_human(43)
    mine["gene_id"] = "mine"
    assert not (of_human(43)["gene_id"] == "mine").any()
    of_it = genomes.joined(of_human(43), "ensembl")
    of_it.loc[:, "gene_id"] = "mine"
    assert not (genomes.joined(of_human(43), "ensembl")["gene_id"] == "mine").any()


def test_other_columns_of_the_features_stay():
    wide = of_human(44).assign(ambient=0.5)
    assert genomes.joined(wide, "ensembl")["ambient"].eq(0.5).all()
    assert isinstance(genomes.joined(wide, "ensembl"), pd.DataFrame)
