"""Which genes are human: references of several genomes, other species, versions of ids."""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import genes
from immune_reset.errors import at

GENE_EXPRESSION = "Gene Expression"
HUMAN_ID = re.compile(r"ENSG\d")
OTHER_ID = re.compile(r"ENS[A-Z]{3,4}G\d")
"""Ensembl's ids of other species: ENSMUSG (mouse), ENSRNOG (rat), ENSMMUG (macaque)."""

OF_GENOME = re.compile(r"([A-Za-z0-9.-]+?)_+(ENS[A-Z]*G\d.*)")
VERSION = re.compile(r"(ENS[A-Z]*G\d+)\.\d+(_PAR_Y)?")
MOUSE_SYMBOL = re.compile(r"[A-Z][a-z0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)?")
BARCODE = re.compile(r".*[ACGT]{12,}([-_.].*)?")
NO_SYMBOL = re.compile(r"\d+|chr[0-9A-Za-z_]+[:_-]\d+[_-]\d+")
"""Numbers (of Entrez) and intervals of a genome (of ATAC) in the place of symbols."""

MISSING = ("", "nan", "none", "na", "<na>")
MOST = 0.5
FEATURES = ("gene_id", "symbol", "feature_type")
REFERENCES = 8
"""References of which is kept what was found of their genes; a cohort has one or two."""


