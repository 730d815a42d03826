"""Files of every accepted form, made in code: matrices, contigs, Cell Ranger's folders, sheets."""

import gzip
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy import io, sparse

GENES = [
    "MS4A1", "CD79A", "CD3D", "CD3E", "NKG7", "LYZ", "MT-CO1", "ACTB", "XIST", "RPS4Y1",
    "DDX3Y", "ISG15", "IGKC", "IGHM", "B2M", "TMSB4X", "GAPDH", "STAT1", "FOS", "JUN",
    "CD8A", "CD4", "IL7R", "CCR7", "S100A8",
]  # fmt: skip
IDS = [f"ENSG{number:011d}" for number in range(1, len(GENES) + 1)]
V3_COLUMNS = [
    "barcode", "is_cell", "contig_id", "high_confidence", "length", "chain", "v_gene", "d_gene",
    "j_gene", "c_gene", "full_length", "productive", "cdr3", "cdr3_nt", "reads", "umis",
    "raw_clonotype_id", "raw_consensus_id",
]  # fmt: skip
LATER = ["fwr1", "fwr1_nt", "cdr1", "cdr1_nt", "fwr2", "fwr2_nt", "cdr2", "cdr2_nt", "fwr3"]
COLUMNS = {3: V3_COLUMNS, 5: [*V3_COLUMNS, *LATER], 7: [*V3_COLUMNS, *LATER, "fwr4"]}
COLUMNS[9] = [*COLUMNS[7], "exact_subclonotype_id"]
AIRR_10X = [
    "cell_id", "clone_id", "sequence_id", "sequence", "productive", "v_call", "d_call", "j_call",
    "c_call", "sequence_alignment", "germline_alignment", "junction", "junction_aa",
    "consensus_count", "duplicate_count", "is_cell",
]  # fmt: skip


def barcodes(n: int, seed: int = 0, suffix: str = "-1") -> list[str]:
    """Return `n` distinct barcodes of 16 letters."""
    rng = np.random.default_rng(seed)
    found = {"".join(rng.choice(list("ACGT"), 16)) for _ in range(n + 5)}
    return [name + suffix for name in sorted(found)[:n]]


def counts(n: int = 30, seed: int = 0, genes: int = len(GENES)) -> np.ndarray:
    """Return cells × genes, whole."""
    return np.random.default_rng(1000 + seed).poisson(3.0, size=(n, genes))


