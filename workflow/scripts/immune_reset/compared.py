"""Two runs side by side: their claims, one by one, and what else differs between them.

Nothing is judged again. What each run said is worded from the catalogue of the report, so that a
claim reads here as it reads there; whether it is another verdict is told as `immune_reset.since`
tells it between two reports of one folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import claims_text, language, since, wording
from immune_reset.errors import at

NEEDED = ("claim", "family", "scope", "comparison", "measure", "direction", "evidence")
NUMBERS = ("estimate", "ci_low", "ci_high", "n_baseline", "n_followup")
STATES = ("verdict", "value", "first", "second", "same")
NOT_THERE = "–"


@dataclass(frozen=True)
class Run:
    """What is read of one run: its claims, the units of clinical measures, and its record.

    `record` is provenance.json, {} for a run without one. `pseudonyms` are names to hide.
    """

    name: str
    claims: pd.DataFrame
    units: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    pseudonyms: Mapping[str, str] = field(default_factory=dict)


def complete(claims: pd.DataFrame, place: str) -> pd.DataFrame:
    """Return a claims table with every column that is read; older versions lack some.

    Raises
    ------
    InputError
        If a column is missing without which a claim cannot be told from another.
    """
    if missing := [name for name in NEEDED if name not in claims]:
        mend = "give the outdir of a finished run of this workflow"
        raise at(place, f"the columns {', '.join(missing)} are missing", mend)
    text = {"compartment": "", "detail": "", "reason": ""}
    absent = {name: value for name, value in text.items() if name not in claims}
    absent |= {name: np.nan for name in claims_text.NUMBERS if name not in claims}
    return claims.assign(**absent)


def known_to(catalogue: Mapping[str, Any], claims: pd.DataFrame) -> dict[str, Any]:
    """Return the catalogue with an entry for words that another version of the workflow wrote."""
    words = catalogue["compare"]
    made = {name: dict(catalogue[name]) for name in ("directions", "evidence", "templates")}
    for word in set(claims["direction"]) - set(made["directions"]):
        made["directions"][word] = {"symbol": "?", "hollow": "?", "word": word, "short": "unknown"}
        sentence = words["other_verdict"].replace("{word}", str(word))
        made["templates"] |= {word: sentence, f"{word}, no size": sentence}
    for word in set(claims["evidence"]) - set(made["evidence"]):
        made["evidence"][word] = {"word": word, "meaning": ""}
    return {**catalogue, **made}


def claim_rows(first: Run, second: Run, catalogue: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row per claim of either run, of the cohort first, in the report's order.

    A row holds `state` (of `STATES`: another verdict, the same with other numbers, in one run
    alone, the same), `label`, the claim's keys, and `first` and `second`: the view of the claim in
    that run, None where it has none.
    """
    runs = {"first": first, "second": second}
    views, said, order = {}, {}, {}
    for which, run in runs.items():
        words = known_to(catalogue, run.claims)
        made = claims_text.claim_views(run.claims, words, run.units)
        said[which] = since.state_of(made, {}, [])["claims"]
        views[which] = {
            " | ".join(str(view[key]) for key in since.KEYS): view
            | {"span": span(view, words, run.units)}
            for view in made
        }
        order |= dict.fromkeys([key for key in views[which] if key not in order])
    rows = []
    for key in order:
        pair = {which: views[which].get(key) for which in runs}
        one = pair["first"] or pair["second"]
        state = _state(key, pair, said)
        names = {name: one[name] for name in ("label", *since.KEYS)}
        rows.append({"state": state, **names, **pair})
    return sorted(rows, key=lambda row: row["scope"] != "cohort")


