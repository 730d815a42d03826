"""PyDESeq2's fits for all genes at once: the same equations, without a call of an optimiser a gene.

PyDESeq2 takes the routines that fit its models as an object. Its own fits one gene after the
other; a gene of a pseudobulk has a dozen counts, and nearly all of the time goes to starting.
"""

import numpy as np
from pydeseq2.default_inference import DefaultInference
from scipy.special import digamma, gammaln, ndtr

GENES_AT_ONCE = 2048
"""Genes fitted together: with 50 patients their cross products take 40 MB."""

RIDGE = 1e-6
"""DESeq2's ridge on the coefficients."""

FLAT = 1e-5
"""Slope of the log posterior of a log dispersion below which it is at rest (L-BFGS-B's bound)."""

PRECISION = 1e-7
"""Slope at which the search for a dispersion ends."""

STEPS = 80


class BatchedInference(DefaultInference):
    """The fits of Love, Huber & Anders 2014 as PyDESeq2 makes them, over arrays of genes.

    Coefficients by iteratively reweighted least squares, dispersions at the mode of their
    posterior. A gene whose coefficients run away, or do not settle, is given to PyDESeq2's own
    routine, as is a design without full rank. Shapes are PyDESeq2's: units × genes.
    """

    def __init__(self) -> None:
        """Fit in this process alone."""
        super().__init__(n_cpus=1)

    def irls(
        self, counts, size_factors, design_matrix, disp, min_mu, beta_tol, min_beta=-30,
        max_beta=30, optimizer="L-BFGS-B", maxiter=250,
    ):  # fmt: skip
        """Return (coefficients, means, hat diagonals, converged) of the negative binomial fits."""
        rest = (min_mu, beta_tol, min_beta, max_beta, optimizer, maxiter)
        if np.linalg.matrix_rank(design_matrix) < design_matrix.shape[1]:
            return super().irls(counts, size_factors, design_matrix, disp, *rest)
        parts = [
            _coefficients(
                counts[:, genes].T.astype(float), size_factors, design_matrix, disp[genes],
                min_mu, beta_tol, max_beta, maxiter,
            )
            for genes in _blocks(counts.shape[1])
        ]  # fmt: skip
        beta, settled = (np.concatenate([part[i] for part in parts]) for i in range(2))
        hat = np.empty(counts.shape)
        for genes in _blocks(counts.shape[1]):
            mu = np.maximum(size_factors * np.exp(beta[genes] @ design_matrix.T), min_mu)
            hat[:, genes] = _hat_diagonal(mu, design_matrix, disp[genes]).T
        means = size_factors[:, None] * np.exp(design_matrix @ beta.T)
        converged = np.ones(len(beta), dtype=bool)
        if len(odd := np.flatnonzero(~settled)):
            own = super().irls(counts[:, odd], size_factors, design_matrix, disp[odd], *rest)
            beta[odd], means[:, odd], hat[:, odd], converged[odd] = own
        return beta, means, hat, converged

    def alpha_mle(
        self, counts, design_matrix, mu, alpha_hat, min_disp, max_disp, prior_disp_var=None,
        cr_reg=True, prior_reg=False, optimizer="L-BFGS-B",
    ):  # fmt: skip
        """Return (dispersions, converged): the mode downhill of `alpha_hat`, within the bounds."""
        bounds = np.log(min_disp), np.log(max_disp)
        prior = prior_disp_var if prior_reg else np.inf
        log_alpha = np.concatenate(
            [
                _mode(
                    counts[:, genes].T.astype(float), mu[:, genes].T, design_matrix,
                    np.log(alpha_hat[genes]), bounds, prior, cr_reg,
                )
                for genes in _blocks(counts.shape[1])
            ]
        )  # fmt: skip
        return np.exp(log_alpha), np.ones(len(log_alpha), dtype=bool)

    def wald_test(
        self, design_matrix, disp, lfc, mu, ridge_factor, contrast, lfc_null, alt_hypothesis=None
    ):
        """Return (p-values, statistics, standard errors) of a contrast of the coefficients."""
        if alt_hypothesis is not None:
            return super().wald_test(
                design_matrix, disp, lfc, mu, ridge_factor, contrast, lfc_null, alt_hypothesis
            )
        contrast, error = np.asarray(contrast), np.empty(mu.shape[1])
        for genes in _blocks(mu.shape[1]):
            weights = (mu[:, genes] / (1 + mu[:, genes] * disp[genes])).T
            information = _cross(weights, design_matrix)
            solved = np.linalg.inv(information + ridge_factor) @ contrast
            error[genes] = np.sqrt(np.einsum("gi,gij,gj->g", solved, information, solved))
        statistic = (np.asarray(lfc) - lfc_null) @ contrast / error
        return 2 * ndtr(-np.abs(statistic)), statistic, error


def _blocks(n_genes: int) -> list[slice]:
    return [slice(first, first + GENES_AT_ONCE) for first in range(0, n_genes, GENES_AT_ONCE)]


