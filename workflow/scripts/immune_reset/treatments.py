"""Drugs and events of the clinical table: what was given when, and what it may move by itself.

A drug's row holds the dose from that day on, 0 (or "stopped") where it ended. An event's row is
the day on which it began; a value of 0 says that there was none.
"""

import itertools
import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

OFF = {"0", "no", "none", "off", "stop", "stopped", "ended", "paused", "discontinued"}
ON = {"", "on", "yes", "start", "started", "given"}
CELLS = ("pathways", "composition")
EVERYTHING = (*CELLS, "diversity", "clones", "car")


class Kind(NamedTuple):
    """A class of drugs or events: how it is named, what it moves, which claims; `pulse`: at once.

    A pulse acts each time that it is given, so its days count and not its dose.
    """

    pattern: str
    why: str
    touches: tuple[str, ...]
    pulse: bool = False


KINDS = (
    Kind(
        r"predni|methylpred|dexameth|cortiso|cortico|steroid",
        "steroids lower interferon genes and move lymphocytes and monocytes",
        CELLS,
    ),
    Kind(
        r"\bmmf\b|mycophen|azathiop|methotrex|c[iy]closporin|tacrolimus|voclosporin",
        "it holds lymphocytes down, and interferon genes move with it",
        (*CELLS, "diversity"),
    ),
    Kind(r"chloroquin|\bhcq\b", "it blocks endosomal sensing, upstream of interferon", CELLS),
    Kind(r"citinib", "it blocks JAK-STAT itself", CELLS),
    Kind(r"anifrolumab", "it blocks the interferon receptor itself", CELLS),
    Kind(r"tocilizumab|sarilumab|siltuximab", "it blocks IL-6, upstream of JAK-STAT", CELLS),
    Kind(
        r"rituximab|obinutuzumab|ocrelizumab|belimumab|telitacicept|daratumumab|bortezomib",
        "it depletes B or plasma cells by itself, or keeps them away",
        (*CELLS, "diversity", "clones"),
    ),
    Kind(
        r"cyclophos|fludara|bendamust|lymphodeplet|conditioning",
        "lymphodepletion empties the blood of all lymphocytes for weeks",
        EVERYTHING,
        pulse=True,
    ),
    Kind(
        r"ivig|immunoglobulin",
        "it raises IgG by itself, and carries antibodies of its donors",
        ("clinical",),
        pulse=True,
    ),
    Kind(r"\bcrs\b|cytokine", "cytokine release raises JAK-STAT and interferon", CELLS),
    Kind(r"icans|neurotox", "it comes with cytokine release, and with steroids", CELLS),
    Kind(
        r"infect|fever|sepsis|pneumon|virus|viral|covid|\bcmv\b|\bebv\b|zoster|influenza",
        "an infection raises interferon, and expands clones of its own",
        EVERYTHING[:-1],
    ),
    Kind(r"vaccin", "a vaccine raises interferon, and expands clones of its own", EVERYTHING[:-1]),
    Kind(r"infusion", "a further infusion depletes anew", EVERYTHING),
)
OTHER_DRUG = Kind("", "a drug that changed with time may be the cause by itself", CELLS)
OTHER_EVENT = Kind("", "an event near a sample may be the cause by itself", CELLS)


class Dose(NamedTuple):
    """What was given from a day on; `amount` is NaN where it is no number."""

    day: float
    amount: float
    words: str


def kind_of(name: str, *, event: bool) -> Kind:
    """Return the class of a drug or event by its name."""
    plain = name.lower().replace("_", " ")
    known = (kind for kind in KINDS if re.search(kind.pattern, plain))
    return next(known, OTHER_EVENT if event else OTHER_DRUG)


def doses(rows: pd.DataFrame) -> list[Dose]:
    """Return the doses of one drug of one patient in the order of their days."""
    found = []
    for row in rows.sort_values("day", kind="stable").itertuples():
        word = _text(row.value)
        unit = _text(row.unit)
        amount = pd.to_numeric(word, errors="coerce") if word else float("nan")
        if word.lower() in OFF or amount == 0:
            found.append(Dose(float(row.day), 0.0, "0"))
        elif word.lower() in ON:
            found.append(Dose(float(row.day), float("nan"), "given"))
        else:
            said = f"{amount:g}" if pd.notna(amount) else word
            found.append(Dose(float(row.day), float(amount), f"{said} {unit}".strip()))
    return found


def dose_at(given: Iterable[Dose], day: float) -> Dose | None:
    """Return the last dose on or before a day; None where none is known."""
    return next((dose for dose in reversed(list(given)) if dose.day <= day), None)


def turns(given: list[Dose]) -> list[Dose]:
    """Return the doses that differ from the one before; of the first, one that says "stopped"."""
    first = [dose for dose in given[:1] if dose.amount == 0]
    return first + [new for old, new in itertools.pairwise(given) if new.words != old.words]


def difference(before: Dose | None, after: Dose | None) -> str:
    """Say how the dose at the later sample differs from that at the earlier; "" where it does not.

    Nothing is known of a drug before its first row: from there on it was "given", unless that row
    says that it had been stopped.
    """
    if after is None or (before is not None and before.words == after.words):
        return ""
    if after.amount == 0:
        return f"stopped, was {before.words}" if before else "stopped"
    if before is None or before.amount == 0:
        return f"started, {after.words}" if after.words != "given" else "started"
    word = "changed"
    if pd.notna(before.amount) and pd.notna(after.amount):
        word = "lowered" if after.amount < before.amount else "raised"
    return f"{word}, {before.words} to {after.words}"


def happened(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of events, or of pulses, that did happen (value not 0 or "no")."""
    words = rows["value"].map(_text).astype(str).str.lower()  # no row: no text to infer from
    return rows.loc[~words.isin(OFF) & pd.to_numeric(words, errors="coerce").ne(0)]


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()
