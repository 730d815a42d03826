"""Expansion classes at equal numbers of cells, turnover, and the clones of CAR T cells."""

import itertools

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import measure_expansion as script
from immune_reset import expansion, fates, tables
from immune_reset.compartments import files_at, split_compartments
from immune_reset.hill import abundances, coverage


def enumerated(sizes, m, low, high):
    """The mean share of a class over every subset of m cells."""
    cells = np.repeat(np.arange(len(sizes)), sizes)
    shares = []
    for subset in itertools.combinations(range(len(cells)), m):
        n = np.bincount(cells[list(subset)])
        inside = (n >= low) & (n <= (high or m))
        shares.append(n[inside].sum() / m)
    return np.mean(shares)


@pytest.mark.parametrize("name", list(expansion.CLASSES))
@pytest.mark.parametrize("m", [1, 4, 7, 14])
def test_expected_shares_are_those_of_all_subsets(name, m):
    sizes = [11, 1, 1, 1] if name == "10+" else [5, 4, 2, 1, 1, 1]
    expected = enumerated(sizes, m, *expansion.CLASSES[name])
    assert expansion.expected_share(abundances(sizes), m, name) == pytest.approx(expected)


@pytest.mark.parametrize("m", [5, 13])
def test_the_jackknife_leaves_out_each_cell(m):
    sizes = np.array([6, 3, 2, 1, 1])
    left = []
    for clone in np.repeat(np.arange(5), sizes):
        fewer = sizes - (np.arange(5) == clone)
        left.append(expansion.expected_share(abundances(fewer), min(m, 12), "3-9"))
    variance = 12 / 13 * ((np.array(left) - np.mean(left)) ** 2).sum()
    assert expansion.jackknife_variance(abundances(sizes), m, "3-9") == pytest.approx(variance)


def test_classes_add_up_and_depth_alone_moves_nothing():
    rng = np.random.default_rng(3)
    law = np.exp(rng.standard_normal(400))
    law /= law.sum()
    deep, shallow = (abundances(rng.multinomial(n, law)) for n in (4000, 200))
    for a in (deep, shallow):
        shares = {name: expansion.share_interval(a, 200, name) for name in expansion.CLASSES}
        assert sum(shares[name][0] for name in ("1", "2", "3-9", "10+")) == pytest.approx(1)
        assert shares["2+"][0] == pytest.approx(1 - shares["1"][0])
        assert all(low <= value <= high for value, low, high in shares.values())
    _, low, high = expansion.share_interval(shallow, 200, "2+")
    assert low < expansion.expected_share(deep, 200, "2+") < high
    raw = expansion.expected_share(deep, deep.n_cells, "2+")
    assert raw > high  # as counted, the deeper sample looks far more expanded


def test_a_class_without_cells_and_one_with_all_have_an_interval():
    singles = abundances([1] * 40)
    value, low, high = expansion.share_interval(singles, 40, "10+")
    assert (value, low) == (0, 0)
    assert 0.3 < high < 0.6
    value, low, high = expansion.share_interval(singles, 40, "1")
    assert value == 1
    assert low < 0.95


def frame_of(counts, receptor="TCR"):
    return made.clonotypes(counts, receptor=receptor)


def measured(frame, plan, labels=None, car=None):
    samples = split_compartments(frame, labels, car, timepoints=plan["timepoints"])
    return script.measure_classes(samples, files_at(plan), patient="P1")


def test_the_table_stands_at_the_patients_smallest_sample_of_twenty():
    fill = {100 + i: {"pre": 1, "m1": 1 if i < 15 else 0} for i in range(30)}
    frame = frame_of({1: {"pre": 60, "m1": 15}, 2: {"m3": 7}} | fill)
    found = measured(frame, made.design(timepoints=("pre", "m1", "m3")))
    found = found.query("receptor == 'TCR'").set_index(["timepoint", "size_class"])
    assert set(found.loc[["pre", "m1"], "m"]) == {30}
    assert found.loc[("pre", "10+"), "n_in_class"] == 60
    assert found.loc[("pre", "10+"), "fraction"] == pytest.approx(2 / 3, abs=1e-3)
    assert found.loc[("m1", "10+"), "fraction"] == 0.5
    few = found.loc[("m3", "1")]
    assert few["status"] == "not estimable: 7 T cells, 20 would be enough"
    assert pd.isna(few["m"])
    assert np.isnan(few["fraction"])


