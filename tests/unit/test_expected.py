"""What a job will need is asked by the size of its inputs, of those too that are still to come."""

import pytest

from immune_reset.expected import GROWTH, expected_mb


def test_files_that_are_there_count_by_their_size(tmp_path):
    table = tmp_path / "cells.parquet"
    table.write_bytes(bytes(3_000_000))
    assert expected_mb([str(table), str(table)], {}) == pytest.approx(6)


def test_a_matrix_still_to_come_is_estimated_and_a_table_is_not(tmp_path):
    folder = tmp_path / "filtered_feature_bc_matrix"
    folder.mkdir()
    for name, size in (("matrix.mtx.gz", 4_000_000), ("barcodes.tsv.gz", 1_000_000)):
        (folder / name).write_bytes(bytes(size))
    files = ["results/samples/A/counts.h5ad", "results/samples/A/cells.parquet"]
    assert expected_mb(files, {"A": str(folder)}) == pytest.approx(GROWTH * 5)


def test_a_matrix_that_is_itself_to_be_made_counts_for_nothing(tmp_path):
    matrices = {"A": str(tmp_path / "absent.h5")}
    assert expected_mb(["results/samples/A/counts.h5ad"], matrices) == 0
    assert expected_mb(["results/samples/B/counts.h5ad"], matrices) == 0
