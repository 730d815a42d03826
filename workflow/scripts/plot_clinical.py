"""Draw the clinical course on an axis of days from infusion, with the samples' times.

Input: `clinical` (tables/clinical.tsv: patient, day, kind, measure, value, unit).
Output: `clinical_course_png|pdf`.
"""

import pandas as pd

from immune_reset import design, figures, language, panels, tables, wording
from immune_reset.figures import GREY, INK, spoken
from immune_reset.runtime import start

PLOT_WIDTH = 8.6  # inches of the axis of days, the patients' names taken off


def courses(clinical: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return {"measure (unit)": rows with a number, sorted by patient and day}, in sheet order.

    One measure in two units makes two panels: the values are not comparable.
    """
    rows = clinical[clinical["kind"] == "measure"].copy()
    rows["value"] = pd.to_numeric(rows["value"], errors="coerce")
    rows["day"] = pd.to_numeric(rows["day"], errors="coerce")
    rows = rows.dropna(subset=["value", "day"]).drop_duplicates(
        ["patient", "day", "measure", "unit", "value"], ignore_index=True
    )
    unit = rows["unit"].fillna("").astype(str).map(wording.unit_words)
    title = rows["measure"].astype(str) + unit.map(lambda u: f" ({u})" if u else "")
    groups = rows.sort_values(["patient", "day"], kind="stable").groupby(title, sort=False)
    return dict(sorted(groups, key=lambda g: list(title).index(g[0])))


def marks(clinical: pd.DataFrame) -> pd.DataFrame:
    """Return drugs and events as patient, day, kind, label; those of one day share a label."""
    rows = clinical[clinical["kind"].isin(["drug", "event"])].copy()
    value = rows["value"].map(_words)
    unit = rows["unit"].fillna("").astype(str).map(lambda u: f" {u}" if u else "")
    sized, grade = value + unit.where(value != "", ""), unit == " grade"
    label = rows["measure"].astype(str) + sized.mask(grade, " grade" + value)
    rows["label"] = label.map(language.said)
    rows["day"] = pd.to_numeric(rows["day"], errors="coerce")
    rows = rows.dropna(subset=["day"]).drop_duplicates(["patient", "day", "kind", "label"])
    keys = ["patient", "day", "kind"]
    return rows.groupby(keys, sort=True)["label"].agg(", ".join).reset_index()


def _words(value: object) -> str:
    number = pd.to_numeric(value, errors="coerce")
    text = "" if pd.isna(value) else str(value).strip()
    return f" {number:g}" if pd.notna(number) else f" {text}" if text else ""


def with_room(noted: pd.DataFrame, days_per_inch: float) -> set[int]:
    """Return the rows of `marks` whose label does not run into an earlier one of its line."""
    shown, ends = set(), {}
    for row in noted.sort_values("day", kind="stable").itertuples():
        line = (row.patient, row.kind)
        if row.day >= ends.get(line, -float("inf")):
            shown.add(row.Index)
            ends[line] = row.day + (0.065 * language.letters(row.label) + 0.2) * days_per_inch
    return shown


def draw_marks(ax, clinical: pd.DataFrame, samples: pd.DataFrame, looks: dict) -> None:
    """Draw a lane per patient: when it was sampled, its events above and its drugs below."""
    noted = marks(clinical)
    every = pd.concat([noted["day"], samples["day"].dropna().astype(float)])
    shown = with_room(noted, (every.max() - every.min()) / PLOT_WIDTH if len(every) else 1.0)
    for y, (patient, (color, _)) in enumerate(looks.items()):
        days = samples.loc[samples["patient"].astype(str) == patient, "day"].dropna()
        ax.axhline(y, color="#E6E9EE", lw=0.8, zorder=0)
        ax.plot(days, [y] * len(days), "|", color=color, ms=10, mew=2.5)
        for row in noted[noted["patient"] == patient].itertuples():
            at = y + (0.27 if row.kind == "drug" else -0.27)
            shape = "s" if row.kind == "drug" else "*"
            ax.plot(row.day, at, shape, color=color, ms=7, mec="white", mew=0.5)
            style = {"textcoords": "offset points", "va": "center", "fontsize": 8, "color": INK}
            if row.Index in shown:
                ax.annotate(row.label, (row.day, at), (6, 0), **style)
    ax.set_yticks(range(len(looks)), list(looks))
    ax.set_ylim(len(looks) - 0.4, -0.6)
    left_out = len(noted) - len(shown)
    title = language.said("sampled  |     event  ★     drug  ■")
    if left_out:
        room = f"({left_out} labels without room: tables/clinical.tsv)"
        title += f"     {language.said(room)}"
    ax.set_title(title)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def draw_course(clinical: pd.DataFrame, samples: pd.DataFrame, people: list[str]):
    """Return a panel per measure, a line per patient, on one axis of days; marks at the foot."""
    measures = courses(clinical)
    looks = panels.looks_of([p for p in people if (clinical["patient"] == p).any()])
    rows = -(-len(measures) // 2)
    lane = 0.7 + 0.6 * len(looks)
    fig = figures.figure(9.6, 0.5 + 1.75 * rows + lane)
    spec = fig.add_gridspec(rows + 1, 2, height_ratios=[1.75] * rows + [lane])
    base = fig.add_subplot(spec[rows, :])
    for i, (title, part) in enumerate(measures.items()):
        ax = fig.add_subplot(spec[i // 2, i % 2], sharex=base)
        for patient, (color, shape) in looks.items():
            own = part[part["patient"] == patient]
            ax.plot(own["day"], own["value"], color=color, marker=shape, ms=5, lw=1.4, mec="white")
        ax.axvline(0, color=GREY, lw=1, ls="--")
        ax.set_title(spoken(title))
        ax.set_ylim(bottom=min(0, part["value"].min()))
        ax.grid(axis="y")
    draw_marks(base, clinical, samples, looks)
    base.axvline(0, color=GREY, lw=1, ls="--")
    base.set_xlabel("days from infusion (dashed line)")
    panels.legend_below(fig, looks)
    return fig


def main(smk) -> None:
    """Snakemake entry point: read, draw, write."""
    start(smk)
    out, plan = smk.output, smk.params.design
    clinical = tables.read(smk.input.clinical)
    paths = (out.clinical_course_png, out.clinical_course_pdf)
    if clinical.empty:
        figures.save_note("The cohort has no clinical table.", *paths)
        return
    fig = draw_course(clinical, design.frame(plan), design.patients_of(plan))
    alt = "Lines of the clinical measures over days from infusion, by patient; samples marked."
    figures.save(fig, *paths, alt=alt)


if __name__ == "__main__":
    main(snakemake)
