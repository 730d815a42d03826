"""Draw the repertoires: V genes against the baseline, CDR3 lengths, expansion.

Inputs: `usage`, `usage_change`, `expansion` (tables/gene_usage.tsv, gene_usage_change.tsv,
expansion.tsv) and `lengths` (cohort/junction_lengths.parquet).
Outputs: `v_gene_change`, `junction_lengths`, `expansion_classes` (by cells of a clone),
`expansion_shares` (by its share), each `_png|_pdf`.
"""

import pandas as pd
from matplotlib.ticker import MaxNLocator

from immune_reset import design, figures, panels, tables
from immune_reset.figures import spoken
from immune_reset.runtime import start

CLASSES = {"1": "#E6E6E6", "2": "#9CCBE8", "3-9": "#0072B2", "10+": "#882255"}
SHARES = {
    "rare": "#E6E6E6",
    "small": "#9CCBE8",
    "medium": "#0072B2",
    "large": "#E69F00",
    "hyperexpanded": "#882255",
}
CLASS_WORDS = {
    "1": "one cell",
    "2": "2 cells",
    "3-9": "3 to 9 cells",
    "10+": "10 or more",
    "rare": "rare, to 0.01 %",
    "small": "small, to 0.1 %",
    "medium": "medium, to 1 %",
    "large": "large, to 10 %",
    "hyperexpanded": "hyperexpanded",
}
PLACES = (("BCR", "all"), ("TCR", "all"), ("TCR", "CD4"), ("TCR", "CD8"))
LOCI = {"IGH": "BCR", "TRB": "TCR"}
GENES = 12
MANY = 6  # lines of CDR3 lengths in a panel


def note(n: float, share: float, why: str) -> str:
    """Return what stands above a bar: its cells, or why it has no height."""
    if why or n == 0:
        return why or "no cells"
    return f"{n:,.0f}" if share > 0 else f"{n:,.0f}: n.e."


def draw_expansion(frame: pd.DataFrame, colors: dict[str, str], plan: dict, people: list[str]):
    """Return a row of panels per patient: shares of cells by class of clone at equal depth."""
    known = frame.dropna(subset=["m"])
    places = [p for p in PLACES if len(known[known[["receptor", "compartment"]].eq(p).all(axis=1)])]
    n_panels = len(people) * len(places)
    fig, axes = panels.grid(n_panels, columns=len(places), width=2.6, height=2.3)
    for ax, (patient, (receptor, part)) in zip(
        axes, [(p, place) for p in people for place in places], strict=True
    ):
        own = frame[(frame["patient"] == patient) & (frame["receptor"] == receptor)]
        own = own[own["compartment"] == part]
        times = design.times_of_patient(plan, patient)
        shares = own.pivot_table(
            index="timepoint", columns="size_class", values="fraction", dropna=False
        ).reindex(index=times, columns=list(colors))
        n = own.groupby("timepoint")["n_cells"].max().reindex(times).fillna(0)
        whys = [design.no_file(plan, patient, time, receptor) for time in times]
        totals = zip(n, shares.sum(axis=1), whys, strict=True)
        panels.stacked(ax, shares, colors, [note(*total) for total in totals])
        m = own["m"].max()
        name = f"{patient} {receptor if part == 'all' else part}"
        ax.set_title(f"{name} at {m:,.0f} cells" if m == m else name, fontsize=9)
    looks = {CLASS_WORDS[name]: color for name, color in colors.items()}
    panels.patch_legend(fig, looks, columns=3 if len(places) < 3 else 6)
    return fig


