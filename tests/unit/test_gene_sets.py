"""Gene sets: the shipped table against its sources, GMT files, matching, coverage, overlap."""

import pandas as pd
import pytest

from immune_reset import tables
from immune_reset.errors import InputError
from immune_reset.gene_sets import (
    BEYOND,
    COLUMNS,
    TYPE_I,
    coverage,
    match,
    overlap,
    parse_gmt,
    parse_table,
)


def words(text: str) -> set[str]:
    return set(text.split())


ISG28 = words(  # Kim et al. 2018, as published in PMC5963606
    "CXCL10 DDX60 EPSTI1 GBP1 HERC5 HERC6 IFI27 IFI44 IFI44L IFI6 IFIT1 IFIT2 IFIT3 IFIT5 ISG15 "
    "LAMP3 LY6E MX1 OAS1 OAS2 OAS3 OASL RSAD2 RTP4 SIGLEC1 SOCS1 SPATS2L USP18"
)


@pytest.fixture(scope="module")
def shipped(root) -> pd.DataFrame:
    path = root / "resources/gene_sets/gene_sets.tsv"
    return parse_table(tables.read(path), path.name)


@pytest.fixture(scope="module")
def progeny(root) -> pd.DataFrame:
    return tables.read(root / "resources/gene_sets/progeny_jak_stat.tsv")


def members(table: pd.DataFrame, name: str) -> set[str]:
    return set(table.loc[table["gene_set"] == name, "symbol"])


def small() -> pd.DataFrame:
    rows = [("A", "WARS1", "WARS"), ("A", "MX1", ""), ("A", "ISG15", ""), ("B", "MX1", "")]
    frame = pd.DataFrame(rows, columns=["gene_set", "symbol", "former_symbol"])
    return frame.assign(weight=1.0, source="", licence="", date="", collection="user")


def test_shipped_sets_hold_their_published_genes(shipped):
    assert members(shipped, "ISG28") == ISG28
    assert members(shipped, "ISG6") == words("IFI27 IFI44L IFIT1 ISG15 RSAD2 SIGLEC1")
    assert members(shipped, "ISG4") == words("IFI27 IFI44 IFI44L RSAD2")
    baff = words("TNFSF13B TNFSF13 TNFRSF13B TNFRSF13C TNFRSF17")
    assert members(shipped, "BAFF_AXIS") == baff
    sizes = shipped.groupby("gene_set").size()
    assert sizes["HALLMARK_INTERFERON_ALPHA_RESPONSE"] == 97
    assert sizes["HALLMARK_INTERFERON_GAMMA_RESPONSE"] == 200
    assert sizes["HALLMARK_IL6_JAK_STAT3_SIGNALING"] == 87
    assert sizes["HALLMARK_IL2_STAT5_SIGNALING"] == 200
    assert (shipped["collection"] == "hallmark").groupby(shipped["gene_set"]).any().sum() == 46


def test_alpha_and_gamma_share_73_genes_and_alpha_lacks_oas1(shipped):
    alpha, gamma = (
        members(shipped, f"HALLMARK_INTERFERON_{k}_RESPONSE") for k in ("ALPHA", "GAMMA")
    )
    assert len(alpha & gamma) == 73
    assert "OAS1" not in alpha


def test_beyond_interferon_is_the_two_jak_stat_sets_without_interferon_genes(shipped):
    jak = members(shipped, "HALLMARK_IL6_JAK_STAT3_SIGNALING")
    jak |= members(shipped, "HALLMARK_IL2_STAT5_SIGNALING")
    for name in TYPE_I:
        jak -= members(shipped, name)
    assert members(shipped, BEYOND) == jak
    assert {"CISH", "SOCS2"} <= jak
    assert not {"SOCS1", "SOCS3", "PIM1"} & jak


def test_every_gene_names_its_source_and_licence_and_symbols_are_current(shipped):
    assert (shipped[["source", "licence", "date"]] != "").all(axis=None)
    assert not shipped["symbol"].isin(["WARS", "DDX58", "MARCH1", "C19orf66", "DNAPTP6"]).any()
    former = shipped.set_index("symbol")["former_symbol"]
    assert former["WARS1"].unique() == ["WARS"]
    assert former["RIGI"].unique() == ["DDX58"]


def test_progeny_is_nearly_an_interferon_score(progeny, shipped):
    interferon = set().union(*(members(shipped, name) for name in TYPE_I))
    best = progeny.sort_values("rank")["symbol"]
    assert len(best) == 500
    assert best.head(40).isin(interferon).sum() == 36
    assert best.head(100).isin(interferon).sum() == 74
    assert "TNFSF13B" in set(best)