def _cross(weights: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Return X'WX of each gene, genes × p × p, of weights genes × units."""
    n_units, n_terms = design.shape
    products = (design[:, :, None] * design[:, None, :]).reshape(n_units, -1)
    return (weights @ products).reshape(-1, n_terms, n_terms)


def _coefficients(counts, size_factors, design, disp, min_mu, beta_tol, max_beta, maxiter):
    """Return (coefficients, settled) of a block: counts genes × units, disp by gene."""
    q, r = np.linalg.qr(design)
    beta = np.linalg.solve(r, q.T @ np.log(counts / size_factors + 0.1).T).T
    settled, lost = np.zeros(len(beta), dtype=bool), np.zeros(len(beta), dtype=bool)
    deviance = np.full(len(beta), 1000.0)
    ridge = np.diag(np.repeat(RIDGE, design.shape[1]))
    for _ in range(maxiter - 1):
        at = np.flatnonzero(~(settled | lost))
        if not len(at):
            break
        y, alpha = counts[at], disp[at, None]
        mu = np.maximum(size_factors * np.exp(beta[at] @ design.T), min_mu)
        weights = mu / (1 + mu * alpha)
        working = np.log(mu / size_factors) + (y - mu) / mu
        right = (weights * working) @ design
        new = np.linalg.solve(_cross(weights, design) + ridge, right[:, :, None])[:, :, 0]
        away = (np.abs(new) > max_beta).any(axis=1)
        lost[at[away]] = True
        at, new, y, alpha = at[~away], new[~away], y[~away], alpha[~away]
        beta[at] = new
        mu = np.maximum(size_factors * np.exp(new @ design.T), min_mu)
        now = 2 * _log_likelihood(y, mu, alpha)
        settled[at] = np.abs(now - deviance[at]) <= beta_tol * (np.abs(now) + 0.1)
        deviance[at] = now
    return beta, settled


def _log_likelihood(counts, mu, alpha):
    """Return the negative binomial log likelihood of each gene; alpha genes × 1."""
    size = 1 / alpha
    terms = gammaln(counts + size) - gammaln(counts + 1) - gammaln(size)
    terms += counts * np.log(mu) - size * np.log(alpha) - (counts + size) * np.log(mu + size)
    return terms.sum(axis=1)


def _hat_diagonal(mu, design, disp):
    """Return the diagonal of each gene's hat matrix, genes × units."""
    weights = mu / (1 + mu * disp[:, None])
    ridge = np.diag(np.repeat(RIDGE, design.shape[1]))
    inverse = np.linalg.inv(_cross(weights, design) + ridge)
    return weights * np.einsum("ni,gij,nj->gn", design, inverse, design, optimize=True)


def _slope(log_alpha, counts, mu, design, centre, prior, cr_reg):
    """Return the slope of the negative log posterior of each gene's log dispersion."""
    alpha = np.exp(log_alpha)[:, None]
    size = 1 / alpha
    terms = digamma(counts + size) - digamma(size) - np.log1p(mu * alpha)
    slope = (size * terms + (mu - counts) * size / (mu + size)).sum(axis=1)
    if cr_reg:
        weights = mu / (1 + mu * alpha)
        inverse = np.linalg.inv(_cross(weights, design))
        slope -= 0.5 * alpha[:, 0] * (inverse * _cross(weights**2, design)).sum(axis=(1, 2))
    return slope + (log_alpha - centre) / prior


def _mode(counts, mu, design, start, bounds, prior, cr_reg):
    """Return the log dispersion at the first minimum downhill of `start`, of each gene.

    Downhill in growing steps until the slope turns or is flat, or a bound is met; then the root
    of the slope between the last two places, by halving with a secant where it is the shorter.
    """

    def slope(genes, place):
        return _slope(place, counts[genes], mu[genes], design, start[genes], prior, cr_reg)

    low, high = bounds
    here = np.clip(start, low, high)
    every = np.arange(len(here))
    here_slope = slope(every, here)
    there, there_slope = here.copy(), here_slope.copy()
    walking, step = np.abs(here_slope) > FLAT, 0.5
    while walking.any():
        at = np.flatnonzero(walking)
        here[at], here_slope[at] = there[at], there_slope[at]
        there[at] = np.clip(here[at] - step * np.sign(here_slope[at]), low, high)
        there_slope[at] = slope(at, there[at])
        turned = there_slope[at] * here_slope[at] <= 0
        ended = (there[at] == here[at]) | (np.abs(there_slope[at]) <= FLAT)
        walking[at] = ~(turned | ended)
        step *= 1.5
    between = there_slope * here_slope < 0
    for turn in range(STEPS):
        at = np.flatnonzero(between & (np.abs(there_slope) > PRECISION) & (here != there))
        if not len(at):
            break
        a, b, slope_a, slope_b = here[at], there[at], here_slope[at], there_slope[at]
        middle = (a + b) / 2 if turn % 3 == 2 else b - slope_b * (b - a) / (slope_b - slope_a)
        found = slope(at, middle)
        kept = np.sign(found) == np.sign(slope_b)
        here[at], here_slope[at] = np.where(kept, a, b), np.where(kept, slope_a, slope_b)
        there[at], there_slope[at] = middle, found
    return there