def h5(path: Path, *, seed: int = 0, n: int = 30, cells=None, matrix=None, ids=IDS, names=GENES,
       types=None, drop=()) -> Path:  # fmt: skip
    """Write Cell Ranger 3's HDF5."""
    cells = barcodes(n, seed) if cells is None else cells
    matrix = counts(len(cells), seed, len(ids)) if matrix is None else matrix
    by_cell = sparse.csc_matrix(np.asarray(matrix).T)
    kinds = ["Gene Expression"] * len(ids) if types is None else types
    parts = {
        "data": by_cell.data, "indices": by_cell.indices, "indptr": by_cell.indptr,
        "shape": np.array(by_cell.shape), "barcodes": np.array(cells, dtype="S"),
        "features/id": np.array(ids, dtype="S"), "features/name": np.array(names, dtype="S"),
        "features/feature_type": np.array(kinds, dtype="S"),
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, values in parts.items():
            if name not in drop:
                file[f"matrix/{name}"] = values
    return path


def h5_v2(path: Path, genomes: dict[str, tuple[list[str], list[str]]], *, seed: int = 0) -> Path:
    """Write Cell Ranger 2's HDF5: one group a genome, {genome: (ids, symbols)}."""
    cells = barcodes(30, seed)
    with h5py.File(path, "w") as file:
        for number, (genome, (ids, names)) in enumerate(genomes.items()):
            by_cell = sparse.csc_matrix(counts(30, seed + number, len(ids)).T)
            group = file.create_group(genome)
            for name in ("data", "indices", "indptr"):
                group[name] = getattr(by_cell, name)
            group["shape"] = np.array(by_cell.shape)
            group["barcodes"] = np.array(cells, dtype="S")
            group["genes"], group["gene_names"] = np.array(ids, "S"), np.array(names, "S")
    return path


def put(path: Path, text: str | bytes) -> Path:
    """Write text, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def triplet(folder: Path, *, prefix="", ending=".gz", features="features.tsv", seed=0) -> Path:
    """Write matrix.mtx, barcodes.tsv and features.tsv (or genes.tsv); return the matrix."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "plain.mtx"
    io.mmwrite(plain, sparse.coo_matrix(counts(30, seed).T), field="integer")
    by_cell = plain.read_text().splitlines()
    entries = sorted((line for line in by_cell[3:]), key=lambda line: int(line.split()[1]))
    plain.unlink()
    put(folder / f"{prefix}barcodes.tsv{ending}", "\n".join(barcodes(30, seed)) + "\n")
    kind = "\tGene Expression" if features == "features.tsv" else ""
    rows = [f"{i}\t{name}{kind}\n" for i, name in zip(IDS, GENES, strict=True)]
    put(folder / f"{prefix}{features}{ending}", "".join(rows))
    return put(folder / f"{prefix}matrix.mtx{ending}", "\n".join([*by_cell[:3], *entries]) + "\n")


def h5ad(path: Path, *, place="X", seed=0, index="symbol", cells=None) -> Path:
    """Write an h5ad with the counts in X, layers["counts"] or raw."""
    cells = barcodes(30, seed) if cells is None else cells
    values = sparse.csr_matrix(counts(len(cells), seed).astype(np.float32))
    var = pd.DataFrame({"gene_ids": IDS}, index=GENES)
    if index == "id":
        var = pd.DataFrame({"gene_name": GENES}, index=IDS)
    data = anndata.AnnData(values, obs=pd.DataFrame(index=cells), var=var)
    if place != "X":
        if place == "raw":
            data.raw = data.copy()
        else:
            data.layers["counts"] = data.X.copy()
        data.X = data.X.log1p()
    data.write_h5ad(path)
    return path


def contigs(path: Path, cells: list[str], *, loci=("IGH", "IGK"), version: int = 9, **more) -> Path:
    """Write Cell Ranger's contig annotations, one contig of each locus a cell."""
    rows = []
    for cell in cells:
        for number, locus in enumerate(loci, start=1):
            row = dict.fromkeys(COLUMNS[version], "")
            row |= {
                "barcode": cell, "is_cell": "true" if version >= 7 else "True",
                "contig_id": f"{cell}_contig_{number}", "high_confidence": "True",
                "length": "500", "chain": locus, "v_gene": f"{locus}V1-2", "j_gene": f"{locus}J4",
                "c_gene": f"{locus}M" if locus == "IGH" else f"{locus}C", "full_length": "True",
                "productive": "True", "cdr3": "CARDYW", "cdr3_nt": "TGTGCGAGAGACTACTGG",
                "reads": "90", "umis": "5", "raw_clonotype_id": "clonotype1",
            }  # fmt: skip
            rows.append({**row, **more})
    table = pd.DataFrame(rows, columns=COLUMNS[version])
    return put(path, table.to_csv(index=False))


def airr(path: Path, cells: list[str], columns=AIRR_10X) -> Path:
    """Write Cell Ranger's airr_rearrangement.tsv, which has no column `locus`."""
    row = {
        "sequence": "ACGT", "productive": "T", "v_call": "IGHV1-2", "j_call": "IGHJ4",
        "c_call": "IGHM", "junction": "TGTGCGAGAGACTACTGG", "junction_aa": "CARDYW",
        "consensus_count": "90", "duplicate_count": "5", "is_cell": "T", "locus": "IGH",
        "umi_count": "5",
    }  # fmt: skip
    rows = [{**row, "cell_id": c, "sequence_id": f"{c}_contig_1"} for c in cells]
    return put(path, pd.DataFrame(rows).reindex(columns=columns).to_csv(sep="\t", index=False))


def sheet(path: Path, *rows: dict) -> Path:
    """Write a sample sheet."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["\t".join(columns)]
    lines += ["\t".join(str(row.get(column, "")) for column in columns) for row in rows]
    return put(path, "\n".join(lines) + "\n")


def cohort(folder: Path) -> Path:
    """Write two samples of one patient with matrices, BCR and TCR; return the sheet."""
    rows = []
    for seed, (name, time) in enumerate((("A", "pre"), ("B", "post"))):
        h5(folder / name / "matrix.h5", seed=seed)
        cells = barcodes(30, seed)
        contigs(folder / name / "b.csv", cells[:12])
        contigs(folder / name / "t.csv", cells[12:], loci=("TRA", "TRB"))
        files = {"gex": f"{name}/matrix.h5", "bcr": f"{name}/b.csv", "tcr": f"{name}/t.csv"}
        rows.append({"sample": name, "patient": "P1", "timepoint": time, "day": 90 * seed, **files})
    return sheet(folder / "samples.tsv", *rows)
