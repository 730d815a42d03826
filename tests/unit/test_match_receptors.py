"""The user's table of known receptors: read with the line named, matched exactly, offline."""

import pandas as pd
import pytest
from unit import repertoire_data as made

import match_receptors as script
from immune_reset import lookup, tables
from immune_reset.errors import InputError


def frame():
    counts = {1: {"pre": 3, "post": 1}, 2: {"pre": 2}}
    cells = made.clonotypes(counts, receptor="BCR", v_call="IGHV4-34")
    first = (cells["clone_id"] == "P1:BCR:1").to_numpy()
    cells.loc[first, "junction_aa"] = "CARGYF"
    cells.loc[~first, "junction_aa"] = "CTTDYW"
    light = {"locus": "IGK", "v_call": "IGKV3-20", "junction": "TGTCAG", "junction_aa": "CQQYF"}
    for name, value in light.items():
        cells.loc[first, f"vj_{name}"] = value
    other = made.clonotypes({1: {"pre": 4}}, patient="P.2", junction_aa="CASSF")
    return pd.concat([cells, other], ignore_index=True)


def run(tmp_path, text):
    place = tmp_path / "known.tsv"
    place.write_text(text, encoding="utf-8")
    tables.write(frame(), tmp_path / "clonotypes.parquet")
    inputs = {"lookup": place, "clonotypes": [tmp_path / "clonotypes.parquet"]}
    outputs = {"lookup": tmp_path / "lookup.tsv"}
    script.main(made.job(inputs, outputs))
    return tables.read(outputs["lookup"])


def test_a_junction_is_found_in_either_chain_with_its_cells(tmp_path):
    found = run(tmp_path, "label\tjunction_aa\n9G4\tcargyf\nlight\tCQQYF\nT\tCASSF\nnone\tCAAAF\n")
    found = found.set_index("label")[["clone_id", "locus", "line", "n_cells", "timepoints"]]
    assert {label: tuple(row) for label, row in found.iterrows()} == {
        "9G4": ("P1:BCR:1", "IGH", 2, 4, "pre:3;post:1"),
        "light": ("P1:BCR:1", "IGK", 3, 4, "pre:3;post:1"),
        "T": ("P.2:TCR:1", "TRB", 4, 4, "pre:4"),
    }


def test_gene_and_locus_must_agree_where_they_are_given(tmp_path):
    head = "junction_aa\tv_call\tlocus\tlabel\n"
    rows = "CARGYF\tIGHV4-34*01\t\tyes\nCARGYF\tIGHV3-23\t\tno\nCARGYF\t\tIGK\tno\n"
    found = run(tmp_path, head + rows + "CTTDYW\tIGHV4-34\tIGH\tyes\n")
    assert found["label"].tolist() == ["yes", "yes"]
    assert found["matched_on"].tolist() == ["junction_aa, v_call", "junction_aa, v_call, locus"]


def test_nucleotides_alone_and_both_junctions(tmp_path):
    rows = "TGTCAG\t\tlight\nTGTCAG\tCQQYF\tboth\nTGTCAG\tCQQYW\tneither\n"
    found = run(tmp_path, "junction\tjunction_aa\tlabel\n" + rows)
    assert set(found["label"]) == {"light", "both"}
    assert set(found["matched_on"]) == {"junction", "junction_aa, junction"}


def test_nothing_matched_is_a_table_without_rows(tmp_path):
    found = run(tmp_path, "junction_aa\nCAAAF\n")
    assert list(found) == tables.fixed_columns("lookup")
    assert found.empty


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cdr3\nCARF\n", "line 1: the header has neither junction_aa nor junction, but cdr3"),
        ("junction_aa\tlabel\n\n\tx\n", "line 3: neither junction_aa nor junction is given"),
        ("junction_aa\nCARF\nCA1F\n", "line 3: junction_aa 'CA1F' holds '1'"),
        ("junction\nTGTEEE\n", "line 2: junction 'TGTEEE' holds 'E'"),
        ("junction_aa\tlocus\nCARF\tIGX\n", "line 2: the locus 'IGX' is unknown"),
        ("junction_aa\tv_call\nCARF\tV3\n", "line 2: v_call 'V3' is no V gene"),
        ("junction_aa\tv_call\tlocus\nCARF\tTRBV9\tIGH\n", "line 2: v_call TRBV9 is not of the"),
        ("junction_aa\n\n", "there is no receptor in it"),
        ("", "empty"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, said):
    with pytest.raises(InputError, match=r"known\.tsv") as error:
        run(tmp_path, text)
    assert said in str(error.value)


def test_junctions_without_anchors_are_counted():
    table = pd.DataFrame(
        {"junction_aa": ["CARF", "ARGY", "CASSQE", ""], "junction": ["", "", "", "TGT"]}
    )
    assert lookup.without_anchors(lookup.parse(table, place="x")) == 2
