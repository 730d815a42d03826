"""Draw the repertoires: isotypes over time, V genes against the baseline, CDR3 lengths, expansion.

Inputs: `isotypes`, `usage`, `expansion` (tables/isotypes.tsv, gene_usage.tsv, expansion.tsv) and
`lengths` (cohort/junction_lengths.parquet).
Outputs: `isotypes_over_time`, `v_gene_change`, `junction_lengths`, `expansion_classes`, each
`_png|_pdf`.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from immune_reset import design as designs
from immune_reset import figures, panels, tables
from immune_reset.figures import spoken
from immune_reset.gene_changes import v_changes
from immune_reset.runtime import start

ISOTYPES = {
    "IGHM": "#0072B2",
    "IGHD": "#9CCBE8",
    "IGHG": "#D55E00",
    "IGHA": "#E69F00",
    "IGHE": "#882255",
}
CLASSES = {"1": "#E6E6E6", "2": "#9CCBE8", "3-9": "#0072B2", "10+": "#882255"}
CLASS_WORDS = {"1": "one cell", "2": "2 cells", "3-9": "3 to 9 cells", "10+": "10 or more"}
PLACES = (("BCR", "all"), ("TCR", "all"), ("TCR", "CD4"), ("TCR", "CD8"))
LOCI = {"IGH": "BCR", "TRB": "TCR"}
GENES = 12
MANY = 6  # lines of CDR3 lengths in a panel


def stacked(ax, parts: pd.DataFrame, colors: dict[str, str], totals: list[int]) -> None:
    """Draw one stacked bar per row of `parts` (percent by name), its number of cells above it."""
    bottom = np.zeros(len(parts))
    for name, color in colors.items():
        height = 100 * parts[name].fillna(0).to_numpy(float)
        ax.bar(range(len(parts)), height, bottom=bottom, color=color, ec="white", lw=0.6, width=0.7)
        bottom += height
    for x, n in enumerate(totals):
        text = f"{n:,}" if bottom[x] > 0 else f"{n:,}: n.e."
        style = {"ha": "center", "va": "bottom", "fontsize": 8, "color": figures.GREY}
        ax.text(x, bottom[x] + 1.5, text, **style)
    ax.set_xticks(range(len(parts)), [spoken(t) for t in parts.index])
    ax.set_xlim(-0.6, len(parts) - 0.4)
    ax.set_ylim(0, 112)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.set_ylabel("% of cells")


def draw_isotypes(frame: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return one panel per patient: isotypes of the B cells at each timepoint."""
    fig, axes = panels.grid(len(people), columns=4, width=2.9, height=2.5)
    for ax, patient in zip(axes, people, strict=True):
        own = frame[frame["patient"] == patient]
        times = [t for t in timepoints if t in set(own["timepoint"])]
        parts = own.pivot_table(
            index="timepoint", columns="isotype", values="fraction", dropna=False
        )
        parts = parts.reindex(index=times, columns=list(ISOTYPES))
        n = own.groupby("timepoint")["n_total"].max().reindex(times).fillna(0).astype(int)
        stacked(ax, parts, ISOTYPES, n.tolist())
        ax.set_title(patient)
    panels.patch_legend(fig, ISOTYPES)
    return fig


