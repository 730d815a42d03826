"""Nearest neighbours of points: exact to a few hundred thousand, by a graph of links beyond."""

import faiss
import numpy as np

EXACT = 200_000
"""Points up to which every pair is compared: 100,000 in 30 dimensions take 20 s of one core."""

SPARE = 4
"""Candidates beyond those asked for, so that the float32 of the search decides no order."""

LINKS, BUILD_BREADTH, SEARCH_BREADTH = 24, 80, 80
"""The graph of links (HNSW, Malkov and Yashunin 2018), for a recall above .99."""

EXACT_OF_MANY = 45_000
"""Points up to which every pair is compared where hundreds of neighbours are sought."""

PROBES = 32
"""Lists that are searched for a point's hundreds of neighbours, of as many lists as the root of the
number of points. Of 75,000 points 32 of 256 lists held .999 of the neighbours, 32 of 512 .993."""

AT_ONCE = 16_384
"""Points whose distances are taken anew at once."""


def nearest(points: np.ndarray, *, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (distances, neighbours) of each point, points × k, nearest first, itself among them.

    Euclidean distances in float64, ties by the neighbour's place: of what `search` finds, the
    order does not hang on the search's rounding.

    Parameters
    ----------
    points
        Points × dimensions.
    k
        Neighbours of a point, itself counted; at most the number of points.
    """
    found = search(points, k=min(k + SPARE, len(points)))
    distances = np.empty(found.shape)
    for first in range(0, len(points), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        apart = points[found[rows]].astype(np.float64) - points[rows, None, :]
        distances[rows] = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
    order = np.lexsort((found, distances), axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(found, order, axis=1)


def search(points: np.ndarray, *, k: int) -> np.ndarray:
    """Return the `k` nearest points of each, itself among them, as faiss finds them in float32.

    Up to `EXACT` points every pair is compared; beyond, the search is approximate. It is the same
    on every run and with any number of cores.
    """
    faiss.omp_set_num_threads(1)
    data = np.ascontiguousarray(points, dtype=np.float32)
    if len(data) <= EXACT:
        index = faiss.IndexFlatL2(data.shape[1])
    else:
        index = faiss.IndexHNSWFlat(data.shape[1], LINKS)
        index.hnsw.efConstruction = BUILD_BREADTH
        index.hnsw.efSearch = max(SEARCH_BREADTH, k)
    index.add(data)
    return index.search(data, k)[1]


def search_many(points: np.ndarray, *, k: int) -> np.ndarray:
    """Return the `k` nearest points of each, itself among them, where `k` is in the hundreds.

    Up to `EXACT_OF_MANY` points every pair is compared; beyond, the points are parted by k-means
    and those of the nearest `PROBES` parts are compared (inverted lists, Sivic and Zisserman 2003),
    for a graph of links is slow at so many neighbours. A point whose parts hold fewer than `k` is
    compared with all. The same on every run and with any number of cores.
    """
    if len(points) <= EXACT_OF_MANY:
        return search(points, k=k)
    faiss.omp_set_num_threads(1)
    data = np.ascontiguousarray(points, dtype=np.float32)
    parts = faiss.IndexFlatL2(data.shape[1])
    index = faiss.IndexIVFFlat(parts, data.shape[1], round(np.sqrt(len(data))))
    index.train(data)
    index.add(data)
    index.nprobe = PROBES
    found = index.search(data, k)[1]
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        whole = faiss.IndexFlatL2(data.shape[1])
        whole.add(data)
        found[short] = whole.search(data[short], k)[1]
    return found
