"""Paired tests against scipy, hand arithmetic and an enumeration."""

import math

import numpy as np
import pytest
from scipy import stats

from immune_reset.paired import paired_t, sign_flip, sign_flip_floor


def test_equals_scipy():
    before = np.array([3.0, 5.1, 4.4, 6.0])
    after = np.array([2.0, 4.9, 3.1, 4.2])
    ours = paired_t(after - before)
    theirs = stats.ttest_rel(after, before)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-12)
    low, high = theirs.confidence_interval(0.95)
    assert (ours.ci_low, ours.ci_high) == pytest.approx((low, high), rel=1e-12)


def test_missing_pairs_are_left_out():
    assert paired_t([1.0, math.nan, 2.0, 4.0]) == paired_t([1.0, 2.0, 4.0])


@pytest.mark.parametrize("d", [[], [1.0], [1.0, 2.0], [2.0, 2.0, 2.0]])
def test_no_p_without_three_pairs_that_differ(d):
    found = paired_t(d)
    assert math.isnan(found.p)
    assert math.isnan(found.ci_low)
    assert found.n == len(d)


def test_sign_flip_by_hand():
    # of the 8 sign patterns of (1, 2, 3), only +++ and --- reach |sum| 6; 4 reach |sum| 4
    assert sign_flip([1.0, 2.0, 3.0]) == 2 / 8
    assert sign_flip([-1.0, 2.0, 3.0]) == 4 / 8
    assert sign_flip_floor(3) == 2 / 8
    assert sign_flip_floor(7) == pytest.approx(2 / 128)
    assert sign_flip_floor(1) == 1


def test_sign_flip_equals_scipys_permutation_test():
    d = np.random.default_rng(3).normal(0.6, 1, 8)
    exact = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert sign_flip(d) == pytest.approx(exact.pvalue, abs=1e-12)