def draw_v_genes(change: pd.DataFrame, usage: pd.DataFrame, names: list[str], people: list[str]):
    """Return a panel per locus and comparison: the most used V genes against the baseline."""
    looks, wanted = panels.looks_of(people), []
    drawn = change[(change["unit"] == "clones") & (change["subset"] == "all")]
    drawn = drawn[drawn["scope"].isin(people)].rename(columns={"scope": "series", "v_call": "row"})
    drawn[["estimate", "ci_low", "ci_high"]] *= 100
    for locus in LOCI:
        for name in names:
            rows = drawn[(drawn["locus"] == locus) & (drawn["comparison"] == name)]
            if len(rows):
                wanted.append((locus, name, rows))
    if not wanted:
        return None
    fig, axes = panels.grid(len(wanted), columns=2, width=4.8, height=4.6)
    for ax, (locus, name, rows) in zip(axes, wanted, strict=True):
        own = usage[(usage["locus"] == locus) & (usage["subset"] == "all")]
        mean = own.groupby("v_call")["fraction_clones"].sum().sort_values(ascending=False)
        genes = [gene for gene in mean.index if gene in set(rows["row"])][:GENES]
        panels.forest(ax, rows[rows["row"].isin(genes)], rows=genes, looks=looks)
        panels.no_change_line(ax)
        ax.set_title(f"{locus}, {spoken(name)}")
        ax.set_xlabel("change, percentage points of clones")
    panels.legend_below(fig, looks)
    return fig


def draw_lengths(lengths: pd.DataFrame, plan: dict, people: list[str]):
    """Return a panel per patient and locus: CDR3 lengths of the clones, a line per timepoint."""
    wanted = [(p, x) for x in LOCI for p in people]
    seen = set(lengths[["patient", "locus"]].itertuples(index=False, name=None))
    wanted = [pair for pair in wanted if pair in seen]
    times = plan["timepoints"]
    colors = figures.timepoint_colors(times)
    looks = {t: (colors[t], figures.markers(times)[t]) for t in times[:MANY]}
    fig, axes = panels.grid(len(wanted), columns=min(len(people), 4), width=3.1, height=2.3)
    for ax, (patient, locus) in zip(axes, wanted, strict=True):
        own = lengths[(lengths["patient"] == patient) & (lengths["locus"] == locus)]
        for time, (color, marker) in looks.items():
            part = own[own["timepoint"] == time].set_index("length")["fraction_clones"]
            if len(part):
                span = range(int(own["length"].min()), int(own["length"].max()) + 1)
                share = 100 * part.reindex(span, fill_value=0)
                ax.plot(share.index, share, color=color, marker=marker, ms=3, lw=1.3)
        none = set(design.times_of_patient(plan, patient)) - set(own["timepoint"])
        words = {t: design.no_file(plan, patient, t, LOCI[locus]) or "no cells" for t in looks}
        ax.set_ylim(bottom=0)
        panels.say_missing(ax, {t: why for t, why in words.items() if t in none})
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
    usage, change = tables.read(smk.input.usage), tables.read(smk.input.usage_change)
    expansion, lengths = tables.read(smk.input.expansion), tables.read(smk.input.lengths)
    people, names = design.patients_of(plan), design.comparison_names(plan)
    classed = expansion[expansion["patient"].isin(people)]
    drawn = [p for p in people if p in set(classed.dropna(subset=["m"])["patient"])]
    lengths = lengths[lengths["patient"].isin(people) & lengths["locus"].isin(list(LOCI))]
    usage = usage[usage["patient"].isin(people)]
    made = {
        "v_gene_change": draw_v_genes(change, usage, names, people) if len(usage) else None,
        "junction_lengths": draw_lengths(lengths, plan, people) if len(lengths) else None,
        "expansion_classes": draw_expansion(classed, CLASSES, plan, drawn) if drawn else None,
        "expansion_shares": draw_expansion(classed, SHARES, plan, drawn) if drawn else None,
    }
    for name, fig in made.items():
        paths = (getattr(out, f"{name}_png"), getattr(out, f"{name}_pdf"))
        alt, empty = TEXTS[name]
        figures.save_note(empty, *paths) if fig is None else figures.save(fig, *paths, alt=alt)


TEXTS = {
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
    "expansion_shares": (
        "Stacked bars: shares of cells in clones by their share, at equal numbers of cells.",
        "No sample has enough cells with a clone for classes by share at equal depth.",
    ),
}


if __name__ == "__main__":
    main(snakemake)