def draw_expansion(frame: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return a row of panels per patient: shares of cells by clone size at equal depth."""
    known = frame.dropna(subset=["m"])
    places = [p for p in PLACES if len(known[known[["receptor", "compartment"]].eq(p).all(axis=1)])]
    n_panels = len(people) * len(places)
    fig, axes = panels.grid(n_panels, columns=len(places), width=2.6, height=2.3)
    for ax, (patient, (receptor, part)) in zip(
        axes, [(p, place) for p in people for place in places], strict=True
    ):
        own = frame[(frame["patient"] == patient) & (frame["receptor"] == receptor)]
        own = own[own["compartment"] == part]
        times = [t for t in timepoints if t in set(own["timepoint"])]
        shares = own.pivot_table(
            index="timepoint", columns="size_class", values="fraction", dropna=False
        )
        n = own.groupby("timepoint")["n_cells"].max().reindex(times).fillna(0).astype(int)
        stacked(ax, shares.reindex(index=times, columns=list(CLASSES)), CLASSES, n.tolist())
        m = own["m"].max()
        depth = f" at {m:,.0f} cells" if m == m else ""
        name = receptor if part == "all" else part
        ax.set_title(f"{patient} {name}{depth}", fontsize=9)
    panels.patch_legend(fig, {CLASS_WORDS[name]: color for name, color in CLASSES.items()})
    return fig


def draw_v_genes(usage: pd.DataFrame, comparisons: list[tuple], people: list[str]):
    """Return a panel per locus and comparison: the most used V genes against the baseline."""
    looks, wanted = panels.looks_of(people), []
    for locus in LOCI:
        for comparison in comparisons:
            rows = v_changes(usage[usage["locus"] == locus], comparison)
            if len(rows):
                wanted.append((locus, comparison[2], rows))
    if not wanted:
        return None
    fig, axes = panels.grid(len(wanted), columns=2, width=4.8, height=4.6)
    for ax, (locus, name, rows) in zip(axes, wanted, strict=True):
        own = usage[usage["locus"] == locus]
        mean = own.groupby("v_call")["fraction_clones"].sum().sort_values(ascending=False)
        genes = [gene for gene in mean.index if gene in set(rows["row"])][:GENES]
        panels.forest(ax, rows[rows["row"].isin(genes)], rows=genes, looks=looks)
        panels.no_change_line(ax)
        ax.set_title(f"{locus}, {spoken(name)}")
        ax.set_xlabel("change, percentage points of clones")
    panels.legend_below(fig, looks)
    return fig


def draw_lengths(lengths: pd.DataFrame, timepoints: list[str], people: list[str]):
    """Return a panel per patient and locus: CDR3 lengths of the clones, a line per timepoint."""
    wanted = [(p, x) for x in LOCI for p in people]
    seen = set(lengths[["patient", "locus"]].itertuples(index=False, name=None))
    wanted = [pair for pair in wanted if pair in seen]
    colors = figures.timepoint_colors(timepoints)
    looks = {t: (colors[t], figures.markers(timepoints)[t]) for t in timepoints[:MANY]}
    fig, axes = panels.grid(len(wanted), columns=min(len(people), 4), width=3.1, height=2.3)
    for ax, (patient, locus) in zip(axes, wanted, strict=True):
        own = lengths[(lengths["patient"] == patient) & (lengths["locus"] == locus)]
        for time, (color, marker) in looks.items():
            part = own[own["timepoint"] == time].set_index("length")["fraction_clones"]
            if len(part):
                span = range(int(own["length"].min()), int(own["length"].max()) + 1)
                share = 100 * part.reindex(span, fill_value=0)
                ax.plot(share.index, share, color=color, marker=marker, ms=3, lw=1.3)
        ax.set_ylim(bottom=0)
        ax.set_title(f"{patient} {locus}")
        ax.set_xlabel("CDR3 with anchors, amino acids")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylabel("% of clones")
        ax.grid(axis="y")
    panels.legend_below(fig, looks)
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    plan, out = smk.params.design, smk.output
    isotypes, usage = tables.read(smk.input.isotypes), tables.read(smk.input.usage)
    expansion, lengths = tables.read(smk.input.expansion), tables.read(smk.input.lengths)
    people, times = panels.patients_of(plan), plan["timepoints"]
    cells = isotypes[(isotypes["n_total"] > 0) & isotypes["patient"].isin(people)]
    typed = [p for p in people if p in set(cells["patient"])]
    classed = expansion[expansion["patient"].isin(people)]
    drawn = [p for p in people if p in set(classed.dropna(subset=["m"])["patient"])]
    lengths = lengths[lengths["patient"].isin(people) & lengths["locus"].isin(list(LOCI))]
    usage = usage[usage["patient"].isin(people)]
    compared = designs.comparisons(plan)
    made = {
        "isotypes_over_time": draw_isotypes(isotypes, times, typed) if typed else None,
        "v_gene_change": draw_v_genes(usage, compared, people) if len(usage) else None,
        "junction_lengths": draw_lengths(lengths, times, people) if len(lengths) else None,
        "expansion_classes": draw_expansion(classed, times, drawn) if drawn else None,
    }
    for name, fig in made.items():
        paths = (getattr(out, f"{name}_png"), getattr(out, f"{name}_pdf"))
        alt, empty = TEXTS[name]
        figures.save_note(empty, *paths) if fig is None else figures.save(fig, *paths, alt=alt)


TEXTS = {
    "isotypes_over_time": (
        "Stacked bars: heavy-chain isotypes of the B cells by patient and timepoint.",
        "No B cell has a heavy-chain isotype.",
    ),
    "v_gene_change": (
        "Points with intervals: change of each V gene's share of clones against the baseline.",
        "V genes cannot be compared: no patient has clones at the baseline and at a follow-up.",
    ),
    "junction_lengths": (
        "Lines: share of clones by CDR3 length, per patient, locus and timepoint.",
        "No clone has a CDR3 to measure.",
    ),
    "expansion_classes": (
        "Stacked bars: shares of cells in clones of each size, at equal numbers of cells.",
        "No sample has enough cells with a clone for expansion classes at equal depth.",
    ),
}


if __name__ == "__main__":
    main(snakemake)
