"""PyDESeq2's fits over arrays of genes: those of PyDESeq2's own routines, gene by gene."""

import numpy as np
import pytest
from pydeseq2.default_inference import DefaultInference
from scipy.stats import nbinom

from immune_reset import batched_fit
from immune_reset.batched_fit import BatchedInference

N_GENES, N_PAIRS = 300, 4
MIN_DISP, MAX_DISP = 1e-8, 10.0
FIT = {"min_mu": 0.5, "beta_tol": 1e-8}


@pytest.fixture(scope="module")
def made():
    """Counts (units × genes) of four pairs, their size factors, design and dispersions."""
    own = np.random.default_rng(9)
    size_factors = own.uniform(0.4, 2.5, 2 * N_PAIRS)
    design = np.zeros((2 * N_PAIRS, N_PAIRS + 1))
    design[:, 0] = 1
    for unit in range(2 * N_PAIRS):
        if unit >= 2:
            design[unit, unit // 2] = 1
        design[unit, -1] = unit % 2
    level, dispersion = 10 ** own.uniform(0.7, 3.5, N_GENES), own.uniform(0.02, 0.8, N_GENES)
    beta = np.vstack([np.log(level), own.normal(0, 0.5, (N_PAIRS, N_GENES))])
    mu = size_factors[:, None] * np.exp(design @ beta)
    counts = own.poisson(own.gamma(1 / dispersion, dispersion * mu))
    return counts, size_factors, design, dispersion


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(batched_fit, "GENES_AT_ONCE", 128)  # three blocks, the last one short


def test_coefficients_means_and_hats_are_those_of_each_gene(made):
    for ours, theirs in zip(
        BatchedInference().irls(*made, **FIT), DefaultInference(n_cpus=1).irls(*made, **FIT),
        strict=True,
    ):  # fmt: skip
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


def test_a_gene_that_runs_away_is_given_to_the_library(made):
    counts, *rest = made
    counts = counts.copy()
    counts[:, 5] = 0
    counts[0, 5] = 900  # one unit alone: the other coefficients go to minus infinity
    ours = BatchedInference().irls(counts, *rest, **FIT, max_beta=3)
    theirs = DefaultInference(n_cpus=1).irls(counts, *rest, **FIT, max_beta=3)
    np.testing.assert_allclose(ours[0][5], theirs[0][5], rtol=1e-9)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-7)
    assert ours[3].tolist() == theirs[3].tolist()


@pytest.mark.parametrize("prior", [None, 0.6])
def test_dispersions_are_the_modes_of_the_posterior(made, prior):
    """On a grid of 1e-3 in the logarithm no dispersion near ours is likelier."""
    counts, _, design, _ = made
    _, mu, _, _ = BatchedInference().irls(*made, **FIT)
    start = np.full(N_GENES, 0.2)
    found, converged = BatchedInference().alpha_mle(
        counts, design, mu, start, MIN_DISP, MAX_DISP, prior, True, prior is not None
    )
    assert converged.all()
    assert ((found >= MIN_DISP) & (found <= MAX_DISP)).all()

    def loss(gene: int, log_alpha: float) -> float:
        size = np.exp(-log_alpha)
        means = mu[:, gene]
        total = -nbinom.logpmf(counts[:, gene], size, size / (size + means)).sum()
        weights = means / (1 + means / size)
        total += 0.5 * np.linalg.slogdet(design.T @ (weights[:, None] * design))[1]
        return total + (0 if prior is None else (log_alpha - np.log(0.2)) ** 2 / (2 * prior))

    inside = np.flatnonzero((found > 1e-4) & (found < 9))
    assert len(inside) > 0.6 * N_GENES
    for gene in inside[::10]:
        here = loss(gene, np.log(found[gene]))
        near = [loss(gene, np.log(found[gene]) + step) for step in (-1e-3, 1e-3)]
        assert here < min(near)


def test_most_dispersions_are_those_of_each_genes_own_optimiser(made):
    counts, _, design, _ = made
    _, mu, _, _ = BatchedInference().irls(*made, **FIT)
    asked = counts, design, mu, np.full(N_GENES, 0.2), MIN_DISP, MAX_DISP
    ours, _ = BatchedInference().alpha_mle(*asked)
    theirs, _ = DefaultInference(n_cpus=1).alpha_mle(*asked)
    alike = np.isclose(np.log(ours), np.log(theirs), atol=0.01)
    assert alike[theirs > 0.01].mean() > 0.98


def test_wald_tests_are_those_of_each_gene(made):
    _, _, design, dispersion = made
    beta, mu, _, _ = BatchedInference().irls(*made, **FIT)
    ridge, contrast = np.diag(np.full(N_PAIRS + 1, 1e-6)), np.eye(N_PAIRS + 1)[-1]
    asked = (design, dispersion, beta, mu, ridge, contrast, np.zeros(N_PAIRS + 1))
    for ours, theirs in zip(
        BatchedInference().wald_test(*asked), DefaultInference(n_cpus=1).wald_test(*asked),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_a_design_without_full_rank_is_given_to_the_library(made):
    counts, size_factors, design, dispersion = made
    twice = np.hstack([design, design[:, -1:]])
    seen = np.flatnonzero((counts > 0).all(axis=0))[:9]  # their routine takes the logarithm
    asked = counts[:, seen], size_factors, twice, dispersion[seen]
    ours = BatchedInference().irls(*asked, **FIT)
    theirs = DefaultInference(n_cpus=1).irls(*asked, **FIT)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9)
