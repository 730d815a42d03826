"""Healthy controls as the reference: where a patient's value lies beside theirs.

Controls (`group=control` in the sheet) stand in no comparison and change no patient's number. Each
control person is one value, whatever the number of samples. From `MIN_CONTROLS` persons on there
is a mean, a range (smallest to largest) and, for pathway scores, z = (value - mean) / sd; below
that, "not estimable". Nothing here is a test.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset.hill import Abundances, abundances, rarefied

MIN_CONTROLS = 3
KEYS = ["kind", "measure", "cell_type"]
COLUMNS = [
    *("patient", "timepoint", *KEYS, "value", "n_controls", "control_mean", "control_sd"),
    *("control_low", "control_high", "z", "position", "toward", "status", "reason"),
]
NUMBERS = ["control_mean", "control_sd", "control_low", "control_high", "z"]


def control_samples(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of healthy controls, of the tissue of the cohort where tissues differ."""
    own = samples.loc[samples["group"].eq("control")]
    if "tissue" not in samples or samples["tissue"].isna().all():
        return own
    tissue = samples.loc[samples["in_cohort"].astype(bool), "tissue"].dropna().unique()
    return own.loc[own["tissue"].isin(tissue)] if len(tissue) else own


def pathway_values(scores: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the scores as `beside_controls` takes them, replicates averaged.

    `scores` as tables/pathway_scores.tsv. A row that cannot be scored has no value.
    """
    keyed = scores.assign(
        kind="pathway",
        measure=scores["gene_set"],
        value=scores["score"].where(scores["status"] == "scorable"),
    )
    return _by_person(keyed, samples, {"value": "mean"})


def composition_values(composition: pd.DataFrame, samples: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of cell types and subsets, replicates pooled by adding cells.

    `composition` as tables/composition.tsv; `cell_type` says what the share is a share of.
    """
    own = composition.loc[composition["level"].isin(["cell_type", "cell_subtype"])]
    keyed = own.assign(kind="composition", measure=own["cell_type"], cell_type=own["denominator"])
    sums = _by_person(keyed, samples, {"n_cells": "sum", "n_total": "sum"})
    return sums.assign(value=sums["n_cells"] / sums["n_total"].where(sums["n_total"] > 0))


def _by_person(frame: pd.DataFrame, samples: pd.DataFrame, how: dict[str, str]) -> pd.DataFrame:
    frame = frame.drop(columns=["patient", "timepoint"])
    roles = [
        samples.loc[samples["in_cohort"].astype(bool)].assign(control=False),
        control_samples(samples).assign(control=True),
    ]
    roles = pd.concat(roles)[["sample", "patient", "timepoint", "control"]]
    joined = frame.merge(roles, on="sample")
    joined["timepoint"] = joined["timepoint"].where(~joined["control"], "")
    by = ["patient", "timepoint", "control", *KEYS]
    return joined.groupby(by, sort=False, as_index=False).agg(how)


def beside_controls(values: pd.DataFrame) -> pd.DataFrame:
    """Return one row per patient, timepoint and measure, beside the controls' values.

    `values`: patient, timepoint, control (whether the person is one), kind, measure, cell_type,
    value. Columns as `COLUMNS` without `toward`.
    """
    own = values.loc[~values["control"]]
    healthy = values.loc[values["control"]].dropna(subset=["value"])
    by_key = {key: part["value"].to_numpy(float) for key, part in healthy.groupby(KEYS)}
    rows = []
    for row in own.to_dict("records"):
        controls = by_key.get(tuple(row[name] for name in KEYS), np.array([]))
        rows.append(beside(row, controls))
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "toward"])


def beside(row: dict, controls: np.ndarray, *, with_z: bool = True) -> dict:
    """Return `row` (patient, timepoint, kind, measure, cell_type, value) beside `controls`."""
    value = float(row["value"])
    out = row | dict.fromkeys(NUMBERS, np.nan) | {"n_controls": len(controls), "position": ""}
    if np.isnan(value) or len(controls) < MIN_CONTROLS:
        few = f"{len(controls)} controls with a value, {MIN_CONTROLS} needed"
        reason = "no value of the patient" if np.isnan(value) else few
        return out | {"status": "not estimable", "reason": reason}
    low, high = float(controls.min()), float(controls.max())
    out |= {"control_mean": float(controls.mean()), "control_sd": float(controls.std(ddof=1))}
    out |= {"control_low": low, "control_high": high, "status": "estimable", "reason": ""}
    if with_z and row["kind"] == "pathway" and out["control_sd"] > 0:
        out["z"] = (value - out["control_mean"]) / out["control_sd"]
    out["position"] = "below" if value < low else "above" if value > high else "within"
    return out


