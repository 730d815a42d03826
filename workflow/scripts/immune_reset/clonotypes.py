"""Clonotypes of one patient: which cells descend from one rearrangement.

A clone is found in two steps. First the VDJ chains are grouped: T cells by V gene and identical
junction, B cells by V gene, J gene and junction length, and within these by single linkage at a
normalised Hamming distance (Gupta et al. 2017, doi 10.4049/jimmunol.1601850). Then each group is
divided by the partner (VJ) chain, as Immcantation's light-chain step does (Immcantation,
`light_cluster`; Zhou and Kleinstein 2019): cells that carry different partners are different
clones, and cells whose partner was not caught join the clone they can only belong to.

Here the distance is exact over all pairs, in blocks of fixed size, so the memory does not grow with
the number of pairs. scirpy's `normalized_hamming` rounds to whole per cent, so that its cutoff 15
takes pairs up to .155; at that distance the groups are the same (held in the tests).

A T cell may carry two alpha chains, and which has more UMIs is chance. By the primary alpha alone
65 and 18 clones split off in two real patients; where one cell shows both alphas together they are
taken as one, and 26 and 4 are left. B cells are divided by their primary light chain: a second one
is often ambient.
"""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROWS, COLUMNS = 512, 8192  # one block of the distance matrix: 16 MB


