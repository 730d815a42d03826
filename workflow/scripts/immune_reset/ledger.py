"""The clone ledger: what is known of each clone of a patient, and its cells at each timepoint."""

import numpy as np
import pandas as pd

from immune_reset import clone_groups, fates

AUTOREACTIVE_V = "IGHV4-34"  # encodes 9G4 antibodies, expanded in lupus (Tipton 2015)
RECEPTORS = ("BCR", "TCR")
RETURNED_COLUMNS = [
    "patient", "receptor", "clone_id", "comparison", "alarm", "followed", "v_call", "j_call",
    "junction_aa", "n_baseline", "n_followup", "share_baseline", "share_followup", "not_seen_at",
    "isotypes", "cell_subtypes", "ighv4_34", "text",
]  # fmt: skip


def sequenced_at(design: dict, receptor: str) -> list[str]:
    """Return the timepoints with a contig file of `receptor`, in order.

    Where the design does not say which files a sample has, every sample is taken to have one.
    """
    has = f"has_{receptor.lower()}"
    found = {row["timepoint"] for row in design["samples"] if row.get(has, True)}
    return [timepoint for timepoint in design["timepoints"] if timepoint in found]


def count_cells(clonotypes: pd.DataFrame, receptor: str, timepoints: list[str]) -> pd.DataFrame:
    """Return the cells of each clone (rows, by clone_id) at each of `timepoints` (columns)."""
    cells = clonotypes.loc[clonotypes["receptor"] == receptor, ["clone_id", "timepoint"]]
    counts = cells.astype(object).groupby(["clone_id", "timepoint"]).size().unstack(fill_value=0)
    return counts.reindex(columns=timepoints, fill_value=0).astype("int64")


def cells_of_both(clonotypes: pd.DataFrame, design: dict) -> dict[str, int]:
    """Return the cells with a clone of either receptor, at timepoints where both were sequenced."""
    both = set(sequenced_at(design, "BCR")) & set(sequenced_at(design, "TCR"))
    n = clonotypes["timepoint"].astype(object).value_counts()
    return {timepoint: int(n.get(timepoint, 0)) for timepoint in both}


def tally(cells: pd.DataFrame, column: str) -> pd.Series:
    """Return by clone_id the values of `column` with their cells: `IGHM:3;IGHG1:1`, most first."""
    n = cells[["clone_id", column]].astype(object).dropna()
    n = n.groupby(["clone_id", column], sort=True).size().rename("n").reset_index()
    n = n.sort_values(["clone_id", "n"], ascending=[True, False], kind="stable")
    words = n[column].astype(str) + ":" + n["n"].astype(str)
    return words.groupby(n["clone_id"]).agg(";".join)


