"""From the sample sheet to the design: order of timepoints, baseline, who is compared."""

from typing import Any

from immune_reset.design import Design
from immune_reset.errors import InputError, at

Row = dict[str, Any]
SAMPLE_KEYS = ("sample", "patient", "timepoint", "day", "batch", "group", "tissue")


def cohort_design(rows: list[Row], *, baseline: str | None, timepoints: list[str]) -> Design:
    """Return the design of the cohort.

    Timepoints stand in the order given, else by their median `day`, else as in the sheet. Where
    the sheet has several tissues, each further tissue of a patient becomes a stratum of its own,
    named `patient.tissue`; only the most frequent tissue counts for the cohort. `person` is the
    sheet's patient, whatever the tissue.

    Raises
    ------
    InputError
        If `timepoints` or `baseline` do not fit the sheet.
    """
    main_tissue = _main_tissue(rows)
    samples = []
    for row in rows:
        sample = {key: row.get(key) for key in SAMPLE_KEYS}
        other = main_tissue is not None and row.get("tissue", main_tissue) != main_tissue
        sample["person"] = row["patient"]
        if other:
            sample["patient"] = f"{row['patient']}.{row['tissue']}"
        sample["in_cohort"] = not other and row.get("group") != "control"
        sample["has_bcr"], sample["has_tcr"] = "bcr" in row, "tcr" in row
        samples.append(sample)
    order = _order(samples, timepoints)
    compared = [s["timepoint"] for s in samples if s["group"] != "control"]
    return {
        "baseline": _baseline(baseline, order, compared),
        "timepoints": order,
        "samples": samples,
    }


def patient_design(design: Design, patient: str) -> Design:
    """Return one patient's part of the design; nothing in it depends on other patients' rows."""
    samples = [row for row in design["samples"] if row["patient"] == patient]
    own = {row["timepoint"] for row in samples}
    keep = ("sample", "timepoint", "day", "batch", "has_bcr", "has_tcr")
    return {
        "patient": patient,
        "baseline": design["baseline"] if design["baseline"] in own else None,
        "timepoints": [name for name in design["timepoints"] if name in own],
        "samples": [{key: row[key] for key in keep} for row in samples],
    }


def patients(design: Design) -> list[str]:
    """Return the patients (and their further tissues) in the order of the sheet."""
    return list(dict.fromkeys(row["patient"] for row in design["samples"]))


def remarks(design: Design) -> list[str]:
    """Return what a reader must know of the design before any result."""
    found = []
    first = design["baseline"]
    for patient in patients(design):
        own = [row for row in design["samples"] if row["patient"] == patient]
        if all(row["group"] == "control" for row in own):
            continue
        times = {row["timepoint"] for row in own}
        if first not in times:
            found.append(f"{patient} has no sample at {first}: nothing of it can be compared.")
        elif len(times) == 1:
            found.append(f"{patient} has no sample after {first}: nothing of it can be compared.")
        for time in design["timepoints"]:
            lanes = [row["sample"] for row in own if row["timepoint"] == time]
            if len(lanes) > 1:
                found.append(f"{patient}, {time}: {', '.join(lanes)} are pooled as replicates.")
    return found


def _main_tissue(rows: list[Row]) -> str | None:
    tissues = [row["tissue"] for row in rows if "tissue" in row]
    return max(dict.fromkeys(tissues), key=tissues.count) if tissues else None


def _order(samples: list[Row], wanted: list[str]) -> list[str]:
    found = list(dict.fromkeys(row["timepoint"] for row in samples))
    if wanted:
        unknown = [name for name in wanted if name not in found]
        missing = [name for name in found if name not in wanted]
        twice = [name for name in wanted if wanted.count(name) > 1]
        if unknown:
            raise at(
                "configuration, design.timepoints",
                f"no sample has the timepoint '{unknown[0]}'",
                f"the sheet has {', '.join(found)}",
            )
        if twice:
            raise at(
                "configuration, design.timepoints",
                f"the timepoint '{twice[0]}' stands twice",
                "name each once, in order",
            )
        if missing:
            raise at(
                "configuration, design.timepoints",
                f"the sheet's timepoint '{missing[0]}' is not in the list",
                "name every timepoint of the sheet",
            )
        return list(wanted)
    days = {name: [r["day"] for r in samples if r["timepoint"] == name] for name in found}
    if any(None in values for values in days.values()):
        return found
    return sorted(found, key=lambda name: (_median(days[name]), found.index(name)))


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _baseline(wanted: str | None, order: list[str], compared: list[str]) -> str:
    if wanted is None:
        return next((name for name in order if name in compared), order[0])
    if wanted not in compared:
        raise InputError(
            f"configuration, design.baseline: no patient has the timepoint '{wanted}'. "
            f"The sheet has {', '.join(order)}."
        )
    return wanted
