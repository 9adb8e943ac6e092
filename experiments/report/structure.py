"""The map of structural features: t-SNE, and whether neighbours on it are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PERPLEXITY = 30.0
NEIGHBOURS = 5
PERMUTATIONS = 999


@dataclass(frozen=True)
class NeighbourTest:
    """How much nearer in value the neighbours of a picture are than random pairs.

    Attributes:
        neighbours: mean absolute difference between a point's value and its neighbours'.
        pairs: the same over all pairs of points.
        p_value: share of shuffled pictures whose neighbours are as near in value, or nearer.
    """

    neighbours: float
    pairs: float
    p_value: float


def structure_map(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE places (n, 2) of features (n, width), n >= 3; the same for the same seed."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    placed = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)
    return np.asarray(placed, dtype=np.float64)


def neighbour_test(places: np.ndarray, values: np.ndarray, seed: int = 0) -> NeighbourTest:
    """Tests whether neighbours on a picture have nearer values than random pairs.

    The values are shuffled over the points 999 times; the p-value counts the true picture too, so
    that it is at least 0.001.

    Args:
        places: (n, 2) points, n > 5.
        values: (n,) of them.
        seed: of the shuffles.
    """
    from sklearn.neighbors import NearestNeighbors

    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(places).kneighbors(return_distance=False)

    def difference(order: np.ndarray) -> float:
        shuffled = values[order]
        return float(np.abs(shuffled[:, None] - shuffled[near]).mean())

    rng = np.random.default_rng(seed)
    true = difference(np.arange(len(values)))
    chance = np.array([difference(rng.permutation(len(values))) for _ in range(PERMUTATIONS)])
    pairs = np.abs(values[:, None] - values[None, :]).sum() / (len(values) * (len(values) - 1))
    as_near = int((chance <= true).sum())
    return NeighbourTest(true, float(pairs), (1 + as_near) / (1 + PERMUTATIONS))
