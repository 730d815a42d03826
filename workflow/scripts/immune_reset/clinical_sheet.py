"""The clinical table, checked row by row and against the sample sheet."""

import math
from pathlib import Path
from typing import Any

from immune_reset.errors import at
from immune_reset.sheets import Row, number, read_sheet


def read_clinical(path: str | Path, schema: dict[str, Any], patients: set[str]) -> list[Row]:
    """Return the clinical table's rows.

    Raises
    ------
    InputError
        On what `read_sheet` refuses, a patient that the sample sheet does not have, a measure
        whose value is not a number, a measure in two units, a blood count in a unit that is not
        known, or two values of one measure on one day.
    """
    rows = read_sheet(path, schema)
    units: dict[str, tuple[str, int]] = {}
    values: dict[tuple, tuple[float, int]] = {}
    for line, row in rows:
        place = f"{path}, line {line}"
        if row["patient"] not in patients:
            raise at(
                place,
                f"patient '{row['patient']}' is not in the sample sheet",
                f"its patients are {', '.join(sorted(patients))}",
            )
        if row["kind"] == "measure":
            _check_measure(row, line, place, units, values)
    return [row for _, row in rows]


def _check_measure(row: Row, line: int, place: str, units: dict, values: dict) -> None:
    """Refuse a value that is none; `units` and `values` hold what stood in the lines before."""
    name, text, unit = row["measure"], row.get("value", ""), row.get("unit", "")
    value = number(text)
    if value is None or not math.isfinite(value):
        found = f"the value '{text}' of {name} is not a number"
        mend = "give a number (of '<5' the limit itself); what is not one can be an event"
        raise at(place, found, mend)
    first, before = units.setdefault(name, (unit, line))
    if first != unit:
        found = f"{name} has the unit '{unit}', and '{first}' in line {before}"
        raise at(place, found, "Convert the values to one unit, or name the measures differently")
    _check_blood_count(row, place)
    key = (row["patient"], row["day"], name)
    first, before = values.setdefault(key, (value, line))
    if first != value:
        found = f"{name} of {row['patient']} on day {row['day']:g} is {value:g}, and {first:g}"
        raise at(place, f"{found} in line {before}", "Keep one of them, or their mean")


def _check_blood_count(row: Row, place: str) -> None:
    from immune_reset.absolute_counts import COUNTS, PER_UL, plain_unit

    if row["measure"] in COUNTS and plain_unit(row.get("unit", "")) not in PER_UL:
        found = f"{row['measure']} has the unit '{row.get('unit', '')}'"
        raise at(place, found, "Give it in 10^9/L or in cells/uL")
