"""The design of a cohort: who was sampled when, and what is compared with what.

A *design* is a plain dictionary made from the sample sheet (see `immune_reset.sheets`), so that
it can be a parameter of a rule and be recorded with it. Of one patient::

    {"patient": "P1", "baseline": "pre", "timepoints": ["pre", "post"],
     "samples": [{"sample": "P1_pre", "timepoint": "pre", "day": -7}, ...]}

and of the whole cohort the same without `patient`, each sample naming its own.
"""

from typing import Any

import pandas as pd

Design = dict[str, Any]


def frame(design: Design) -> pd.DataFrame:
    """Return the design's samples, one row each, with `timepoint` an ordered category."""
    samples = pd.DataFrame(design["samples"])
    if "patient" in design:
        samples["patient"] = design["patient"]
    samples["timepoint"] = pd.Categorical(
        samples["timepoint"], categories=design["timepoints"], ordered=True
    )
    return samples


def comparisons(design: Design) -> list[tuple[str, str, str]]:
    """Return (follow-up, baseline, name) of every comparison with the baseline, in time order.

    A timepoint at which only healthy controls were sampled is compared with nothing.
    """
    baseline = design["baseline"]
    if baseline is None:
        return []
    after = design["timepoints"][design["timepoints"].index(baseline) + 1 :]
    own = {row["timepoint"] for row in design["samples"] if row.get("group") != "control"}
    after = [timepoint for timepoint in after if timepoint in own]
    return [(timepoint, baseline, f"{timepoint} vs {baseline}") for timepoint in after]


def samples_at(design: Design, timepoint: str, patient: str | None = None) -> list[str]:
    """Return the samples of a timepoint (of one patient, where named), in sheet order."""
    return [
        row["sample"]
        for row in design["samples"]
        if row["timepoint"] == timepoint and patient in (None, row.get("patient"))
    ]


def patients_of(design: Design) -> list[str]:
    """Return the patients of the cohort in the order of the sheet, healthy controls left out."""
    own = [row["patient"] for row in design["samples"] if row.get("in_cohort", True)]
    return list(dict.fromkeys(str(name) for name in own))


def times_of(design: Design) -> list[str]:
    """Return the timepoints of the cohort's own patients, in order."""
    own = {row["timepoint"] for row in design["samples"] if row.get("in_cohort", True)}
    return [timepoint for timepoint in design["timepoints"] if timepoint in own]


def times_of_patient(design: Design, patient: str) -> list[str]:
    """Return the timepoints at which the patient was sampled, in order."""
    own = {row["timepoint"] for row in design["samples"] if row["patient"] == patient}
    return [timepoint for timepoint in design["timepoints"] if timepoint in own]


def no_file(design: Design, patient: str, timepoint: str, receptor: str) -> str:
    """Return "no BCR file" where none of the patient's samples of the timepoint has one, or ""."""
    own = [
        row.get(f"has_{receptor.lower()}", True)
        for row in design["samples"]
        if (row["patient"], row["timepoint"]) == (patient, timepoint)
    ]
    return "" if any(own) else f"no {receptor} file"


def comparison_names(design: Design) -> list[str]:
    """Return the names of the comparisons with the baseline, in time order."""
    return [name for _, _, name in comparisons(design)]
