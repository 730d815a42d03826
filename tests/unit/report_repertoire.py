"""Gene usage, CDR3 lengths and expansion of the invented cohort."""

import numpy as np
import pandas as pd
from unit import report_tables as made

import compare_gene_usage
from immune_reset import design

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
            counts = {"n_clones": 15 - k + i % 3, "n_cells": 15 - k + i % 3, "total_cells": 150}
            named = {"v_call": gene, "total_clones": 150, "subset": "all"}
            rows.append(place | named | counts | values)
    return pd.DataFrame(rows)


def usage_change() -> pd.DataFrame:
    """Return the change of V genes, as tables/gene_usage_change.tsv."""
    plan = made.design()
    return compare_gene_usage.compare(usage(), plan, design.patients_of(plan))


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
            classes = ("1", "2", "3-9", "10+", "2+", "medium", "large", "hyperexpanded")
            for name, share in zip(classes, (60, 20, 15, 5, 40, 60, 35, 5), strict=True):
                rows.append(
                    place
                    | {"compartment": compartment, "size_class": name, "n_cells": 3 if few else 200}
                    | {"m": np.nan if few else 90, "fraction": np.nan if few else share / 100}
                )
    return pd.DataFrame(rows).drop(columns="locus")
