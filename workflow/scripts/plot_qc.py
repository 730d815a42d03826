"""Draw the quality control: what each sample lost and why, and what its cells look like.

Inputs: `qc` (tables/qc.tsv), `cells` (cells.parquet of every sample).
Outputs: `qc_losses_png|pdf`, `qc_distributions_png|pdf`.
Of `params.design` only the pseudonyms are used, where the report hides names.
"""

import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from immune_reset import figures, panels, tables
from immune_reset.figures import LOSSES
from immune_reset.runtime import start

KEPT = "#D9DDE3"
MEASURES = {
    "total_counts": "UMIs per cell",
    "n_genes_by_counts": "genes per cell",
    "pct_counts_mt": "mitochondrial UMIs, %",
}


def loss_shares(qc: pd.DataFrame) -> pd.DataFrame:
    """Return percent of barcodes kept and lost by reason, one row per sample.

    Columns: kept, then every `lost_<reason>` column of the table without its prefix.
    """
    lost = [name for name in qc.columns if name.startswith("lost_")]
    counts = qc.set_index("sample")[["cells_kept", *lost]].astype(float)
    counts.columns = ["kept", *(name.removeprefix("lost_") for name in lost)]
    return 100 * counts.div(qc.set_index("sample")["barcodes_in"].clip(lower=1), axis=0)


def draw_losses(qc: pd.DataFrame):
    """Return a figure of one stacked bar per sample: kept, and lost by reason."""
    shares = loss_shares(qc)
    fig = figures.figure(8.5, 1.3 + 0.3 * len(shares))
    ax = fig.subplots()
    left = pd.Series(0.0, index=shares.index)
    own = iter(figures.OTHERS * 2)
    colors = {name: LOSSES.get(name) or next(own) for name in shares.columns if name != "kept"}
    for name, color in ({"kept": KEPT} | colors).items():
        ax.barh(shares.index, shares[name], left=left, color=color, ec="white", lw=0.6)
        left += shares[name]
    for y, (sample, kept) in enumerate(shares["kept"].items()):
        n = int(qc.set_index("sample").loc[sample, "cells_kept"])
        ax.text(1, y, f"{n:,} cells kept ({kept:.0f} %)", va="center", fontsize=8.5)
    ax.set_ylim(len(shares) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    ax.set_xlabel("% of the sample's barcodes")
    ax.tick_params(axis="y", length=0)
    used = {name: color for name, color in colors.items() if shares[name].gt(0).any()}
    panels.patch_legend(fig, {"kept": KEPT} | used, columns=4)
    return fig


def _steps(values: pd.Series) -> tuple[float, ...]:
    """Return which multiples of a power of ten get a tick: more where the values lie close."""
    low, high = values[values > 0].quantile([0.05, 0.95])
    return (1, 1.5, 2, 3, 5, 7) if high < 5 * low else (1, 2, 5)


def draw_distributions(cells: pd.DataFrame, samples: list[str]):
    """Return a figure of box plots of the kept cells' measures, one box per sample.

    A measure that the data do not have (no mitochondrial genes) has no panel.
    """
    shown = {name: MEASURES[name] for name in MEASURES if name in cells and cells[name].any()}
    fig = figures.figure(9.5, 1.0 + 0.28 * len(samples))
    axes = fig.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    kept = cells[cells["keep"].astype(bool)]
    for ax, (name, title) in zip(axes, shown.items(), strict=True):
        values = [kept.loc[kept["sample"] == s, name].dropna().to_numpy() for s in samples]
        ax.boxplot(
            values,
            orientation="horizontal",
            tick_labels=samples,
            whis=(5, 95),
            showfliers=False,
            widths=0.6,
            patch_artist=True,
            boxprops={"facecolor": "#CFE3F1", "edgecolor": figures.INK, "linewidth": 0.8},
            medianprops={"color": figures.INK, "linewidth": 1.6},
        )
        if name != "pct_counts_mt":
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=_steps(kept[name])))
            ax.xaxis.set_major_formatter("{x:,.0f}")
            ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_title(title)
        ax.grid(axis="x")
    axes[0].invert_yaxis()
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    out = smk.output
    qc = tables.read(smk.input.qc)
    cells = tables.read_many(smk.input.cells)
    samples = [s for s in qc["sample"] if (cells["sample"] == s).any()]
    if qc.empty or not any(name in cells for name in MEASURES):
        reason = "No expression data: there is no quality control of cells to draw."
        figures.save_note(reason, out.qc_losses_png, out.qc_losses_pdf)
        figures.save_note(reason, out.qc_distributions_png, out.qc_distributions_pdf)
        return
    alt = f"Bars for {len(qc)} samples: share of barcodes kept, and lost by reason."
    figures.save(draw_losses(qc), out.qc_losses_png, out.qc_losses_pdf, alt=alt)

    fig = draw_distributions(cells, samples)
    figures.save(fig, out.qc_distributions_png, out.qc_distributions_pdf, alt=alt)


if __name__ == "__main__":
    main(snakemake)
