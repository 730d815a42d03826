"""Draw clonal diversity at equal depth, its changes with intervals, and the rarefaction curves.

Inputs: `diversity` (tables/diversity.tsv), `change` (tables/diversity_change.tsv), `curves`
(cohort/diversity_curves.parquet).
Outputs: `diversity`, `diversity_change`, `diversity_curves`, each `_png|_pdf`.

Drawn is the Hill number of order 1 (the number of equally common clones that would be as diverse)
of the whole receptor compartment, rarefied to the patient's smallest estimable sample.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from immune_reset import design, figures, panels, tables
from immune_reset.figures import spoken
from immune_reset.runtime import start

RECEPTORS = ("BCR", "TCR")
ORDER = 1


def headline(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each receptor's whole compartment ("all", else the first named)."""
    parts = []
    for _, part in frame.groupby("receptor", sort=False):
        names = part["compartment"].unique()
        parts.append(part[part["compartment"] == ("all" if "all" in names else names[0])])
    return pd.concat(parts) if parts else frame


def at_equal_depth(diversity: pd.DataFrame) -> pd.DataFrame:
    """Return the rarefied rows of order 1, as series, timepoint, value, ci_low, ci_high.

    The series is the patient; rows that are not estimable keep no value.
    """
    rows = diversity[(diversity["estimator"] == "rarefied") & (diversity["q"] == ORDER)]
    rows = headline(rows).rename(columns={"patient": "series"}).copy()
    none = rows["status"] == "not estimable"
    rows.loc[none, ["value", "ci_low", "ci_high"]] = np.nan
    return rows


def draw_levels(rows: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return one panel per receptor: diversity at equal depth over time, a line per patient."""
    receptors = [name for name in RECEPTORS if (rows["receptor"] == name).any()]
    looks = panels.looks_of(people)
    fig, axes = panels.grid(len(receptors), columns=2, width=4.6, height=3.2)
    for ax, receptor in zip(axes, receptors, strict=True):
        part = rows[rows["receptor"] == receptor]
        panels.over_time(ax, part, timepoints, looks)
        if part["value"].max() > 8 * part["value"].min():
            ax.set_yscale("log")
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_minor_formatter(NullFormatter())
        else:
            ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter("{x:,.0f}")
        if not part[["value", "ci_low"]].notna().any(axis=None):
            ax.set_yticks([])
        ax.set_ylabel("equally common clones")
        ax.set_title(f"{receptor} diversity at equal depth")
        for x, time in enumerate(timepoints):
            missing = part[(part["timepoint"] == time) & part["value"].isna()]
            if len(missing):
                panels.mark_missing(ax, x, f"{len(missing)} not est.")
    panels.legend_below(fig, looks)
    return fig


def draw_change(change: pd.DataFrame, names: list[str], people: list[str]):
    """Return one forest per receptor: fold change of diversity by comparison and patient.

    Where one sample repeats too few clones, the bound (of order 2) is drawn in its place.
    """
    rows = headline(change[(change["q"] == ORDER) | (change["status"] == "bound")]).copy()
    rows[["estimate", "ci_low", "ci_high"]] /= np.log(2)
    rows = rows.rename(columns={"comparison": "row", "scope": "series"})
    receptors = [name for name in RECEPTORS if (rows["receptor"] == name).any()]
    looks = panels.looks_of(people, cohort=(rows["series"] == "cohort").any())
    height = 1.1 + len(names) * (0.3 + 0.12 * min(len(looks), panels.MANY))
    fig, axes = panels.grid(len(receptors), columns=2, width=4.9, height=height, sharey=True)
    for ax, receptor in zip(axes, receptors, strict=True):
        panels.forest(ax, rows[rows["receptor"] == receptor], rows=names, looks=looks)
        panels.no_change_line(ax)
        panels.fold_axis(ax)
        ax.set_title(f"{receptor} diversity")
    axes[0].set_yticks(range(len(names)), [spoken(name) for name in names])
    panels.legend_below(fig, looks)
    return fig


def draw_curves(curves: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return one panel per patient and receptor: clones expected among m cells, by timepoint."""
    wanted = [
        (patient, receptor)
        for receptor in RECEPTORS
        for patient in people
        if ((curves["patient"] == patient) & (curves["receptor"] == receptor)).any()
    ]
    colors = figures.timepoint_colors(timepoints)
    columns = min(len({patient for patient, _ in wanted}), 4)
    fig, axes = panels.grid(len(wanted), columns=columns, width=10 / max(columns, 3), height=2.4)
    for ax, (patient, receptor) in zip(axes, wanted, strict=True):
        part = curves[(curves["patient"] == patient) & (curves["receptor"] == receptor)]
        for time, shape in figures.markers(timepoints).items():
            line = part[part["timepoint"] == time].sort_values("m")
            m, low, high = (line[c].to_numpy(float) for c in ("m", "ci_low", "ci_high"))
            ax.fill_between(m, low, high, color=colors[time], alpha=0.2, lw=0)
            ax.plot(m, line["value"], color=colors[time], lw=1.5)
            ax.plot(m[-1:], line["value"].iloc[-1:], shape, color=colors[time], ms=6, mec="white")
        ax.set_title(f"{patient} {receptor}")
        ax.set_xlabel("cells drawn")
        ax.set_ylabel("clones")
        ax.grid()
    shapes = figures.markers(timepoints)
    panels.legend_below(fig, {t: (colors[t], shapes[t]) for t in timepoints})
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    out, plan = smk.output, smk.params.design
    people, times = design.patients_of(plan), design.times_of(plan)
    rows = at_equal_depth(tables.read(smk.input.diversity))
    paths = (out.diversity_png, out.diversity_pdf)
    if rows[["value", "ci_low"]].notna().any(axis=None):
        alt = "Lines of BCR and TCR diversity at equal depth over time, by patient."
        figures.save(draw_levels(rows, times, people), *paths, alt=alt)
    else:
        figures.save_note("Clonal diversity is not estimable in any sample.", *paths)
    change = panels.scoped(tables.read(smk.input.change))
    paths = (out.diversity_change_png, out.diversity_change_pdf)
    names = [n for n in design.comparison_names(plan) if (change["comparison"] == n).any()]
    if names and change[["estimate", "ci_low", "ci_high"]].notna().any(axis=None):
        alt = "Forest plot of the change of clonal diversity at equal depth, by patient."
        figures.save(draw_change(change, names, people), *paths, alt=alt)
    else:
        figures.save_note("No change of clonal diversity is estimable.", *paths)
    curves = tables.read(smk.input.curves)
    curves = headline(curves[(curves["kind"] == "rarefaction") & (curves["q"] == 0)])
    paths = (out.diversity_curves_png, out.diversity_curves_pdf)
    if curves.empty:
        figures.save_note("No sample has enough cells with a receptor for a curve.", *paths)
        return
    alt = "Rarefaction curves: clones expected among m cells, by patient, receptor and timepoint."
    figures.save(draw_curves(curves, times, people), *paths, alt=alt)


if __name__ == "__main__":
    main(snakemake)
