"""Draw the map of cells (UMAP): by cell type, timepoint, patient and interferon score.

Inputs: `umap` (cell_id, umap_1, umap_2), `labels` (cell_id, sample, cell_type), optional `scores`
(cell_scores.parquet of every sample, column ISG28). The cells are drawn in a shuffled order, so
that no group hides another.
Outputs: `umap_cell_type`, `umap_timepoint`, `umap_patient`, `umap_interferon`, each `_png|_pdf`.
"""

import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke

from immune_reset import design, figures, language, panels, tables
from immune_reset.figures import spoken
from immune_reset.runtime import start

SCORE = "ISG28"
HALO = [withStroke(linewidth=2.5, foreground="white")]


def joined(
    umap: pd.DataFrame, labels: pd.DataFrame, samples: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Return one row per drawn cell, shuffled: umap_1, umap_2, cell_type, patient, timepoint.

    Raises
    ------
    ValueError
        If a cell of the layout has no label, or more than one.
    """
    cells = umap.merge(labels[["cell_id", "sample", "cell_type"]], on="cell_id", validate="1:1")
    if len(cells) != len(umap):
        raise ValueError(f"{len(umap) - len(cells)} cells of the layout have no label")
    cells = cells.merge(samples[["sample", "patient", "timepoint"]], on="sample", how="left")
    order = np.random.default_rng(seed).permutation(len(cells))
    return cells.iloc[order].reset_index(drop=True)


def dot_size(n: int) -> float:
    """Return the area of a dot (points squared) that keeps `n` of them legible."""
    return float(np.clip(40000 / max(n, 1), 0.3, 9))


def bare(ax, title: str) -> None:
    """Take the axes from a map: its distances have no unit."""
    ax.set(xticks=[], yticks=[], title=title, aspect="equal")
    ax.spines[:].set_visible(False)


def dots(ax, cells: pd.DataFrame, color, size: float, **style):
    """Scatter the cells, as pixels in the PDF."""
    return ax.scatter(
        cells["umap_1"], cells["umap_2"], s=size, c=color, lw=0, rasterized=True, **style
    )


def named_places(cells: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return where to write each cell type's name: on its cell nearest to its median.

    Types of less than 1 % of the cells are left to the legend, where they hide no other name.
    """
    places = {}
    for name, own in cells.groupby("cell_type", sort=True):
        if len(own) >= 0.01 * len(cells):
            points = own[["umap_1", "umap_2"]].to_numpy(float)
            nearest = ((points - np.median(points, axis=0)) ** 2).sum(axis=1).argmin()
            places[name] = tuple(points[nearest])
    return places


def draw_types(cells: pd.DataFrame):
    """Return the map coloured by cell type, the larger types named on the map."""
    colors = figures.cell_type_colors(cells["cell_type"])
    fig = figures.figure(7.5, 6.2)
    ax = fig.subplots()
    dots(ax, cells, cells["cell_type"].map(colors), dot_size(len(cells)))
    for name, (x, y) in named_places(cells).items():
        ax.text(x, y, name, ha="center", va="center", weight="bold", path_effects=HALO)
    bare(ax, f"{len(cells):,} cells by cell type")
    counts = cells["cell_type"].value_counts()
    named = {f"{language.said(k)} ({counts[k]:,})": color for k, color in colors.items()}
    panels.patch_legend(fig, named, columns=4)
    return fig


def draw_split(cells: pd.DataFrame, column: str, colors: dict[str, str]):
    """Return one small map per group: its cells in colour over all others in grey."""
    size = dot_size(len(cells))
    columns = 3 if len(colors) <= 9 else 6
    fig, axes = panels.grid(len(colors), columns=columns, width=9.3 / columns, height=9.3 / columns)
    for ax, (name, color) in zip(axes, colors.items(), strict=True):
        own = cells[cells[column] == name]
        dots(ax, cells, "#E3E6EB", size)
        dots(ax, own, color, size * 1.4)
        bare(ax, f"{spoken(name)} ({len(own):,} cells)")
    return fig


def score_range(scores: pd.Series) -> tuple[float, float]:
    """Return both ends of the scale: the 1st and 99th percentile, all where these are one."""
    low, high = np.nanquantile(scores, [0.01, 0.99])
    if high <= low:
        low, high = np.nanmin(scores), np.nanmax(scores)
    return float(low), float(high if high > low else low + 0.01)


def draw_scores(cells: pd.DataFrame, timepoints: list[str]):
    """Return one map per timepoint coloured by the cells' interferon score, on one scale."""
    fig, axes = panels.grid(len(timepoints), columns=3, width=3.1, height=3.1, extra=0.3)
    low, high = score_range(cells[SCORE])
    for ax, name in zip(axes, timepoints, strict=True):
        own = cells[cells["timepoint"] == name].sort_values(SCORE)
        style = {"cmap": "cividis", "vmin": low, "vmax": high}
        dots(ax, cells, "#ECEEF1", dot_size(len(cells)))
        drawn = dots(ax, own, own[SCORE], dot_size(len(cells)) * 1.4, **style)
        bare(ax, f"{spoken(name)} ({len(own):,} cells)")
    fig.colorbar(drawn, ax=axes, shrink=0.7, label=f"{SCORE} score of the cell (AUCell)")
    return fig


def in_words(cells: pd.DataFrame, what: str) -> str:
    """Return what a map shows, for its alt text."""
    return f"UMAP of {len(cells):,} cells coloured by {what}."


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    cfg, out = smk.params.cfg, smk.output
    samples = design.frame(smk.params.design)
    umap, labels = tables.read(smk.input.umap), tables.read(smk.input.labels)
    cells = joined(umap, labels, samples, seed=cfg["seed"])
    fig, path = draw_types(cells), (out.umap_cell_type_png, out.umap_cell_type_pdf)
    figures.save(fig, *path, alt=in_words(cells, "cell type"))
    times = [t for t in smk.params.design["timepoints"] if (cells["timepoint"] == t).any()]
    fig = draw_split(cells, "timepoint", figures.timepoint_colors(times))
    path = (out.umap_timepoint_png, out.umap_timepoint_pdf)
    figures.save(fig, *path, alt=in_words(cells, "timepoint"))
    people = list(dict.fromkeys(samples["patient"].astype(str)))
    fig = draw_split(cells, "patient", figures.patient_colors(people))
    path = (out.umap_patient_png, out.umap_patient_pdf)
    figures.save(fig, *path, alt=in_words(cells, "patient"))
    path = (out.umap_interferon_png, out.umap_interferon_pdf)
    scored = tables.optional(smk.input, "scores")
    scores = tables.read_many(scored) if scored else pd.DataFrame()
    if SCORE not in scores or not scores[SCORE].notna().any():
        figures.save_note(f"No cell carries an {SCORE} score: too few of its genes.", *path)
        return
    cells = cells.merge(scores[["cell_id", SCORE]], on="cell_id", how="left", validate="1:1")
    alt = in_words(cells, "interferon score, by timepoint")
    figures.save(draw_scores(cells, times), *path, alt=alt)


if __name__ == "__main__":
    main(snakemake)
