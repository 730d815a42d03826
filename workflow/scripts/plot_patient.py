"""Draw one patient's course: drugs, events, clinical measures and the cells, on one axis of days.

Inputs, each where the cohort has it: `clinical`, `composition`, `car`, `scores` (tables of the
cohort, of which the patient's rows are taken) and `diversity` (the patient's own).
Outputs: `patient_png|pdf`.
"""

import numpy as np
import pandas as pd

from immune_reset import course, design, figures, language, tables
from immune_reset.course import Panel
from immune_reset.runtime import start

LANE, STRIP = 0.27, 0.56  # inches of a drug's row and of a panel


def panels_of(frames: dict[str, pd.DataFrame], samples: pd.DataFrame) -> list[Panel]:
    """Return the panels of one patient: clinical measures, then what its cells say.

    `frames`: the patient's own rows of the tables that there are; `samples`: sample, timepoint,
    day. A table without an estimable value still has its panel, which says so.
    """
    days = samples.set_index("sample")["day"]
    times = samples.drop_duplicates("timepoint").set_index("timepoint")["day"]
    found = course.measures(frames["clinical"]) if "clinical" in frames else []
    cells: list[tuple[str, pd.DataFrame]] = []
    if "composition" in frames:
        shares = course.shares(frames["composition"], "B", "cell_type")
        cells.append(("B cells (% of all cells)", shares))
    if "car" in frames and frames["car"]["n_car"].notna().any():
        cells.append(("CAR T cells (% of T cells)", course.car_shares(frames["car"])))
    for receptor in ("BCR", "TCR") if "diversity" in frames else ():
        if (frames["diversity"]["receptor"] == receptor).any():
            title = f"{receptor} diversity (clones, rarefied D1)"
            cells.append((title, course.diversity(frames["diversity"], receptor)))
    if "scores" in frames:
        title = f"interferon ({course.SET}, log2 per 10,000)"
        cells.append((title, course.interferon(frames["scores"])))
    for title, frame in cells:
        placed = course.at_days(frame, days if "sample" in frame else times)
        found.append(Panel(title, placed, True))
    return found


def draw(panels: list[Panel], clinical: pd.DataFrame, samples: pd.DataFrame, *, dated: bool):
    """Return the figure of one patient: rows of drugs and events, then a panel below the other.

    Where the samples have no day, they stand one after the other, and nothing of the clinical
    table is drawn (`dated` False): it could not be put in time beside them.
    """
    times = samples.drop_duplicates("timepoint").set_index("timepoint")["day"].to_dict()
    known = [day for panel in panels for day in panel.frame["day"]] + list(times.values())
    known += pd.to_numeric(clinical["day"], errors="coerce").dropna().tolist()
    low, high = min([*known, 0.0] if dated else known), max(known)
    pad = 0.04 * max(high - low, 1)
    rows = course.lanes(clinical, high + pad)
    heights = ([LANE * len(rows) + 0.1] if rows else []) + [STRIP] * len(panels)
    fig = figures.figure(9.3, sum(heights) + 0.06 * len(heights) + 0.75)
    axes = fig.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights).ravel()
    if rows:
        course.draw_lanes(axes[0], rows, high + pad)
    for ax, panel in zip(axes[len(axes) - len(panels) :], panels, strict=True):
        course.draw_panel(ax, panel, list(times.values()))
    axes[-1].set_xlim(low - pad, high + pad)
    if dated:
        course.mark_times(axes, times)
        axes[-1].set_xlabel("days from infusion (dashed line); samples at the blue lines")
    else:
        axes[-1].set_xticks(list(times.values()), [figures.spoken(t) for t in times])
        axes[-1].set_xlabel("samples in order; their days are not given")
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    samples = design.frame(smk.params.design)
    patient = str(samples["patient"].iloc[0])
    names = ("clinical", "composition", "car", "scores", "diversity")
    found = {name: tables.optional(smk.input, name) for name in names}
    frames = {name: tables.read(path) for name, path in found.items() if path}
    frames = {name: f[f["patient"].astype(str) == patient] for name, f in frames.items()}
    if "car" in frames:
        frames["car"] = frames["car"].assign(n_car=pd.to_numeric(frames["car"]["n_car"]))
    dated = bool(samples["day"].notna().all())
    if not dated:
        frames.pop("clinical", None)
        order = pd.factorize(samples["timepoint"].astype(str))[0]
        samples = samples.assign(day=np.asarray(order, dtype=float))
    paths = (smk.output.patient_png, smk.output.patient_pdf)
    panels = panels_of(frames, samples.assign(day=samples["day"].astype(float)))
    clinical = frames.get("clinical", pd.DataFrame(columns=["kind", "measure", "day", "value"]))
    if clinical.empty and all(panel.frame.empty for panel in panels):
        figures.save_note(f"Nothing of patient {patient} can be drawn over time.", *paths)
        return
    fig = draw(panels, clinical, samples, dated=dated)
    what = "; ".join(language.said(panel.title) for panel in panels)
    figures.save(fig, *paths, alt=f"Course of patient {patient} over time: {what}.")


if __name__ == "__main__":
    main(snakemake)
