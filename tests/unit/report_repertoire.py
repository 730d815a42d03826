"""Gene usage, CDR3 lengths and expansion of the invented cohort."""

import numpy as np
import pandas as pd
from unit import report_tables as made

SHARES = ("fraction_clones", "ci_low_clones", "ci_high_clones")


def places() -> list[dict]:
    """Return patient and timepoint of the samples, with receptor and locus."""
    return [
        {"patient": row["patient"], "timepoint": row["timepoint"], "receptor": r, "locus": x}
        for row in made.design()["samples"]
        for r, x in (("BCR", "IGH"), ("TCR", "TRB"))
    ]


def usage() -> pd.DataFrame:
    """Return the V genes, as tables/gene_usage.tsv."""
    rows = []
    for i, place in enumerate(places()):
        for k in range(15):
            share = (15 - k + i % 3) / 150
            values = dict(zip(SHARES, (share, 0.7 * share, 1.4 * share), strict=True))
            gene = f"{place['locus']}V{k + 1}"
            rows.append(place | {"v_call": gene, "total_clones": 150} | values)
    return pd.DataFrame(rows)


def lengths() -> pd.DataFrame:
    """Return the CDR3 lengths, as cohort/junction_lengths.parquet."""
    return pd.DataFrame(
        [
            place | {"length": n, "fraction_clones": np.exp(-((n - 14) ** 2) / 18) / 7.5}
            for place in places()
            for n in range(8, 24)
        ]
    )


def expansion() -> pd.DataFrame:
    """Return the expansion classes, as tables/expansion.tsv; no B cells at month 1."""
    rows = []
    for place in places():
        for compartment in ("all",) if place["receptor"] == "BCR" else ("all", "CD4", "CD8"):
            few = place["receptor"] == "BCR" and place["timepoint"] == "month_1"
            for name, share in zip(
                ("1", "2", "3-9", "10+", "2+"), (60, 20, 15, 5, 40), strict=True
            ):
                rows.append(
                    place
                    | {"compartment": compartment, "size_class": name, "n_cells": 3 if few else 200}
                    | {"m": np.nan if few else 90, "fraction": np.nan if few else share / 100}
                )
    return pd.DataFrame(rows).drop(columns="locus")
