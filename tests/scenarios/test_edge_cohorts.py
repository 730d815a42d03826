"""Cohorts at the edge of what there can be run to the report, in one process."""

import csv
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from immune_reset import tables

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "benchmarks"))

N_CELLS = 90
TINY = {
    "layout": {"min_dist": 0.5},
    "diversity": {"bootstraps": 50},
    "export": {"h5mu": False, "h5ad": False, "airr": False},
}


class Cohort:
    """A copy of the tiny cohort with fewer cells, changed before it is written."""

    def __init__(self, source: Path, place: Path):
        self.place = place
        with (source / "samples.tsv").open(newline="") as file:
            self.rows = list(csv.DictReader(file, delimiter="\t"))
        truth = pd.read_csv(source / "truth/cells.tsv.gz", sep="\t").set_index("sample")
        self.samples = {}
        for row in self.rows:
            with h5py.File(source / row["gex"]) as file:
                group = file["matrix"]
                parts = (group["data"][:], group["indices"][:], group["indptr"][:])
                barcodes = [name.decode() for name in group["barcodes"][:]]
                shape = (len(barcodes), int(group["shape"][0]))
                self.ids = [name.decode() for name in group["features/id"][:]]
                self.names = [name.decode() for name in group["features/name"][:]]
            own = truth.loc[row["sample"]].set_index("barcode").loc[barcodes]
            matrix = sparse.csr_matrix(parts, shape=shape)
            contigs = {k: pd.read_csv(source / row[k], dtype=str) for k in ("bcr", "tcr")}
            self.samples[row["sample"]] = [matrix, own, contigs]
            self.keep(row["sample"], ~own["is_doublet"].to_numpy(bool))
            self.keep(row["sample"], np.arange(len(self.samples[row["sample"]][1])) < N_CELLS)

    def keep(self, sample, cells):
        """Keep some cells of a sample, and their contigs."""
        matrix, own, contigs = self.samples[sample]
        own = own[cells]
        kept = {k: t[t["barcode"].isin(own.index)] for k, t in contigs.items()}
        self.samples[sample] = [matrix[np.flatnonzero(cells)], own, kept]

    def write(self):
        """Write matrices, contigs and sheet; return the sheet."""
        for row in self.rows:
            matrix, own, contigs = self.samples[row["sample"]]
            folder = self.place / row["sample"]
            folder.mkdir(parents=True)
            with h5py.File(folder / "m.h5", "w") as file:
                parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
                parts |= {"shape": matrix.shape[::-1], "barcodes": np.array(own.index, "S")}
                parts |= {"features/id": np.array(self.ids, "S")}
                parts |= {"features/name": np.array(self.names, "S")}
                kinds = ["Gene Expression"] * len(self.ids)
                parts |= {"features/feature_type": np.array(kinds, "S")}
                for name, values in parts.items():
                    file[f"matrix/{name}"] = values
            row["gex"] = f"{row['sample']}/m.h5"
            for kind, table in contigs.items():
                table.to_csv(folder / f"{kind}.csv", index=False)
                row[kind] = f"{row['sample']}/{kind}.csv"
        with (self.place / "samples.tsv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]), delimiter="\t")
            writer.writeheader()
            writer.writerows(self.rows)
        return self.place / "samples.tsv"


def of_types(cohort, *kinds):
    for sample, (_, own, _) in list(cohort.samples.items()):
        cohort.keep(sample, own["cell_type"].isin(kinds).to_numpy())


def one_cell_type(cohort):
    of_types(cohort, "CD4 T")


def no_b_cell(cohort):
    of_types(cohort, "CD4 T", "CD8 T", "NK", "monocyte")


def twelve_cells_in_a_sample(cohort):
    last = cohort.rows[-1]["sample"]
    cohort.keep(last, np.arange(len(cohort.samples[last][1])) < 12)


def one_gene_of_the_sets(cohort):
    table = tables.read(ROOT / "resources/gene_sets/gene_sets.tsv")
    listed = set(table["symbol"]) | set(table["former_symbol"].dropna())
    inside = [i for i, name in enumerate(cohort.names) if name in listed]
    keep = np.setdiff1d(np.arange(len(cohort.names)), inside[1:])
    cohort.ids = [cohort.ids[i] for i in keep]
    cohort.names = [cohort.names[i] for i in keep]
    for parts in cohort.samples.values():
        parts[0] = parts[0][:, keep]


def all_doublets_in_a_sample(cohort):
    parts = cohort.samples[cohort.rows[-1]["sample"]]
    cells = parts[1].index
    for kind, pair in (("bcr", ("IGH", "IGK")), ("tcr", ("TRA", "TRB"))):
        row = parts[2][kind].iloc[0]
        made = [
            {**row, "barcode": cell, "contig_id": f"{cell}_contig_{n}", "chain": locus,
             "v_gene": f"{locus}V1-2", "d_gene": "", "j_gene": f"{locus}J1", "c_gene": f"{locus}C",
             "productive": "true", "cdr3": "CARDYW", "cdr3_nt": "TGTGCGAGAGACTACTGG",
             "umis": "9", "is_cell": "true", "high_confidence": "true"}
            for cell in cells for n, locus in enumerate(pair, start=1)
        ]  # fmt: skip
        parts[2][kind] = pd.DataFrame(made)


def junctions(cohort, junction):
    for number, (_, _, contigs) in enumerate(cohort.samples.values()):
        for kind, table in contigs.items():
            found = [junction(number, i) for i in range(len(table))]
            contigs[kind] = table.assign(cdr3_nt=found, cdr3="CARDYW")


def one_clone_only(cohort):
    junctions(cohort, lambda sample, i: "TGTGCGAGAGACTACTGG")
    for _, _, contigs in cohort.samples.values():
        for kind, table in contigs.items():
            locus = "IGH" if kind == "bcr" else "TRB"
            own = table[table["chain"] == locus].drop_duplicates("barcode")
            contigs[kind] = own.assign(v_gene=f"{locus}V1-2", j_gene=f"{locus}J1")


def all_singletons(cohort):
    rng = np.random.default_rng(0)
    junctions(cohort, lambda sample, i: "TGT" + "".join(rng.choice(list("ACGT"), 30)) + "TGG")


def one_of_three_without_follow_up(cohort):
    first = cohort.rows[0]
    copied = {**first, "sample": "LN03_baseline", "patient": "LN03"}
    matrix, own, contigs = cohort.samples[first["sample"]]
    shuffled = matrix[::-1]
    cohort.rows.append(copied)
    cohort.samples["LN03_baseline"] = [sparse.csr_matrix(shuffled), own, {
        kind: table.iloc[1:] for kind, table in contigs.items()}]  # fmt: skip


EDGES = [
    one_cell_type, no_b_cell, twelve_cells_in_a_sample, one_gene_of_the_sets,
    all_doublets_in_a_sample, one_clone_only, all_singletons, one_of_three_without_follow_up,
]  # fmt: skip


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_an_edge_cohort_reaches_its_report(tiny_cohort, tmp_path, edge):
    import in_process

    cohort = Cohort(tiny_cohort, tmp_path / "cohort")
    edge(cohort)
    out = tmp_path / "out"
    config = {"samples": str(cohort.write()), "outdir": str(out), **TINY}
    in_process.run(config, out / "report.html")
    claims = tables.read(out / "tables/claims.tsv")
    silent = claims[(claims["direction"] == "not estimable") & (claims["reason"] == "")]
    assert len(claims) and silent.empty
    assert (out / "report.html").stat().st_size > 100_000
