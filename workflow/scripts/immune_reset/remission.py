"""Remission and low disease activity of lupus, as far as the clinical table has their components.

DORIS remission (van Vollenhoven et al. 2021, doi:10.1136/lupus-2021-000538): clinical SLEDAI-2K 0,
physician's global assessment below 0.5 (scale 0 to 3), prednisone at most 5 mg a day; stable
immunosuppressants are allowed. LLDAS (Franklyn et al. 2016, doi:10.1136/annrheumdis-2015-207726):
SLEDAI-2K at most 4, no activity in a major organ, no new activity, global assessment at most 1,
prednisone at most 7.5 mg a day. Whether other drugs are stable and tolerated no number tells.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from immune_reset.treatments import dose_at, doses

COLUMNS = ["patient", "timepoint", "state", "component", "met", "value", "limit", "source"]
SEROLOGY = 4  # points of SLEDAI-2K that anti-dsDNA and complement give together
NAMES = {
    "clinical_sledai": {"clinicalsledai2k", "clinicalsledai", "csledai2k", "csledai"},
    "sledai": {"sledai2k", "sledai"},
    "physician_global": {"pga", "phga", "physicianglobal", "physicianglobalassessment"},
    "major_organ": {"majororganactivity"},
    "new_activity": {"newactivity", "newdiseaseactivity"},
}
STEROIDS = r"predni|methylpred|dexameth|cortiso|cortico|steroid"
DAILY = {"", "mg", "mg/d", "mg/day", "mg/24h"}
SCALES = {"", "points", "score", "0-3"}


class Found(NamedTuple):
    """A component's value at a timepoint, and the names of the rows that it stands on."""

    met: str  # yes, no, not given
    value: float
    source: str


NOT_GIVEN = Found("not given", float("nan"), "")


class Visit(NamedTuple):
    """What one patient's clinical rows say near one timepoint."""

    measures: dict[str, tuple[float, str, str]]  # plain name: value, unit, name in the table
    prednisone: tuple[float, str] | None  # mg a day, name; None where it is not known


def visit(clinical: pd.DataFrame, timepoint: str, day: float) -> Visit:
    """Return one patient's measures nearest to a timepoint, and the prednisone of its day.

    `clinical`: the clinical table of the patient, with `timepoint` and `days_from_sample`.
    """
    rows = clinical[(clinical["kind"] == "measure") & (clinical["timepoint"] == timepoint)]
    rows = rows.assign(number=pd.to_numeric(rows["value"], errors="coerce"))
    rows = rows.dropna(subset="number")
    order = pd.to_numeric(rows["days_from_sample"], errors="coerce").abs().argsort(kind="stable")
    measures: dict[str, tuple[float, str, str]] = {}
    for row in rows.iloc[order].itertuples():
        name = re.sub(r"[^a-z0-9]", "", str(row.measure).lower())
        unit = "" if pd.isna(row.unit) else str(row.unit).strip()
        measures.setdefault(name, (float(row.number), unit, str(row.measure)))
    return Visit(measures, daily_prednisone(clinical[clinical["kind"] == "drug"], day))


def daily_prednisone(drugs: pd.DataFrame, day: float) -> tuple[float, str] | None:
    """Return prednisone or prednisolone in mg a day on a day, with its name in the table.

    None where no dose is known, its unit is not mg a day, or another steroid is given, whose dose
    is not converted here.
    """
    found: list[tuple[float, str]] = []
    for name, rows in drugs.groupby("measure", sort=True):
        if pd.isna(day) or not re.search(STEROIDS, str(name).lower()):
            continue
        if (dose := dose_at(doses(rows), float(day))) is None:
            continue
        own = re.match(r"predniso(lo)?ne", str(name).lower()) is not None
        unit = dose.words.partition(" ")[2].lower().replace("per ", "/").replace(" ", "")
        if dose.amount != 0 and (not own or pd.isna(dose.amount) or unit not in DAILY):
            return None
        if own:
            found.append((dose.amount, str(name)))
    return (sum(n for n, _ in found), found[0][1]) if found else None


def _measured(seen: Visit, component: str) -> tuple[float, str, str] | None:
    return next((seen.measures[n] for n in sorted(NAMES[component]) if n in seen.measures), None)


