"""One library: which cells are in it, and the UMIs that are counted in each."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from immune_reset.simulation import chemistry
from immune_reset.simulation.course import (
    HANDFUL,
    CohortSpec,
    composition,
    effects,
    is_followup,
    is_handful,
    rng_for,
)
from immune_reset.simulation.panel import Panel
from immune_reset.simulation.types import KINDS, NAMES, index

NOISE_SHAPE = 5.0
"""Gamma shape of gene noise (CV .45 beside the Poisson), for genes above NOISE_FROM UMIs a cell."""
NOISE_FROM = 0.3
PROGRAM_SD = {
    "interferon": 0.5,
    "interferon_mild": 0.25,
    "early_response": 0.5,
    "mitochondrial": 0.35,
    "ribosomal": 0.15,
}
"""Log sd of programs that vary together from cell to cell."""
SIZE_SD = 0.38
CHUNK = 1000


@dataclass(frozen=True)
class Cells:
    """The droplets of a library and the cells in them.

    `kind`, `size` and `droplet` are per cell (a doublet is two cells of one droplet, its second
    ones come last); `share` (cells) is the weight of the neighbouring kind `shade`. The other
    arrays are per droplet.
    """

    kind: np.ndarray
    shade: np.ndarray
    share: np.ndarray
    size: np.ndarray
    droplet: np.ndarray
    low_quality: np.ndarray
    mt_share: np.ndarray
    ambient: np.ndarray
    barcodes: np.ndarray

    @property
    def n(self) -> int:
        """Number of droplets."""
        return len(self.barcodes)


def draw_cells(spec: CohortSpec, patient: int, time: int) -> Cells:
    """Draw the droplets of one library: kinds, doublets, sizes, quality, ambient RNA."""
    rng = rng_for(spec, 2, patient, time, 1)
    follow = is_followup(spec, time)
    n = spec.cells * (spec.cells_ratio if follow else 1.0)
    n = max(20, round(n * np.exp(rng.normal(0, spec.cells_sd))))
    share = composition(spec, patient, time)
    kind = rng.choice(len(NAMES), n, p=share)
    if is_handful(spec, patient, time):
        kind = _handful(rng, kind)
    depth = (
        spec.depth * np.exp(rng.normal(0, spec.depth_sd)) * (spec.depth_ratio if follow else 1.0)
    )
    doublet = np.flatnonzero(rng.random(n) < spec.doublets)
    kind, second = _partners(rng, kind, doublet, share, spec.doublets_bt)
    kinds = np.concatenate([kind, second])
    sizes = np.array([KINDS[name].size for name in NAMES])[kinds]
    sizes = sizes * depth * rng.lognormal(-(SIZE_SD**2) / 2, SIZE_SD, len(kinds))
    droplet = np.concatenate([np.arange(n), doublet])
    sizes[np.isin(droplet, doublet)] *= 0.85  # two cells share the capture of one droplet
    low = rng.random(n) < spec.low_quality
    low[doublet] = False
    sizes[:n][low] *= rng.uniform(0.12, 0.35, low.sum())
    ambient = rng.uniform(*spec.ambient)
    return Cells(
        kind=kinds,
        shade=_shades(rng, kinds),
        share=rng.beta(0.8, 5.0, len(kinds)),
        size=sizes,
        droplet=droplet,
        low_quality=low,
        mt_share=np.where(low, rng.uniform(0.2, 0.6, n), 0.0),
        ambient=ambient / (1 - ambient) * np.median(sizes) * rng.lognormal(-0.045, 0.3, n),
        barcodes=draw_barcodes(rng, n),
    )


def _handful(rng: np.random.Generator, kind: np.ndarray) -> np.ndarray:
    kind = kind.copy()
    b = [index(name) for name in NAMES if KINDS[name].receptor == "BCR"]
    kind[np.isin(kind, b)] = index("m4")
    places = rng.choice(len(kind), sum(HANDFUL.values()), replace=False)
    kind[places] = np.repeat([index(name) for name in HANDFUL], list(HANDFUL.values()))
    return kind


def _partners(
    rng: np.random.Generator, kind: np.ndarray, doublet: np.ndarray, share: np.ndarray, bt: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return kinds with a share `bt` of the doublets made of a B and a T cell, and the partners."""
    kind = kind.copy()
    second = rng.choice(len(share), len(doublet), p=share)
    forced = doublet[rng.random(len(doublet)) < bt]
    b = np.array([KINDS[name].cell_type == "B" for name in NAMES]) * share
    t = np.array([KINDS[name].receptor == "TCR" for name in NAMES]) * share
    if b.sum() < 0.01:
        return kind, second
    kind[forced] = rng.choice(len(share), len(forced), p=b / b.sum())
    second[np.isin(doublet, forced)] = rng.choice(len(share), len(forced), p=t / t.sum())
    return kind, second


