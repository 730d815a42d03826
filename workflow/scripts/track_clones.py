"""Follow every clone of one patient from the baseline: its fate, and what could not be seen."""

import logging

import numpy as np
import pandas as pd

from immune_reset import clone_groups, fate_words, fates, ledger, tables
from immune_reset import design as designs
from immune_reset.runtime import start

logger = logging.getLogger("track_clones")

KEYS = ["patient", "receptor", "comparison", "group"]
FATE_TYPES = {
    "patient": "string", "receptor": "string", "clone_id": "string", "comparison": "string",
    "v_call": "string", "j_call": "string", "junction_aa": "string",
    "n_baseline": "int64", "n_followup": "int64", "total_baseline": "int64",
    "total_followup": "int64", "fate": "string", "flag": "string", "detection_limit": "float64",
    "miss_chance": "float64", "p_value": "float64", "q_value": "float64",
    "gone_of_all": "bool", "not_seen_at": "string", "text": "string",
}  # fmt: skip
GROUP_COUNTS = (
    "n_clones", "n_baseline", "total_baseline", "n_followup", "total_followup", "n_returned",
)  # fmt: skip
GROUP_VALUES = tuple(fates.GroupChange.__dataclass_fields__)
CONTAMINATION = "possible contamination"


def compared(design: dict, receptor: str) -> list[tuple[str, str, str]]:
    """Return the comparisons of which both timepoints have a contig file of `receptor`."""
    there = ledger.sequenced_at(design, receptor)
    pairs = designs.comparisons(design)
    return [pair for pair in pairs if pair[0] in there and pair[1] in there]


def follow(
    clones: pd.DataFrame,
    clonotypes: pd.DataFrame,
    *,
    design: dict,
    receptor: str,
    min_cells: int,
    fdr: float,
) -> pd.DataFrame:
    """Return the fate of each clone of `receptor` in each comparison (see `fates.judge`).

    A clone of one follow-up cell with one UMI, and one that another patient carries too, is flagged
    as possible contamination. Its follow-up cells are then doubtful (neither persisting nor
    returned) where they are that one cell, or, of a shared clone, fewer than `min_cells`.
    `not_seen_at` names earlier follow-ups without a cell of a clone that is there now;
    `gone_of_all` is `missing_of_all`: like eradication, it makes a clone seen later `returned`.
    """
    own = clones[clones["receptor"] == receptor].reset_index(drop=True)
    head = own[["patient", "receptor", "clone_id", "v_call", "j_call", "junction_aa"]]
    shared = own["shared"].to_numpy(dtype=bool)
    gone, unseen = np.zeros(len(own), dtype=bool), np.full(len(own), "", dtype=object)
    everyone = ledger.cells_of_both(clonotypes, design) if receptor == "BCR" else {}
    found = []
    for followup, baseline, name in compared(design, receptor):
        x, y = (own[f"n_{time}"].to_numpy(dtype="int64") for time in (baseline, followup))
        total, depth = int(x.sum()), int(y.sum())
        lone = own["clone_id"].isin(ledger.one_umi(clonotypes, followup)).to_numpy() & (x > 0)
        judged = fates.judge(
            x,
            y,
            total=total,
            depth=depth,
            min_cells=min_cells,
            fdr=fdr,
            doubtful=lone | (shared & (y < min_cells)),
            gone_before=gone,
        )
        missing = missing_of_all(x, y, everyone.get(baseline), everyone.get(followup))
        judged["gone_of_all"] = missing
        judged["flag"] = np.where(lone | shared, CONTAMINATION, "")
        judged["not_seen_at"] = np.where((x > 0) & (y > 0), unseen, "")
        counts = {"n_baseline": x, "n_followup": y, "total_baseline": total}
        named = head.assign(comparison=name, **counts, total_followup=depth)
        found.append(pd.concat([named, judged], axis=1)[x + y > 0])
        gone |= (judged["fate"] == fates.ERADICATED).to_numpy() | missing
        unseen = np.where((x > 0) & (y == 0), unseen + f", {followup} (0 of {depth})", unseen)
    rows = pd.concat(found) if found else pd.DataFrame(columns=list(FATE_TYPES))
    rows["not_seen_at"] = rows["not_seen_at"].str.removeprefix(", ")
    rows["text"] = fate_words.say(rows)
    return rows.reset_index(drop=True)[list(FATE_TYPES)].astype(FATE_TYPES)


