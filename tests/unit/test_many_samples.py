"""Figures of many timepoints and patients: nothing is cut, nothing overlaps, nothing misleads."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import plot_cells
import plot_clinical
import plot_clones
from immune_reset import course, figures, panels

TIMES = ["before", "week_2", "month_1", "month_3", "month_6", "year_1"]


def drawn(fig):
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return canvas.get_renderer()


@pytest.mark.parametrize(("times", "columns"), [(TIMES, 1), (TIMES, 3), (TIMES[:2], 3)])
def test_names_of_timepoints_do_not_overlap(times, columns):
    fig, axes = panels.grid(columns, columns=3, width=3.1, height=2.0)
    for ax in axes:
        panels.time_ticks(ax, times)
        ax.set_xlim(-0.5, len(times) - 0.5)
    renderer = drawn(fig)
    for ax in axes:
        labels = ax.get_xticklabels()
        if labels[0].get_rotation():
            assert len(times) == 6
            continue
        boxes = [label.get_window_extent(renderer) for label in labels]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_a_legend_stays_within_a_narrow_figure():
    fig, _ = panels.grid(1, columns=1, width=4.2, height=3.0)
    panels.legend_below(fig, dict.fromkeys(TIMES, ("#000000", "o")))
    renderer = drawn(fig)
    box = fig.legends[0].get_window_extent(renderer)
    assert box.x0 >= 0 and box.x1 <= fig.bbox.width


def test_fates_stand_in_the_order_of_time_and_their_notes_within_the_figure():
    plan = {
        "timepoints": TIMES,
        "samples": [{"patient": p, "timepoint": t} for p in ("B", "A") for t in TIMES],
    }
    rows = [(p, f"{t} vs before") for p in ("A", "B") for t in sorted(TIMES[1:])]
    fates = pd.DataFrame(rows, columns=["patient", "comparison"])
    ordered = plot_clones.in_order(fates, plan)
    assert list(ordered["patient"]) == ["B"] * 5 + ["A"] * 5
    assert list(ordered["comparison"].iloc[:5]) == [f"{t} vs before" for t in TIMES[1:]]
    many = ordered.assign(receptor="TCR", fate="stable")
    few = pd.concat([many.assign(fate="too few to test")] * 120)
    fig = plot_clones.draw_fates(plot_clones.fate_counts(pd.concat([many, few])))
    renderer = drawn(fig)
    notes = [text for text in fig.axes[0].texts if "too small" in text.get_text()]
    assert len(notes) == 10
    assert max(note.get_window_extent(renderer).x1 for note in notes) <= fig.bbox.width


def test_a_scale_of_scores_has_two_ends():
    assert plot_cells.score_range(pd.Series(np.linspace(0, 1, 101))) == pytest.approx((0.01, 0.99))
    few = pd.Series([0.0] * 999 + [0.3])  # both percentiles are 0
    assert plot_cells.score_range(few) == (0.0, 0.3)
    assert plot_cells.score_range(pd.Series([0.0, 0.0])) == (0.0, 0.01)


def test_labels_that_run_into_another_are_left_out_and_counted():
    columns = ["patient", "day", "kind", "label"]
    noted = pd.DataFrame(
        [
            ["A", 0, "drug", "prednisone 20 mg/d"],
            ["A", 14, "drug", "prednisone 10 mg/d"],
            ["A", 14, "event", "CRS grade 1"],
            ["A", 180, "drug", "prednisone 5 mg/d"],
            ["B", 14, "drug", "prednisone 10 mg/d"],
        ],
        columns=columns,
    )
    assert plot_clinical.with_room(noted, days_per_inch=40.0) == {0, 2, 3, 4}
    assert plot_clinical.with_room(noted, days_per_inch=1.0) == {0, 1, 2, 3, 4}


def test_a_short_bar_bears_its_number_or_nothing():
    assert course._fitting("20 mg/d", 1.0) == "20 mg/d"
    assert course._fitting("20 mg/d", 0.25) == "20"
    assert course._fitting("20 mg/d", 0.1) == ""


def test_near_days_are_named_on_two_lines():
    fig = figures.figure(9.3, 2)
    axes = fig.subplots(2, 1, sharex=True)
    course.mark_times(axes, {"before": -7.0, "week_2": 14.0, "month_3": 90.0, "year_1": 365.0})
    heights = {text.get_text(): text.xyann[1] for text in axes[0].texts}
    assert heights["before"] == heights["month 3"] == heights["year 1"] < heights["week 2"]