def _shades(rng: np.random.Generator, kinds: np.ndarray) -> np.ndarray:
    """Return a neighbouring kind for each cell; its own where it has none."""
    shades = kinds.copy()
    pick = rng.random(len(kinds))
    for kind, name in enumerate(NAMES):
        near = [index(neighbour) for neighbour in KINDS[name].neighbours] or [kind]
        cells = np.flatnonzero(kinds == kind)
        shades[cells] = np.array(near)[(pick[cells] * len(near)).astype(int)]
    return shades


def draw_barcodes(rng: np.random.Generator, n: int, length: int = 16) -> np.ndarray:
    """Return `n` distinct droplet barcodes with Cell Ranger's suffix, in alphabetical order."""
    codes = np.unique(rng.integers(0, 4**length, int(n * 1.01) + 8))
    codes = rng.choice(codes, n, replace=False)
    codes.sort()
    letters = np.array(list("ACGT"))[(codes[:, None] >> (2 * np.arange(length - 1, -1, -1))) & 3]
    return np.array(["".join(row) + "-1" for row in letters])


def library_levels(spec: CohortSpec, panel: Panel, patient: int, time: int) -> np.ndarray:
    """Return the shares of UMIs (kinds x genes, sums 1) that one library is drawn from.

    Patient batch effect first, then the planted effects, which change the share of each program's
    genes by exactly their log2 and every other gene by one common factor; the library's own batch
    effect last, and that of the follow-ups' chemistry, the same in all patients.
    """
    person = rng_for(spec, 1, patient, 3)
    levels = panel.levels * 2 ** person.normal(0, spec.patient_sd, panel.levels.shape[1])
    height = 2 ** person.normal(0, 0.3)
    for name in ("interferon", "interferon_mild"):
        levels[:, panel.sets[name]] *= height
    levels /= levels.sum(axis=1, keepdims=True)
    change = effects(spec, patient, time)
    factor = np.ones_like(levels)
    for name, log2 in (
        ("interferon", change["interferon"]),
        ("interferon_mild", change["interferon"] / 2),
        ("jak_stat", change["jak_stat"]),
    ):
        factor[:, panel.sets[name]] = 2 ** log2[:, None]
    touched = factor[:, :] != 1
    moved = np.where(touched, levels * factor, 0).sum(axis=1)
    stayed = np.where(touched, 0, levels).sum(axis=1)
    factor = np.where(touched, factor, ((1 - moved) / stayed)[:, None])
    levels = levels * factor
    library = rng_for(spec, 2, patient, time, 2)
    levels *= 2 ** library.normal(0, spec.library_sd, levels.shape[1])
    levels *= chemistry.factors(spec, panel, time)
    return levels / levels.sum(axis=1, keepdims=True)


def receptor_genes(
    panel: Panel, cells: Cells, receptors: pd.DataFrame, c_call: np.ndarray
) -> sparse.csr_matrix:
    """Return the expected UMIs (droplets x genes) of receptor segments and constants.

    `receptors` is indexed by cell; `c_call` is its heavy chain's class, "" for T cells.
    Plasmablasts make about forty times as much as other B cells.
    """
    at = receptors.index.to_numpy()
    plasma = cells.kind[at] == index("PB")
    naive = np.isin(cells.kind[at], [index("nB"), index("trB")])
    is_b = (receptors["vdj_locus"] == "IGH").to_numpy()
    light = np.where(receptors["vj_locus"] == "IGK", "IGKC", "IGLC2")
    beta = np.where(receptors["vdj_j"].str.startswith("TRBJ1"), "TRBC1", "TRBC2")
    heavy = np.where(naive, "IGHM", c_call)
    entries = [
        (receptors["vdj_v"].to_numpy(), np.where(is_b, np.where(plasma, 90, 2.0), 1.2)),
        (receptors["vj_v"].to_numpy(), np.where(is_b, np.where(plasma, 140, 3.0), 1.0)),
        (np.where(is_b, heavy, beta), np.where(is_b, np.where(plasma, 350, 8.0), 7.0)),
        (np.where(is_b, light, beta), np.where(is_b, np.where(plasma, 420, 22.0), 0.0)),
        (np.full(len(at), "IGHD"), np.where(naive, 4.5, 0.0)),
    ]
    rows, columns, values = [], [], []
    for genes, level in entries:
        rows.append(cells.droplet[at])
        columns.append(np.array([panel.column[gene] for gene in genes], dtype=int))
        values.append(level * cells.size[at] / 1e4)
    shape = (cells.n, len(panel.symbols))
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix((np.concatenate(values), where), shape=shape)


