"""Groups of baseline clones: the rules, the share freed of selection, and what returns."""

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import track_clones as script
from immune_reset import clone_groups as groups
from immune_reset import fates, ledger, tables


def test_an_expanded_group_is_that_of_the_fates():
    x = np.array([40, 9, 4, 4, 3, 3, 2, 1, 1, 1])
    none = np.zeros_like(x)
    for least in (2, 3, 5):
        found = groups.picked_share(none, x, groups.rule_of(groups.EXPANDED, least))
        assert found == pytest.approx(fates.group_share(x, least))
    y = np.array([10, 0, 1, 0, 0, 2, 0, 0, 5, 30])
    (group,) = groups.follow(x, y, None, depth=48, min_cells=3)
    assert group.change == fates.group_change(x, y, depth=48, min_cells=3)


def test_the_share_of_antibody_secreting_clones_by_hand():
    """A cell counts where its clone would have been picked without it."""
    secreting = np.array([1, 2, 0, 1])
    others = np.array([4, 3, 6, 0])
    share, _ = groups.picked_share(secreting, others, groups.rule_of(groups.SECRETING, 3))
    assert share == pytest.approx((4 + 5 + 0 + 0) / 17)
    share, _ = groups.picked_share(secreting, others, groups.rule_of(groups.EITHER, 3))
    assert share == pytest.approx((5 + 5 + 6 + 0) / 17)
    assert groups.picked_share([1, 1], [0, 0], groups.rule_of(groups.SECRETING, 3)) == (0, 2)


@pytest.mark.parametrize("name", [groups.SECRETING, groups.EITHER])
def test_the_share_is_unbiased_and_its_variance_right(name):
    """Over draws of a law of clones, each with its own share of antibody-secreting cells."""
    rng = np.random.default_rng(5)
    share = np.exp(1.5 * rng.standard_normal(300))
    share /= share.sum()
    plasma = rng.beta(0.4, 2, 300)
    law = np.concatenate([share * plasma, share * (1 - plasma)])
    rule, gaps, variances = groups.rule_of(name, 3), [], []
    for _ in range(3000):
        cells = rng.multinomial(150, law)
        a, b = cells[:300], cells[300:]
        held, size = groups.picked_share(a, b, rule)
        gaps.append(held - share[rule(a, b)].sum())
        variances.append(held * (1 - held) / size)
    assert np.mean(gaps) == pytest.approx(0, abs=4 * np.std(gaps) / np.sqrt(3000))
    assert np.mean(variances) == pytest.approx(np.var(gaps), rel=0.1)


def test_nothing_changed_is_seldom_called_a_change_of_the_antibody_secreting_group():
    rng = np.random.default_rng(6)
    share = np.exp(1.5 * rng.standard_normal(300))
    share /= share.sum()
    plasma = rng.beta(0.4, 2, 300)
    law = np.concatenate([share * plasma, share * (1 - plasma)])
    claims, n = 0, 0
    for _ in range(400):
        cells = rng.multinomial(150, law)
        y = rng.multinomial(90, share)
        x = cells[:300] + cells[300:]
        change = groups.follow(x, y, cells[:300], depth=90, min_cells=3)[1].change
        n += change.status == "estimable"
        claims += change.p_value < 0.05
    assert n > 390
    assert claims / n < 0.08


def patient():
    counts = {
        1: {"pre": 12, "m3": 4},
        2: {"pre": 2, "m1": 1},
        3: {"pre": 2, "m3": 2},
        4: {"pre": 2, "m3": 1},
    }
    fill = {1000 + i: {"pre": 1, "m1": 1, "m3": 1} for i in range(60)}
    frame = made.clonotypes(counts | fill, receptor="BCR")
    kind = np.where(frame["clone_id"].isin(["P1:BCR:2", "P1:BCR:3"]), "plasma", "B")
    return frame, frame[["cell_id"]].assign(cell_type=kind, cell_subtype="x")


def run(tmp_path, frame, labels, **cfg):
    for name, table in (("clonotypes", frame), ("shared", made.SHARED), ("labels", labels)):
        tables.write(table, tmp_path / f"{name}.parquet")
    inputs = {name: tmp_path / f"{name}.parquet" for name in ("clonotypes", "shared", "labels")}
    names = ("clones", "fates", "returned", "group")
    outputs = {name: tmp_path / f"{name}.parquet" for name in names}
    design = made.design(timepoints=("pre", "m1", "m3"))
    script.main(made.job(inputs, outputs, design=design, cfg=cfg))
    return {name: tables.read(path) for name, path in outputs.items()}


def test_the_groups_and_the_alarms_of_a_patient(tmp_path):
    found = run(tmp_path, *patient())
    group = found["group"].query("receptor == 'BCR' and comparison == 'm3 vs pre'")
    group = group.set_index("group")
    assert list(group.index) == list(groups.GROUPS)
    assert group["n_clones"].tolist() == [1, 2, 3]
    assert group["n_baseline"].tolist() == [12, 4, 16]
    assert group["n_followup"].tolist() == [4, 2, 6]
    assert group["n_returned"].tolist() == [1, 0, 1]
    assert set(found["group"].query("receptor == 'TCR'")["group"]) == {"expanded"}
    clones = found["clones"].set_index("clone_id")["followed"]
    words = [clones[f"P1:BCR:{i}"] for i in (1, 2, 3, 4)]
    assert words == ["expanded", "antibody-secreting", "antibody-secreting", ""]
    alarms = found["returned"]
    assert alarms[["clone_id", "comparison", "alarm"]].to_numpy().tolist() == [
        ["P1:BCR:1", "m3 vs pre", "returned"],
        ["P1:BCR:3", "m3 vs pre", "seen again"],
    ]
    assert alarms.loc[0, "not_seen_at"] == "m1 (0 of 61)"
    assert alarms.loc[0, "share_baseline"] == pytest.approx(12 / 78)


def test_possible_contamination_raises_no_alarm(tmp_path):
    frame, labels = patient()
    back = (frame["clone_id"] == "P1:BCR:3") & (frame["timepoint"] == "m3")
    lone = frame[back].index[1:]
    frame = frame.drop(lone)
    frame.loc[back[back].index[0], "umi_count"] = 1
    found = run(tmp_path, frame, labels.drop(lone))
    assert found["returned"]["clone_id"].tolist() == ["P1:BCR:1"]


def test_the_second_group_can_be_left_out(tmp_path):
    found = run(tmp_path, *patient(), **{"clones.follow_plasma": False})
    assert set(found["group"]["group"]) == {"expanded"}
    assert set(found["clones"]["followed"]) == {"expanded", ""}


def test_cells_labelled_plasma_at_baseline_alone_count():
    frame, labels = patient()
    found = ledger.secreting_cells(frame, labels, "pre")
    assert found.to_dict() == {"P1:BCR:2": 2, "P1:BCR:3": 2}
    assert ledger.secreting_cells(frame, labels.iloc[:0], "pre").empty
    assert ledger.secreting_cells(frame, labels, None).empty


def test_both_rules_are_named():
    picked = {groups.EXPANDED: np.array([1, 1, 0]), groups.SECRETING: np.array([1, 0, 0])}
    assert groups.named(picked).tolist() == ["expanded, antibody-secreting", "expanded", ""]
    assert groups.of_group(pd.DataFrame({"group": ["expanded", "x"]})).shape == (1, 1)
