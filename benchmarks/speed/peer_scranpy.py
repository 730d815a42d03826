"""The same samples through scranpy, as its guide takes them; neither doublets nor receptors.

`python peer_scranpy.py SAMPLES.tsv STEPS.tsv CELLS.tsv` writes what each step took (`laps.Clock`)
and the cluster of each cell.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scanpy as sc
import scranpy
from laps import Clock
from scipy import sparse

sheet, steps_path, cells_path = map(Path, sys.argv[1:4])
samples = pd.read_csv(sheet, sep="\t")
steps, clock = [], Clock()
CORES = 2


def done(step: str) -> None:
    """Note what the step before took."""
    steps.append((step, *clock.lap()))
    print(f"scranpy: {step} {steps[-1][1]:.0f} s", flush=True)


parts, names, blocks = [], [], []
for row in samples.itertuples():
    part = sc.read_10x_h5(sheet.parent / row.gex)
    parts.append(part.X.astype(np.float64))
    names += [f"{name}_{row.sample}" for name in part.obs_names]
    blocks += [row.sample] * part.n_obs
mito = part.var_names.str.startswith("MT-")
counts = sparse.csc_matrix(sparse.vstack(parts).T)  # genes × cells
blocks = np.array(blocks)
done("read")
metrics = scranpy.compute_rna_qc_metrics(counts, {"mt": np.asarray(mito)}, num_threads=CORES)
limits = scranpy.suggest_rna_qc_thresholds(metrics, block=blocks)
kept = np.asarray(scranpy.filter_rna_qc_metrics(limits, metrics, block=blocks), dtype=bool)
counts, blocks, names = counts[:, kept], blocks[kept], np.array(names)[kept]
done("quality control")
factors = scranpy.center_size_factors(np.asarray(metrics["sum"])[kept], block=blocks)
logs = scranpy.normalize_counts(counts, factors)
modelled = scranpy.model_gene_variances(logs, block=blocks, num_threads=CORES)
chosen = scranpy.choose_highly_variable_genes(modelled["statistics"]["residual"], top=2000)
done("variable genes")
pca = scranpy.run_pca(logs[chosen, :], number=30, block=blocks, num_threads=CORES)
done("PCA")
aligned = scranpy.correct_mnn(pca["components"], block=blocks, num_threads=CORES)["corrected"]
done("integration (MNN)")
found = scranpy.run_all_neighbor_steps(
    aligned, run_tsne_options=None, num_threads=CORES, collapse_search=True
)
clusters = np.asarray(found["cluster_graph"]["membership"])
done("neighbours, UMAP and clusters")
scranpy.score_markers(logs, groups=clusters, block=blocks, num_threads=CORES)
done("markers")
pd.DataFrame({"cell": names, "leiden": clusters}).to_csv(cells_path, sep="\t", index=False)
pd.DataFrame(steps, columns=["step", "seconds", "cpu", "peak"]).to_csv(
    steps_path, sep="\t", index=False
)
