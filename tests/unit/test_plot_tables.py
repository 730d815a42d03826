"""What the plot scripts compute before they draw, against hand arithmetic."""

import numpy as np
import pandas as pd
import pytest
from unit import report_tables as made

import plot_cells
import plot_clinical
import plot_clones
import plot_composition
import plot_diversity
import plot_pathways
import plot_qc
from immune_reset import design, figures, panels


def test_losses_add_up_to_all_barcodes():
    shares = plot_qc.loss_shares(made.qc())
    assert shares.sum(axis=1).to_numpy() == pytest.approx(100)
    row = made.qc().iloc[7]
    assert shares.loc["P3_month_1", "high_mt"] == pytest.approx(100 * 900 / row["barcodes_in"])


def test_every_cell_of_the_map_needs_a_label():
    atlas, samples = made.atlas(90), design.frame(made.design())
    cells = plot_cells.joined(atlas["umap"], atlas["labels"], samples, seed=0)
    assert sorted(cells["cell_id"]) == sorted(atlas["umap"]["cell_id"])
    assert list(cells["cell_id"]) != list(atlas["umap"]["cell_id"])
    with pytest.raises(ValueError, match="1 cells of the layout have no label"):
        plot_cells.joined(atlas["umap"], atlas["labels"].iloc[1:], samples, seed=0)


def test_bars_stand_in_the_order_of_patient_and_time():
    shuffled = made.composition().sample(frac=1, random_state=0)
    wide = plot_composition.bars_in_order(
        plot_composition.whole_types(shuffled), design.frame(made.design())
    )
    assert list(wide.index[:4]) == ["P1_baseline", "P1_month_1", "P1_month_3", "P2_baseline"]
    assert wide.loc["P2_month_1", "B"] == pytest.approx(2 / 1400)
    assert "naive B" not in wide


def test_diversity_draws_the_whole_compartment_at_equal_depth():
    frame = made.diversity()
    part = frame.assign(compartment="naive", value=1.0)
    rows = plot_diversity.at_equal_depth(pd.concat([part, frame]))
    assert set(rows["compartment"]) == {"all"}
    assert set(rows["q"]) == {1}
    gone = rows[(rows["receptor"] == "BCR") & (rows["timepoint"] == "month_1")]
    assert gone["value"].isna().all()


def test_shares_of_clones_by_hand():
    clones = pd.DataFrame(
        {
            "patient": "P1",
            "receptor": ["BCR", "BCR", "TCR"],
            "clone_id": ["a", "b", "c"],
            "n_pre": [3, 1, 5],
            "n_post": [0, 0, 2],
        }
    )
    shares = plot_clones.shares_over_time(clones, ["pre", "post"])
    assert shares["pre"].tolist() == [75, 25, 100]
    assert np.isnan(shares["post"].iloc[0])  # no cell with a BCR: unknown, not zero
    assert shares["post"].iloc[2] == 100


def test_fates_are_counted_in_the_order_of_the_legend():
    counts = plot_clones.fate_counts(made.clone_fates())
    assert list(counts.columns) == list(figures.FATES)
    row = counts.loc[("P1", "BCR", "month_1 vs baseline")]
    assert (row["eradicated"], row["below detection"], row["too few to test"]) == (3, 7, 2)


def test_the_baselines_share_is_drawn_once():
    rows = plot_clones.group_shares(made.baseline_clones())
    own = rows[(rows["series"] == "P1") & (rows["receptor"] == "TCR")].set_index("timepoint")
    assert own["value"].to_dict() == {"month_1": 44, "month_3": 41, "baseline": 50}
    lost = rows[(rows["series"] == "P1") & (rows["receptor"] == "BCR")]
    assert set(lost["timepoint"]) == {"month_3", "baseline"}


def test_scores_that_are_not_scorable_have_no_value():
    rows = plot_pathways.by_cell_type(made.pathway_scores(), "ISG28")
    none = rows["status"] == "not scorable"
    assert none.any()
    assert rows.loc[none, "estimate"].isna().all()
    assert rows.loc[~none, "estimate"].notna().all()


def test_attribution_sums_the_cell_types():
    frame = pd.DataFrame(
        {
            "patient": "P1",
            "comparison": "b vs a",
            "gene_set": "ISG28",
            "cell_type": ["B", "NK"],
            "within": [-2.0, -1.0],
            "composition": [0.5, 0.25],
        }
    )
    totals = plot_pathways.attribution_totals(frame).iloc[0]
    assert (totals["within"], totals["composition"], totals["total"]) == (-3, 0.75, -2.25)


