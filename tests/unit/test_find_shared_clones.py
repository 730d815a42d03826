"""Receptors of two patients."""

import pandas as pd
from unit import repertoire_data as made

import find_shared_clones as script
from immune_reset import tables


def test_one_v_gene_and_junction_in_two_patients_are_shared():
    first = made.clonotypes({1: {"pre": 30}, 2: {"pre": 1}})
    second = made.clonotypes({1: {"post": 1}, 3: {"post": 4}}, patient="P2")
    other_v = made.clonotypes({2: {"post": 1}}, patient="P3", v_call="TRBV5-1")
    found = script.find_shared(pd.concat([second, first, other_v], ignore_index=True), {})
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["junction"], row["n_patients"]) == ("TGT1", 2)
    assert (row["patients"], row["cells"]) == ("P1,P2", "30,1")
    assert (row["receptor"], row["locus"], row["j_call"]) == ("TCR", "TRB", "TRBJ2-2")


def test_a_clone_in_two_tissues_of_one_patient_is_no_contamination():
    blood = made.clonotypes({1: {"pre": 30}, 2: {"pre": 1}})
    kidney = made.clonotypes({1: {"pre": 4}, 2: {"pre": 2}}, patient="P1.kidney")
    other = made.clonotypes({2: {"pre": 1}}, patient="P2")
    persons = {"P1": "P1", "P1.kidney": "P1", "P2": "P2"}
    found = script.find_shared(pd.concat([blood, kidney, other], ignore_index=True), persons)
    assert found["junction"].tolist() == ["TGT2"]
    assert (found["patients"].iat[0], found["cells"].iat[0]) == ("P1,P2", "3,1")


def test_nothing_shared_gives_an_empty_table_with_its_columns(tmp_path):
    tables.write(made.clonotypes({1: {"pre": 3}}), tmp_path / "P1.parquet")
    tables.write(made.clonotypes({}), tmp_path / "P2.parquet")
    inputs = {"clonotypes": [tmp_path / "P1.parquet", tmp_path / "P2.parquet"]}
    design = {"samples": [{"patient": "P1", "person": "P1"}, {"patient": "P2", "person": "P2"}]}
    script.main(made.job(inputs, {"shared": tmp_path / "shared.parquet"}, design=design))
    shared = tables.read(tmp_path / "shared.parquet")
    assert list(shared.columns) == script.COLUMNS
    assert len(shared) == 0