def diversity_beside_controls(
    diversity: pd.DataFrame, clones: pd.DataFrame, samples: pd.DataFrame
) -> pd.DataFrame:
    """Return the patients' diversity (order 1, all cells) beside the controls' at the same depth.

    `diversity` as tables/diversity.tsv: a patient's value is rarefied to its own m, and each
    control's repertoire is rarefied to that m; controls with fewer cells are not counted. `clones`:
    sample, receptor, clone_id of every cell with a clone. In `measure` stands the receptor.
    """
    chosen = (diversity["estimator"] == "rarefied") & (diversity["q"] == 1)
    own = diversity.loc[chosen & (diversity["compartment"] == "all")]
    people = set(samples.loc[samples["in_cohort"].astype(bool), "patient"])
    healthy = dict(_repertoires(clones, control_samples(samples)))
    rows = []
    for row in own.loc[own["patient"].isin(people)].to_dict("records"):
        known = row["status"] in ("estimable", "at least") and not np.isnan(row["m"])
        m = int(row["m"]) if known else 0
        controls = [
            rarefied(a, 1, m)
            for (receptor, _), a in healthy.items()
            if known and receptor == row["receptor"] and a.n_cells >= m
        ]
        key = {"patient": row["patient"], "timepoint": row["timepoint"], "kind": "diversity"}
        key |= {"measure": row["receptor"], "cell_type": f"at {m} cells" if known else ""}
        key |= {"value": row["value"] if known else np.nan}
        rows.append(beside(key, np.array(controls, dtype=float)))
    return pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "toward"])


def _repertoires(
    clones: pd.DataFrame, samples: pd.DataFrame
) -> Iterator[tuple[tuple[str, str], Abundances]]:
    """Yield ((receptor, person), clone sizes) of the samples' persons."""
    person = dict(zip(samples["sample"], samples["patient"], strict=True))
    own = clones.loc[clones["sample"].isin(person)].dropna(subset=["clone_id"])
    own = own.assign(person=own["sample"].astype(str).map(person))
    for key, part in own.groupby(["receptor", "person"], observed=True):
        yield key, abundances(part["clone_id"].astype(str).value_counts())


def toward(rows: pd.DataFrame, plan: designs.Design) -> pd.DataFrame:
    """Return the rows with `toward`: what the follow-up did to the distance from the range.

    Words, at follow-ups alone: "into the range", "nearer", "farther", "out of the range", "within
    at both times"; "" where either time is not estimable.
    """
    baseline = plan["baseline"]
    key = ["patient", "kind", "measure"]
    per = rows["cell_type"].where(rows["kind"] != "diversity", "")
    first = rows.assign(per=per).loc[rows["timepoint"] == baseline]
    known = dict(
        zip(first[[*key, "per"]].itertuples(index=False, name=None), _distance(first), strict=True)
    )
    keys = rows.assign(per=per)[[*key, "per"]].itertuples(index=False, name=None)
    words = [
        "" if time == baseline else _toward(known.get(k, np.nan), d)
        for k, time, d in zip(keys, rows["timepoint"], _distance(rows), strict=True)
    ]
    out = rows.assign(toward=words)
    order = {time: i for i, time in enumerate(plan["timepoints"])}
    place = out["timepoint"].map(order)
    out = out.assign(place=place).sort_values(["kind", "measure", "cell_type", "patient", "place"])
    return out[COLUMNS].reset_index(drop=True)


def _distance(rows: pd.DataFrame) -> list[float]:
    below, above = rows["control_low"] - rows["value"], rows["value"] - rows["control_high"]
    gap = pd.concat([below, above], axis=1).max(axis=1, skipna=False).clip(lower=0)
    return gap.where(rows["status"] == "estimable").tolist()


def _toward(before: float, after: float) -> str:
    if np.isnan(before) or np.isnan(after):
        return ""
    if before == 0:
        return "out of the range" if after else "within at both times"
    if after == 0:
        return "into the range"
    return "nearer" if after < before else "farther"
