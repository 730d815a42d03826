"""The sentence that goes with the fate of a clone, with the numbers that it stands on."""

import numpy as np
import pandas as pd

from immune_reset import fates


def say(rows: pd.DataFrame) -> np.ndarray:
    """Return a sentence for each fate, with the numbers that it stands on."""
    said = np.full(len(rows), "too few cells of the clone to test", dtype=object)
    tested = np.flatnonzero((rows["fate"] != fates.UNTESTED).to_numpy())
    for i, row in zip(tested, rows.iloc[tested].to_dict("records"), strict=True):
        said[i] = say_one(row)
    return said


def say_one(row: dict) -> str:
    """Return the sentence of one tested clone."""
    x, y, total, depth = (
        row[k] for k in ("n_baseline", "n_followup", "total_baseline", "total_followup")
    )
    counts = f"{x} of {total} cells at baseline, {y} of {depth} now"
    limit = f"share now below {100 * fates.detection_limit(depth):.2g} %"
    ending = f"; not seen at {row['not_seen_at']}" if row["not_seen_at"] else ""
    if row["gone_of_all"] and row["fate"] != fates.ERADICATED:
        ending += "; not found although expected at an unchanged share of all T and B cells"
    if row["flag"]:
        ending += "; possible contamination"
    match row["fate"]:
        case fates.ERADICATED:
            said = f"not found although expected at an unchanged share; {limit}"
        case fates.BELOW if depth == 0:
            said = (
                "no cell with this kind of receptor at follow-up: nothing can be said of its share"
            )
        case fates.BELOW if y == 0:
            said = f"not found, but an unchanged share could have been missed; {limit}"
        case fates.BELOW:
            said = "what was found may be contamination and does not count as the clone"
        case fates.NEW:
            said = "not found at baseline although expected at today's share"
        case fates.RETURNED:
            said = "found again after it was gone"
        case fates.STABLE:
            said = f"no change of its share shown (q = {row['q_value']:.2g})"
        case _:
            said = f"its share is {'larger' if row['fate'] == fates.EXPANDED else 'smaller'}"
            said += f" (q = {row['q_value']:.2g})"
    return f"{counts}: {said}{ending}"
