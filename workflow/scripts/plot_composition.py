"""Draw the cell types' shares of each sample, over time, and their changes with intervals.

Inputs: `composition` (tables/composition.tsv), `change` (tables/composition_change.tsv).
Outputs: `composition`, `composition_over_time`, `b_cell_subsets`, `composition_change`, each
`_png|_pdf`. The subsets of B and plasma cells, and CAR T cells, have denominators of their own
(columns `level`, `parent`) and are drawn apart.
"""

import pandas as pd

from immune_reset import design, figures, panels, tables
from immune_reset.figures import spoken
from immune_reset.runtime import start

B_LINEAGE = ("B", "plasma")
SUBSETS = ("naive B", "transitional B", "memory B", "switched memory B", "atypical B")
NONE = "No cell carries a label: there is no composition to draw."


def whole_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of whole cell types, shares of all cells."""
    return frame[frame["level"] == "cell_type"]


def b_subsets(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the subsets of B and plasma cells, shares of their type, naive first."""
    rows = frame[(frame["level"] == "cell_subtype") & frame["parent"].isin(B_LINEAGE)]
    place = {name: i for i, name in enumerate(SUBSETS)}
    order = rows["cell_type"].map(place).fillna(len(place))
    return rows.iloc[order.argsort(kind="stable")]


def car_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the CAR T cells, shares of the T cells."""
    return frame[frame["level"] == "car"]


def bars_in_order(composition: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the shares as a table sample by cell type, in the order patient, time.

    The index is the sample; a cell type absent from a sample has share 0.
    """
    order = samples.sort_values(["patient", "timepoint"], kind="stable")["sample"]
    wide = composition.pivot_table(index="sample", columns="cell_type", values="fraction")
    return wide.reindex([s for s in order if s in wide.index]).fillna(0.0)


def draw_bars(composition: pd.DataFrame, samples: pd.DataFrame):
    """Return one stacked bar per sample, grouped by patient; shares from 6 % on are printed."""
    wide = bars_in_order(composition, samples)
    known = samples.set_index("sample")
    colors = figures.cell_type_colors(wide.columns)
    fig = figures.figure(8.5, 1.6 + 0.34 * len(wide))
    ax = fig.subplots()
    people = known.loc[wide.index, "patient"].astype(str)
    gaps = (people != people.shift()).cumsum() - 1
    y = pd.Series(range(len(wide)), index=wide.index) + 0.5 * gaps
    left = pd.Series(0.0, index=wide.index)
    for name, color in colors.items():
        share = 100 * wide[name]
        ax.barh(y, share, left=left, height=0.85, color=color, ec="white", lw=0.6)
        for sample in wide.index[share >= 6]:
            place = (left[sample] + share[sample] / 2, y[sample])
            style = {"ha": "center", "va": "center", "color": figures.text_on(color)}
            ax.text(*place, f"{share[sample]:.0f}", fontsize=8, **style)
        left += share
    times = known.loc[wide.index, "timepoint"].astype(str)
    ax.set_yticks(y, [f"{p}  {spoken(t)}" for p, t in zip(people, times, strict=True)])
    ax.set_ylim(y.max() + 0.6, -0.6)
    ax.set_xlim(0, 100)
    ax.set_xlabel("% of the sample's cells")
    ax.tick_params(axis="y", length=0)
    panels.patch_legend(fig, colors, columns=6)
    return fig


def draw_over_time(shares: pd.DataFrame, times: list[str], people: list[str]):
    """Return one panel per kind of cell: its share over time with intervals, a line per patient.

    A kind without a share in any sample (CAR T cells where there are no T cells) has no panel.
    """
    shares = shares.dropna(subset=["fraction"])
    kinds = shares[["cell_type", "denominator"]].drop_duplicates("cell_type")
    looks = panels.looks_of(people)
    fig, axes = panels.grid(len(kinds), columns=3, width=3.3, height=2.1, sharex=True)
    scaled = shares.rename(columns={"fraction": "value", "patient": "series"})
    scaled[["value", "ci_low", "ci_high"]] *= 100
    for ax, (kind, whole) in zip(axes, kinds.to_numpy(), strict=True):
        panels.over_time(ax, scaled[scaled["cell_type"] == kind], times, looks)
        ax.set_title(kind)
        ax.set_ylim(bottom=0)
        ax.set_ylabel(f"% of {whole.replace('cells of type ', '')}")
        ax.tick_params(labelbottom=True)
    panels.legend_below(fig, looks)
    return fig


def draw_change(change: pd.DataFrame, comparisons: list[str], people: list[str]):
    """Return one forest per comparison: the share's fold change by cell type and patient."""
    parts = [b_subsets(change), car_cells(change)]
    kinds = list(figures.cell_type_colors(whole_types(change)["cell_type"]))
    kinds += [kind for part in parts for kind in part["cell_type"].unique()]
    frame = pd.concat([whole_types(change), *parts])
    frame = frame.rename(columns={"cell_type": "row", "scope": "series"})
    looks = panels.looks_of(people, cohort=(frame["series"] == "cohort").any())
    height = 1.0 + len(kinds) * (0.26 + 0.06 * min(len(looks), panels.MANY))
    fig, axes = panels.grid(len(comparisons), columns=2, width=4.9, height=height, sharey=True)
    for ax, name in zip(axes, comparisons, strict=True):
        panels.forest(ax, frame[frame["comparison"] == name], rows=kinds, looks=looks)
        panels.no_change_line(ax)
        panels.fold_axis(ax)
        ax.set_title(spoken(name))
    panels.legend_below(fig, looks)
    return fig


def save_levels(composition: pd.DataFrame, plan: dict, out) -> None:
    """Write the figures of shares, or the sentence why there are none."""
    times, people = design.times_of(plan), design.patients_of(plan)
    bars = (out.composition_png, out.composition_pdf)
    over = (out.composition_over_time_png, out.composition_over_time_pdf)
    subsets = (out.b_cell_subsets_png, out.b_cell_subsets_pdf)
    whole = whole_types(composition)
    if whole.empty:
        figures.save_note(NONE, *bars)
        figures.save_note(NONE, *over)
    else:
        alt = f"Stacked bars of the cell types' shares in {whole['sample'].nunique()} samples."
        figures.save(draw_bars(whole, design.frame(plan)), *bars, alt=alt)
        order = list(figures.cell_type_colors(whole["cell_type"]))
        rows = whole.sort_values("cell_type", key=lambda s: s.map(order.index), kind="stable")
        fig = draw_over_time(pd.concat([rows, car_cells(composition)]), times, people)
        figures.save(fig, *over, alt="Lines of each cell type's share over time, by patient.")
    rows = b_subsets(composition)
    if rows["fraction"].isna().all():
        figures.save_note("No subset of B cells was told apart.", *subsets)
        return
    fig = draw_over_time(rows, times, people)
    figures.save(fig, *subsets, alt="Lines of the B-cell subsets' shares over time, by patient.")


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    out, plan = smk.output, smk.params.design
    save_levels(tables.read(smk.input.composition), plan, out)
    change = panels.scoped(tables.read(smk.input.change))
    paths = (out.composition_change_png, out.composition_change_pdf)
    names = [n for n in design.comparison_names(plan) if (change["comparison"] == n).any()]
    if not names:
        figures.save_note("No patient has a baseline and a follow-up to compare.", *paths)
        return
    alt = "Forest plot of the fold change of each cell type's share, by patient."
    fig = draw_change(change, names, design.patients_of(plan))
    figures.save(fig, *paths, alt=alt)


if __name__ == "__main__":
    main(snakemake)