def count_umis(
    spec: CohortSpec,
    panel: Panel,
    *,
    patient: int,
    time: int,
    cells: Cells,
    receptor_means: sparse.csr_matrix,
) -> sparse.csr_matrix:
    """Draw the count matrix (droplets x genes, int32) of one library.

    A droplet's mean is its cells' mixture of kinds, plus ambient RNA (the library's own mean
    expression with some haemoglobin), plus receptor genes. Highly expressed genes carry gamma
    noise of their own, some programs a lognormal factor per droplet; counts are Poisson.
    """
    rng = rng_for(spec, 2, patient, time, 3)
    levels = library_levels(spec, panel, patient, time)
    weights = _weights(cells)
    soup = weights[:, : len(NAMES)].sum(axis=0) @ levels
    soup = soup + np.asarray(receptor_means.sum(axis=0)).ravel()
    soup[panel.sets["haemoglobin"]] += 0.004 * soup.sum()
    mt = np.zeros(levels.shape[1])
    mt[panel.sets["mitochondrial"]] = levels[0, panel.sets["mitochondrial"]]
    profiles = np.vstack([levels, mt / mt.sum(), soup / soup.sum()]).astype(np.float32)
    blocks = []
    for start in range(0, cells.n, CHUNK):
        mean = weights[start : start + CHUNK].astype(np.float32) @ profiles
        blocks.append(_draw(rng, panel, mean, receptor_means[start : start + CHUNK]))
    return sparse.vstack(blocks, format="csr")


def _weights(cells: Cells) -> np.ndarray:
    """Return UMIs (droplets x kinds, mitochondrial excess, ambient) expected of each source."""
    weights = np.zeros((cells.n, len(NAMES) + 2))
    kept = 1 - cells.mt_share[cells.droplet]
    np.add.at(weights, (cells.droplet, cells.kind), cells.size * (1 - cells.share) * kept)
    np.add.at(weights, (cells.droplet, cells.shade), cells.size * cells.share * kept)
    weights[:, -2] = cells.mt_share * cells.size[: cells.n]
    weights[:, -1] = cells.ambient
    return weights


def _draw(
    rng: np.random.Generator, panel: Panel, mean: np.ndarray, receptor: sparse.csr_matrix
) -> sparse.csr_matrix:
    for name, sd in PROGRAM_SD.items():
        factor = rng.lognormal(-(sd**2) / 2, sd, len(mean)).astype(np.float32)
        mean[:, panel.sets[name]] *= factor[:, None]
    noisy = np.flatnonzero(mean.mean(axis=0) > NOISE_FROM)
    noise = rng.standard_gamma(NOISE_SHAPE, (len(mean), len(noisy)), dtype=np.float32)
    mean[:, noisy] *= noise / np.float32(NOISE_SHAPE)
    counts = draw_poisson(rng, mean)
    extra = receptor.tocsr(copy=True)
    extra.data = rng.poisson(extra.data * rng.lognormal(-0.08, 0.4, extra.nnz)).astype(np.int32)
    total = (counts + extra.astype(np.int32)).tocsr()
    total.eliminate_zeros()
    total.sort_indices()
    return total


def draw_poisson(rng: np.random.Generator, mean: np.ndarray) -> sparse.csr_matrix:
    """Return Poisson counts of `mean` (float32), fast where most of them are 0.

    Columns of a mean above 2 are drawn by numpy; of the others, entries above 0 are found by one
    uniform number each, and only these are inverted further: k is the least with u < F(k).
    """
    high = np.flatnonzero(mean.mean(axis=0) > 2)
    uniform = rng.random(mean.shape, dtype=np.float32)
    often = rng.poisson(mean[:, high])
    none = np.exp(-mean)
    none[:, high] = 2.0
    place = np.flatnonzero(uniform >= none)
    rate, u = mean.ravel()[place], uniform.ravel()[place]
    term = none.ravel()[place]
    k, total = np.zeros(len(place), dtype=np.int32), term.copy()
    left = np.arange(len(place))
    for step in range(1, 200):
        term = term * rate / step
        total = total + term
        k[left] = step
        more = (u >= total) & (term > 1e-9)
        if not more.any():
            break
        left, rate, u, term, total = left[more], rate[more], u[more], term[more], total[more]
    counts = np.zeros(mean.shape, dtype=np.int32)
    counts.ravel()[place] = k
    counts[:, high] = often
    place = np.flatnonzero(counts)
    starts = np.searchsorted(place, np.arange(len(mean) + 1) * mean.shape[1])
    data = counts.ravel()[place], (place % mean.shape[1]).astype(np.int32), starts
    return sparse.csr_matrix(data, shape=mean.shape)