def once(found: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what a function finds of features: the samples of a cohort share their reference.

    Equal features, not the same object, are one; what is found must not be written to.
    """

    @lru_cache(maxsize=REFERENCES)
    def kept(columns: tuple[tuple[str, ...], ...], *rest: str) -> Any:
        return found(pd.DataFrame(dict(zip(FEATURES, columns, strict=True)), dtype=object), *rest)

    @wraps(found)
    def of(features: pd.DataFrame, *rest: str) -> Any:
        return kept(tuple(tuple(features[name]) for name in FEATURES), *rest)

    return of


def harmonised(
    ids: np.ndarray, symbols: np.ndarray, types: np.ndarray | None = None
) -> pd.DataFrame:
    """Return gene_id, symbol and feature_type of features, human genes named alike.

    The version of an Ensembl id (ENSG00000141510.17) goes. In a reference of several genomes
    the human genome's prefix goes, and the others' genes get the type
    "Gene Expression of <genome>", so that they are set aside and counted.
    """
    return _harmonised(tuple(ids), tuple(symbols), None if types is None else tuple(types)).copy()


@lru_cache(maxsize=REFERENCES)
def _harmonised(
    ids: tuple[str, ...], symbols: tuple[str, ...], types: tuple[str, ...] | None
) -> pd.DataFrame:
    ids, symbols = _named(ids, symbols)
    frame = pd.DataFrame({"gene_id": ids, "symbol": symbols, "feature_type": GENE_EXPRESSION})
    frame = frame.astype({"gene_id": object, "symbol": object, "feature_type": object})
    if not len(frame):
        return frame
    if types is not None:
        frame["feature_type"] = np.array(types, dtype=object)
    gex = (frame["feature_type"] == GENE_EXPRESSION).to_numpy()
    genomes = _genomes(frame.loc[gex, "gene_id"])
    for genome, human in genomes.items():
        of_it = gex & frame["gene_id"].str.startswith(f"{genome}_").to_numpy()
        if human:
            for column in ("gene_id", "symbol"):
                bare = frame.loc[of_it, column].str.replace(
                    f"^{re.escape(genome)}_+", "", regex=True
                )
                frame.loc[of_it, column] = bare
        elif any(genomes.values()):
            frame.loc[of_it, "feature_type"] = f"{GENE_EXPRESSION} of {genome}"
    frame["gene_id"] = [VERSION.sub(r"\1\2", name) if "." in name else name
                        for name in frame["gene_id"]]  # fmt: skip
    gex = frame["feature_type"] == GENE_EXPRESSION
    other = gex & frame["gene_id"].str.match(OTHER_ID)
    if 0 < other.sum() < gex.sum() and frame.loc[gex, "gene_id"].str.match(HUMAN_ID).any():
        frame.loc[other, "feature_type"] = f"{GENE_EXPRESSION} of another species"
    return frame


def _named(ids: np.ndarray, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and symbols, exchanged where the symbols are the ids, each filled by the other."""
    first, second = (pd.Series(part, dtype=object).astype(str) for part in (ids, symbols))
    if second.str.match(HUMAN_ID).mean() > MOST > first.str.match(HUMAN_ID).mean():
        first, second = second, first
    missing = [part.str.lower().isin(MISSING) for part in (first, second)]
    filled = first.where(~missing[0], second), second.where(~missing[1], first)
    return tuple(part.to_numpy(object) for part in filled)


def _genomes(ids: pd.Series) -> dict[str, bool]:
    """Return {prefix: whether it is the human genome} of ids that carry their genome's name."""
    found: dict[str, bool] = {}
    for name in ids[ids.str.contains("_ENS", regex=False)]:
        match = OF_GENOME.fullmatch(name)
        if match is not None:
            human = HUMAN_ID.match(match[2]) is not None
            found[match[1]] = found.get(match[1], False) or human
    return found


@once
def foreign(features: pd.DataFrame) -> str:
    """Return what in the genes says that they are of no human, or "".

    Most ids are Ensembl's of another species; or, without Ensembl ids, most symbols are written
    as a mouse's (Cd3e).
    """
    rows = features[features["feature_type"] == GENE_EXPRESSION]
    if not len(rows):
        return ""
    ids, symbols = rows["gene_id"].astype(str), rows["symbol"].astype(str)
    bare = ids.str.replace(OF_GENOME, r"\2", regex=True)
    other = bare.str.match(OTHER_ID)
    if other.mean() > MOST:
        return f"ids such as {ids[other].iloc[0]}"
    named = symbols[symbols.str.contains("[A-Za-z]{2}")]
    if bare.str.match(HUMAN_ID).any() or len(named) < 20:
        return ""
    mouse = named.str.fullmatch(MOUSE_SYMBOL)
    return f"symbols such as {named[mouse].iloc[0]}" if mouse.mean() > MOST else ""


@once
def has_ensembl(features: pd.DataFrame) -> bool:
    """Return whether most genes have a human Ensembl id."""
    rows = features[features["feature_type"] == GENE_EXPRESSION]
    return bool(len(rows) and rows["gene_id"].astype(str).str.match(HUMAN_ID).mean() > MOST)


@once
def has_symbols(features: pd.DataFrame) -> bool:
    """Return whether most genes have a symbol beside a human Ensembl id, or no such id."""
    rows = features[features["feature_type"] == GENE_EXPRESSION]
    return bool(rows["symbol"].astype(str).str.match(HUMAN_ID).mean() <= MOST)


def joined(features: pd.DataFrame, join_by: str) -> pd.DataFrame:
    """Return the features with the gene_id that samples are joined by.

    "ensembl": the id where the file has one, else the current symbol. "symbol": the current
    symbol, whatever the file's ids.
    """
    ids, current = _names_to_join(features, join_by)
    return features.assign(gene_id=ids, symbol=current)


@once
def _names_to_join(features: pd.DataFrame, join_by: str) -> tuple[np.ndarray, np.ndarray]:
    symbols = features["symbol"].where(features["symbol"] != "", features["gene_id"])
    current = np.array(genes.current_symbols(symbols), dtype=object)
    bare = (features["gene_id"] == symbols) | (join_by == "symbol")
    return np.where(bare, current, features["gene_id"].to_numpy(object)), current


@once
def _numbered(features: pd.DataFrame) -> bool:
    """Return whether most genes have a number or an interval in the place of a symbol."""
    rows = features[features["feature_type"] == GENE_EXPRESSION]
    return bool(rows["symbol"].astype(str).str.fullmatch(NO_SYMBOL).mean() > MOST)


def check_axes(barcodes: list[str], features: pd.DataFrame, *, place: str | Path) -> None:
    """Refuse a matrix whose two sides cannot be cells and human genes.

    Raises
    ------
    InputError
        If a side is empty, a barcode is, no feature is a gene's expression, the sides are
        exchanged, or the genes are of another species or have no names.
    """
    if not len(barcodes):
        raise at(place, "it holds no barcodes", "Give the filtered matrix of the library")
    if not len(features):
        raise at(place, "it holds no features", "Give the matrix as Cell Ranger wrote it")
    rows = features[features["feature_type"] == GENE_EXPRESSION]
    if not len(rows):
        types = ", ".join(sorted(map(str, features["feature_type"].unique())))
        found = f"no feature is of type {GENE_EXPRESSION} (only {types})"
        raise at(place, found, "Give the matrix of gene expression")
    if not all(barcodes):
        mend = "Name every cell, each by its own barcode"
        raise at(place, f"barcode {barcodes.index('') + 1} is empty", mend)
    some = pd.Series(barcodes[:1000], dtype=str)
    named = rows["gene_id"].astype(str).head(1000)
    as_genes = some.str.match(HUMAN_ID) | some.str.match(OTHER_ID)
    if as_genes.mean() > MOST or named.str.fullmatch(BARCODE).mean() > MOST:
        found = f"it is transposed: a cell is named {some.iloc[0]}, a gene {named.iloc[0]}"
        raise at(place, found, "Write cells as rows (obs) and genes as columns (var)")
    if _numbered(features) and not has_ensembl(features):
        found = f"its genes have neither Ensembl ids nor symbols, such as {rows['gene_id'].iloc[0]}"
        raise at(place, found, "Name the genes by Ensembl id or symbol")
    if species := foreign(features):
        found = f"its genes are not human ({species}); gene sets and markers here are"
        raise at(place, found, "Give human data, or map the genes to their human orthologues")
