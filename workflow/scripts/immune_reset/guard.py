"""The design guard: what in the design or in the course may explain a change by itself.

Every check stands here. Those of `CHECKS` look at one patient's two samples (a `Pair`) and depend
on no other patient; those of `COHORT_CHECKS` at the cohort. `immune_reset.guard_rows` makes the
table and says in how many patients a finding holds. What is found stands beside the claims that it
touches. It lowers their evidence in two cases alone, in which no test can see the fault: the batch
changes with time in the patient (for the cohort, in every patient compared), and the cohort's
pathways are averaged over days 0 to 14 and days of 28 or more. Everything else is a remark.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from immune_reset import treatments, vocabulary

REMARK, LOWERED = "remark", "descriptive"
ALL = ("pathways", "composition", "diversity", "clones", "car", "clinical")
CELLS = ALL[:-1]
EARLY, LATE = 14, 28
"""Days after the infusion that are never averaged with each other: up to, and from."""
CONDITIONING = -5
"""From this day on the lymphodepletion before an infusion has usually begun."""
NOTICED = 3
"""Days by which an event may be noticed after it began."""


@dataclass(frozen=True)
class Limits:
    """How near is near, how early is early, how unequal is unequal (section `guard`)."""

    window_days: float = 28
    early_days: float = 28
    max_ratio: float = 3


class Note(NamedTuple):
    """One finding: `subject` names what it is about, where a check has several (drugs)."""

    check: str
    subject: str
    found: str
    why: str
    touches: tuple[str, ...]
    effect: str = REMARK


@dataclass
class Pair:
    """A patient's samples at baseline and follow-up, what was given, and the samples' quality."""

    patient: str
    comparison: str
    names: tuple[str, str]
    before: pd.DataFrame
    after: pd.DataFrame
    clinical: pd.DataFrame
    qc: pd.DataFrame
    limits: Limits = field(default_factory=Limits)

    def sides(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield (timepoint as it is read, its samples) of baseline and follow-up."""
        yield from zip(map(_spoken, self.names), (self.before, self.after), strict=True)

    def days(self) -> tuple[float, float]:
        """Return the mean day of either side, NaN where the sheet has none."""
        return self.before["day"].mean(), self.after["day"].mean()


def batch(pair: Pair) -> Iterator[Note]:
    """Find two timepoints that share no batch: the change cannot be told from it."""
    one, two = (set(side["batch"].dropna()) - {""} for _, side in pair.sides())
    if one and two and not one & two:
        told = f"batch differs between the two samples ({_list(one)} and {_list(two)})"
        yield Note("batch", "", told, "the change cannot be told from it", CELLS, LOWERED)


def order(pair: Pair) -> Iterator[Note]:
    """Find a baseline after the infusion or its conditioning, and a follow-up before it."""
    first, last = pair.days()
    if last <= first:
        told = f"{_spoken(pair.names[1])} (day {last:g}) is not after the baseline (day {first:g})"
        yield Note("order", "", told, "the change would run backwards in time", ALL)
    if first > 0:
        told = f"the baseline was taken on day {first:g}, after the infusion"
        yield Note("order", "", told, "what the infusion did before that day is not seen", ALL)
    elif first >= CONDITIONING:
        told = f"the baseline was taken on day {first:g}, when lymphodepletion has usually begun"
        yield Note("order", "", told, "lymphocytes have fallen before the baseline", CELLS)


def early(pair: Pair) -> Iterator[Note]:
    """Find a follow-up in the weeks of cytokine release."""
    day = pair.after["day"].min()
    if 0 <= day < pair.limits.early_days:
        told = f"{_spoken(pair.names[1])} is day {day:g}"
        why = "cytokine release raises JAK-STAT and interferon early"
        yield Note("early", "", told, why, ("pathways", "composition"))


def pooled(pair: Pair) -> Iterator[Note]:
    """Find pooled replicates that were taken more than a week apart."""
    for name, side in pair.sides():
        apart = side["day"].max() - side["day"].min()
        if apart > 7:
            told = f"the samples pooled at {name} are {apart:g} days apart"
            yield Note("pooled", "", told, "their mean is of no one day", ALL[:-1])


