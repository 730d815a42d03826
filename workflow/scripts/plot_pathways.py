"""Draw the pathway scores by cell type before and after, their changes, and where these arise.

Inputs, of the shipped gene sets: `scores`, `change` (`compare_pathways`), optional `attribution`.
Outputs: `pathway_interferon`, `pathway_jak_stat`, `pathway_change`, `attribution`, each
`_png|_pdf`.
"""

import numpy as np
import pandas as pd

from immune_reset import design, figures, panels, tables
from immune_reset.figures import spoken
from immune_reset.runtime import start

INTERFERON = "ISG28"
JAK_STAT = "HALLMARK_IL6_JAK_STAT3_SIGNALING"
SHOWN = {
    INTERFERON: "type I interferon (ISG28)",
    JAK_STAT: "JAK-STAT (IL6-JAK-STAT3)",
    "JAK_STAT_BEYOND_INTERFERON": "JAK-STAT beyond interferon",
}
POOLED = {"T": "T (CD4 + CD8)", "all": "mean of the types"}


def by_cell_type(scores: pd.DataFrame, gene_set: str) -> pd.DataFrame:
    """Return one gene set's scores as row (cell type), series (timepoint), estimate, interval.

    Scores that are not scorable keep no value; column `patient` says whose they are.
    """
    rows = scores[scores["gene_set"] == gene_set].replace({"cell_type": POOLED})
    rows.loc[rows["status"] == "not scorable", ["score", "ci_low", "ci_high"]] = np.nan
    return rows.rename(columns={"cell_type": "row", "timepoint": "series", "score": "estimate"})


