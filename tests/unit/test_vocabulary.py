"""Users' labels in the words of the vocabulary."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from immune_reset import tables, vocabulary
from immune_reset.errors import InputError

MARKERS = Path(__file__).parents[2] / "resources" / "markers"


@pytest.fixture
def cell_types():
    return tables.read(MARKERS / "cell_types.tsv").fillna("")


@pytest.mark.parametrize(
    "label, cell_type, subtype",
    [
        ("CD14+ Monocytes", "monocyte", "CD14 monocyte"),
        ("FCGR3A+ Monocytes", "monocyte", "CD16 monocyte"),
        ("CD14+ Mono", "monocyte", "CD14 monocyte"),
        ("B_cells", "B", ""),
        ("B", "B", ""),
        ("Naive CD4 T", "CD4 T", "CD4 naive"),
        ("Memory CD4 T cells", "CD4 T", "CD4 memory"),
        ("CD8+ T cells", "CD8 T", ""),
        ("T cells", "T", ""),
        ("NK", "NK", "NK"),
        ("NK cells", "NK", "NK"),
        ("pDCs", "DC", "pDC"),
        ("Dendritic cells", "DC", ""),
        ("Tregs", "CD4 T", "Treg"),
        ("gdT", "other T", "gamma-delta T"),
        ("Plasmablasts", "plasma", "plasmablast"),
        ("Megakaryocytes", "platelet", ""),
        ("dark matter", "dark matter", ""),
    ],
)
def test_common_labels_are_understood(cell_types, label, cell_type, subtype):
    row = vocabulary.translate(pd.Series([label]), cell_types).iloc[0]
    assert (row.cell_type, row.cell_subtype) == (cell_type, subtype)
    assert row.known == (label != "dark matter")


def test_no_synonym_stands_for_two_types(cell_types):
    owner = {}
    for row in cell_types.itertuples():
        for name in [row.cell_subtype or row.cell_type, *filter(None, row.synonyms.split(";"))]:
            key = vocabulary.plain(name)
            assert key, f"{name!r} has no words left to compare by"
            assert owner.setdefault(key, row.cell_type) == row.cell_type, name


def test_markers_and_vocabulary_use_the_same_words(cell_types):
    markers = tables.read(MARKERS / "pbmc.tsv").fillna("")
    known = set(zip(cell_types["cell_type"], cell_types["cell_subtype"], strict=True))
    assert set(zip(markers["cell_type"], markers["cell_subtype"], strict=True)) <= known
    assert not markers.duplicated(["cell_type", "cell_subtype", "symbol"]).any()
    assert (markers["source"] != "").all()
    assert ((markers["direction"].astype(int) == 1) == (markers["level"] > 0)).all()


def test_no_interferon_gene_is_a_marker():
    """The interferon response is what is measured between the types: it may not name them."""
    markers = set(tables.read(MARKERS / "pbmc.tsv")["symbol"])
    sets = tables.read(MARKERS.parent / "gene_sets" / "gene_sets.tsv")
    assert not markers & set(sets.loc[sets["gene_set"].isin(["ISG28", "ISG6"]), "symbol"])


def words(clusters, labels):
    return pd.DataFrame({"cluster": clusters, "label": labels})


@pytest.mark.parametrize(
    "overrides, message",
    [
        (words(["9"], ["B"]), "there is no cluster '9'. The clusters are 0, 1, 10"),
        (words(["1", "1"], ["B", "NK"]), "cluster '1' has two labels"),
        (words(["1"], ["Bee"]), "the label 'Bee' is not known. Use one of B, naive B"),
        (pd.DataFrame({"cluster": ["1"]}), "no column 'label'"),
    ],
)
def test_wrong_overrides_name_the_place_and_the_mend(cell_types, overrides, message):
    clusters = pd.Series(["0", "1", "10"])
    with pytest.raises(InputError) as error:
        vocabulary.read_words(clusters, overrides, cell_types, place="overrides.tsv")
    assert message in str(error.value)
    assert str(error.value).startswith("overrides.tsv: ")


def test_an_empty_override_says_nothing(cell_types):
    found = vocabulary.read_words(
        pd.Series(["0", "1"]), words(["0", "1"], ["", "B cells"]), cell_types, place="x"
    )
    assert found.index.tolist() == ["1"]
    assert vocabulary.read_words(pd.Series(["0"]), None, cell_types, place="x").empty


def test_the_word_leaves_open_what_it_does_not_say(cell_types):
    states = pd.DataFrame(
        {
            "cell_type": ["B", "B", "CD4 T", "CD8 T"],
            "cell_subtype": ["naive B", "memory B", "Treg", "MAIT"],
            "lineage": ["B", "B", "T", "T"],
        }
    )
    clusters = pd.Series(["B cells", "T cells", "naive B", "strange"])
    said = vocabulary.own_words(clusters, cell_types)
    allowed = vocabulary.allowed_states(said, clusters, states)
    expected = [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]]
    np.testing.assert_array_equal(allowed, np.array(expected, dtype=bool))


def test_the_users_word_holds_for_every_cell(cell_types):
    labels = pd.DataFrame(
        {
            "cluster": ["0", "0", "1", "2"],
            "cell_type": ["B", "unassigned", "NK", "DC"],
            "cell_subtype": ["naive B", "", "NK", "pDC"],
            "confidence": [0.9, 0.4, 0.8, 0.7],
        }
    )
    said = vocabulary.read_words(
        labels["cluster"], words(["0", "1"], ["B", "erythroid"]), cell_types, place="x"
    )
    found = vocabulary.apply_words(labels, said, source="override")
    assert found["cell_type"].tolist() == ["B", "B", "erythroid", "DC"]
    assert found["cell_subtype"].tolist() == ["naive B", "", "", "pDC"]
    assert found["source"].tolist() == ["override"] * 3 + ["marker"]
    assert found["confidence"].isna().tolist() == [False, True, True, False]
