"""Nearest neighbours: scikit-learn's where the search is exact, nearly all of them beyond."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from immune_reset import neighbors


@pytest.fixture(scope="module")
def places():
    own = np.random.default_rng(5)
    return own.normal(size=(3000, 12)) + 4 * np.eye(12)[own.integers(0, 12, 3000)]


def shared(exact, found):
    """Return the share of the exact neighbours that were found."""
    hits = [len(set(a) & set(b)) for a, b in zip(exact, found, strict=True)]
    return np.mean(hits) / exact.shape[1]


def test_neighbours_and_distances_are_those_of_scikit_learn(places):
    distances, found = neighbors.nearest(places, k=15)
    theirs = NearestNeighbors(n_neighbors=15, algorithm="brute").fit(places).kneighbors(places)
    assert np.array_equal(found, theirs[1])
    np.testing.assert_allclose(distances, theirs[0], atol=1e-6)
    assert np.array_equal(found[:, 0], np.arange(3000))


def test_beyond_the_exact_search_nearly_all_are_found_and_always_the_same(places, monkeypatch):
    exact = neighbors.search(places, k=15)
    monkeypatch.setattr(neighbors, "EXACT", 100)
    first, again = (neighbors.search(places, k=15) for _ in range(2))
    assert np.array_equal(first, again)
    assert shared(exact, first) > 0.99


def test_twins_are_in_the_order_of_their_places():
    distances, found = neighbors.nearest(np.zeros((6, 2)), k=3)
    assert (distances == 0).all()
    assert (np.diff(found, axis=1) > 0).all()


def test_many_neighbours_are_exact_and_beyond_nearly_all_and_always_the_same(places, monkeypatch):
    exact = neighbors.search(places, k=150)
    assert np.array_equal(neighbors.search_many(places, k=150), exact)
    monkeypatch.setattr(neighbors, "EXACT_OF_MANY", 100)
    first, again = (neighbors.search_many(places, k=150) for _ in range(2))
    assert np.array_equal(first, again)
    assert 0.98 < shared(exact, first) < 1


def test_a_point_whose_parts_are_too_small_is_compared_with_all(places, monkeypatch):
    monkeypatch.setattr(neighbors, "EXACT_OF_MANY", 100)
    monkeypatch.setattr(neighbors, "PROBES", 2)
    exact = neighbors.search(places, k=150)
    assert shared(exact, neighbors.search_many(places, k=150)) > 0.5
    assert np.array_equal(neighbors.search_many(places, k=2999), neighbors.search(places, k=2999))
