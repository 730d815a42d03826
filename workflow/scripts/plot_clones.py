"""Draw what became of the clones: the largest of the baseline over time, fates, their share.

Inputs: `clones` (tables/clones.tsv), `fates` (tables/clone_fates.tsv), optional `baseline`
(tables/baseline_clones.tsv).
Outputs: `clones_over_time`, `clone_fates`, `baseline_clones`, each `_png|_pdf`.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from immune_reset import clone_groups, design, figures, panels, tables
from immune_reset.figures import FATES, INK, spoken
from immune_reset.runtime import start

RECEPTORS = ("BCR", "TCR")
UNTESTED = "too few to test"
LARGEST = 10


def shares_over_time(clones: pd.DataFrame, timepoints: list[str]) -> pd.DataFrame:
    """Return percent of each patient's cells with that receptor, per clone and timepoint.

    Columns: patient, receptor, clone_id, one per timepoint (NaN where no cell with a receptor was
    seen at all). The denominator is the sum over all clones of the patient and receptor.
    """
    counts = clones[[f"n_{t}" for t in timepoints]].astype(float).set_axis(timepoints, axis=1)
    keys = [clones["patient"], clones["receptor"]]
    totals = counts.groupby(keys).transform("sum").replace(0.0, np.nan)
    return pd.concat([clones[["patient", "receptor", "clone_id"]], 100 * counts / totals], axis=1)


def why_missing(plan: dict, patient: str, timepoint: str, receptor: str) -> str:
    """Return why no clone of the patient is there: no sample, no file, or no cell."""
    if timepoint not in design.times_of_patient(plan, patient):
        return "no sample"
    return design.no_file(plan, patient, timepoint, receptor) or "no cells"


def draw_over_time(shares: pd.DataFrame, wanted: list[tuple], times: list[str], plan: dict):
    """Return one panel per patient and receptor: the largest baseline clones over time.

    A clone that was not found is drawn hollow at zero; the largest is drawn heavier.
    """
    first, columns = plan["baseline"], min(len({patient for patient, _ in wanted}), 4)
    fig, axes = panels.grid(len(wanted), columns=columns, width=10 / max(columns, 3), height=2.4)
    for ax, (patient, receptor) in zip(axes, wanted, strict=True):
        own = shares[(shares["patient"] == patient) & (shares["receptor"] == receptor)]
        own = own[own[first] > 0].nlargest(LARGEST, first, keep="first")
        color = figures.CELL_TYPES["B" if receptor == "BCR" else "CD4 T"]
        for i, values in enumerate(own[times].to_numpy(float)):
            x = np.arange(len(times)) + 0.02 * i
            style = {"color": color, "alpha": 1 if i == 0 else 0.55}
            ax.plot(x, values, lw=2 if i == 0 else 1.1, **style)
            ax.plot(x[values > 0], values[values > 0], "o", ms=4, **style)
            gone = values == 0
            if gone.any():
                ax.plot(x[gone], values[gone], "o", ms=5, mfc="white", clip_on=False, **style)
        panels.time_ticks(ax, times)
        ax.set_xlim(-0.3, len(times) - 0.5)
        ax.set_ylim(bottom=0)
        ax.set_title(f"{patient} {receptor}")
        ax.set_ylabel("% of cells")
        ax.grid(axis="y")
        for x, time in enumerate(times):
            if own[time].isna().all():
                panels.mark_missing(ax, x, why_missing(plan, patient, time, receptor))
    return fig


def fate_counts(fates: pd.DataFrame) -> pd.DataFrame:
    """Return the number of clones by fate, one row per (patient, receptor, comparison).

    Rows stand in the order of `fates`. Every fate of the catalogue is a column, in the order of
    the legend.
    """
    keys = ["patient", "receptor", "comparison"]
    counts = fates.groupby([*keys, "fate"], sort=False).size().unstack(fill_value=0)
    return counts.reindex(columns=list(FATES), fill_value=0)


def in_order(fates: pd.DataFrame, plan: dict) -> pd.DataFrame:
    """Return the fates with the patients as in the sheet, and a patient's comparisons in time."""
    people, times = (
        {str(name): i for i, name in enumerate(f(plan))}
        for f in (design.patients_of, design.times_of)
    )
    patient = fates["patient"].astype(str).map(people)
    time = fates["comparison"].str.split(" vs ").str[0].map(times)
    return fates.iloc[np.lexsort((time, patient))]