@pytest.mark.real_data
def test_hallmark_sets_agree_with_the_published_file(shipped, real_data):
    text = (real_data / "gene_sets/h.all.v7.0.symbols.gmt").read_text()
    published = {line.split("\t")[0]: set(line.split("\t")[2:]) for line in text.splitlines()}
    assert len(published) == 50
    for name, genes in published.items():
        rows = shipped.loc[shipped["gene_set"] == name]
        as_published = rows["symbol"].where(
            ~rows["former_symbol"].isin(genes), rows["former_symbol"]
        )
        assert set(as_published) == genes


@pytest.mark.real_data
def test_progeny_weights_agree_with_the_published_file(progeny, real_data):
    given = pd.read_csv(real_data / "gene_sets/progeny_jak_stat.tsv", sep="\t")
    assert (given["weight"].to_numpy() == progeny["weight"].to_numpy()).all()
    assert (given["p.value"].to_numpy() == progeny["p_value"].to_numpy()).all()


@pytest.mark.parametrize("bad", [{"symbol": ""}, {"weight": "much"}, {"gene_set": ""}])
def test_bad_table_names_the_line(bad):
    table = small().astype({"weight": object})
    table.loc[2, list(bad)] = list(bad.values())
    with pytest.raises(InputError, match=r"own\.tsv, line 4"):
        parse_table(table, "own.tsv")


def test_gene_twice_in_a_set_names_the_line():
    table = pd.concat([small(), small().tail(1)])
    with pytest.raises(InputError, match="line 6"):
        parse_table(table, "own.tsv")


def test_table_without_a_column_is_refused():
    with pytest.raises(InputError, match="licence"):
        parse_table(small().drop(columns="licence"), "own.tsv")


def test_gmt_symbols_are_brought_up_to_date():
    sets = parse_gmt("MINE\tnote\tWARS\tMX1\tMX1\n\nTWO\t\tDDX58\n", "own.gmt")
    assert list(sets.columns) == list(COLUMNS)
    assert list(sets["symbol"]) == ["WARS1", "MX1", "RIGI"]
    assert list(sets["former_symbol"]) == ["WARS", "", "DDX58"]
    assert set(sets["collection"]) == {"user"}
    assert set(sets["source"]) == {"own.gmt"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A\tx\tMX1\nB MX1 ISG15\n", "line 2: not a gene set"),
        ("A\tnote\n", "line 1: not a gene set"),
        ("\tnote\tMX1\n", "line 1: not a gene set"),
        ("A\tx\tMX1\n\nA\tx\tISG15\n", "line 3: the gene set A exists"),
        ("ISG28\tx\tMX1\n", "line 1: the gene set ISG28 exists"),
        ("\n", "no gene set found"),
    ],
)
def test_bad_gmt_names_file_and_line(text, found):
    with pytest.raises(InputError, match=f"own.gmt.*{found}"):
        parse_gmt(text, "own.gmt", known=["ISG28"])


def test_genes_are_found_under_current_or_former_symbol_and_under_every_id():
    genes = pd.DataFrame({"gene_id": ["e1", "e2", "e3"], "symbol": ["WARS", "MX1", "MX1"]})
    found = match(small(), genes)
    assert sorted(zip(found["gene_set"], found["symbol"], found["gene_id"], strict=True)) == [
        ("A", "MX1", "e2"), ("A", "MX1", "e3"), ("A", "WARS1", "e1"), ("B", "MX1", "e2"),
        ("B", "MX1", "e3"),
    ]  # fmt: skip


def test_a_former_symbol_is_not_used_where_the_current_one_is_measured():
    genes = pd.DataFrame({"gene_id": ["e1", "e2"], "symbol": ["WARS", "WARS1"]})
    assert list(match(small(), genes)["gene_id"]) == ["e2"]


def test_coverage_counts_symbols_not_ids():
    genes = pd.DataFrame({"gene_id": ["e2", "e3"], "symbol": ["MX1", "MX1"]})
    covered = coverage(small(), match(small(), genes)).set_index("gene_set")
    assert list(covered["n_genes_set"]) == [3, 1]
    assert list(covered["n_genes_measured"]) == [1, 1]
    assert list(covered["genes"]) == ["MX1", "MX1"]
    none = coverage(small(), match(small(), genes.iloc[:0]))
    assert list(none["n_genes_measured"]) == [0, 0]


def test_overlap_by_hand():
    row = overlap(small()).iloc[0]
    assert tuple(row[["n_a", "n_b", "n_shared"]]) == (3, 1, 1)
    assert row["jaccard"] == pytest.approx(1 / 3)
