"""Building blocks of the figures: grids of panels, points with intervals, forests, legends."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from immune_reset import language
from immune_reset.figures import FAINT, GREY, INK, figure, markers, patient_colors, spoken

LETTER = 0.075
"""Width of a letter of a tick or legend, in inches; a generous mean."""

MANY = 6  # above so many patients, the single intervals are left out


def grid(
    n: int, *, columns: int, width: float, height: float, extra: float = 0.4, **shared
) -> tuple[Figure, list[Axes]]:
    """Return a figure of `n` panels, `columns` a row, each `width` by `height` inches."""
    columns = max(1, min(columns, n))
    rows = -(-n // columns)
    fig = figure(max(width * columns, 4.2), height * rows + extra)
    axes = fig.subplots(rows, columns, squeeze=False, **shared).ravel()
    for ax in axes[n:]:
        ax.remove()
    return fig, list(axes[:n])


def interval(
    ax: Axes, x: float, y: float, low: float, high: float, *, color: str, marker: str, **style
) -> None:
    """Draw a horizontal interval with its point; an open end is drawn as an arrow from its bound.

    `low` or `high` missing or infinite is a one-sided bound, drawn without its point, and pale
    where it does not exclude 0; nothing is drawn where all are missing.
    """
    size = style.get("size", 5)
    bounded = [end for end in (low, high) if np.isfinite(end)]
    if len(bounded) == 2:
        ax.plot([low, high], [y, y], color=color, lw=style.get("lw", 1.4), zorder=2)
    if np.isfinite(x) and len(bounded) != 1:
        ax.plot(x, y, marker, color=color, ms=size, mec="white", mew=0.6, zorder=3)
    if len(bounded) == 1:
        at = bounded[0]
        shape = ">" if np.isfinite(low) else "<"
        look = {"color": color, "mew": 1.3, "zorder": 3}
        look["alpha"] = 1 if (at > 0) == np.isfinite(low) else 0.35
        ax.plot(at, y, shape, ms=size + 2, mfc="white", **look)
        ax.plot(at, y, "|", ms=size + 4, **look)


def forest(
    ax: Axes, frame: pd.DataFrame, *, rows: Sequence[str], looks: Mapping[str, tuple[str, str]]
) -> None:
    """Draw estimates with intervals, one row per `row`, one offset per `series`.

    `frame` has the columns row, series, estimate, ci_low, ci_high; `looks` gives each series its
    colour and marker. A row without any number says so.
    """
    names = list(looks)
    step = 0.7 / max(len(names), 1)
    for r, row in enumerate(rows):
        drawn = False
        for s, name in enumerate(names):
            part = frame[(frame["row"] == row) & (frame["series"] == name)]
            color, marker = looks[name]
            y = r + (s - (len(names) - 1) / 2) * step
            plain = len(names) > MANY and name != "cohort"
            for value, low, high in part[["estimate", "ci_low", "ci_high"]].to_numpy(float):
                ends = (np.nan, np.nan) if plain and np.isfinite(value) else (low, high)
                interval(ax, value, y, *ends, color=color, marker=marker)
                drawn |= bool(np.isfinite([value, low, high]).any())
        if not drawn:
            place = {"transform": ax.get_yaxis_transform(), "va": "center", "ha": "center"}
            box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none"}
            ax.text(0.5, r, "not estimable", fontsize=8, color=GREY, bbox=box, zorder=4, **place)
        if r % 2:
            ax.axhspan(r - 0.5, r + 0.5, color="#F5F6F8", zorder=0, lw=0)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")


def no_change_line(ax: Axes, minimum: float | None = None) -> None:
    """Mark no change, and the smallest change that a claim needs, on a forest's axis."""
    ax.axvline(0, color=INK, lw=1, zorder=1)
    for value in () if not minimum else (-minimum, minimum):
        ax.axvline(value, color=GREY, lw=1, ls=(0, (1, 2)), zorder=1)


def fold_axis(ax: Axes) -> None:
    """Label a log2 axis in plain folds ("4×") on both sides of 1, at least to two-fold."""
    low, high = ax.get_xlim()
    low, high = min(low, -1.15), max(high, 1.15)
    ax.set_xlim(low, high)
    step = max(1, int(np.ceil((high - low) / 8)))
    ticks = [t for t in range(-40, 41) if t % step == 0 and low <= t <= high]
    ax.set_xticks(ticks, ["1" if t == 0 else f"{2 ** abs(t)}×" for t in ticks])
    ax.set_xlabel("← lower      fold change      higher →")


def stacked(ax: Axes, parts: pd.DataFrame, colors: Mapping[str, str], notes: Sequence[str]) -> None:
    """Draw one stacked bar per row of `parts` (percent by name), its note above it.

    A note of words ("no BCR file") in the place of a bar is written upright, and so is one of
    numbers ("10: n.e.") where bars stand close or Chinese makes it wide.
    """
    bottom = np.zeros(len(parts))
    for name, color in colors.items():
        height = 100 * parts[name].fillna(0).to_numpy(float)
        ax.bar(range(len(parts)), height, bottom=bottom, color=color, ec="white", lw=0.6, width=0.7)
        bottom += height
    for x, note in enumerate(notes):
        long = len(parts) > 4 or language.letters(note) > len(note)
        upright = bottom[x] == 0 and (not note[:1].isdigit() or long)
        style = {"ha": "center", "va": "bottom", "fontsize": 8, "color": GREY}
        ax.text(x, bottom[x] + 1.5, note, rotation=90 if upright else 0, **style)
    time_ticks(ax, list(parts.index))
    ax.set_xlim(-0.6, len(parts) - 0.4)
    ax.set_ylim(0, 112)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.set_ylabel("% of cells")


