"""The genes of a simulated matrix, and what each kind of cell expresses of them."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from immune_reset.errors import InputError
from immune_reset.simulation import programs
from immune_reset.simulation.abundant import SHARED
from immune_reset.simulation.markers import MARKERS
from immune_reset.simulation.segments import CONSTANTS, v_genes
from immune_reset.simulation.symbols import filler_symbols
from immune_reset.simulation.types import LINEAGES, NAMES, index, members

PANEL_SEED = 20180504  # the panel is the same in every cohort, whatever the cohort's seed


@dataclass(frozen=True)
class Panel:
    """Genes and expression of the simulated kinds of cells.

    `levels` (kinds x genes) are shares of a cell's UMIs and sum to 1 by kind; receptor segments
    and the transgene of T cells without it are 0 there, the former are added cell by cell.
    """

    symbols: list[str]
    ids: list[str]
    levels: np.ndarray
    sets: dict[str, np.ndarray]
    column: dict[str, int] = field(repr=False)


def parse_levels(text: str) -> dict[str, np.ndarray]:
    """Return gene -> levels by kind (UMIs per 10,000) of a marker table (see `markers`)."""
    levels = {}
    for line in text.strip().splitlines():
        gene, base, *entries = line.split()
        row = np.full(len(NAMES), float(base))
        for entry in entries:
            token, level = entry.split("=")
            row[[index(kind) for kind in members(token)]] = float(level)
        levels[gene] = row
    return levels


def _ribosomal(rng: np.random.Generator) -> dict[str, np.ndarray]:
    share = np.full(len(NAMES), programs.RIBOSOMAL_SHARE[""])
    for kind, value in programs.RIBOSOMAL_SHARE.items():
        if kind:
            share[index(kind)] = value
    weight = rng.lognormal(0, 0.7, len(programs.RIBOSOMAL))
    weight /= weight.sum()
    jitter = rng.lognormal(0, 0.08, (len(weight), len(NAMES)))
    return {
        gene: 1e4 * share * w * j
        for gene, w, j in zip(programs.RIBOSOMAL, weight, jitter, strict=True)
    }


def _fillers(rng: np.random.Generator, names: list[str], mass: np.ndarray) -> np.ndarray:
    """Return levels (kinds x fillers) that add up to `mass`, varying by lineage and by kind."""
    base = rng.normal(0, 1.3, len(names))
    levels = np.tile(base, (len(NAMES), 1))
    for kinds in LINEAGES.values():
        shift = rng.normal(0, 0.45, len(names)) * (rng.random(len(names)) < 0.35)
        levels[[index(kind) for kind in kinds]] += shift
    levels += rng.normal(0, 0.2, levels.shape) * (rng.random(levels.shape) < 0.2)
    levels = np.exp(levels)
    return levels / levels.sum(axis=1, keepdims=True) * mass[:, None]


def _filler_names(n: int) -> list[str]:
    known = filler_symbols()
    unnamed = [f"ENSG9{number:010d}" for number in range(max(0, n - len(known)))]
    return (known + unnamed)[:n]


@lru_cache(maxsize=2)
def build_panel(n_genes: int) -> Panel:
    """Return the panel with `n_genes` genes: all named ones, then fillers.

    Gene ids are of Ensembl's form but outside of the numbers it has given out.

    Raises
    ------
    InputError
        If `n_genes` is too small to hold the named genes.
    """
    rng = np.random.default_rng(PANEL_SEED)
    levels = parse_levels(MARKERS)
    for text in (SHARED, programs.ISG28, programs.INTERFERON_MILD, programs.MITOCHONDRIAL):
        levels.update(parse_levels(text))
    levels.update(_ribosomal(rng))
    levels |= {gene: np.zeros(len(NAMES)) for gene in [*CONSTANTS, *v_genes()]}
    car = np.zeros(len(NAMES))
    car[[index(kind) for kind in members("CAR")]] = programs.CAR_LEVEL
    levels[programs.CAR_FEATURE] = car
    if n_genes < len(levels) + 100:
        raise InputError(f"--genes {n_genes}: too few. Give at least {len(levels) + 100}")
    names = [name for name in _filler_names(n_genes) if name not in levels]
    names = names[: n_genes - len(levels)]
    fixed = np.array(list(levels.values())).T
    fill = _fillers(rng, names, np.maximum(1e4 - fixed.sum(axis=1), 500))
    matrix = np.hstack([fixed, fill])
    matrix /= matrix.sum(axis=1, keepdims=True)
    return _sorted_panel([*levels, *names], matrix)


def _sorted_panel(symbols: list[str], matrix: np.ndarray) -> Panel:
    order = sorted(
        range(len(symbols)), key=lambda i: (symbols[i] == programs.CAR_FEATURE, symbols[i])
    )
    symbols = [symbols[i] for i in order]
    column = {symbol: i for i, symbol in enumerate(symbols)}
    ids = [
        symbol if symbol == programs.CAR_FEATURE or symbol.startswith("ENSG9") else f"ENSG8{i:010d}"
        for i, symbol in enumerate(symbols)
    ]

    def at(genes: object) -> np.ndarray:
        return np.array([column[gene] for gene in genes])

    sets = {
        "interferon": at(parse_levels(programs.ISG28)),
        "interferon_mild": at(parse_levels(programs.INTERFERON_MILD)),
        "jak_stat": at(programs.JAK_STAT),
        "early_response": at(programs.EARLY_RESPONSE),
        "mitochondrial": at(parse_levels(programs.MITOCHONDRIAL)),
        "ribosomal": at(programs.RIBOSOMAL),
        "haemoglobin": at(["HBA1", "HBA2", "HBB"]),
    }
    return Panel(symbols, ids, matrix[:, order], sets, column)