def draw_fates(counts: pd.DataFrame):
    """Return one stacked bar per patient, receptor and comparison: tested clones by fate."""
    receptors = [r for r in RECEPTORS if r in counts.index.get_level_values("receptor")]
    sizes = [(counts.index.get_level_values("receptor") == r).sum() for r in receptors]
    fig, axes = panels.grid(len(receptors), columns=2, width=5.0, height=1.2 + 0.32 * max(sizes))
    for ax, receptor in zip(axes, receptors, strict=True):
        part = counts.xs(receptor, level="receptor")
        left = np.zeros(len(part))
        for name, color in FATES.items():
            if name == UNTESTED:
                continue
            n = part[name].to_numpy(float)
            ax.barh(range(len(part)), n, left=left, color=color, ec="white", lw=0.6)
            for y, (at, width) in enumerate(zip(left, n, strict=True)):
                if width >= 0.07 * part.drop(columns=UNTESTED).sum(axis=1).max():
                    style = {"ha": "center", "va": "center", "color": figures.text_on(color)}
                    ax.text(at + width / 2, y, f"{width:.0f}", fontsize=8, **style)
            left += n
        for y, (at, few) in enumerate(zip(left, part[UNTESTED], strict=True)):
            note = ax.text(at, y, f"  + {few:,} too small", va="center", fontsize=8)
            note.set(color=figures.GREY, in_layout=False)
        ax.set_yticks(range(len(part)), [f"{p}  {spoken(c)}" for p, c in part.index])
        ax.set_xlim(0, max(left.max() * 1.6, 1))  # room for the note of the longest bar
        ax.set_ylim(len(part) - 0.4, -0.6)
        ax.set_title(f"{receptor} clones by fate")
        ax.set_xlabel("clones")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.tick_params(axis="y", length=0)
    used = {n: c for n, c in FATES.items() if n != UNTESTED and counts[n].sum()}
    if used:
        panels.patch_legend(fig, used, columns=4)
    return fig


def group_shares(group: pd.DataFrame) -> pd.DataFrame:
    """Return the expanded baseline clones' share of cells as rows of a patient and timepoint.

    Columns: series (the patient), receptor, timepoint, value, ci_low, ci_high, in percent; the
    baseline's share once, from whichever comparison has it.
    """
    group = clone_groups.of_group(group)
    parts = []
    for side, place in (("followup", 0), ("baseline", 1)):
        names = {f"share_{side}": "value", f"share_{side}_low": "ci_low"}
        part = group.drop(columns=["ci_low", "ci_high"])  # those are of the change
        part = part.rename(columns=names | {f"share_{side}_high": "ci_high", "patient": "series"})
        time = part["comparison"].str.split(" vs ").str[place]
        columns = ["series", "receptor", "timepoint", "value", "ci_low", "ci_high"]
        parts.append(part.assign(timepoint=time)[columns].dropna(subset=["value"]))
    rows = pd.concat(parts, ignore_index=True)
    rows[["value", "ci_low", "ci_high"]] *= 100
    return rows.drop_duplicates(["series", "receptor", "timepoint"], ignore_index=True)


def draw_baseline(rows: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return one panel per receptor: the share of the expanded baseline clones over time."""
    receptors = [r for r in RECEPTORS if (rows["receptor"] == r).any()]
    looks = panels.looks_of(people)
    fig, axes = panels.grid(len(receptors), columns=2, width=4.6, height=3.0)
    for ax, receptor in zip(axes, receptors, strict=True):
        panels.over_time(ax, rows[rows["receptor"] == receptor], timepoints, looks)
        ax.set_ylim(bottom=0)
        ax.set_ylabel(f"% of cells with a {receptor}")
        ax.set_title(f"{receptor}: expanded clones of the baseline")
        ax.axhline(0, color=INK, lw=0.8)
    panels.legend_below(fig, looks)
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    out, plan = smk.output, smk.params.design
    people = design.patients_of(plan)
    clones, fates = tables.read(smk.input.clones), tables.read(smk.input.fates)
    times = [t for t in design.times_of(plan) if f"n_{t}" in clones]
    shares = shares_over_time(clones, times)
    seen = clones.groupby(["patient", "receptor"]).size().index
    wanted = [(p, r) for r in RECEPTORS for p in people if (p, r) in seen]
    paths = (out.clones_over_time_png, out.clones_over_time_pdf)
    if wanted and plan["baseline"] in times:
        alt = f"Lines: share of each patient's {LARGEST} largest baseline clones over time."
        figures.save(draw_over_time(shares, wanted, times, plan), *paths, alt=alt)
    else:
        figures.save_note("No clone was found in any sample.", *paths)
    paths = (out.clone_fates_png, out.clone_fates_pdf)
    if len(fates):
        alt = "Stacked bars: number of clones by fate, per patient, receptor and comparison."
        figures.save(draw_fates(fate_counts(in_order(fates, plan))), *paths, alt=alt)
    else:
        figures.save_note("No clone could be followed from the baseline to a follow-up.", *paths)
    paths = (out.baseline_clones_png, out.baseline_clones_pdf)
    path = tables.optional(smk.input, "baseline")
    group = group_shares(tables.read(path)) if path else pd.DataFrame()
    if len(group):
        alt = "Lines: share of cells in the baseline's expanded clones, over time, by patient."
        figures.save(draw_baseline(group, times, people), *paths, alt=alt)
    else:
        figures.save_note("The share of the baseline's expanded clones is not estimable.", *paths)


if __name__ == "__main__":
    main(snakemake)