def missing_of_all(x: np.ndarray, y: np.ndarray, total: int | None, depth: int | None):
    """Return which clones are absent although expected at an unchanged share of all T and B cells.

    B cells vanish as a whole after the infusion, and a clone's share of no cells cannot be judged:
    its share of the `total` and `depth` cells with either receptor can. None: not both sequenced.
    """
    if total is None or depth is None:
        return np.zeros(len(x), dtype=bool)
    return (x >= fates.MIN_CELLS) & (y == 0) & (fates.miss_chance(x, total, depth) < 0.05)


def follow_group(
    clones: pd.DataFrame,
    *,
    design: dict,
    receptor: str,
    expanded_min_cells: int,
    secreting: pd.Series | None = None,
    found: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the share of each group of baseline clones and its change (`clone_groups.follow`).

    `secreting`: antibody-secreting baseline cells by clone_id, None where they are not followed;
    `found`: fates of `follow`, for `n_returned`. One row per comparison and group: patient,
    receptor, comparison, group, n_clones (picked at baseline), n_baseline (their cells, as
    counted), total_baseline, n_followup, total_followup, n_returned (clones of the group of that
    fate), and the fields of `fates.GroupChange`; shares of 1.
    """
    own = clones[clones["receptor"] == receptor]
    plasma = None if secreting is None else own["clone_id"].map(secreting).fillna(0).astype(int)
    rows = []
    for followup, baseline, name in compared(design, receptor):
        x, y = (own[f"n_{time}"].to_numpy(dtype="int64") for time in (baseline, followup))
        back = own["clone_id"].isin(returned_in(found, name)).to_numpy()
        total, depth = int(x.sum()), int(y.sum())
        for group in clone_groups.follow(x, y, plasma, depth=depth, min_cells=expanded_min_cells):
            its = group.picked
            counts = (its.sum(), x[its].sum(), total, y[its].sum(), depth, (its & back).sum())
            values = [getattr(group.change, field) for field in GROUP_VALUES]
            key = (design["patient"], receptor, name, group.name)
            rows.append([*key, *map(int, counts), *values])
    table = pd.DataFrame(rows, columns=[*KEYS, *GROUP_COUNTS, *GROUP_VALUES])
    types = {**dict.fromkeys([*KEYS, "status"], "string"), **dict.fromkeys(GROUP_COUNTS, "int64")}
    floats = dict.fromkeys([value for value in GROUP_VALUES if value != "status"], "float64")
    return table.astype({**types, **floats})


def returned_in(found: pd.DataFrame | None, comparison: str) -> list[str]:
    """Return the clones whose fate in the comparison is `returned`."""
    if found is None:
        return []
    rows = (found["comparison"] == comparison) & (found["fate"] == fates.RETURNED)
    return found.loc[rows, "clone_id"].tolist()


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, plan = smk.params.cfg, smk.params.design
    clonotypes, path = tables.read(smk.input.clonotypes), tables.optional(smk.input, "labels")
    columns = ["cell_id", "cell_type", "cell_subtype"]
    labels = None if path is None else tables.read(path, columns)
    clones = ledger.describe(clonotypes, labels, tables.read(smk.input.shared), design=plan)
    plasma = None
    if cfg["clones.follow_plasma"] and labels is not None:
        plasma = ledger.secreting_cells(clonotypes, labels, plan["baseline"])
    options = {"min_cells": cfg["clones.min_cells"], "fdr": cfg["clones.fdr"]}
    least = {"expanded_min_cells": cfg["clones.expanded_min_cells"]}
    clones["followed"] = ledger.followed(clones, plasma, baseline=plan["baseline"], **least)
    found, group = [], []
    for receptor in ledger.RECEPTORS:
        found.append(follow(clones, clonotypes, design=plan, receptor=receptor, **options))
        own = {"secreting": plasma if receptor == "BCR" else None, "found": found[-1], **least}
        group.append(follow_group(clones, design=plan, receptor=receptor, **own))
        logger.info("%s: %s", receptor, found[-1]["fate"].value_counts().to_dict())
    seen = pd.concat(found, ignore_index=True)
    tables.write(clones, smk.output.clones)
    tables.write(seen, smk.output.fates)
    tables.write(ledger.returns(seen, clones), smk.output.returned)
    tables.write(pd.concat(group, ignore_index=True), smk.output.group)


if __name__ == "__main__":
    main(snakemake)