def typical(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return by clone_id the most frequent combination of `keys` (ties: the first by sorting)."""
    n = cells[["clone_id", *keys]].astype(object).fillna("")
    n = n.groupby(["clone_id", *keys], sort=True).size().rename("n").reset_index()
    n = n.sort_values("n", ascending=False, kind="stable").drop_duplicates("clone_id")
    return n.set_index("clone_id")[keys]


def shared_clones(cells: pd.DataFrame, shared: pd.DataFrame) -> set[str]:
    """Return the clones of which a cell's receptor is also carried by another patient."""
    keys = ["receptor", "locus", "v_call", "junction"]
    found = cells[["clone_id", *keys]].astype(object).merge(shared[keys].astype(object), on=keys)
    return set(found["clone_id"])


def one_umi(cells: pd.DataFrame, timepoint: str) -> set[str]:
    """Return the clones whose only cell at `timepoint` has a VDJ chain of one UMI."""
    now = cells.loc[cells["timepoint"] == timepoint, ["clone_id", "umi_count"]]
    lone = now[~now.duplicated("clone_id", keep=False)]
    return set(lone.loc[(lone["umi_count"] == 1).fillna(False), "clone_id"])


def describe(
    clonotypes: pd.DataFrame,
    labels: pd.DataFrame | None,
    shared: pd.DataFrame,
    *,
    design: dict,
) -> pd.DataFrame:
    """Return one row per clone of the patient, the largest first within each receptor.

    Columns: patient, receptor, clone_id, locus, v_call, j_call, junction, junction_aa, vj_v_call,
    vj_j_call, vj_junction_aa (the clone's most frequent), n_cells, isotypes and cell_subtypes
    ("IGHM:3;IGHG1:1": cells), v_identity (median share of 1; NaN where the input has none),
    ighv4_34, shared (bool), and n_<timepoint> (Int64) for each timepoint of the patient; missing
    where the receptor was not sequenced then.
    """
    cells = clonotypes
    if labels is not None:
        cells = cells.merge(labels[["cell_id", "cell_subtype"]], on="cell_id", how="left")
    else:
        cells = cells.assign(cell_subtype=None)
    clones = typical(cells, ["receptor", "locus", "v_call", "j_call", "junction", "junction_aa"])
    clones = clones.join(typical(cells, ["vj_v_call", "vj_j_call", "vj_junction_aa"]))
    clones["n_cells"] = cells.groupby("clone_id").size()
    clones["isotypes"] = tally(cells[cells["receptor"] == "BCR"], "c_call")
    clones["cell_subtypes"] = tally(cells, "cell_subtype")
    clones["v_identity"] = cells.groupby("clone_id")["v_identity"].median()
    clones["ighv4_34"] = clones["v_call"] == AUTOREACTIVE_V
    clones["shared"] = clones.index.isin(shared_clones(cells, shared))
    counts = [count_cells(cells, r, sequenced_at(design, r)) for r in RECEPTORS]
    for timepoint in design["timepoints"]:
        own = [part[timepoint] for part in counts if timepoint in part and len(part)]
        n = pd.concat(own) if own else pd.Series(dtype="int64")
        clones[f"n_{timepoint}"] = n.reindex(clones.index).astype("Int64")
    clones[["isotypes", "cell_subtypes"]] = clones[["isotypes", "cell_subtypes"]].fillna("")
    clones = clones.rename_axis("clone_id").reset_index()
    clones["rank"] = clones["clone_id"].str.rsplit(":", n=1).str[-1].astype("int64")
    clones = clones.sort_values(["receptor", "rank"]).drop(columns="rank")
    clones.insert(0, "patient", design["patient"])
    words = {c: "string" for c in clones if clones[c].dtype == object}
    return clones.astype(words).reset_index(drop=True)


def secreting_cells(
    clonotypes: pd.DataFrame, labels: pd.DataFrame, baseline: str | None
) -> pd.Series:
    """Return by clone_id the B cells labelled plasma cell or plasmablast at `baseline`."""
    cells = clonotypes[["cell_id", "clone_id", "timepoint", "receptor"]]
    cells = cells.merge(labels[["cell_id", "cell_type"]], on="cell_id")
    its = (cells["receptor"] == "BCR") & (cells["cell_type"] == clone_groups.PLASMA)
    its &= cells["timepoint"] == baseline
    own = cells.loc[its.fillna(False).to_numpy(dtype=bool), "clone_id"]
    return own.astype(object).value_counts()


def followed(
    clones: pd.DataFrame,
    secreting: pd.Series | None,
    *,
    baseline: str | None,
    expanded_min_cells: int,
) -> pd.Series:
    """Return which rules pick each baseline clone ("expanded, antibody-secreting"); "" for none."""
    if baseline is None:
        return pd.Series("", index=clones.index, dtype="string")
    n = clones[f"n_{baseline}"].fillna(0).to_numpy(dtype="int64")
    picked = {clone_groups.EXPANDED: n >= expanded_min_cells}
    if secreting is not None:
        own = clones["clone_id"].astype(object).map(secreting).fillna(0).to_numpy()
        picked[clone_groups.SECRETING] = own > 0
    return pd.Series(clone_groups.named(picked), index=clones.index, dtype="string")


def returns(found: pd.DataFrame, clones: pd.DataFrame) -> pd.DataFrame:
    """Return the baseline clones that are back: the first sign of relapse; alarms first.

    alarm: `returned` (its absence had been shown), or `seen again` (a followed clone that an
    earlier follow-up did not show, where it may have been missed). What may be contamination is
    left out. Columns: patient, receptor, clone_id, comparison, alarm, followed, v_call, j_call,
    junction_aa, n_baseline, n_followup, share_baseline, share_followup, not_seen_at, isotypes,
    cell_subtypes, ighv4_34, text.
    """
    rows = found.merge(
        clones[["clone_id", "followed", "isotypes", "cell_subtypes", "ighv4_34"]],
        on="clone_id",
        how="left",
    )
    back = (rows["fate"] == fates.RETURNED).to_numpy(dtype=bool)
    again = (rows["not_seen_at"] != "") & (rows["followed"] != "") & (rows["flag"] == "")
    rows["alarm"] = pd.array(np.where(back, "returned", "seen again"), dtype="string")
    for side in ("baseline", "followup"):
        rows[f"share_{side}"] = rows[f"n_{side}"] / rows[f"total_{side}"]
    rows = rows[back | again.to_numpy(dtype=bool)]
    rows = rows.sort_values(["alarm", "n_followup"], ascending=[True, False], kind="stable")
    return rows[RETURNED_COLUMNS].reset_index(drop=True)
