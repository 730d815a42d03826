"""The same samples as scanpy's and scirpy's tutorials take them: one script, one process.

`python peer_scanpy.py SAMPLES.tsv STEPS.tsv CELLS.tsv` writes what each step took (`laps.Clock`)
and the cluster of each cell. It compares no repertoire across timepoints, has no statistics of
pathways and writes no report.
"""

import sys
import warnings
from pathlib import Path

import anndata as ad
import harmonypy
import numpy as np
import pandas as pd
import scanpy as sc
import scirpy as ir
from laps import Clock

warnings.filterwarnings("ignore")
sheet, steps_path, cells_path = map(Path, sys.argv[1:4])
samples = pd.read_csv(sheet, sep="\t")
steps, clock = [], Clock()


def done(step: str) -> None:
    """Note what the step before took."""
    steps.append((step, *clock.lap()))
    print(f"scanpy: {step} {steps[-1][1]:.0f} s", flush=True)


parts = {}
for row in samples.itertuples():
    part = sc.read_10x_h5(sheet.parent / row.gex)
    part.var_names_make_unique()
    parts[row.sample] = part
data = ad.concat(parts, label="sample", index_unique="_", join="inner")
done("read")
data.var["mt"] = data.var_names.str.startswith("MT-")
sc.pp.calculate_qc_metrics(data, qc_vars=["mt"], inplace=True, log1p=True)
sc.pp.filter_cells(data, min_genes=200)
sc.pp.filter_genes(data, min_cells=3)
data = data[data.obs["pct_counts_mt"] < 20].copy()
done("quality control")
sc.pp.scrublet(data, batch_key="sample", threshold=0.25)  # its own needs scikit-image
data = data[~data.obs["predicted_doublet"].to_numpy(bool)].copy()
done("doublets (Scrublet)")
data.layers["counts"] = data.X.copy()
sc.pp.normalize_total(data)
sc.pp.log1p(data)
sc.pp.highly_variable_genes(data, n_top_genes=2000, batch_key="sample")
done("variable genes")
sc.tl.pca(data)
done("PCA")
harmony = harmonypy.run_harmony(data.obsm["X_pca"], data.obs, "sample", verbose=False)
data.obsm["X_pca_harmony"] = np.asarray(harmony.Z_corr)
done("integration (Harmony)")
sc.pp.neighbors(data, use_rep="X_pca_harmony")
done("neighbours")
sc.tl.umap(data)
done("UMAP")
sc.tl.leiden(data, flavor="igraph", n_iterations=2)
done("clusters (Leiden)")
sc.tl.rank_genes_groups(data, groupby="leiden", method="wilcoxon")
done("markers (Wilcoxon)")
for kind in ("bcr", "tcr"):
    receptors = {
        row.sample: ir.io.read_10x_vdj(sheet.parent / getattr(row, kind), filtered=True)
        for row in samples.itertuples()
        if isinstance(getattr(row, kind), str)
    }
    chains = ad.concat(receptors, label="sample", index_unique="_")
    ir.pp.index_chains(chains)
    ir.tl.chain_qc(chains)
    ir.pp.ir_dist(chains)
    ir.tl.define_clonotypes(chains, receptor_arms="all", dual_ir="primary_only")
    ir.tl.clonal_expansion(chains)
    ir.tl.alpha_diversity(chains, groupby="sample")
    done(f"clonotypes and diversity ({kind.upper()})")
data.obs["leiden"].rename_axis("cell").reset_index().to_csv(cells_path, sep="\t", index=False)
pd.DataFrame(steps, columns=["step", "seconds", "cpu", "peak"]).to_csv(
    steps_path, sep="\t", index=False
)