def test_cd4_and_cd8_cells_have_rows_of_their_own():
    frame = frame_of({1: {"pre": 30}} | {100 + i: {"pre": 1} for i in range(30)})
    kind = np.where(frame["clone_id"] == "P1:TCR:1", "CD8 T", "CD4 T")
    labels = frame[["cell_id"]].assign(cell_type=kind, cell_subtype="")
    found = measured(frame, made.design(), labels).query("size_class == '2+'")
    found = found.query("timepoint == 'pre' and receptor == 'TCR'").set_index("compartment")
    assert found["fraction"].to_dict() == {"all": 0.5, "CD4": 0, "CD8": 1}


def test_a_receptor_that_was_not_sequenced_says_so():
    plan = made.design(without=[("P1_post", "tcr")])
    found = measured(frame_of({1: {"pre": 30}}), plan)
    at = found.query("receptor == 'TCR' and timepoint == 'post'")
    assert set(at["status"]) == {"not estimable: no V(D)J file"}


def test_turnover_beside_what_no_change_would_give():
    fill = {100 + i: {"pre": 1} for i in range(20)} | {200 + i: {"post": 1} for i in range(25)}
    frame = frame_of({1: {"pre": 50, "post": 40}, 2: {"pre": 30, "post": 10}} | fill)
    row = script.turnover(frame, design=made.design()).set_index("receptor").loc["TCR"]
    assert (row["n_baseline"], row["n_followup"], row["n_new"]) == (100, 75, 25)
    assert row["fraction_new"] == pytest.approx(1 / 3)
    assert row["expected_new"] == pytest.approx(0.2)
    x = frame.query("timepoint == 'pre'")["clone_id"].value_counts().to_numpy()
    assert row["expected_new"] == pytest.approx(1 - coverage(abundances(x), 99))
    assert row["ci_low"] < 1 / 3 < row["ci_high"]
    assert row["expected_low"] < 0.2 < row["expected_high"]
    assert 0 < row["p_value"] < 1


def test_turnover_of_an_unchanged_repertoire_is_seldom_called_changed():
    rng = np.random.default_rng(4)
    law = np.exp(2 * rng.standard_normal(2000))
    law /= law.sum()
    p = []
    for _ in range(300):
        x, y = rng.multinomial(400, law), rng.multinomial(60, law)
        p.append(fates.group_change(x, y, depth=60, min_cells=1).p_value)
    assert np.mean(np.array(p) < 0.05) < 0.08


def test_without_a_repeated_clone_turnover_says_why():
    fill = {100 + i: {"pre": 1, "post": 1} for i in range(30)}
    row = script.turnover(frame_of(fill), design=made.design()).iloc[1]
    assert row["status"] == "not estimable: no baseline clone of two cells"
    assert np.isnan(row["fraction_new"])


def test_clones_of_car_t_cells():
    frame = frame_of({1: {"pre": 2, "post": 6}, 2: {"post": 3}, 3: {"post": 11}, 4: {"pre": 1}})
    own = frame[frame["timepoint"] == "post"]
    first = [
        own.loc[own["clone_id"] == f"P1:TCR:{i}", "cell_id"].iloc[:n] for i, n in ((1, 3), (2, 2))
    ]
    car = frame[["cell_id"]].assign(car=frame["cell_id"].isin(pd.concat(first)))
    found = script.car_clones(frame, car, design=made.design()).set_index("timepoint")
    row = found.loc["post"]
    assert (row["n_t_cells"], row["n_car"], row["n_clones"]) == (20, 5, 2)
    assert row["fraction"] == 0.25
    assert (row["largest_clone"], row["largest_fraction"]) == ("P1:TCR:1", 0.6)
    assert (row["n_clones_at_baseline"], row["fraction_at_baseline"]) == (1, 0.6)
    assert found.loc["pre", "status"] == "no CAR-positive cell with a T-cell clone"
    assert script.car_clones(frame, None, design=made.design()).empty
    no_baseline = script.car_clones(frame, car, design=made.design() | {"baseline": None})
    assert no_baseline["n_clones_at_baseline"].isna().all()