def test_one_measure_in_two_units_makes_two_panels():
    frame = made.clinical()
    other = frame[frame["measure"] == "C3"].assign(unit="mg/dL")
    panels_ = plot_clinical.courses(pd.concat([frame, other]))
    assert "C3 (g/L)" in panels_
    assert "C3 (mg/dL)" in panels_
    assert next(iter(panels_)) == "SLEDAI-2K"


def test_drugs_of_one_day_share_a_label():
    frame = made.clinical()
    extra = frame[frame["kind"] == "drug"].assign(measure="MMF", value=1.0, unit="g")
    noted = plot_clinical.marks(pd.concat([frame, extra]))
    first = noted[(noted["patient"] == "P1") & (noted["day"] == -7)]
    assert first["label"].tolist() == ["prednisone 20 mg, MMF 1 g"]


def test_a_one_sided_bound_is_drawn_as_an_arrow():
    ax = figures.figure(3, 2).subplots()
    panels.interval(ax, np.nan, 0, np.nan, -4.1, color="red", marker="o")
    assert [line.get_marker() for line in ax.lines] == ["<", "|"]
    assert all(line.get_xdata()[0] == -4.1 for line in ax.lines)


def test_a_bound_that_excludes_nothing_is_pale():
    ax = figures.figure(3, 2).subplots()
    panels.interval(ax, np.nan, 0, -4.1, np.nan, color="red", marker="o")
    panels.interval(ax, np.nan, 1, 4.1, np.nan, color="red", marker="o")
    assert [line.get_alpha() for line in ax.lines] == [0.35, 0.35, 1, 1]


def test_larger_types_are_named_on_a_cell_of_theirs():
    cells = pd.DataFrame({"cell_type": ["B"] * 300 + ["DC"], "umap_1": 1.0, "umap_2": 2.0})
    assert plot_cells.named_places(cells) == {"B": (1.0, 2.0)}


def test_a_bound_is_drawn_without_its_point():
    ax = figures.figure(3, 2).subplots()
    panels.interval(ax, -6, 0, np.nan, -4.1, color="red", marker="o")
    assert [line.get_marker() for line in ax.lines] == ["<", "|"]


def test_a_row_without_numbers_says_so():
    ax = figures.figure(3, 2).subplots()
    blank = {"series": "P1", "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    frame = pd.DataFrame([{"row": "B"} | blank])
    panels.forest(ax, frame, rows=["B"], looks={"P1": ("red", "o")})
    assert [text.get_text() for text in ax.texts] == ["not estimable"]


def test_replicates_are_drawn_at_their_mean():
    ax = figures.figure(3, 2).subplots()
    frame = pd.DataFrame(
        {
            "series": "P1",
            "timepoint": ["a", "a", "b"],
            "value": [1.0, 3.0, 5.0],
            "ci_low": [0.5, 2.0, 4.0],
            "ci_high": [2.0, 4.0, 6.0],
        }
    )
    panels.over_time(ax, frame, ["a", "b"], {"P1": ("red", "o")})
    assert ax.lines[0].get_ydata().tolist() == [2.0, 5.0]


def test_changes_are_named_alike():
    frame = panels.scoped(made.diversity_change())
    assert frame["scope"].tolist() == made.diversity_change()["patient"].tolist()
    assert frame["estimate"].equals(made.diversity_change()["log_ratio"].rename("estimate"))


def test_a_kind_of_cell_without_any_share_has_no_empty_panel():
    shares = pd.DataFrame(
        {
            "patient": "P1",
            "timepoint": ["pre", "post"] * 2,
            "cell_type": ["monocyte", "monocyte", "CAR T", "CAR T"],
            "denominator": ["all cells", "all cells", "T cells", "T cells"],
            "fraction": [1.0, 1.0, np.nan, np.nan],
            "ci_low": [0.9, 0.9, np.nan, np.nan],
            "ci_high": [1.0, 1.0, np.nan, np.nan],
        }
    )
    fig = plot_composition.draw_over_time(shares, ["pre", "post"], ["P1"])
    assert [ax.get_title(loc="left") for ax in fig.axes if ax.get_visible()] == ["monocyte"]