def depth(pair: Pair) -> Iterator[Note]:
    """Find samples of very unequal numbers of cells, or of UMIs per cell."""
    kept = [pair.qc.reindex(side["sample"]) for _, side in pair.sides()]
    cells = [float(part["cells_kept"].sum(min_count=1)) for part in kept]
    umis = [float(part["median_total_counts"].mean()) for part in kept]
    for subject, values, touches in (
        ("cells", cells, CELLS),
        ("UMIs per cell", umis, ("pathways",)),
    ):
        low, high = min(values), max(values)
        if np.isfinite([low, high]).all() and high > pair.limits.max_ratio * low:
            fold = f"{high / low:.2g}-fold" if low else "none"
            told = f"{values[0]:,.0f} {subject} before and {values[1]:,.0f} after ({fold})"
            why = "estimates are made for equal depth, but the thinner sample hides small changes"
            yield Note("depth", subject, told, why, touches)


def receptors(pair: Pair) -> Iterator[Note]:
    """Find a timepoint without V(D)J file of a receptor that the other timepoint has."""
    for column, name in (("has_bcr", "BCR"), ("has_tcr", "TCR")):
        there = [bool(side[column].any()) for _, side in pair.sides()]
        if any(there) and not all(there):
            told = f"no {name} file at {_spoken(pair.names[there.index(False)])}"
            why = "its repertoire cannot be compared"
            yield Note("receptors", name, told, why, (f"{name.lower()}_diversity", "clones"))


def drugs(pair: Pair) -> Iterator[Note]:
    """Find drugs whose dose differs between the samples, or changed shortly before either."""
    rows = pair.clinical.loc[pair.clinical["kind"] == "drug"]
    first, last = pair.days()
    if np.isnan(first + last):
        return
    for name, part in rows.groupby("measure", sort=False):
        kind = treatments.kind_of(name, event=False)
        if kind.pulse:
            continue  # its days count: `events`
        given = treatments.doses(part)
        told = treatments.difference(
            treatments.dose_at(given, first), treatments.dose_at(given, last)
        )
        if not told:
            near = [
                f"changed to {turn.words} on day {turn.day:g}, {day - turn.day:g} days before {at}"
                for turn in treatments.turns(given)
                for (at, _), day in zip(pair.sides(), (first, last), strict=True)
                if 0 <= day - turn.day <= pair.limits.window_days
            ]
            told = "; ".join(near)
        if told:
            yield Note("drug", _spoken(name), f"{_spoken(name)} {told}", kind.why, kind.touches)


def events(pair: Pair) -> Iterator[Note]:
    """Find events, and drugs given at once, shortly before a sample."""
    named = pair.clinical["measure"].map(lambda name: treatments.kind_of(name, event=True).pulse)
    rows = treatments.happened(pair.clinical.loc[pair.clinical["kind"].eq("event") | named])
    rows = rows.loc[rows["kind"].isin(["event", "drug"])]
    for name, part in rows.groupby("measure", sort=False):
        kind, near = treatments.kind_of(name, event=True), []
        noticed = 0 if kind.pulse else NOTICED
        for (at, _), day in zip(pair.sides(), pair.days(), strict=True):
            gaps = (day - part["day"]).tolist()
            close = [gap for gap in gaps if -noticed <= gap <= pair.limits.window_days]
            near += [f"{_gap(gap)} {at}" for gap in sorted(close, key=abs)[:1]]
        if near:
            told = f"{_spoken(name)} {' and '.join(near)}"
            yield Note("event", _spoken(name), told, kind.why, kind.touches)


CHECKS: tuple[Callable[[Pair], Iterator[Note]], ...] = (
    batch, order, early, pooled, depth, receptors, drugs, events,
)  # fmt: skip


