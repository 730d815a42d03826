"""Isotypes and hypermutation of one patient's B cells, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from unit import repertoire_data as made

from immune_reset import isotypes
from immune_reset.intervals import median_interval


def b_cells(classes, identity, clones=(4, 1)):
    counts = {i: {"pre": n} for i, n in enumerate(clones, start=1)}
    frame = made.clonotypes(counts, receptor="BCR")
    return frame.assign(c_call=pd.array(classes, dtype="string"), v_identity=identity)


def described(frame, **plan):
    found = isotypes.describe(frame, design=made.design(**plan))
    return found.set_index(["timepoint", "isotype"])


def test_shares_with_the_switched_by_cell_and_by_clone():
    frame = b_cells(["IGHG1", "IGHG2", "IGHA1", "IGHM", "IGHM"], [0.9, 0.94, np.nan, 1, 1])
    found = described(frame)
    row = found.loc[("pre", "class switched")]
    assert (row["n_cells"], row["n_total"], row["fraction"]) == (3, 5, 0.6)
    assert row["fraction_clones"] == pytest.approx((3 / 4 + 0) / 2)
    parts = found.loc["pre"].drop("class switched")
    assert parts["n_cells"].sum() == 5
    assert parts["fraction_clones"].sum() == pytest.approx(1)


def test_hypermutation_by_cell_and_by_clone():
    identity = [0.90, 0.94, 0.96, 0.99, np.nan, 0.95]
    frame = b_cells(["IGHG1"] * 6, identity, clones=(3, 1, 1, 1))
    row = described(frame).loc[("pre", "IGHG")]
    # cells .10 .06 .04 .01 .05; clones .06 (of the first three) .01 .05
    assert row["n_v_identity"] == 5
    assert row["mutation_median"] == pytest.approx(0.05)
    assert row["n_v_identity_clones"] == 3
    assert row["mutation_median_clones"] == pytest.approx(0.05)
    assert np.isnan(row["mutation_low"])  # of three clones no interval
    assert row["mutation"] == "available"


def test_one_expanded_clone_moves_the_cells_and_not_the_clones():
    frame = b_cells(["IGHM"] * 29, [0.88] * 20 + [0.99] * 9, clones=(20, *[1] * 9))
    row = described(frame).loc[("pre", "IGHM")]
    assert row["mutation_median"] == pytest.approx(0.12)
    assert row["mutation_median_clones"] == pytest.approx(0.01)
    assert (row["mutation_low"], row["mutation_high"]) == pytest.approx((0.01, 0.01))


def test_no_file_no_cell_and_no_identity_are_three_things():
    frame = b_cells(["IGHM"] * 5, np.nan)
    found = described(frame, timepoints=("pre", "m1", "m3"), without=[("P1_m3", "bcr")])
    assert list(found.xs("IGHM", level="isotype")["status"]) == [
        "described", "no B cell with an isotype", "no BCR file",
    ]  # fmt: skip
    assert found.loc[("m1", "IGHM"), "n_total"] == 0
    assert pd.isna(found.loc[("m3", "IGHM"), "n_total"])
    assert set(found["mutation"]) == {"not available"}
    assert found["mutation_median"].isna().all()


def test_the_interval_of_a_median_is_that_of_the_binomial():
    """Ten values: x2 to x9, coverage 1 - 2 P(B <= 1) = .9785 (Conover 1999, table A3)."""
    assert median_interval(range(1, 11)) == (2, 9)
    assert 1 - 2 * binom.cdf(1, 10, 0.5) == pytest.approx(0.9785, abs=1e-4)
    assert median_interval([3, 1, 2, 5, 4, 6]) == (1, 6)
    assert np.isnan(median_interval([1, 2, 3, 4, 5])).all()
    assert np.isnan(median_interval([])).all()


def test_the_interval_of_a_median_covers_it():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(2000):
        low, high = median_interval(rng.exponential(size=25))
        inside += low <= np.log(2) <= high
    assert inside / 2000 >= 0.95 - 0.01
