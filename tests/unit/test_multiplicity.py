import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from immune_reset.multiplicity import bh, holm


def test_holm_by_hand():
    # sorted .01 .02 .04: .01 x 3, .02 x 2, .04 x 1, then never falling
    np.testing.assert_allclose(holm([0.04, 0.01, 0.02]), [0.04, 0.03, 0.04])
    np.testing.assert_allclose(holm([0.6, 0.7]), [1.0, 1.0])


@pytest.mark.parametrize(("ours", "method"), [(holm, "holm"), (bh, "fdr_bh")])
def test_as_statsmodels_with_the_untested_left_out(ours, method):
    rng = np.random.default_rng(1)
    p = rng.uniform(size=40) ** 3
    p[[3, 17]] = np.nan
    tested = ~np.isnan(p)
    found = ours(p)
    assert np.isnan(found[~tested]).all()
    np.testing.assert_allclose(found[tested], multipletests(p[tested], method=method)[1])


@pytest.mark.parametrize("ours", [holm, bh])
def test_nothing_to_test_is_nothing(ours):
    assert ours([]).shape == (0,)
    assert np.isnan(ours([np.nan, np.nan])).all()
