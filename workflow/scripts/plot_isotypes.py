"""Draw the isotypes of the B cells over time, and how mutated the clones of each isotype are.

Input: `isotypes` (tables/isotypes.tsv).
Outputs: `isotypes_over_time`, `hypermutation`, each `_png|_pdf`.
"""

import pandas as pd

from immune_reset import design, figures, panels, tables
from immune_reset.runtime import start

ISOTYPES = {
    "IGHM": "#0072B2",
    "IGHD": "#9CCBE8",
    "IGHG": "#D55E00",
    "IGHA": "#E69F00",
    "IGHE": "#882255",
}
DRAWN = ("IGHM", "IGHG", "IGHA")  # of the others there are too few for a line
BCR = "BCR"


def note(n: float, plan: dict, patient: str, timepoint: str) -> str:
    """Return what stands above a bar: its cells, or why there are none."""
    if why := design.no_file(plan, patient, timepoint, BCR):
        return why
    return f"{int(n):,}" if n > 0 else "no B cells"


def draw_isotypes(frame: pd.DataFrame, plan: dict, people: list[str]):
    """Return one panel per patient: isotypes of the B cells at each timepoint."""
    fig, axes = panels.grid(len(people), columns=4, width=2.9, height=2.5)
    for ax, patient in zip(axes, people, strict=True):
        own = frame[frame["patient"] == patient]
        times = design.times_of_patient(plan, patient)
        parts = own.pivot_table(
            index="timepoint", columns="isotype", values="fraction", dropna=False
        )
        parts = parts.reindex(index=times, columns=list(ISOTYPES)).astype(float)
        n = own.groupby("timepoint")["n_total"].max().reindex(times).fillna(0)
        notes = [note(n[time], plan, patient, time) for time in times]
        panels.stacked(ax, parts, ISOTYPES, notes)
        ax.set_title(patient)
    panels.patch_legend(fig, ISOTYPES)
    return fig


def draw_mutation(frame: pd.DataFrame, plan: dict, people: list[str]):
    """Return one panel per patient: median mutation of the clones of an isotype over time."""
    shapes = figures.markers(DRAWN)
    looks = {name: (ISOTYPES[name], shapes[name]) for name in DRAWN}
    names = {"isotype": "series", "mutation_median_clones": "value"}
    rows = frame[frame["isotype"].isin(DRAWN)].rename(columns=names)
    rows = rows.drop(columns=["ci_low", "ci_high"])
    rows = rows.rename(columns={"mutation_low": "ci_low", "mutation_high": "ci_high"})
    rows[["value", "ci_low", "ci_high"]] = rows[["value", "ci_low", "ci_high"]].astype(float) * 100
    fig, axes = panels.grid(len(people), columns=4, width=2.9, height=2.5, sharey=True)
    for ax, patient in zip(axes, people, strict=True):
        own = rows[rows["patient"] == patient]
        times = design.times_of_patient(plan, patient)
        panels.over_time(ax, own, times, looks)
        for x, time in enumerate(times):
            if not own.loc[own["timepoint"] == time, "value"].notna().any():
                known = own.loc[own["timepoint"] == time, "n_total"].max()
                why = note(0, plan, patient, time)
                panels.mark_missing(ax, x, "not given" if known > 0 else why)
        ax.set_ylim(bottom=0)
        ax.set_ylabel("% of V positions")
        ax.set_title(patient)
    panels.legend_below(fig, looks)
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    plan, out = smk.params.design, smk.output
    isotypes = tables.read(smk.input.isotypes)
    people = design.patients_of(plan)
    own = isotypes[isotypes["patient"].isin(people)]
    typed = [p for p in people if p in set(own.loc[own["n_total"] > 0, "patient"])]
    known = [p for p in typed if p in set(own.loc[own["n_v_identity"] > 0, "patient"])]
    made = {
        "isotypes_over_time": draw_isotypes(own, plan, typed) if typed else None,
        "hypermutation": draw_mutation(own, plan, known) if known else None,
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
    "hypermutation": (
        "Points with intervals: median mutation of the V gene by isotype, patient and timepoint.",
        "Somatic hypermutation is not available: no contig table of B cells gives the identity of "
        "the V gene with its germline, or an alignment to count it from.",
    ),
}


if __name__ == "__main__":
    main(snakemake)