def _state(key: str, pair: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    for which, other in (("first", "second"), ("second", "first")):
        if pair[other] is None:
            return which
    one, two = said["first"][key], said["second"][key]
    if one["verdict"] != two["verdict"]:
        return "verdict"
    numbers = [np.array([pair[w][name] for name in NUMBERS], float) for w in ("first", "second")]
    close = np.isclose(*numbers, rtol=1e-5, atol=1e-9, equal_nan=True).all()
    return "same" if close else "value"


def span(row: Mapping[str, Any], catalogue: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """Return the interval of a claim in words, as its sentence has it; "" without one."""
    phrases, unit = catalogue["phrases"], language.said(claims_text.unit_of(row, units))
    scale = claims_text.scale_of(row)
    text = wording.interval(row["ci_low"], row["ci_high"], scale, phrases, unit)
    one_sided = not np.isfinite(row["estimate"]) and row["amount"]
    return phrases["one_sided_alone"] if text and one_sided else text


def table_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows as a table: the claim's keys, state, and the numbers of both runs."""
    columns = ("direction", "evidence", *NUMBERS)
    made = [
        {name: row[name] for name in (*since.KEYS, "state")}
        | {
            f"{name}_{which}": row[which][name] if row[which] else None
            for name in columns
            for which in ("first", "second")
        }
        for row in rows
    ]
    numbers = [f"{name}_{which}" for name in columns for which in ("first", "second")]
    return pd.DataFrame(made, columns=[*since.KEYS, "state", *numbers])


def differing(
    first: Mapping[str, Any], second: Mapping[str, Any], but: Iterable[str] = ()
) -> list[tuple[str, Any, Any]]:
    """Return (key, value of the first, value of the second) where the two differ, sorted.

    A key that one of them lacks has `NOT_THERE` there.
    """
    keys = sorted({*first, *second} - set(but))
    pairs = [(key, first.get(key, NOT_THERE), second.get(key, NOT_THERE)) for key in keys]
    return [pair for pair in pairs if pair[1] != pair[2]]


def software(record: Mapping[str, Any]) -> dict[str, str]:
    """Return what a run was made with: the workflow's commit, Python, and every package."""
    made = record.get("software", {})
    git = record.get("workflow", {})
    mark = "+" if git.get("dirty") else ""
    named = {"(workflow)": f"{git['commit'][:12]}{mark}"} if git.get("commit") else {}
    named |= {"(Python)": str(made["python"])} if made.get("python") else {}
    return named | dict(made.get("packages", {}))


def people(first: Run, second: Run) -> dict[str, dict[str, list[str]]]:
    """Return samples and patients by where they are: in both, in the first or the second alone."""
    found = {}
    for kind in ("patient", "sample"):
        one, two = (
            list(dict.fromkeys(str(row[kind]) for row in run.record.get("samples", ())))
            for run in (first, second)
        )
        found[kind] = {
            "both": [name for name in one if name in two],
            "first": [name for name in one if name not in two],
            "second": [name for name in two if name not in one],
        }
    return found


def files(first: Run, second: Run) -> dict[str, int]:
    """Return how many input files, told by their content, are in both runs or in one alone."""
    one, two = (
        {entry["sha256"] for entry in run.record.get("inputs", ()) if entry.get("sha256")}
        for run in (first, second)
    )
    return {"both": len(one & two), "first": len(one - two), "second": len(two - one)}


def hidden_names(first: Run, second: Run) -> dict[str, str]:
    """Return {name: what is shown instead} for both runs together.

    Where the two runs give one pseudonym to different people, it is shown with "(first)" or
    "(second)" behind it; a person who has one in both keeps that of the first.
    """
    found: dict[str, str] = {}
    taken: dict[str, set[str]] = {}
    whose: dict[str, str] = {}
    for which, run in (("first", first), ("second", second)):
        for name, shown in run.pseudonyms.items():
            if name not in found:
                found[name], whose[name] = shown, which
                taken.setdefault(shown, set()).add(name)
    return {
        name: f"{shown} ({whose[name]})" if len(taken[shown]) > 1 else shown
        for name, shown in found.items()
    }


def compare(first: Run, second: Run, catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that the page shows: rows, counts, settings, people, files and software."""
    rows = claim_rows(first, second, catalogue)
    counts = {state: sum(row["state"] == state for row in rows) for state in STATES}
    comparisons = [set(run.claims["comparison"]) for run in (first, second)]
    settings = [run.record.get("config", {}) for run in (first, second)]
    versions = [software(run.record) for run in (first, second)]
    known = all(run.record for run in (first, second))
    return {
        "names": (first.name, second.name),
        "rows": rows,
        "counts": counts,
        "apart": not (comparisons[0] & comparisons[1]),
        "known": known,
        "unknown": [run.name for run in (first, second) if not run.record],
        "settings": differing(*settings, but=("outdir",)) if known else [],
        "people": people(first, second),
        "files": files(first, second),
        "software": differing(*versions) if known else [],
    }
