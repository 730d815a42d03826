"""One patient's course on one axis of days: drugs, events, clinical measures and what cells say.

Every function takes tables of one patient; a panel is a title and a frame of day, series, value,
ci_low, ci_high.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from immune_reset import language, treatments, wording
from immune_reset.figures import FAINT, GREY, INK, spoken

FIRST = ("sledai", "protein", "upcr", "c3", "c4", "dsdna", "ssa", "igg", "igm", "iga")
MOST = 12  # clinical measures drawn; the table has all
SET = "ISG28"
SCORED = {"B": "#0072B2", "CD8 T": "#B36B00", "monocyte": "#A3427E"}
SHAPES = {"B": "o", "CD8 T": "s", "monocyte": "^"}
VALUES = ["series", "value", "ci_low", "ci_high"]
BAR, EVENT = "#C9D3E0", "#A23B00"
PLOT_WIDTH = 6.2  # inches of the axis of days, names and legend taken off


class Panel(NamedTuple):
    """One small panel: its title, its values, and whether it counts cells (has an interval)."""

    title: str
    frame: pd.DataFrame
    cells: bool


def measures(clinical: pd.DataFrame) -> list[Panel]:
    """Return a panel per measure and unit, the usual ones of lupus first, at most `MOST`."""
    rows = clinical[clinical["kind"] == "measure"]
    rows = rows.assign(value=pd.to_numeric(rows["value"], errors="coerce"))
    rows = rows.assign(day=pd.to_numeric(rows["day"], errors="coerce")).dropna(
        subset=["value", "day"]
    )
    units = rows["unit"].fillna("").astype(str).map(wording.unit_words)
    titles = rows["measure"].str.replace("_", " ") + units.map(lambda u: f" ({u})" if u else "")
    found = []
    for title, part in rows.groupby(titles, sort=False):
        frame = part.sort_values("day", kind="stable")[["day", "value"]].drop_duplicates()
        blank = {"series": "", "ci_low": np.nan, "ci_high": np.nan}
        found.append(Panel(str(title), frame.assign(**blank), False))
    return sorted(found, key=lambda panel: _rank(panel.title))[:MOST]


def _rank(title: str) -> int:
    plain = title.lower().replace("-", "").replace("_", "").replace(" ", "")
    return next((i for i, word in enumerate(FIRST) if word in plain), len(FIRST))


def at_days(rows: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """Return rows with the day of their timepoint (or of their sample, where they name one)."""
    key = "sample" if "sample" in rows else "timepoint"
    return rows.assign(day=rows[key].map(days)).dropna(subset=["day"])


def shares(composition: pd.DataFrame, cell_type: str, level: str) -> pd.DataFrame:
    """Return a cell type's share in percent, with its interval, per sample."""
    own = composition[(composition["cell_type"] == cell_type) & (composition["level"] == level)]
    numbers = own[["fraction", "ci_low", "ci_high"]].astype(float) * 100
    numbers = numbers.rename(columns={"fraction": "value"})
    return own[["sample", "timepoint"]].assign(series="", **numbers)


def car_shares(car: pd.DataFrame) -> pd.DataFrame:
    """Return the CAR-positive share of T cells in percent, where the cells were called."""
    own = car[car["n_car"].notna()]
    numbers = own[["fraction", "ci_low", "ci_high"]].astype(float) * 100
    numbers = numbers.rename(columns={"fraction": "value"})
    return own[["sample", "timepoint"]].assign(series="", **numbers)


def diversity(table: pd.DataFrame, receptor: str) -> pd.DataFrame:
    """Return rarefied D1 of all cells of a receptor; a lone bound has no value."""
    own = table[(table["receptor"] == receptor) & (table["compartment"] == "all")]
    own = own[(own["estimator"] == "rarefied") & (own["q"].astype(float) == 1)]
    own = own[own["status"] != "not estimable"]
    bound = own["status"].isin(["at least", "bound"])
    value = own["value"].astype(float).mask(bound)
    low = own["ci_low"].astype(float)
    low = low.mask(bound & low.isna(), own["value"].astype(float))
    high = own["ci_high"].astype(float)
    return own[["timepoint"]].assign(series="", value=value, ci_low=low, ci_high=high)


def interferon(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the interferon score of B cells, CD8 T cells and monocytes, where scorable."""
    own = scores[(scores["gene_set"] == SET) & (scores["status"] == "scorable")]
    own = own[own["cell_type"].isin(SCORED)]
    numbers = own[["score", "ci_low", "ci_high"]].astype(float).rename(columns={"score": "value"})
    return own[["sample", "timepoint"]].assign(series=own["cell_type"], **numbers)


def draw_panel(ax: Axes, panel: Panel, times: Sequence[float]) -> None:
    """Draw one panel; a sample's day without a value breaks the line, and says "n.e."."""
    many = panel.frame["series"].nunique() > 1
    for name, part in panel.frame.groupby("series", sort=False):
        color, shape = SCORED.get(name, INK), SHAPES.get(name, "o")
        part = part.groupby("day", sort=True)[["value", "ci_low", "ci_high"]].mean()
        part = part.reindex(sorted({*part.index, *times})) if panel.cells else part
        day, value = part.index.to_numpy(float), part["value"].to_numpy(float)
        place = list(SCORED).index(name) - 1 if name in SCORED and len(times) > 1 else 0
        day = day + place * 0.006 * (max(times) - min(times)) if place else day
        low, high = part["ci_low"].to_numpy(float), part["ci_high"].to_numpy(float)
        style = {"color": color, "lw": 1.3, "marker": shape, "ms": 4.5, "mec": "white", "mew": 0.5}
        ax.plot(day, value, label=name, **style)
        ax.vlines(day, low, high, color=color, lw=1.2, alpha=0.8)
        bound = ~np.isfinite(value) & np.isfinite(low)
        ax.plot(day[bound], low[bound], "^", color=color, mfc="white", ms=7, mew=1.2)
    if many or panel.frame["series"].ne("").any():
        style = {"handlelength": 1.4, "fontsize": 8, "labelspacing": 0.15, "borderpad": 0}
        ax.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), **style)
    known = set(panel.frame["day"])
    for day in (t for t in times if panel.cells and t not in known):
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": FAINT, "lw": 0.7}
        place = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "center"}
        ax.annotate("n.e.", (day, 0.5), fontsize=8, color=GREY, bbox=box, **place)
    drawn = panel.frame[["value", "ci_low", "ci_high"]].to_numpy(float)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        ax.set_yticks([])
    elif drawn.min() >= 0 and not panel.frame["series"].ne("").any():
        ax.set_ylim(0, max(1.15 * drawn.max(), 1e-9))
    name_left(ax, panel.title)
    ax.locator_params(axis="y", nbins=3)
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(axis="y")


