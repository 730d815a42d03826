"""What is true of a simulated cohort: cells, clones and effects."""

import numpy as np
import pandas as pd

from immune_reset.simulation.clones import POOL_OF, RETURNING_RANK, RETURNING_SHARE, Pool, returns
from immune_reset.simulation.course import (
    CohortSpec,
    composition,
    effects,
    patient_name,
    sample_name,
)
from immune_reset.simulation.library import Cells
from immune_reset.simulation.receptors import translate
from immune_reset.simulation.types import CAR_LINEAGE, KINDS, NAMES


def cell_table(
    sample: str,
    cells: Cells,
    receptors: pd.DataFrame,
    contigs: pd.DataFrame,
    counts: object,
    *,
    has_bcr: bool,
) -> pd.DataFrame:
    """Return one row per droplet: its true type, partner, quality, clones and captured chains.

    Columns: sample, barcode, cell_type, cell_subtype, car_lineage (CD4, CD8 or ""), is_doublet,
    partner_type, partner_subtype, low_quality, bcr_clone, tcr_clone (of any cell in the droplet,
    captured or not), bcr_chains and tcr_chains (productive chains in the contig files, as
    `IGH+IGK`), ambient_umis and cell_umis (expected), total_umis (drawn).
    """
    first = cells.kind[: cells.n]
    partner = np.full(cells.n, -1)
    partner[cells.droplet[cells.n :]] = cells.kind[cells.n :]
    frame = pd.DataFrame({"sample": sample, "barcode": cells.barcodes})
    frame["cell_type"] = _named(first, "cell_type")
    frame["cell_subtype"] = _named(first, "cell_subtype")
    frame["car_lineage"] = [CAR_LINEAGE.get(NAMES[k], "") for k in first]
    frame["is_doublet"] = partner >= 0
    frame["partner_type"] = _named(partner, "cell_type")
    frame["partner_subtype"] = _named(partner, "cell_subtype")
    frame["low_quality"] = cells.low_quality
    droplet = pd.Series(cells.droplet[receptors.index.to_numpy()])
    own = contigs[(contigs["origin"] == "cell") & contigs["productive"]]
    for receptor, stem in (("BCR", "IG"), ("TCR", "TR")):
        of_type = receptors["vdj_locus"].str.startswith(stem).to_numpy()
        clones = pd.Series(receptors["clone_id"].to_numpy()[of_type])
        joined = clones.groupby(droplet[of_type].to_numpy()).agg(",".join)
        frame[f"{receptor.lower()}_clone"] = joined.reindex(range(cells.n)).fillna("").to_numpy()
        chains = own[own["chain"].str.startswith(stem)].sort_values("chain", kind="stable")
        chains = chains.groupby("barcode")["chain"].agg("+".join)
        chains = chains if has_bcr or receptor == "TCR" else chains.iloc[:0]
        frame[f"{receptor.lower()}_chains"] = frame["barcode"].map(chains).fillna("")
    frame["ambient_umis"] = cells.ambient
    frame["cell_umis"] = np.bincount(cells.droplet, cells.size, cells.n)
    frame["total_umis"] = np.asarray(counts.sum(axis=1)).ravel()
    return frame


def _named(kinds: np.ndarray, field: str) -> list[str]:
    return [getattr(KINDS[NAMES[k]], field) if k >= 0 else "" for k in kinds]


def effect_table(spec: CohortSpec) -> pd.DataFrame:
    """Return the planted effects: patient, comparison, cell_type, program, log2_effect.

    Follow-up minus baseline, as log2 of the program's share of a cell's UMIs, before ambient RNA
    and the library batch effect; `interferon` holds the genes of ISG28, `interferon_mild` further
    interferon-stimulated genes, `jak_stat` the IL6-JAK-STAT3 genes that are in no interferon set.
    """
    rows = []
    bases = [i for i, point in enumerate(spec.timepoints) if point.state == "baseline"][:1]
    for patient in range(spec.patients):
        for time, point in enumerate(spec.timepoints):
            if not bases or time == bases[0]:
                continue
            name = f"{point.name} vs {spec.timepoints[bases[0]].name}"
            change = effects(spec, patient, time)
            change["interferon_mild"] = change["interferon"] / 2
            for program, log2 in sorted(change.items()):
                of_type = {KINDS[k].cell_type: log2[i] for i, k in enumerate(NAMES)}
                for cell_type, value in of_type.items():
                    rows.append((patient_name(spec, patient), name, cell_type, program, value))
    columns = ["patient", "comparison", "cell_type", "program", "log2_effect"]
    return pd.DataFrame(rows, columns=columns)