def linked(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the component of each of `n` nodes joined by the edges `left`-`right`."""
    edges = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(n, n))
    return connected_components(edges, directed=False)[1]


def encode(sequences: np.ndarray) -> np.ndarray:
    """Return (n, length x letters) float32 indicators of sequences of one length."""
    # from a list, so that the array is as wide as these sequences and no wider
    letters = np.array([str(s) for s in sequences]).view("U1").reshape(len(sequences), -1)
    alphabet = np.unique(letters)
    return (letters[:, :, None] == alphabet).reshape(len(sequences), -1).astype(np.float32)


def hamming_components(sequences: np.ndarray, *, max_distance: float) -> np.ndarray:
    """Return single-linkage components of distinct sequences of one length.

    Two sequences are joined where their mismatches are at most `max_distance` x length.
    """
    n, length = len(sequences), len(sequences[0])
    allowed = int(np.floor(max_distance * length + 1e-9))
    labels = np.arange(n)
    if n == 1 or allowed == 0:
        return labels
    ones = encode(sequences)
    for top in range(0, n, ROWS):
        for start in range(top, n, COLUMNS):
            matches = ones[top : top + ROWS] @ ones[start : start + COLUMNS].T
            rows, columns = np.nonzero(matches > length - allowed - 0.5)
            left, right = labels[rows + top], labels[columns + start]
            new = left != right
            if new.any():
                labels = linked(n, left[new], right[new])[labels]
    return labels


def group_identical(cells: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Return the group of each cell with the same `keys`."""
    return cells.groupby(keys, sort=True).ngroup().to_numpy()


def group_similar(
    cells: pd.DataFrame, *, v: str, j: str, junction: str, max_distance: float
) -> np.ndarray:
    """Return the group of each cell: one V gene, J gene and junction length, linked junctions."""
    distinct = cells[[v, j, junction]].drop_duplicates().reset_index(drop=True)
    distinct["length"] = distinct[junction].str.len()
    groups = np.empty(len(distinct), dtype=np.int64)
    offset = 0
    sequences = distinct[junction].to_numpy(dtype=object)
    for rows in distinct.groupby([v, j, "length"], sort=True).indices.values():
        labels = hamming_components(sequences[rows], max_distance=max_distance)
        groups[rows] = labels + offset
        offset += labels.max() + 1
    distinct["group"] = groups
    merged = cells[[v, j, junction]].merge(distinct, on=[v, j, junction], how="left")
    return merged["group"].to_numpy()


def divide_by_partner(
    groups: np.ndarray, partner: pd.Series, second: pd.Series | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Divide groups of cells by the partner chain, where both cells have one.

    Parameters
    ----------
    groups
        Group of each cell by its VDJ chain.
    partner
        Key of each cell's primary partner chain; missing where none was caught.
    second
        Key of each cell's second partner chain. Two partners that one cell of the group carries
        together are one (a T cell may rearrange both alpha genes, and which of them has more UMIs
        is chance).

    Returns
    -------
    The clone of each cell, and the number of cells without a partner in divided groups:
    `partner_inferred` (more than half of the group's cells with a partner are of one clone: they
    join it) and `partner_unclear` (no such clone: they stay together as a clone of their own).
    """
    cells = pd.DataFrame({"group": groups, "partner": pd.Series(partner).to_numpy(dtype=object)})
    with_partner = cells["partner"].notna()
    node = cells[with_partner].groupby(["group", "partner"], sort=True).ngroup()
    n_nodes = int(node.max()) + 1 if len(node) else 0
    clone_of_node = np.arange(n_nodes)
    if second is not None and n_nodes:
        clone_of_node = _join_second(cells, node, pd.Series(second).to_numpy(dtype=object), n_nodes)
    clones = np.full(len(cells), -1, dtype=np.int64)
    clones[with_partner] = clone_of_node[node]

    sizes = cells[with_partner].assign(clone=clones[with_partner])
    sizes = sizes.groupby(["group", "clone"]).size().rename("n").reset_index()
    sizes["share"] = sizes["n"] / sizes.groupby("group")["n"].transform("sum")
    best = sizes[sizes["share"] > 0.5].set_index("group")["clone"]
    n_clones = sizes.groupby("group").size()

    lone = ~with_partner
    group = cells.loc[lone, "group"]
    home = group.map(best)
    own = home.isna().to_numpy()
    clones[lone] = np.where(own, n_nodes + group.to_numpy(), home.fillna(-1).to_numpy())
    divided = group.map(n_clones).fillna(0).to_numpy() > 1
    facts = {
        "partner_inferred": int((divided & ~own).sum()),
        "partner_unclear": int((divided & own).sum()),
    }
    return clones, facts


def _join_second(
    cells: pd.DataFrame, node: pd.Series, second: np.ndarray, n_nodes: int
) -> np.ndarray:
    """Join the (group, partner) nodes that one cell carries as its two partners."""
    known = cells.loc[node.index, ["group", "partner"]].assign(node=node).drop_duplicates()
    other = cells.loc[node.index, ["group"]].assign(first=node, partner=second[node.index])
    pairs = other.dropna(subset=["partner"]).merge(known, on=["group", "partner"])
    return linked(n_nodes, pairs["first"].to_numpy(), pairs["node"].to_numpy())


def split_mixed(clones: np.ndarray, cells: pd.DataFrame, keys: list[str]) -> tuple[np.ndarray, int]:
    """Return clones with one value of each of `keys` alone, and how many had to be split.

    The last check of every definition (scirpy#644: clusters that held several V genes).
    """
    parts = cells[keys].assign(clone=np.asarray(clones)).reset_index(drop=True)
    distinct = parts.drop_duplicates()
    n_split = int((distinct.groupby("clone").size() > 1).sum())
    return parts.groupby(["clone", *keys], sort=True).ngroup().to_numpy(), n_split


def rank_clones(clones: np.ndarray, cells: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Return each cell's clone number: 1 is the largest; ties in the order of the clones' `keys`.

    A clone's key is its first by sorting, then its first `cell_id`, so that the numbers depend on
    the cells alone and not on the order of the files.
    """
    named = cells[[*keys, "cell_id"]].fillna("").assign(clone=np.asarray(clones))
    first = named.sort_values([*keys, "cell_id"]).drop_duplicates("clone").set_index("clone")
    first["n"] = named.groupby("clone").size()
    first["minus"] = -first["n"]
    first = first.sort_values(["minus", *keys, "cell_id"])
    rank = pd.Series(np.arange(1, len(first) + 1), index=first.index)
    return rank.reindex(np.asarray(clones)).to_numpy()