def say_missing(ax: Axes, words: Mapping[str, str]) -> None:
    """Write above the lines of the panel which timepoints have none, and why."""
    if words:
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.12 * len(words) * (high - low))
    lines = [language.said(f"{spoken(time)}: {why}") for time, why in words.items()]
    style = {"ha": "right", "va": "top", "fontsize": 8, "color": GREY}
    ax.text(0.99, 0.98, "\n".join(lines), transform=ax.transAxes, **style)


def legend_below(fig: Figure, looks: Mapping[str, tuple[str, str]], columns: int = 8) -> None:
    """Put a legend of coloured, shaped points under the panels."""
    handles = [
        Line2D([], [], color=color, marker=marker, ms=6, lw=1.4, label=spoken(name))
        for name, (color, marker) in looks.items()
    ]
    _legend_at_foot(fig, handles, columns)


def patch_legend(fig: Figure, colors: Mapping[str, str], columns: int = 6) -> None:
    """Put a legend of coloured patches under the panels."""
    handles = [Patch(color=color, label=spoken(name)) for name, color in colors.items()]
    _legend_at_foot(fig, handles, columns)


def _legend_at_foot(fig: Figure, handles: Sequence[Artist], columns: int) -> None:
    """Put a legend under the panels, in no more columns than the figure is wide."""
    longest = max((language.letters(str(h.get_label())) for h in handles), default=0)
    fitting = int((fig.get_figwidth() - 0.1) / (0.55 + LETTER * longest))
    columns = max(1, min(columns, fitting, len(handles)))
    fig.legend(handles=handles, loc="outside lower center", ncols=columns)


def time_ticks(ax: Axes, timepoints: Sequence[str]) -> None:
    """Label an axis with the timepoints at 0, 1, ..., slanted where they would overlap."""
    names = [spoken(name) for name in timepoints]
    ax.set_xticks(range(len(names)), names)
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols if spec is not None else 1
    wide = ax.get_figure().get_figwidth() / columns - 0.65  # without the axis of values
    if len(names) * (LETTER * max(map(language.letters, names), default=0) + 0.08) > wide:
        ax.tick_params(axis="x", rotation=40)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def over_time(
    ax: Axes, frame: pd.DataFrame, timepoints: Sequence[str], looks: Mapping[str, tuple[str, str]]
) -> None:
    """Draw values with intervals over the timepoints, a line per `series`, slightly dodged.

    `frame` has the columns series, timepoint, value, ci_low, ci_high; replicates of a series and
    timepoint are drawn at their mean with the outermost limits. Missing values break the line; a
    lone lower bound is drawn as an upward arrow.
    """
    step = min(0.09, 0.5 / max(len(looks), 1))
    for s, (name, (color, marker)) in enumerate(looks.items()):
        part = frame[frame["series"] == name].groupby("timepoint", observed=True)
        spread = {"value": ("value", "mean"), "ci_low": ("ci_low", "min")}
        part = part.agg(**spread, ci_high=("ci_high", "max")).reindex(timepoints)
        x = np.arange(len(timepoints)) + (s - (len(looks) - 1) / 2) * step
        value, low, high = (part[c].to_numpy(float) for c in ("value", "ci_low", "ci_high"))
        ax.plot(x, value, color=color, marker=marker, ms=5, lw=1.4, mec="white", mew=0.6, zorder=3)
        if len(looks) <= MANY:
            ax.vlines(x, low, high, color=color, lw=1.3, alpha=0.8, zorder=2)
        bound = ~np.isfinite(value) & np.isfinite(low)
        ax.plot(x[bound], low[bound], "^", color=color, mfc="white", ms=8, mew=1.4, zorder=3)
    time_ticks(ax, timepoints)
    ax.set_xlim(-0.5, len(timepoints) - 0.5)
    ax.grid(axis="y")


def mark_missing(ax: Axes, x: float, text: str = "n.e.") -> None:
    """Write at the foot of an axis that a value could not be estimated there."""
    ax.annotate(
        text,
        (x, 0.02),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="bottom",
        fontsize=8,
        color=GREY,
        bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": FAINT, "lw": 0.8},
    )


def looks_of(patients: Sequence[str], cohort: bool = False) -> dict[str, tuple[str, str]]:
    """Return {patient: (colour, marker)}; the cohort, where asked for, as a black diamond."""
    colors, shapes = patient_colors(patients), markers(patients)
    looks = {name: (colors[name], shapes[name]) for name in patients}
    return looks | ({"cohort": (INK, "D")} if cohort else {})


def scoped(change: pd.DataFrame) -> pd.DataFrame:
    """Return a table of changes with its columns named scope, estimate, ci_low, ci_high.

    The tables name the estimate by its measure (log_ratio, log2_ratio) and the scope by
    `patient` where it is always one.
    """
    named = {"patient": "scope"} if "scope" not in change else {}
    estimate = next((c for c in ("estimate", "log2_ratio", "log_ratio") if c in change), None)
    frame = change.rename(columns=named | ({estimate: "estimate"} if estimate else {}))
    for column in ("estimate", "ci_low", "ci_high"):
        frame[column] = pd.to_numeric(frame[column]) if column in frame else np.nan
    return frame
