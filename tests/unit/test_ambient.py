"""The ambient share: by hand, planted, in simulated libraries, and what the calls make of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import load_sample
from immune_reset import ambient, car, counts, marker_evidence
from immune_reset.errors import InputError
from immune_reset.matrices import RawMatrix
from immune_reset.simulation.clones import build_pools
from immune_reset.simulation.cohort import simulate_sample
from immune_reset.simulation.course import CohortSpec, validate
from immune_reset.simulation.panel import build_panel

SYMBOLS = ["CD3D", "MS4A1", "IGKC", "LYZ", "ACTB"]
GENES = pd.DataFrame({"symbol": SYMBOLS})
T, B, MYELOID = [0.03, 0, 0, 0, 0.97], [0, 0.04, 0.36, 0, 0.6], [0, 0, 0, 0.1, 0.9]


def planted(rho, seed, n=(200, 60, 100)):
    """Return 2,000 UMIs each of T, B and myeloid cells, a share `rho` of them of one soup."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat([T, B, MYELOID], n, axis=0)
    return sparse.csr_matrix(rng.poisson(2000 * ((1 - rho) * kinds + rho * kinds.mean(axis=0))))


def found_in(matrix, soup=None):
    return ambient.estimate(matrix, GENES, soup or ambient.soup_of_cells(matrix))


def test_doublets_are_left_out_of_a_poisson_mean():
    x = np.random.default_rng(2).poisson(0.8, 2000)
    mixed = np.concatenate([x, np.full(100, 30)])
    rate, kept = ambient.poisson_rate(mixed)
    assert rate == pytest.approx(x.mean(), abs=0.02) and not kept[2000:].any()
    assert ambient.poisson_rate(np.zeros(50))[0] == 0
    # one in 49 of one UMI: the mean of a Poisson cut above 1 is l / (1 + l)
    rate, _ = ambient.poisson_rate(np.array([0] * 49 + [1]))
    assert rate / (1 + rate) == pytest.approx(1 / 50)


def test_the_quantile_of_a_poisson_is_scipys():
    rates = np.exp(np.random.default_rng(5).uniform(-9, 7, 500))
    for q in (0.5, 0.975, ambient.TRIM):
        ours = [ambient.poisson_quantile(q, rate) for rate in rates]
        np.testing.assert_array_equal(ours, stats.poisson.ppf(q, rates))
    assert ambient.poisson_quantile(ambient.TRIM, 0.0) == 0


def test_the_share_is_the_leaked_over_what_soup_alone_would_bring():
    """100 T cells with 1 IGKC each, 50 B cells with 34, 4,000 of a cell's 4,100 UMIs ACTB."""
    t, b = [5, 0, 1, 0, 94], [0, 4, 34, 0, 62]
    found = found_in(sparse.csr_matrix(np.array([t] * 100 + [b] * 50)))
    soup = (100 * 1 + 50 * 34) / 15_000
    assert found["ambient"] == pytest.approx(1 / (100 * soup), rel=0.01)
    assert (found["n_cells"], found["n_umis"], found["genes"]) == (100, 100, "immunoglobulin")
    assert found["umis_per_cell"] == pytest.approx(100 * found["ambient"], rel=1e-3)
    assert found["ig_per_cell"] == pytest.approx(1.0, rel=0.01)
    # the interval of 100 Poisson UMIs alone is .81 to 1.22; the soup's share widens it
    assert found["ci_low"] < 0.814 / 12 and found["ci_high"] > 1.216 / 12


def test_planted_shares_are_in_their_intervals():
    hits = []
    for rho in (0.02, 0.05, 0.1):
        for seed in range(20):
            found = found_in(planted(rho, seed))
            hits.append(found["ci_low"] <= rho <= found["ci_high"])
    assert np.mean(hits) >= 0.9


def test_without_soup_the_share_is_none_and_bounded():
    found = found_in(planted(0.0, 1))
    assert found["ambient"] == found["ci_low"] == 0 and 0 < found["ci_high"] < 0.01


@pytest.mark.parametrize("n", [(200, 60, 19), (9, 60, 100), (0, 60, 0), (19, 60, 0)])
def test_too_few_cells_tell_nothing(n):
    """Of immunoglobulin the B cells, of CD3 the T cells are taken away where the other tells."""
    matrix = planted(0.05, 3, n)
    if n[0] == 200:
        matrix = planted(0.05, 3, (200, 5, 19))
    if n[0] == 9:
        matrix = planted(0.05, 3, (9, 5, 100))
    found = found_in(matrix)
    assert found["ambient"] is None and found["status"].startswith("not estimable")
    assert np.isnan(ambient.per_cell(ambient.soup_of_cells(matrix), found)).all()


def test_no_cell_at_all_is_not_estimable():
    assert found_in(sparse.csr_matrix((0, 5)))["ambient"] is None