def missing(wanted: Sequence[str], pairs: Sequence[Pair], names: tuple[str, str]) -> Iterator[Note]:
    """Find patients of the cohort (`wanted`) without one of the two timepoints."""
    absent = [patient for patient in wanted if patient not in {pair.patient for pair in pairs}]
    if absent:
        told = f"{len(absent)} of {len(wanted)} patients lack {_spoken(names[0])} or "
        told += f"{_spoken(names[1])}: {_list(absent)}"
        why = "those who are missing may be those who fared otherwise"
        yield Note("pairs", "", told, why, CELLS)


def mixed(wanted: Sequence[str], pairs: Sequence[Pair], names: tuple[str, str]) -> Iterator[Note]:
    """Find a follow-up that is early in some patients and late in others.

    JAK-STAT rises with cytokine release, so days 7 to 14 are never averaged with months 1 to 3.
    """
    days = {pair.patient: float(pair.after["day"].mean()) for pair in pairs}
    days = {patient: day for patient, day in days.items() if not np.isnan(day)}
    soon = [patient for patient, day in days.items() if 0 <= day <= EARLY]
    late = [patient for patient, day in days.items() if day >= LATE]
    if soon and late:
        told = f"{_spoken(names[1])} is day {min(days.values()):g} in some patients "
        told += f"({_list(soon)}) and day {max(days.values()):g} in others ({_list(late)})"
        why = "days of cytokine release are not averaged with months 1 to 3"
        yield Note("early", "mixed", told, why, ("pathways",), LOWERED)


def undated(wanted: Sequence[str], pairs: Sequence[Pair], names: tuple[str, str]) -> Iterator[Note]:
    """Find samples without a day: nothing that goes by days can be told of them."""
    sides = [side for pair in pairs for _, side in pair.sides()]
    without = [name for side in sides for name in side.loc[side["day"].isna(), "sample"]]
    if without:
        named = _list(dict.fromkeys(without))
        told = f"the sheet gives no day of {named}"
        why = "whether drugs changed or events fell near these samples cannot be told"
        yield Note("days", "", told, why, ("pathways", "composition"))


COHORT_CHECKS: tuple[Callable[..., Iterator[Note]], ...] = (missing, mixed, undated)


def tissues(samples: pd.DataFrame) -> Iterator[Note]:
    """Find samples of another tissue (`samples`: all but controls), which no claim compares."""
    other = samples.loc[~samples["in_cohort"].astype(bool)]
    if len(other):
        told = f"samples of another tissue are left out: {_list(other['sample'])}"
        why = "a change between tissues would be read as one in time"
        yield Note("tissue", "", told, why, ALL[:-1])


def labels(clusters: pd.DataFrame | None, cell_types: pd.DataFrame | None) -> Iterator[Note]:
    """Find labels of the user's own that stand for no cell type that a claim knows.

    `clusters` as tables/clusters.tsv, `cell_types` the vocabulary. "T cells" alone is known, and
    each cell is told CD4 or CD8 by its markers.
    """
    if clusters is None or cell_types is None:
        return
    known = vocabulary.lookup(cell_types)
    own = clusters.loc[clusters["source"] == "own"]
    names = own["cluster"].astype(str)
    strange = own.loc[[vocabulary.plain(name) not in known for name in names]]
    if len(strange):
        n = int(strange["n_cells"].sum())
        told = f"your labels {_list(strange['cluster'])} ({n:,} cells) are no cell types that are "
        told += "known here"
        why = "these cells are in no claim on B, T, NK, plasma cells, monocytes or DC; rename them"
        yield Note("labels", "", told, why, ALL[:-1])


def _gap(days: float) -> str:
    if days == 0:
        return "on the day of the sample at"
    told = f"{abs(days):g} day{'' if abs(days) == 1 else 's'}"
    return f"{told} {'before' if days > 0 else 'after'} the sample at"


def _list(names: Iterable[str]) -> str:
    listed = [str(name) for name in names]
    told = ", ".join(listed[:8])
    return told + (f" and {len(listed) - 8} more" if listed[8:] else "")


def _spoken(name: str) -> str:
    return str(name).replace("_", " ")
