"""Pseudonyms in what the report shows: text, tables and figures, never in `tables/`.

A design that carries `pseudonyms` ({name of the sheet: what is shown instead}) has its names
replaced wherever they stand as whole words; `use` sets them for the script that runs.
"""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from immune_reset.errors import at

KEY = "pseudonyms"
_in_use: dict[str, str] = {}


def names(design: Mapping[str, Any], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return {patient or sample of the sheet: pseudonym}, patients P01 ... in the sheet's order.

    `given`: the user's own pseudonyms by patient. A sample is named by its patient's pseudonym and
    its timepoint, replicates numbered.

    Raises
    ------
    InputError
        If a patient has no pseudonym, two share one, or a name could not be told from other words.
    """
    rows = design["samples"]
    people = list(dict.fromkeys(str(row["patient"]) for row in rows))
    width = max(2, len(str(len(people))))
    made = {name: f"P{i:0{width}}" for i, name in enumerate(people, 1)} if given is None else given
    place = "configuration, report.pseudonym_table"
    if missing := [name for name in people if not made.get(name)]:
        raise at(place, f"patient {missing[0]} has no pseudonym", "add a row for every patient")
    if len({made[name] for name in people}) < len(people):
        raise at(place, "two patients have the same pseudonym", "give each its own")
    found, seen = {name: made[name] for name in people}, {}
    for row in rows:
        key = f"{made[str(row['patient'])]}_{row['timepoint']}"
        seen[key] = seen.get(key, 0) + 1
        found[str(row["sample"])] = key if seen[key] == 1 else f"{key}_{seen[key]}"
    for name in found:
        if name.isdigit() or len(name) < 2 or name in set(design["timepoints"]):
            raise at(
                "configuration, report.pseudonyms",
                f"the name {name!r} cannot be told from other words and numbers of the report",
                "give patients and samples names of letters and digits, such as pt01",
            )
    return {old: new for old, new in found.items() if old != new}


def use(design: Any) -> None:
    """Set the pseudonyms of the script that runs: those of its design, or none."""
    _in_use.clear()
    _in_use.update(design.get(KEY) or {} if isinstance(design, Mapping) else {})


def any_in_use() -> bool:
    """Return whether the script that runs hides names."""
    return bool(_in_use)


def hidden(text: str) -> str:
    """Return a text with every name replaced that stands there as a whole word."""
    if not _in_use or not text:
        return text
    longest = sorted(_in_use, key=len, reverse=True)
    pattern = rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest))})(?![A-Za-z0-9])"
    return re.sub(pattern, lambda match: _in_use[match[0]], text)


def hide(value: Any) -> Any:
    """Return a value, a table, or a nesting of lists and dictionaries with the names replaced."""
    if not _in_use:
        return value
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, pd.DataFrame):
        texts = [c for c in value if value[c].dtype == object]
        return value.assign(**{c: value[c].map(hide) for c in texts})
    if isinstance(value, Mapping):
        return {hide(key): hide(part) for key, part in value.items() if key != KEY}
    if isinstance(value, list | tuple):
        return type(value)(hide(part) for part in value)
    return value


def table() -> pd.DataFrame:
    """Return the names in use, one row each: name, pseudonym."""
    return pd.DataFrame(_in_use.items(), columns=["name", "pseudonym"])