def draw_scores(rows: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return one panel per patient: the score of each cell type at each timepoint."""
    colors, shapes = figures.timepoint_colors(timepoints), figures.markers(timepoints)
    looks = {name: (colors[name], shapes[name]) for name in timepoints}
    known = rows[rows["estimate"].notna() | rows["ci_low"].notna() | rows["ci_high"].notna()]
    kinds = list(figures.cell_type_colors(known["row"]))
    height = 1.0 + len(kinds) * (0.24 + 0.07 * len(timepoints))
    fig, axes = panels.grid(
        len(people), columns=3, width=3.2, height=height, sharex=True, sharey=True
    )
    for ax, patient in zip(axes, people, strict=True):
        panels.forest(ax, rows[rows["patient"] == patient], rows=kinds, looks=looks)
        ax.set_title(patient)
        ax.set_xlabel("log2 UMIs of the set per 10,000")
        ax.tick_params(labelbottom=True)
    panels.legend_below(fig, looks)
    return fig


def draw_change(change: pd.DataFrame, names: list[str], people: list[str], *, minimum: float):
    """Return a forest per comparison and gene set: fold change by cell type and patient."""
    sets = [name for name in SHOWN if (change["gene_set"] == name).any()]
    frame = change.replace({"cell_type": POOLED})
    frame = frame.rename(columns={"cell_type": "row", "scope": "series"})
    known = frame[frame[["estimate", "ci_low", "ci_high"]].notna().any(axis=1)]
    kinds = list(figures.cell_type_colors(known["row"]))
    looks = panels.looks_of(people, cohort=(known["series"] == "cohort").any())
    height = 1.0 + len(kinds) * (0.24 + 0.07 * min(len(looks), panels.MANY))
    fig, axes = panels.grid(
        len(names) * len(sets), columns=len(sets), width=3.5, height=height, sharey=True
    )
    pairs = [(name, gene_set) for name in names for gene_set in sets]
    for ax, (name, gene_set) in zip(axes, pairs, strict=True):
        part = frame[(frame["comparison"] == name) & (frame["gene_set"] == gene_set)]
        panels.forest(ax, part, rows=kinds, looks=looks)
        panels.no_change_line(ax, minimum)
        panels.fold_axis(ax)
        ax.set_title(f"{SHOWN[gene_set]}\n{spoken(name)}")
    panels.legend_below(fig, looks)
    return fig


def attribution_totals(attribution: pd.DataFrame) -> pd.DataFrame:
    """Return within, composition and their sum per scope, comparison and gene set.

    Linear: UMIs of the set per 10,000 UMIs of the sample's cells; terms of the cell types summed.
    """
    scope = "scope" if "scope" in attribution else "patient"
    keys = [scope, "comparison", "gene_set"]
    sums = attribution.groupby(keys, sort=False)[["within", "composition"]].sum().reset_index()
    sums["total"] = sums["within"] + sums["composition"]
    return sums.rename(columns={scope: "scope"})


def draw_attribution(totals: pd.DataFrame, names: list[str], people: list[str]):
    """Return a panel per comparison and gene set: the change within cell types and by their mix."""
    sets = [name for name in (INTERFERON, JAK_STAT) if (totals["gene_set"] == name).any()]
    fig, axes = panels.grid(
        len(names) * len(sets), columns=len(sets), width=4.6, height=0.9 + 0.42 * len(people)
    )
    parts = {"within": ("#0072B2", -0.2), "composition": ("#E69F00", 0.2)}
    pairs = [(name, gene_set) for name in names for gene_set in sets]
    for ax, (name, gene_set) in zip(axes, pairs, strict=True):
        own = totals[(totals["comparison"] == name) & (totals["gene_set"] == gene_set)]
        own = own.set_index("scope").reindex(people)
        y = np.arange(len(people))
        for part, (color, offset) in parts.items():
            ax.barh(y + offset, own[part], height=0.36, color=color)
        ax.plot(own["total"], y, "D", color=figures.INK, ms=5, mec="white")
        ax.set_yticks(y, people)
        ax.invert_yaxis()
        ax.axvline(0, color=figures.INK, lw=1)
        ax.grid(axis="x")
        ax.set_title(f"{SHOWN[gene_set]}\n{spoken(name)}")
        ax.set_xlabel("change, UMIs of the set per 10,000")
    colors = {"within cell types": "#0072B2", "by the mix of cell types": "#E69F00"}
    panels.patch_legend(fig, colors | {"total (diamond)": figures.INK})
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    cfg, out, plan = smk.params.cfg, smk.output, smk.params.design
    people, scores = design.patients_of(plan), tables.read(smk.input.scores)
    for gene_set, path in (
        (INTERFERON, (out.pathway_interferon_png, out.pathway_interferon_pdf)),
        (JAK_STAT, (out.pathway_jak_stat_png, out.pathway_jak_stat_pdf)),
    ):
        save_scores(by_cell_type(scores, gene_set), gene_set, path, design.times_of(plan), people)
    change = panels.scoped(tables.read(smk.input.change))
    names = [n for n in design.comparison_names(plan) if (change["comparison"] == n).any()]
    paths = (out.pathway_change_png, out.pathway_change_pdf)
    if names and change["estimate"].notna().any():
        fig = draw_change(change, names, people, minimum=cfg["claims.min_log2_change"])
        alt = "Forest plot of the change of pathway activity by cell type, patient and comparison."
        figures.save(fig, *paths, alt=alt)
    else:
        figures.save_note("No change of a pathway is estimable.", *paths)
    path = tables.optional(smk.input, "attribution")
    table = tables.read(path) if path else pd.DataFrame()
    paths = (out.attribution_png, out.attribution_pdf)
    names = [n for n in names if len(table) and (table["comparison"] == n).any()]
    if names:
        alt = "Bars: change of the pathway within cell types and by their mix, by patient."
        figures.save(draw_attribution(attribution_totals(table), names, people), *paths, alt=alt)
    else:
        figures.save_note("There is no change to attribute.", *paths)


def save_scores(rows, gene_set: str, path, timepoints: list[str], people: list[str]) -> None:
    """Write one gene set's figure, or the sentence that no sample could be scored."""
    if not rows[["estimate", "ci_low", "ci_high"]].notna().any(axis=None):
        figures.save_note(f"No cell type could be scored for {SHOWN[gene_set]}.", *path)
        return
    alt = f"Score of {SHOWN[gene_set]} by cell type and timepoint, one panel per patient."
    figures.save(draw_scores(rows, timepoints, people), *path, alt=alt)


if __name__ == "__main__":
    main(snakemake)
