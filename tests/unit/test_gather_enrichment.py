"""The enrichment of shipped and own sets in one table."""

from types import SimpleNamespace

import pandas as pd

import gather_enrichment
from enrich_pathways import COLUMNS
from immune_reset import tables


class Files(SimpleNamespace):
    """Named files of a job."""


def part(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Return rows of (comparison, cell type, gene set), other columns empty."""
    frame = pd.DataFrame(rows, columns=["comparison", "cell_type", "gene_set"])
    return frame.reindex(columns=list(COLUMNS)).astype({"q_value": float})


def test_the_sets_of_a_comparison_and_cell_type_stand_together(tmp_path):
    shipped = [("m1", "B", "S1"), ("m1", "B", "S2"), ("m1", "NK", "S1"), ("m3", "B", "S1")]
    own = [("m1", "B", "MINE"), ("m3", "B", "MINE")]
    places = [tmp_path / "shipped.parquet", tmp_path / "own.parquet"]
    for place, rows in zip(places, (shipped, own), strict=True):
        tables.write(part(rows), place)
    out = tmp_path / "tables/enrichment.tsv"
    out.parent.mkdir()
    job = SimpleNamespace(
        input=Files(parts=places), output=Files(enrichment=out),
        params=SimpleNamespace(cfg={}, design=None), log=[],
    )  # fmt: skip
    gather_enrichment.main(job)
    found = tables.read(out)
    assert list(zip(found["comparison"], found["cell_type"], found["gene_set"], strict=True)) == [
        *[("m1", "B", "S1"), ("m1", "B", "S2"), ("m1", "B", "MINE"), ("m1", "NK", "S1")],
        *[("m3", "B", "S1"), ("m3", "B", "MINE")],
    ]


def test_no_set_at_all_is_a_table_without_rows(tmp_path):
    tables.write(part([]), tmp_path / "none.parquet")
    found = tables.read_parts([tmp_path / "none.parquet"], gather_enrichment.KEYS)
    assert found.empty and list(found) == list(COLUMNS)
