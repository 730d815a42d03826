"""Which rows and tests stand behind the claims on interferon and JAK-STAT.

`ifn_*` rest on ISG28, `jak_stat_b_cells` on the IL6-JAK-STAT3 set (tables/pathway_change.tsv). A
patient's row is the change between two libraries. The cohort's is a paired t-test behind a gate:
the mean change over the scorable cell types is tested first, with Holm over the pathways and
comparisons; behind an open gate the single cell types, with Holm over them.
"""

import math
from dataclasses import replace

import pandas as pd

from immune_reset.judge import COHORT, PAIRS_ENOUGH, Cohort, Finding
from immune_reset.judge_rows import NO_MATRIX, by_key, cohort_row, from_row, missing
from immune_reset.multiplicity import holm

INTERFERON, JAK_STAT = "ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING"
BEYOND = "JAK_STAT_BEYOND_INTERFERON"
GATE = "all"
PATHWAY_CLAIMS = {
    "ifn_b_cells": (INTERFERON, "B"),
    "ifn_t_cells": (INTERFERON, "T"),
    "ifn_monocytes": (INTERFERON, "monocyte"),
    "ifn_nk_cells": (INTERFERON, "NK"),
    "ifn_dc": (INTERFERON, "DC"),
    "jak_stat_b_cells": (JAK_STAT, "B"),
}
GATED = "after Holm's correction, over pathways and then over cell types"


def pathway_findings(
    table: pd.DataFrame | None, cohort: Cohort, *, minimum: float
) -> list[Finding]:
    """Return the findings of the family `pathways`; `table` as tables/pathway_change.tsv."""
    rows = by_key(table, ["scope", "comparison", "cell_type", "gene_set"])
    found = []
    for claim, (gene_set, cell_type) in PATHWAY_CLAIMS.items():
        measure = f"change of log2 share of UMIs, {gene_set} in {cell_type}"
        for _, _, name in cohort.comparisons:
            key = (name, cell_type, gene_set)
            start = Finding(claim, "pathways", COHORT, name, measure)
            for patient in cohort.patients:
                own = replace(start, scope=patient, minimum=minimum)
                absent = missing(cohort, patient, name, table, NO_MATRIX)
                row = rows.get((patient, *key))
                if absent or row is None:
                    text = absent or {"reason": f"{cell_type} not scored in {patient}"}
                    found.append(replace(own, **text))
                else:
                    signal = _same_signal(row, rows.get((patient, name, cell_type, BEYOND)))
                    found.append(from_row(own, row, if_changed=signal))
            found.append(_cohort_pathway(start, rows, key, table is None))
    return _gated(found, rows)


def _same_signal(row: dict, beyond: dict | None) -> str:
    if row.get("same_signal_as", "") == "":
        return ""
    words = f"same signal as {row['same_signal_as']}"
    if beyond is None or math.isnan(beyond["estimate"]):
        return f"{words} (JAK-STAT beyond interferon not scorable)"
    ends = f"[{beyond['ci_low']:+.2f}, {beyond['ci_high']:+.2f}]".replace("nan", "")
    return f"{words} (JAK-STAT beyond interferon {beyond['estimate']:+.2f} {ends})"


def _cohort_pathway(start: Finding, rows: dict, key: tuple, no_table: bool) -> Finding:
    name, cell_type, gene_set = key
    if no_table:
        return replace(start, reason=NO_MATRIX, enough=NO_MATRIX.removeprefix("no "))
    row, gate = rows.get((COHORT, *key)), rows.get((COHORT, name, GATE, gene_set))
    if row is None or gate is None:
        return replace(start, reason="no patient is scorable", enough=PAIRS_ENOUGH)
    signal = _same_signal(row, rows.get((COHORT, name, cell_type, BEYOND)))
    return cohort_row(start, row, if_changed=signal, correction=GATED)


def _gated(found: list[Finding], rows: dict) -> list[Finding]:
    """Fill q of the cohort's rows: Holm over the gates, then over the cell types behind each."""
    sets = {claim: gene_set for claim, (gene_set, _) in PATHWAY_CLAIMS.items()}
    at = [i for i, f in enumerate(found) if f.scope == COHORT]
    gates = list(dict.fromkeys((found[i].comparison, sets[found[i].claim]) for i in at))
    p = [rows.get((COHORT, n, GATE, s), {}).get("p_value", math.nan) for n, s in gates]
    gate_q = dict(zip(gates, holm(p), strict=True))
    out = list(found)
    for gate in gates:
        behind = [i for i in at if (found[i].comparison, sets[found[i].claim]) == gate]
        single = holm([found[i].p_value for i in behind])
        for i, q in zip(behind, single, strict=True):
            q_value = float(q) if q > gate_q[gate] else float(gate_q[gate] + 0 * q)
            detail = "; ".join(filter(None, [out[i].detail, _gate_words(gate_q[gate])]))
            out[i] = replace(out[i], q_value=q_value, detail=detail)
    return out


def _gate_words(q: float) -> str:
    return "" if math.isnan(q) else f"mean over all cell types: adjusted p {q:.2g}"
