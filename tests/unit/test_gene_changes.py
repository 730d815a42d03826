"""Change of V-gene usage: clones counted once, Newcombe's interval."""

import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from immune_reset.gene_changes import v_changes
from immune_reset.intervals import wilson


def usage(counts, patient="P1"):
    rows = []
    for time, genes in counts.items():
        total = sum(genes.values())
        for gene, n in genes.items():
            low, high = (float(end) for end in wilson(n, total))
            rows.append(
                {"patient": patient, "timepoint": time, "locus": "TRB", "v_call": gene}
                | {"fraction_clones": n / total, "ci_low_clones": low, "ci_high_clones": high}
                | {"total_clones": total}
            )
    return pd.DataFrame(rows)


def test_the_interval_is_newcombes():
    frame = usage({"pre": {"TRBV9": 30, "TRBV5": 70}, "post": {"TRBV9": 10, "TRBV5": 50}})
    found = v_changes(frame, ("post", "pre", "post vs pre")).set_index("row")
    low, high = confint_proportions_2indep(10, 60, 30, 100, method="newcomb", compare="diff")
    row = found.loc["TRBV9"]
    assert row["estimate"] == pytest.approx(100 * (1 / 6 - 0.3))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((100 * low, 100 * high))


def test_a_gene_not_seen_has_a_share_of_zero_and_a_patient_of_one_time_no_row():
    both = usage({"pre": {"TRBV9": 30}, "post": {"TRBV5": 50}})
    frame = pd.concat([both, usage({"pre": {"TRBV9": 3}}, "P2")])
    found = v_changes(frame, ("post", "pre", "post vs pre")).set_index("row")
    assert found["estimate"].to_dict() == {"TRBV9": -100, "TRBV5": 100}
    assert set(found["series"]) == {"P1"}
    assert found.loc["TRBV5", "ci_low"] > 60
