"""Jobs as a rule gives them to its script, and simulated cells of the marker table's states."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset import marker_evidence, tables
from immune_reset.annotation import build_reference

MARKERS = Path(__file__).parents[2] / "resources" / "markers"


class Files(dict):
    """Named files as Snakemake gives them: by attribute, by key, and absent ones as None."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


def job(inputs, outputs, *, cfg=None, design=None, wildcards=None):
    """Return what a script's `main` receives; the folders of the outputs are made."""
    for path in outputs.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    return SimpleNamespace(
        input=Files(inputs),
        output=Files(outputs),
        params=SimpleNamespace(cfg=cfg or {}, design=design),
        wildcards=SimpleNamespace(**(wildcards or {})),
        log=[],
    )


def marker_table() -> pd.DataFrame:
    """Return the shipped markers as the annotation uses them."""
    return marker_evidence.combine(tables.read(MARKERS / "pbmc.tsv"))


def simulate(numbers, *, depth=3000, seed=5, change=None, n_samples=1):
    """Return cells (cell_id, sample, state) and marker counts with total_counts, by sample.

    `numbers`: state (subtype, or type where it has none) -> cells; counts are gamma-Poisson around
    the table's levels with an error of the protocol by gene (log-normal, sd .4);
    `change`: gene -> factor in the last sample.
    """
    rng = np.random.default_rng(seed)
    table = marker_table()
    genes = table["symbol"].unique().tolist()
    reference = build_reference(table, genes)
    names = reference.states["cell_subtype"].where(
        reference.states["cell_subtype"] != "", reference.states["cell_type"]
    )
    protocol = rng.lognormal(0, 0.4, len(genes))
    frames, truths = [], []
    for s in range(n_samples):
        level = reference.level * protocol
        if change and s == n_samples - 1:
            for gene, factor in change.items():
                level[:, genes.index(gene)] *= factor
        state = np.repeat(list(numbers), list(numbers.values()))
        row = names.reset_index(drop=True).reset_index().set_index("cell_subtype")["index"]
        total = np.maximum(rng.lognormal(np.log(depth), 0.35, len(state)), 300).astype(int)
        mean = level[row.loc[state].to_numpy()] * total[:, None] / 1e4
        counts = rng.poisson(mean * rng.gamma(4, 1 / 4, mean.shape))
        frame = pd.DataFrame(counts, columns=genes)
        frame = frame.rename(columns={marker_evidence.TOGETHER: "IGHG1"})
        ids = [f"S{s}:{i}" for i in range(len(state))]
        frame.insert(0, "total_counts", total)
        frame.insert(0, "cell_id", ids)
        frames.append(frame)
        truths.append(pd.DataFrame({"cell_id": ids, "sample": f"S{s}", "state": state}))
    return pd.concat(truths, ignore_index=True), frames


def block_graph(groups, *, seed=2, k=10):
    """Return a neighbour graph: `k` random cells of the same group each, weight 1."""
    rng = np.random.default_rng(seed)
    groups = np.asarray(groups)
    rows, columns = [], []
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        rows.append(np.repeat(inside, k))
        columns.append(rng.choice(inside, len(inside) * k))
    shape = (len(groups), len(groups))
    at = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.ones(len(at[0])), at), shape=shape)