class CloneTally:
    """Counts a patient's clones over its samples; holds no cells."""

    def __init__(self, spec: CohortSpec, patient: int, pools: dict[str, Pool]) -> None:
        """Start with the clones of the patient's pools, none captured."""
        self.spec, self.patient, self.pools = spec, patient, pools
        self.captured: list[pd.Series] = []
        self.present: list[pd.Series] = []
        self.fresh: list[pd.DataFrame] = []

    def add(self, time: int, sample: object) -> None:
        """Count one sample: cells of each clone, and those with their heavy or beta chain read."""
        receptors = sample.receptors
        self.present.append(receptors["clone_id"].value_counts())
        table = sample.contigs
        seen = (table["origin"] == "cell") & table["productive"]
        seen &= table["chain"].isin(["IGH", "TRB"])
        self.captured.append(table.loc[seen, "clone"].value_counts())
        own = receptors["clone_id"].str.startswith(sample_name(self.spec, self.patient, time) + ":")
        self.fresh.append(receptors[own])

    def table(self) -> pd.DataFrame:
        """Return one row per clone that was drawn, or planted.

        Columns: patient, receptor, clone_id, pool, v_call, j_call, junction, junction_aa (the
        founder's), share_<timepoint> (of all cells with such a receptor; empty for cells drawn
        from the unbounded pool of naive receptors), fate (planted), n_<timepoint> (cells in the
        sample, doublets included), captured_<timepoint> (with their IGH or TRB read).
        """
        names = [point.name for point in self.spec.timepoints]
        frames = [self._pool(pool, names) for pool in self.pools.values()]
        frames += [self._own(frame) for frame in self.fresh if len(frame)]
        table = pd.concat(frames, ignore_index=True)
        for stem, counts in (("n", self.present), ("captured", self.captured)):
            for name, series in zip(names, counts, strict=True):
                table[f"{stem}_{name}"] = table["clone_id"].map(series).fillna(0).astype(int)
        drawn = table[[f"n_{name}" for name in names]].sum(axis=1) > 0
        planted = table["fate"].isin(["contracted", "expanded", "new", "returned"])
        planted &= table["pool"].isin(["cd8_effector", "b_memory"])
        columns = ["patient", "receptor", "clone_id", "pool", "v_call", "j_call", "junction"]
        columns += ["junction_aa", *(f"share_{n}" for n in names), "fate"]
        columns += [f"{stem}_{n}" for stem in ("n", "captured") for n in names]
        # a clone carried from one pool to another (a CAR T cell's parent) is one clone
        table = table[drawn | planted].groupby("clone_id", sort=False).agg(self._merge(names))
        return table.reset_index()[columns]

    def _merge(self, names: list[str]) -> dict:
        first = ["patient", "receptor", "pool", "v_call", "j_call", "junction", "junction_aa"]
        how = dict.fromkeys([*first, "fate"], "first")
        how |= {f"share_{name}": _sum_or_missing for name in names}
        return how | {f"{stem}_{n}": "first" for stem in ("n", "captured") for n in names}

    def _base(self, receptors: pd.DataFrame) -> dict:
        is_b = receptors["vdj_locus"] == "IGH"
        return {
            "patient": patient_name(self.spec, self.patient),
            "receptor": np.where(is_b, "BCR", "TCR"),
            "clone_id": receptors["clone_id"].to_numpy(),
            "v_call": receptors["vdj_v"].to_numpy(),
            "j_call": receptors["vdj_j"].to_numpy(),
            "junction": receptors["vdj_nt"].to_numpy(),
            "junction_aa": [translate(nt) for nt in receptors["vdj_nt"]],
        }

    def _own(self, receptors: pd.DataFrame) -> pd.DataFrame:
        receptors = receptors.drop_duplicates("clone_id")
        return pd.DataFrame({**self._base(receptors), "pool": "unbounded", "fate": ""})

    def _pool(self, pool: Pool, names: list[str]) -> pd.DataFrame:
        frame = pd.DataFrame({**self._base(pool.receptors), "pool": pool.name, "fate": pool.fate})
        kinds = [i for i, name in enumerate(NAMES) if POOL_OF.get(name) == pool.name]
        receptor = KINDS[NAMES[kinds[0]]].receptor
        whole = [i for i, name in enumerate(NAMES) if KINDS[name].receptor == receptor]
        for time, name in enumerate(names):
            share = composition(self.spec, self.patient, time)
            part = share[kinds].sum() / max(share[whole].sum(), 1e-12)
            frame[f"share_{name}"] = pool.share[time] * part
            state = self.spec.timepoints[time].state
            if pool.name == "b_memory" and state == "returned" and returns(self.spec, self.patient):
                frame.loc[RETURNING_RANK, f"share_{name}"] = RETURNING_SHARE * part
        return frame


def _sum_or_missing(values: pd.Series) -> float:
    return values.sum(min_count=1)