def clinical_sledai(seen: Visit, limit: float) -> Found:
    """Return whether clinical SLEDAI-2K is within the limit.

    Without it the whole score tells where it is 0, or more than serology alone can give.
    """
    if own := _measured(seen, "clinical_sledai"):
        return Found(_yes(own[0] <= limit), own[0], own[2])
    whole = _measured(seen, "sledai")
    if whole and (whole[0] == 0 or whole[0] > SEROLOGY + limit):
        return Found(_yes(whole[0] == 0), whole[0], whole[2])
    return NOT_GIVEN


def at_most(component: str) -> Callable[[Visit, float], Found]:
    """Return the rule "the measure is at most the limit"."""

    def rule(seen: Visit, limit: float) -> Found:
        own = _measured(seen, component)
        return Found(_yes(own[0] <= limit), own[0], own[2]) if own else NOT_GIVEN

    return rule


def global_below(seen: Visit, limit: float) -> Found:
    """Return whether the global assessment is below the limit, on the scale from 0 to 3."""
    own = _global(seen)
    return Found(_yes(own[0] < limit), own[0], own[2]) if own else NOT_GIVEN


def global_at_most(seen: Visit, limit: float) -> Found:
    """Return whether the global assessment is at most the limit, on the scale from 0 to 3."""
    own = _global(seen)
    return Found(_yes(own[0] <= limit), own[0], own[2]) if own else NOT_GIVEN


def _global(seen: Visit) -> tuple[float, str, str] | None:
    own = _measured(seen, "physician_global")
    return own if own and own[0] <= 3 and own[1].lower() in SCALES else None


def absent(component: str) -> Callable[[Visit, float], Found]:
    """Return the rule "none of it": the measure is 0, or SLEDAI-2K as a whole is."""

    def rule(seen: Visit, limit: float) -> Found:
        own = _measured(seen, component)
        whole = _measured(seen, "sledai")
        if own is None and whole and whole[0] == 0:
            own = whole
        return Found(_yes(own[0] <= limit), own[0], own[2]) if own else NOT_GIVEN

    return rule


def prednisone(seen: Visit, limit: float) -> Found:
    """Return whether prednisone is at most the limit, in mg a day."""
    if seen.prednisone is None:
        return NOT_GIVEN
    return Found(_yes(seen.prednisone[0] <= limit), *seen.prednisone)


def _yes(told: bool) -> str:
    return "yes" if told else "no"


Part = tuple[str, Callable[[Visit, float], Found], float]
STATES: dict[str, Sequence[Part]] = {
    "DORIS": (
        ("clinical_sledai", clinical_sledai, 0.0),
        ("physician_global", global_below, 0.5),
        ("prednisone", prednisone, 5.0),
    ),
    "LLDAS": (
        ("sledai", at_most("sledai"), 4.0),
        ("major_organ", absent("major_organ"), 0.0),
        ("new_activity", absent("new_activity"), 0.0),
        ("physician_global", global_at_most, 1.0),
        ("prednisone", prednisone, 7.5),
    ),
}


def disease_states(clinical: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return each state of each patient at each timepoint, by component and as a whole.

    `clinical`: the clinical table with `timepoint` and `days_from_sample`; `samples`: patient,
    timepoint, day. Columns `COLUMNS`; the component `all` is met if every component is, not met
    if one is not, and else "not computable". Of replicates the first sample's day counts.
    Patients without a clinical row have no rows here.
    """
    rows = []
    for key in samples.drop_duplicates(["patient", "timepoint"]).itertuples():
        own = clinical[clinical["patient"] == key.patient]
        if own.empty:
            continue
        seen = visit(own, key.timepoint, key.day)
        for state, parts in STATES.items():
            found = [(name, limit, rule(seen, limit)) for name, rule, limit in parts]
            met = {part.met for _, _, part in found}
            whole = "no" if "no" in met else "yes" if met == {"yes"} else "not computable"
            head = (key.patient, key.timepoint, state)
            rows.append((*head, "all", whole, float("nan"), float("nan"), ""))
            rows += [(*head, name, f.met, f.value, lim, f.source) for name, lim, f in found]
    return pd.DataFrame(rows, columns=COLUMNS)
