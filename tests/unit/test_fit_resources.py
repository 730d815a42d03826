"""Memory and time of rules, fitted to what finished jobs needed."""

import importlib.util

import pytest


@pytest.fixture(scope="module")
def fit(root):
    spec = importlib.util.spec_from_file_location("fit", root / "benchmarks/fit_resources.py")
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["fit"] = module
    spec.loader.exec_module(module)
    return module


def test_points_on_a_line_give_the_line(fit):
    found = fit.line_above([1, 10, 100], [203, 230, 500])
    assert (found.floor, found.factor) == (pytest.approx(200), pytest.approx(3))
    assert found.at(1000) == pytest.approx(3200)


def test_no_point_lies_above_the_line(fit):
    sizes, values = [1, 2, 50, 60], [210, 190, 420, 400]
    found = fit.line_above(sizes, values)
    assert all(found.at(x) >= y - 1e-9 for x, y in zip(sizes, values, strict=True))
    assert min(found.at(x) - y for x, y in zip(sizes, values, strict=True)) == pytest.approx(0)


def test_inputs_of_one_size_give_no_slope_and_falling_needs_none_below_nought(fit):
    assert fit.line_above([10, 12], [100, 300]) == fit.Fit(2, 300, 0)
    assert fit.line_above([0.01, 0.5], [100, 300]) == fit.Fit(2, 300, 0)  # kilobytes tell nothing
    assert fit.line_above([1, 100], [300, 100]) == fit.Fit(2, 300, 0)


def test_needs_have_room_for_the_cluster_and_lines_for_a_profile(fit, tmp_path):
    benchmark = tmp_path / "measure_qc.tsv"
    benchmark.write_text("s\tmax_rss\n60\t200\n90\tNA\n")
    fitted = fit.needs(fit.rows_of(benchmark, "measure_qc", 5.0))
    memory, time = fitted["measure_qc"]
    assert memory.floor == 600  # 200 x 1.3 + 300, to the next hundred
    assert time.floor == 2  # 1.5 minutes x 1.3, to the next minute
    assert 'mem_mb: "(600 + 0 * input.size_mb) * attempt"' in fit.profile_lines(fitted)
    assert "measure_qc" in fit.table(fitted)
