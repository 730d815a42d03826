"""Draw the patients over time beside the range of the healthy controls.

Input: `reference` (tables/reference.tsv). Outputs: `reference_png`, `reference_pdf`.
"""

import pandas as pd

from immune_reset import design, figures, panels, tables
from immune_reset.runtime import start

INTERFERON = "ISG28"
TYPES = ("B", "plasma", "CD4 T", "CD8 T", "NK", "monocyte", "DC")
SHARES = ("B", "plasma", "naive B", "CD4 T", "CD8 T", "NK", "monocyte")
NONE = "Fewer than three healthy controls have a value, so there is no range to show."


def chosen(reference: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Return (title, unit, rows) of each panel: interferon, shares, diversity; estimable alone.

    Shares are in %, diversity is divided by the controls' mean at the same number of cells.
    """
    known = reference[reference["status"] == "estimable"]
    numbers = ["value", "control_mean", "control_low", "control_high"]
    found = []
    for kind in TYPES:
        part = known[(known["measure"] == INTERFERON) & (known["cell_type"] == kind)]
        found.append((f"Interferon, {kind}", "log2 per 10,000", part))
    shares = known[known["kind"] == "composition"].copy()
    shares[numbers] *= 100
    for kind in SHARES:
        part = shares[shares["measure"] == kind]
        whole = part["cell_type"].iloc[0].replace("cells of type ", "") if len(part) else ""
        found.append((kind, f"% of {whole}", part))
    repertoires = known[known["kind"] == "diversity"].copy()
    repertoires[numbers] = repertoires[numbers].div(repertoires["control_mean"], axis=0)
    for receptor in ("BCR", "TCR"):
        part = repertoires[repertoires["measure"] == receptor]
        found.append((f"{receptor} diversity", "of the controls' mean", part))
    return [entry for entry in found if len(entry[2])]


def draw(parts: list[tuple[str, str, pd.DataFrame]], times: list[str], people: list[str]):
    """Return one panel per measure: a line per patient, the controls' range as a band."""
    looks = panels.looks_of(people)
    fig, axes = panels.grid(len(parts), columns=3, width=3.3, height=2.1, sharex=True)
    for ax, (title, unit, part) in zip(axes, parts, strict=True):
        low, high = part["control_low"].min(), part["control_high"].max()
        ax.axhspan(low, high, color="#DDEFE6", lw=0, zorder=0)
        ax.axhline(part["control_mean"].mean(), color="#2E7D5B", lw=1.2, ls=(0, (4, 2)), zorder=1)
        blank = {"ci_low": float("nan"), "ci_high": float("nan")}
        panels.over_time(
            ax, part.rename(columns={"patient": "series"}).assign(**blank), times, looks
        )
        ax.set_title(f"{title}  (n = {part['n_controls'].min()} controls)", fontsize=9)
        ax.set_ylabel(unit)
        ax.tick_params(labelbottom=True)
    panels.legend_below(fig, looks)
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    plan, paths = smk.params.design, (smk.output.reference_png, smk.output.reference_pdf)
    parts = chosen(tables.read(smk.input.reference))
    if not parts:
        figures.save_note(NONE, *paths)
        return
    fig = draw(parts, design.times_of(plan), design.patients_of(plan))
    alt = "Lines of each patient over time beside the range of the healthy controls."
    figures.save(fig, *paths, alt=alt)


if __name__ == "__main__":
    main(snakemake)