def test_empty_droplets_show_the_soup_of_cells_that_are_gone():
    """No B cell is left in the filtered matrix; the soup still holds their IGKC."""
    rng = np.random.default_rng(4)
    soup = np.array([0.01, 0.01, 0.2, 0.03, 0.75])
    cells = sparse.csr_matrix(rng.poisson(2000 * (0.95 * np.array(T) + 0.05 * soup), (150, 5)))
    assert found_in(cells)["ambient"] is None
    empty = sparse.csr_matrix(rng.poisson(20 * soup, (1000, 5)))
    unfiltered = sparse.vstack([cells, empty]).tocsr()
    given = np.arange(1150) < 150
    seen = ambient.soup_of_empty(unfiltered, given)
    assert seen.n_empty == 1000 and seen.share == pytest.approx(soup, abs=0.01)
    found = found_in(cells, seen)
    assert found["ci_low"] <= 0.05 <= found["ci_high"] and found["source"] == "empty droplets"
    assert ambient.soup_of_empty(unfiltered[:200], given[:200]) is None


def test_an_unfiltered_matrix_is_matched_by_gene_and_barcode():
    def raw(barcodes, ids, matrix):
        features = pd.DataFrame({"gene_id": ids, "symbol": ids})
        features["feature_type"] = "Gene Expression"
        return RawMatrix(sparse.csr_matrix(matrix), pd.Index(barcodes), features, "10x HDF5 v3")

    names = ["ACGTACGTAA", "ACGTACGTAC"]
    own = counts.Counts(
        sparse.csr_matrix([[1, 2]]),
        pd.DataFrame({"barcode": [f"{names[0]}-1"]}),
        pd.DataFrame({"symbol": ["G1", "G2"]}, index=["G1", "G2"]),
    )
    unfiltered = raw(names, ["G2", "G9", "G1"], [[50, 1, 0], [60, 0, 20]])
    given = {"join_by": "ensembl", "place": "raw"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ambient, "MIN_EMPTY_UMIS", 10)
        found = load_sample.soup_of_empty(unfiltered, own, **given)
    assert found.umis.tolist() == [20, 60] and found.n_empty == 1
    with pytest.raises(InputError, match="lacks 2 of the 2 genes"):
        load_sample.soup_of_empty(raw(names, ["A", "B", "C"], np.ones((2, 3))), own, **given)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
def test_the_share_of_simulated_libraries_is_recovered(share):
    """With doublets, dying cells and uneven depth; patients before and after depletion."""
    panel, hits = build_panel(1000), []
    for seed in (1, 2):
        asked = CohortSpec(patients=1, cells=700, genes=1000, seed=seed, ambient=(share, share))
        spec = validate(asked)
        pools = build_pools(spec, 0)
        for time in (0, 1):
            made = simulate_sample(spec, panel, pools, patient=0, time=time)
            genes = pd.DataFrame({"symbol": panel.symbols})
            found = ambient.estimate(made.counts, genes, ambient.soup_of_cells(made.counts))
            true = made.truth["ambient_umis"].sum() / made.truth["total_umis"].sum()
            hits.append(found["ci_low"] <= true <= found["ci_high"])
            assert found["ambient"] == pytest.approx(true, rel=0.5, abs=0.001)
    assert sum(hits) >= 3


def test_leaked_transcripts_speak_for_no_state():
    """A cell with 8 IGKC of 2,000 UMIs, where the soup brings 40 per 10,000."""
    evidence = marker_evidence.Evidence(
        sparse.csr_matrix([[8.0, 0.0]]),
        np.array([2000.0]),
        np.array(["S"]),
        {"S": np.ones(2, bool)},
    )
    level = np.array([[0.5, 0.05], [100.0, 0.05]])  # not B, B
    blind = marker_evidence.log_likelihood(evidence, level)[0]
    seen = marker_evidence.log_likelihood(
        replace(evidence, soup={"S": np.array([40.0, 0.0])}), level
    )[0]
    assert blind[1] > blind[0] and seen[0] > seen[1]
    # size 1: a count x of mean m has m^x / (1 + m)^(x + 1)
    by_hand = [8 * np.log(m / (1 + m)) - np.log1p(m) - np.log1p(0.01) for m in (8.0, 20.0)]
    assert seen - seen[0] == pytest.approx(np.array(by_hand) - by_hand[0], abs=1e-6)


def test_levels_of_the_soup_by_marker():
    given = pd.DataFrame({"symbol": ["IGHG1", "IGHA1", "IGKC", "LYZ"], "umis": [1, 2, 3, np.nan]})
    found = marker_evidence.soup_levels(given, pd.Series([1000, 2000, 9000]), ["IGKC", "LYZ", "X"])
    assert found.tolist() == [15.0, 0.0, 0.0]
    together = marker_evidence.soup_levels(given, pd.Series([1e4]), [marker_evidence.TOGETHER])
    assert together.tolist() == [3.0]


def test_a_count_that_ambient_rna_explains_is_no_evidence():
    """500 T cells that catch .02 UMIs each: 9.8 of one UMI are expected, .1 of two."""
    expected = 500 * stats.poisson.pmf(1, 0.02)
    for n, fewest in ((int(2 * expected), 2), (int(2 * expected) + 1, 1)):
        umis = np.repeat([0, 1, 5], [470 - n, n, 30])
        assert car.beyond_ambient(pd.DataFrame({"car_umis": umis, "car_ambient": 0.02})) == fewest
    unknown = pd.DataFrame({"car_umis": [0, 1], "car_ambient": np.nan})
    assert car.beyond_ambient(unknown) == 1