def name_left(ax: Axes, title: str) -> None:
    """Write a panel's name beside it, its unit below the name."""
    name, _, unit = title.partition(" (")
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    style = {"fontsize": 9, "weight": "bold", "ha": "left"}
    ax.annotate(name, (0, 0.5), (-155, 2 if unit else 0), va="bottom", **place, **style)
    style |= {"fontsize": 8, "weight": "normal", "color": GREY}
    ax.annotate(unit.removesuffix(")"), (0, 0.5), (-155, 0), va="top", **place, **style)


def lanes(clinical: pd.DataFrame, end: float) -> list[tuple[str, list[tuple[float, float, str]]]]:
    """Return (name, spans) of every drug and event: start, end (the same for a moment), words.

    A dose holds until the next row of its drug, the last until `end`; a drug of one day's effect
    (a pulse) and an event are moments. Nothing is drawn of a dose of 0.
    """
    found = []
    for kind in ("drug", "event"):
        rows = clinical[clinical["kind"] == kind]
        for name, own in rows.dropna(subset=["day"]).groupby("measure", sort=False):
            moment = kind == "event" or treatments.kind_of(str(name), event=False).pulse
            if moment:
                told = treatments.happened(own).sort_values("day", kind="stable")
                given = treatments.doses(told)
                spans = [(d.day, d.day, "" if d.words == "given" else d.words) for d in given]
                spans = [(a, b, _grade(words)) for a, b, words in spans]
            else:
                given = treatments.doses(own)
                ends = [dose.day for dose in given[1:]] + [end]
                paired = zip(given, ends, strict=True)
                spans = [(d.day, stop, d.words) for d, stop in paired if d.amount != 0]
            found += [(spoken(str(name)), spans)] if spans else []
    return found


def _grade(words: str) -> str:
    number, _, unit = words.partition(" ")
    return f"grade {number}" if unit == "grade" else words


def _fitting(words: str, inches: float) -> str:
    """Return as much of a dose as a bar of so many inches holds: all, the number, nothing."""
    parts = (words, words.partition(" ")[0], "")
    return next(
        part for part in parts if not part or 0.06 * language.letters(part) + 0.05 <= inches
    )


def draw_lanes(ax: Axes, rows: Sequence[tuple[str, list]], end: float) -> None:
    """Draw drugs as bars with their dose and events as stars, a row each.

    A bar too short for its dose and unit bears the number alone, or nothing.
    """
    style = {"va": "center", "fontsize": 8, "color": INK, "clip_on": False}
    first = min((span[0] for _, spans in rows for span in spans), default=end)
    per_inch = max(end - first, 1) / PLOT_WIDTH
    for y, (_, spans) in enumerate(rows):
        ax.axhline(y, color="#EEF0F3", lw=0.8, zorder=0)
        for start, stop, words in spans:
            if stop > start:
                ax.barh(y, stop - start, left=start, height=0.62, color=BAR, ec=GREY, lw=0.6)
                ax.text(start, y, f" {_fitting(words, (stop - start) / per_inch)}", **style)
            else:
                ax.plot(start, y, "*", color=EVENT, ms=9, mec="white", mew=0.4)
                ax.annotate(words, (start, y), (7, 0), textcoords="offset points", **style)
            if stop == end > start:
                ax.plot(stop, y, ">", color=GREY, ms=5, clip_on=False)
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    name_left(ax, "drugs, events (bars, ★)")


def mark_times(axes: Sequence[Axes], times: Mapping[str, float]) -> None:
    """Draw the day of every sample through all panels, named above the first, and the infusion."""
    for ax in axes:
        if ax is not axes[-1]:
            ax.tick_params(axis="x", length=0)
            ax.spines["bottom"].set_color(FAINT)
        ax.axvline(0, color=GREY, lw=1, ls="--", zorder=0.5)
        for day in times.values():
            ax.axvline(day, color="#9DB4CC", lw=0.8, zorder=0.4)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    named: dict[float, list[str]] = {}
    for name, day in times.items():
        named.setdefault(day, []).append(spoken(name))
    per_inch = max(max(named) - min(named), 1) / PLOT_WIDTH
    ends: list[float] = []  # where the last name of each line ends
    for day, names in sorted(named.items()):
        text, style = ", ".join(names), {"ha": "center", "fontsize": 8, "color": "#0B4F8A"}
        half = (0.0325 * language.letters(text) + 0.04) * per_inch
        line = next((i for i, end in enumerate(ends) if end <= day - half), len(ends))
        ends[line : line + 1] = [day + half]
        axes[0].annotate(text, (day, 1), (0, 5 + 11 * line), **place, **style)
