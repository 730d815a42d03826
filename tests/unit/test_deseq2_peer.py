"""Expression and enrichment against second implementations: R's DESeq2 and an own running sum."""

import shutil
import subprocess

import gseapy
import numpy as np
import pandas as pd
import pytest

import test_expression as expression

N_GENES, N_PAIRS = 600, 4
R_SCRIPT = """
suppressMessages(library(DESeq2))
place <- commandArgs(TRUE)
counts <- as.matrix(read.delim(file.path(place, "counts.tsv"), row.names = 1))
units <- read.delim(file.path(place, "units.tsv"), row.names = 1, stringsAsFactors = TRUE)
units$timepoint <- relevel(units$timepoint, "pre")
dds <- DESeqDataSetFromMatrix(counts, units, ~ patient + timepoint)
found <- as.data.frame(results(DESeq(dds, quiet = TRUE), contrast = c("timepoint", "post", "pre")))
write.table(found, file.path(place, "found.tsv"), sep = "\\t", quote = FALSE, col.names = NA)
"""


def made_pseudobulk(seed: int = 4) -> pd.DataFrame:
    """Units by genes: means over four decades, dispersion falling with them, a third moved."""
    own = np.random.default_rng(seed)
    level = 10 ** own.uniform(0.5, 4, N_GENES)
    dispersion = (0.02 + 2 / level) * own.lognormal(0, 0.4, N_GENES)
    effect = np.where(own.random(N_GENES) < 1 / 3, own.normal(0, 1.5, N_GENES), 0)
    rows, keys = [], []
    for patient in range(N_PAIRS):
        person = own.lognormal(0, 0.4, N_GENES)
        for time in ("post", "pre"):
            mean = level * person * own.uniform(0.3, 2) * 2 ** (effect * (time == "post"))
            rows.append(own.poisson(own.gamma(1 / dispersion, dispersion * mean)))
            keys.append((f"P{patient}", time))
    index = pd.MultiIndex.from_tuples(keys, names=["patient", "timepoint"])
    return pd.DataFrame(rows, index=index, columns=[f"g{k:03d}" for k in range(N_GENES)])


@pytest.fixture(scope="module")
def deseq2(tmp_path_factory) -> pd.DataFrame:
    """What R's DESeq2 finds on the made pseudobulk, by gene; skipped where it is not installed."""
    if not shutil.which("Rscript"):
        pytest.skip("no Rscript on the path (Debian: r-bioc-deseq2)")
    asked = ["Rscript", "-e", "quit(status = !nzchar(system.file(package = 'DESeq2')))"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("R has no DESeq2 (Debian: r-bioc-deseq2)")
    place = tmp_path_factory.mktemp("deseq2")
    counts = expression.expressed(made_pseudobulk())
    units = counts.index.to_frame(index=False).set_axis([f"u{k}" for k in range(len(counts))])
    counts.set_axis(units.index).T.to_csv(place / "counts.tsv", sep="\t")
    units.to_csv(place / "units.tsv", sep="\t")
    (place / "peer.R").write_text(R_SCRIPT, encoding="utf-8")
    command = ["Rscript", str(place / "peer.R"), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return pd.read_csv(place / "found.tsv", sep="\t", index_col=0)


@pytest.mark.r
def test_pydeseq2_agrees_with_deseq2_in_r(deseq2):
    counts = expression.expressed(made_pseudobulk())
    rows, _ = expression.compare_pair(counts, "pre", "post")
    own = rows.set_index("gene_id").loc[deseq2.index]
    tested = own["p_value"].notna() & deseq2["pvalue"].notna()
    assert tested.sum() >= 0.95 * len(own) > 300
    assert np.allclose(own["base_mean"], deseq2["baseMean"], rtol=1e-6)
    folds = own.loc[tested, "log2_fold_change"], deseq2.loc[tested, "log2FoldChange"]
    assert np.corrcoef(*folds)[0, 1] > 0.99
    assert np.abs(folds[0] - folds[1]).median() < 0.01
    assert np.corrcoef(own.loc[tested, "stat"], deseq2.loc[tested, "stat"])[0, 1] > 0.98
    called = own.loc[tested, "q_value"] < 0.05, deseq2.loc[tested, "padj"] < 0.05
    assert (called[0] == called[1]).mean() > 0.95


def running_sum(ranked: pd.Series, genes: list[str], *, weight: float = 1.0) -> float:
    """Return the enrichment score of Subramanian et al. 2005, step by step down the ranking."""
    inside = set(genes)
    all_hits = sum(abs(value) ** weight for gene, value in ranked.items() if gene in inside)
    miss = 1 / sum(gene not in inside for gene in ranked.index)
    walk = farthest = 0.0
    for gene, value in ranked.items():
        walk += abs(value) ** weight / all_hits if gene in inside else -miss
        farthest = walk if abs(walk) > abs(farthest) else farthest
    return farthest


@pytest.mark.parametrize("shift", [-1.0, 0.0, 1.5])
def test_gseapy_scores_agree_with_an_own_running_sum(shift):
    own = np.random.default_rng(11)
    ranked = pd.Series(own.standard_t(4, 800), index=[f"g{k:03d}" for k in range(800)])
    sets = {f"S{size}": [f"g{k:03d}" for k in range(size)] for size in (10, 40, 200)}
    ranked.iloc[:40] += shift
    ranked = ranked.sort_values(ascending=False)
    found = gseapy.prerank(
        rnk=ranked.rename_axis("gene").rename("stat").reset_index(),
        gene_sets=sets, min_size=1, max_size=800, permutation_num=10, seed=1, threads=1,
        outdir=None, no_plot=True, verbose=False,
    ).res2d.set_index("Term")["ES"].astype(float)  # fmt: skip
    for name, genes in sets.items():
        assert found[name] == pytest.approx(running_sum(ranked, genes), abs=1e-9)
