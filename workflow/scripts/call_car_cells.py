"""Call CAR T cells by the transgene's UMIs, with the measured error of the call."""

import logging

import numpy as np
import pandas as pd

from immune_reset import car, counts, design, tables
from immune_reset.composition import paired_samples
from immune_reset.intervals import share_ratio
from immune_reset.runtime import start

logger = logging.getLogger("call_car_cells")


def count_features(
    loaded: counts.Counts, car_ids: list[str], targets: tuple[str, ...]
) -> pd.DataFrame:
    """Return cell_id, car_umis, measured, car_ambient and the UMIs of each target gene there is.

    `loaded` holds the CAR features and the targets alone; targets go by symbol. `car_ambient` is
    what ambient RNA gives one cell of the sample, NaN where that is not known.
    """
    table = pd.DataFrame({"cell_id": loaded.cells.index.to_numpy(object)})
    is_car = loaded.genes.index.isin(car_ids)
    table["car_umis"] = np.asarray(loaded.matrix[:, is_car].sum(axis=1)).ravel().astype(int)
    table["measured"] = bool(is_car.any())
    table["car_ambient"] = loaded.genes.loc[is_car, "ambient"].sum(skipna=False)
    for symbol in targets:
        columns = (loaded.genes["symbol"] == symbol).to_numpy() & ~is_car
        if columns.any():
            table[symbol] = np.asarray(loaded.matrix[:, columns].sum(axis=1)).ravel().astype(int)
    return table


def call(
    cells: pd.DataFrame, samples: pd.DataFrame, *, baseline: str | None, max_rate: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the CAR call of each cell, and the table of CAR-positive shares by sample.

    `cells`: cell_id, sample, cell_type, car_umis, measured, car_ambient. CAR-positive is a T cell
    at or above the threshold (`car.umi_threshold`, `car.beyond_ambient`); a CAR-negative T cell
    may carry a transgene that was not seen. Cells of samples whose matrix lacks the feature have no
    call and are no evidence. Each person has a threshold of its own: libraries differ in their
    ambient RNA, and no person's call hangs on another's cells.
    """
    person = samples["person"] if "person" in samples else samples["patient"]
    found = [
        call_person(cells[cells["sample"].isin(own["sample"])], own, baseline, max_rate)
        for _, own in samples.groupby(person.to_numpy(), sort=False)
    ]
    called, table = (pd.concat(part, ignore_index=True) for part in zip(*found, strict=True))
    order = pd.DataFrame({"sample": samples["sample"].astype(str)})
    return called, order.merge(table, on="sample", validate="1:1")


def call_person(
    cells: pd.DataFrame, samples: pd.DataFrame, baseline: str | None, max_rate: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what `call` does, of one person."""
    measured = cells["measured"].to_numpy(bool)
    negatives = car.cannot_be_car(cells, samples, baseline).to_numpy() & measured
    umis = cells["car_umis"].to_numpy()
    t_cells = cells["cell_type"].isin(car.T_TYPES).to_numpy()
    least = car.beyond_ambient(cells[t_cells & measured])
    threshold, bound = car.umi_threshold(umis, negatives, max_rate=max_rate, least=least)
    hit = (umis >= threshold) & t_cells
    called = cells.assign(car=hit & measured)
    status = car.CALLED if negatives.any() else car.NO_NEGATIVES
    status = status if measured.any() else car.NO_FEATURE
    who = samples["patient"].iloc[0]
    logger.info("%s: threshold %d UMIs, %d negatives", who, threshold, negatives.sum())
    table = car.car_table(called, samples, threshold=threshold, bound=bound, status=status)
    return called.loc[measured, ["cell_id", "car", "car_umis"]].reset_index(drop=True), table


def on_target(cells: pd.DataFrame, plan: design.Design) -> pd.DataFrame:
    """Return each cell type's baseline expression of possible targets beside its depletion.

    `cells`: sample, cell_type, total_counts and a column of UMIs per target. One row per patient,
    comparison and cell type: n_baseline, n_followup (cells of the type), <target>_share (cells of
    the type that express it at baseline), <target>_level (UMIs per 10,000), then log2_ratio of the
    type's share with ci_low, ci_high and status (`intervals.share_ratio`).
    """
    targets = [name for name in car.TARGETS if name in cells]
    rows = []
    for patient, name, baseline, followup in paired_samples(plan):
        before, after = (cells[cells["sample"].isin(s)] for s in (baseline, followup))
        for kind in sorted(set(before["cell_type"])):
            own = before[before["cell_type"] == kind]
            n1 = int((after["cell_type"] == kind).sum())
            change = share_ratio(len(own), len(before), n1, len(after))
            row = {"patient": patient, "comparison": name, "cell_type": kind}
            row |= {"n_baseline": len(own), "n_followup": n1}
            for target in targets:
                row[f"{target}_share"] = float((own[target].dropna() > 0).mean())
                total = own["total_counts"].sum()
                row[f"{target}_level"] = 1e4 * own[target].sum() / total if total else np.nan
            row |= {"log2_ratio": change.estimate, "ci_low": change.ci_low}
            row |= {"ci_high": change.ci_high, "p_value": change.p, "status": change.status}
            rows.append(row)
    keys = ["patient", "comparison", "cell_type", "n_baseline", "n_followup"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*keys, "log2_ratio", "status"])


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, plan = smk.params.cfg, smk.params.design
    genes = [counts.read_genes(path) for path in smk.input.counts]
    every = pd.concat(genes)
    every = every[~every.index.duplicated()]
    ids = car.find_features(every, features=cfg["car.features"], pattern=cfg["car.pattern"])
    logger.info("CAR features: %s", ", ".join(ids) or "none")
    parts = []
    for path, cells_path, own in zip(smk.input.counts, smk.input.cells, genes, strict=True):
        kept = tables.read(cells_path, ["cell_id", "keep", "total_counts"]).query("keep")
        wanted = own.index[own.index.isin(ids) | own["symbol"].isin(car.TARGETS)]
        loaded = counts.read(path, cell_ids=kept["cell_id"], gene_ids=wanted)
        parts.append(count_features(loaded, ids, car.TARGETS).merge(kept, on="cell_id"))
    labels = tables.read(smk.input.labels, ["cell_id", "sample", "cell_type"])
    cells = pd.concat(parts, ignore_index=True).merge(labels, on="cell_id", validate="1:1")
    rate = cfg["car.max_false_positive_rate"]
    called, table = call(cells, design.frame(plan), baseline=plan["baseline"], max_rate=rate)
    tables.write(called, smk.output.cells)
    tables.write(table, smk.output.table)
    tables.write(on_target(cells, plan), smk.output.on_target)


if __name__ == "__main__":
    main(snakemake)