@pytest.mark.parametrize("frame", [made.clonotypes({}), made.clonotypes({1: {"pre": 5}})])
@pytest.mark.parametrize("baseline", ["pre", None])
def test_main_writes_its_tables_for_sparse_patients(tmp_path, frame, baseline):
    tables.write(frame, tmp_path / "clonotypes.parquet")
    outputs = {name: tmp_path / f"{name}.parquet" for name in ("expansion", "turnover", "car")}
    inputs = {"clonotypes": tmp_path / "clonotypes.parquet"}
    script.main(made.job(inputs, outputs, design=made.design() | {"baseline": baseline}))
    found = {name: tables.read(path) for name, path in outputs.items()}
    assert list(found["expansion"]) == list(script.EXPANSION_TYPES)
    assert len(found["turnover"]) == (2 if baseline else 0)
    assert found["car"].empty


@pytest.mark.parametrize("name", list(expansion.SHARE_CLASSES))
def test_shares_by_share_are_those_of_all_subsets(name):
    """Of 14 cells, 10 drawn: one clone of one cell is large (10 %), of more hyperexpanded."""
    sizes = [6, 3, 2, 1, 1, 1]
    above, most = expansion.SHARE_CLASSES[name]
    cells = np.repeat(np.arange(6), sizes)
    expected = []
    for subset in itertools.combinations(range(14), 10):
        share = np.bincount(cells[list(subset)]) / 10
        expected.append(share[(share > above) & (share <= most)].sum())
    found = expansion.expected_share(abundances(sizes), 10, name)
    assert found == pytest.approx(np.mean(expected))


@pytest.mark.parametrize(
    ("name", "m", "bounds"),
    [
        ("hyperexpanded", 100, (11, None)),
        ("large", 100, (2, 10)),
        ("medium", 100, (1, 1)),
        ("small", 100, (1, 0)),
        ("small", 1000, (1, 1)),
        ("rare", 10_000, (1, 1)),
        ("medium", 20_000, (21, 200)),
    ],
)
def test_classes_by_share_as_cells_among_m(name, m, bounds):
    """The upper share belongs to the class, as scRepertoire cuts them."""
    assert expansion.bounds_of(name, m) == bounds


def test_a_class_that_so_few_cells_cannot_show_is_not_estimable():
    frame = frame_of({1: {"pre": 60}} | {100 + i: {"pre": 1} for i in range(60)})
    found = measured(frame, made.design()).query("timepoint == 'pre' and receptor == 'TCR'")
    found = found.set_index("size_class")
    assert found.loc["hyperexpanded", "fraction"] == 0.5
    assert found.loc["medium", "fraction"] == 0.5  # one cell of 120 is 0.83 %
    rare = found.loc["rare"]
    assert np.isnan(rare["fraction"])
    assert rare["status"] == (
        "not estimable: one cell of 120 is a larger share of the repertoire, "
        "10,000 cells would be enough"
    )
    known = found[found["basis"] == "share"]["fraction"].sum()
    assert known == pytest.approx(1)


def test_depth_alone_moves_no_class_by_share():
    rng = np.random.default_rng(7)
    law = rng.dirichlet(np.full(300, 0.2))
    deep, shallow = (abundances(rng.multinomial(n, law)) for n in (6000, 300))
    for name in ("medium", "large", "hyperexpanded"):
        _, low, high = expansion.share_interval(shallow, 300, name)
        assert low <= expansion.expected_share(deep, 300, name) <= high, name
