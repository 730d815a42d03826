"""The vocabulary of cell types, and what users call them."""

import logging
import re

import numpy as np
import pandas as pd

from immune_reset.errors import at

logger = logging.getLogger("vocabulary")

DROPPED_WORDS = {"cell", "lymphocyte", "pos", "positive"}


def plain(label: str) -> str:
    """Return a label without case, plurals, signs and the word "cells", to be compared by.

    >>> plain("CD14+ Monocytes"), plain("B_cells"), plain("Non-classical mono.")
    ('cd14 monocyte', 'b', 'non classical mono')
    """
    words = re.sub(r"[^0-9a-zγδα-ω]+", " ", str(label).lower()).split()
    single = [w[:-1] if len(w) > 2 and w.endswith("s") and w[-2] != "s" else w for w in words]
    return " ".join(w for w in single if w not in DROPPED_WORDS)


def lookup(cell_types: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return {plain label: (cell_type, cell_subtype)} of the vocabulary and its synonyms.

    `cell_types`: cell_type, cell_subtype ("" = the whole type), synonyms (";" between). The
    lineage `T` stands for any T cell. A vocabulary's own name wins over another's synonym.
    """
    found: dict[str, tuple[str, str]] = {}
    for row in cell_types.itertuples():
        own = row.cell_subtype or row.cell_type
        found.setdefault(plain(own), (row.cell_type, row.cell_subtype))
    for row in cell_types.itertuples():
        for name in filter(None, str(row.synonyms).split(";")):
            found.setdefault(plain(name), (row.cell_type, row.cell_subtype))
    return found


def translate(labels: pd.Series, cell_types: pd.DataFrame) -> pd.DataFrame:
    """Return label, cell_type, cell_subtype and known, one row per distinct label.

    A label that the vocabulary does not know is its own cell type (`known` False).
    """
    names = lookup(cell_types)
    rows = []
    for label in sorted(set(labels)):
        cell_type, subtype = names.get(plain(label), (label, ""))
        rows.append((label, cell_type, subtype, plain(label) in names))
    return pd.DataFrame(rows, columns=["label", "cell_type", "cell_subtype", "known"])


def read_words(
    clusters: pd.Series, overrides: pd.DataFrame | None, cell_types: pd.DataFrame, *, place: str
) -> pd.DataFrame:
    """Return what the user says of the clusters: label, cell_type, cell_subtype, known.

    `clusters`: cluster of each cell; `overrides`: cluster, label (empty: no word on it). Index
    cluster.

    Raises
    ------
    InputError
        If a column is missing, a cluster does not exist or is named twice, or a label is neither
        in the vocabulary nor a synonym.
    """
    if overrides is None:
        overrides = pd.DataFrame({"cluster": [], "label": []}, dtype=object)
    if missing := {"cluster", "label"} - set(overrides.columns):
        raise at(place, f"no column {sorted(missing)[0]!r}", "Give the columns cluster and label")
    table = overrides[["cluster", "label"]].fillna("").astype(str)
    table = table[table["label"].str.strip() != ""]
    names = sorted(set(clusters), key=lambda name: (len(name), name))
    if stray := sorted(set(table["cluster"]) - set(names)):
        raise at(place, f"there is no cluster {stray[0]!r}", f"The clusters are {', '.join(names)}")
    if twice := table.loc[table["cluster"].duplicated(), "cluster"].tolist():
        raise at(place, f"cluster {twice[0]!r} has two labels", "Keep one")
    words = translate(table["label"], cell_types)
    if strange := words.loc[~words["known"], "label"].tolist():
        known = cell_types["cell_subtype"].where(cell_types["cell_subtype"] != "")
        known = ", ".join(dict.fromkeys(known.fillna(cell_types["cell_type"])))
        raise at(place, f"the label {strange[0]!r} is not known", f"Use one of {known}")
    return table.merge(words, on="label").set_index("cluster")


def own_words(clusters: pd.Series, cell_types: pd.DataFrame) -> pd.DataFrame:
    """Return what the user's own labels say: label, cell_type, cell_subtype, known, by cluster."""
    words = translate(clusters[clusters != ""], cell_types)
    if strange := words.loc[~words["known"], "label"].tolist():
        logger.warning("labels outside the vocabulary, kept as they are: %s", ", ".join(strange))
    return words.set_index("label", drop=False).rename_axis("cluster")


def allowed_states(said: pd.DataFrame, clusters: pd.Series, states: pd.DataFrame) -> np.ndarray:
    """Return cells x states: what the user's word on a cell's cluster leaves open.

    A type leaves its subtypes open, the lineage `T` every T cell; an unknown label leaves all.
    """
    allowed = np.ones((len(clusters), len(states)), dtype=bool)
    for cluster, word in said.iterrows():
        fits = (states["cell_type"] == word.cell_type) | (states["lineage"] == word.cell_type)
        if word.cell_subtype and (exact := states["cell_subtype"] == word.cell_subtype).any():
            fits &= exact
        if fits.any():
            allowed[(clusters == cluster).to_numpy()] = fits.to_numpy()
    return allowed


def apply_words(labels: pd.DataFrame, said: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """Return labels with `source`, in which the user's word holds for every cell of its cluster.

    A type that no marker state stands for (outside the vocabulary, `unassigned`, or not in the
    panel) is taken as it is, without a confidence.
    """
    out = labels.assign(source="marker")
    for cluster, word in said.iterrows():
        rows = out["cluster"] == cluster
        out.loc[rows, "source"] = source
        if word.cell_type == "T":
            continue
        foreign = rows & (out["cell_type"] != word.cell_type)
        out.loc[foreign, ["cell_type", "cell_subtype"]] = word.cell_type, word.cell_subtype
        out.loc[foreign, "confidence"] = np.nan
    return out
