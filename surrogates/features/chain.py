"""What a chain of layers is like: about 50 numbers, and counts of frequent layers and pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from surrogates.features.layers import CONVOLUTIONS, POOLS, Layers, token

ACTIVATIONS = ("relu", "sigmoid", "tanh")
COUNTED = ("max_pool", "avg_pool", "dense", "dropout", "batch_norm", *ACTIVATIONS)
LEAST_NETWORKS = 0.05  # share of the training networks that must have a gram
MOST_GRAMS = 60
_ANY = Architecture(((Layer("identity"),),), Skeleton.plain(), Input(1, 8, 8, 10))


def nothing(architectures: Sequence[Architecture]) -> list[str]:
    """The summary learns nothing."""
    return []


def names(words: Sequence[str] = ()) -> list[str]:
    """The names of the columns of `features`."""
    return list(_summary([_ANY]))


def features(architectures: Sequence[Architecture], words: Sequence[str] = ()) -> np.ndarray:
    """Summary features (n, d); layers are taken in the order of computation."""
    return np.stack(list(_summary(architectures).values()), axis=1)


def _summary(architectures: Sequence[Architecture]) -> dict[str, np.ndarray]:
    layers = Layers.of(architectures)
    return {
        **_counts(layers),
        **_costs(layers),
        **_channels(layers),
        **_windows(layers),
        **_resolutions(layers, architectures),
        **_ending(layers, architectures),
    }


def _counts(layers: Layers) -> dict[str, np.ndarray]:
    conv, pool = layers.is_op(*CONVOLUTIONS), layers.is_op(*POOLS)
    stride = layers.column(lambda placed: placed.layer.stride)
    rate = layers.column(lambda placed: float(placed.layer.argument("p", 0.5)))
    return {
        "length": layers.lengths.astype(float),
        "convolutions": layers.sum(conv),
        "pools": layers.sum(pool),
        **{op: layers.sum(layers.is_op(op)) for op in COUNTED},
        "strided convolutions": layers.sum(conv & (stride > 1)),
        "merges": layers.sum(layers.column(lambda placed: len(placed.layer.inputs)) > 1),
        "mean dropout": layers.mean(rate, layers.is_op("dropout")),
        "first pool": layers.first(
            (layers.places + 1) / np.repeat(layers.lengths, layers.lengths), pool
        ),
    }


def _costs(layers: Layers) -> dict[str, np.ndarray]:
    params = layers.column(lambda placed: placed.params)
    macs = layers.column(lambda placed: placed.macs)
    everywhere = np.ones(len(layers.ids), dtype=bool)
    return {
        "log params": np.log1p(layers.sum(params)),
        "log macs": np.log1p(layers.sum(macs)),
        "log largest params": np.log1p(layers.max(params, everywhere)),
        "log largest macs": np.log1p(layers.max(macs, everywhere)),
    }


def _channels(layers: Layers) -> dict[str, np.ndarray]:
    conv = layers.is_op(*CONVOLUTIONS)
    log = np.log2(layers.column(lambda placed: max(placed.out_shape[0], 1)))
    return {
        f"log {name} channels": reduce(log, conv)
        for name, reduce in (
            ("mean", layers.mean),
            ("first", layers.first),
            ("last", layers.last),
            ("max", layers.max),
            ("min", layers.min),
        )
    }


def _windows(layers: Layers) -> dict[str, np.ndarray]:
    conv, window = layers.is_op(*CONVOLUTIONS), layers.is_op(*CONVOLUTIONS, *POOLS)
    kernel = layers.column(lambda p: float(np.sqrt(p.layer.kernel[0] * p.layer.kernel[1])))
    stride = np.where(window, layers.column(lambda placed: placed.layer.stride), 1.0)
    count = np.maximum(layers.sum(conv), 1)
    ones = layers.sum(conv & (kernel == 1))
    # Every window adds (kernel - 1) steps, each as wide as all strides in front of it.
    steps = np.where(window, kernel - 1, 0.0) * np.exp2(layers.before(np.log2(stride)))
    field = 1 + layers.sum(steps)
    return {
        "1x1 convolutions": ones,
        "3x3 convolutions": layers.sum(conv & (kernel > 1) & (kernel <= 3)),
        "5x5 convolutions": layers.sum(conv & (kernel > 3)),
        "share of 1x1": ones / count,
        "mean kernel": layers.mean(kernel, conv),
        "first kernel": layers.first(kernel, conv),
        "last kernel": layers.last(kernel, conv),
        "max kernel": layers.max(kernel, conv),
        "log receptive field": np.log2(field),
        "log total stride": layers.sum(np.log2(stride)),
    }


def _resolutions(layers: Layers, architectures: Sequence[Architecture]) -> dict[str, np.ndarray]:
    conv = layers.is_op(*CONVOLUTIONS)
    side = layers.column(lambda p: float(np.sqrt(p.out_shape[1] * p.out_shape[2])))
    inputs = np.array([np.sqrt(a.input.height * a.input.width) for a in architectures])
    share = side / np.repeat(inputs, layers.lengths)
    bins = {"full": (0.75, np.inf), "half": (0.375, 0.75), "quarter": (0.1875, 0.375)}
    return {
        "log mean resolution": np.log2(np.maximum(layers.mean(side, conv), 1)),
        "log min resolution": np.log2(np.maximum(layers.min(side, conv), 1)),
        **{
            f"convolutions at {name} resolution": layers.sum(conv & (share > low) & (share <= high))
            for name, (low, high) in bins.items()
        },
        "convolutions at low resolution": layers.sum(conv & (share <= 0.1875)),
    }


def _ending(layers: Layers, architectures: Sequence[Architecture]) -> dict[str, np.ndarray]:
    """The last map: what the first dense layer or global pool gets, else what comes out."""
    inner = layers.is_op("global_pool", "dense")
    everywhere = np.ones(len(layers.ids), dtype=bool)
    has = layers.sum(inner) > 0

    def at_end(shape: int) -> np.ndarray:
        entering = layers.column(lambda placed: placed.in_shape[shape])
        leaving = layers.column(lambda placed: placed.out_shape[shape])
        return np.where(has, layers.first(entering, inner), layers.last(leaving, everywhere))

    channels, height, width = (at_end(shape) for shape in range(3))
    dense = layers.is_op("dense")
    features = layers.column(lambda placed: placed.out_shape[0])
    return {
        "global pool": (layers.sum(layers.is_op("global_pool")) > 0).astype(float),
        "log final map": np.log2(np.sqrt(height * width)),
        "log final channels": np.log2(channels),
        "log flattened width": np.log2(channels * height * width),
        "log first dense": np.log2(np.maximum(layers.first(features, dense), 1)),
    }


def frequent_grams(architectures: Sequence[Architecture]) -> list[str]:
    """The layers and pairs of neighbours that most networks have, by name.

    Grams that every network has equally often tell nothing and are left out by whoever drops
    constant columns.
    """
    counts = Counter(gram for each in architectures for gram in set(_grams(each)))
    least = max(2.0, LEAST_NETWORKS * len(architectures))
    frequent = [(-count, gram) for gram, count in counts.items() if count >= least]
    return [gram for _, gram in sorted(frequent)[:MOST_GRAMS]]


def gram_counts(architectures: Sequence[Architecture], grams: Sequence[str]) -> np.ndarray:
    """How often each gram occurs, (n, grams)."""
    places = {gram: place for place, gram in enumerate(grams)}
    counts = np.zeros((len(architectures), len(grams)))
    for row, architecture in zip(counts, architectures, strict=True):
        for gram in _grams(architecture):
            if gram in places:
                row[places[gram]] += 1
    return counts


def _grams(architecture: Architecture) -> Iterator[str]:
    words = [token(layer) for block in architecture.blocks for layer in block]
    yield from words
    yield from (f"{first} > {second}" for first, second in pairwise(words))
