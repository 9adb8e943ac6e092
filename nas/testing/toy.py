"""A small space and a corpus of made-up trainings, for tests that need no real ones."""

from __future__ import annotations

import math

import numpy as np

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from nas.core.choices import Choose, Draw
from nas.core.corpus import Corpus, Header
from nas.core.interfaces import SearchSpace
from nas.core.records import LearningCurve, Record

SKELETON = Skeleton(
    widths=(4, 8),
    blocks=(1, 1),
    stem=(Layer("conv", (3, 3), width=4),),
    reduction=(Layer("max_pool", (2, 2), stride=2),),
    head=(Layer("global_pool"), Layer("dense")),
)


class ToySpace(SearchSpace):
    """One to three convolutions of several kernels and widths, each with an activation."""

    input = Input(3, 8, 8, 10)

    def generate(self, choose: Choose) -> Architecture:
        """See `SearchSpace.generate`."""
        block: list[Layer] = []
        for place in range(choose("depth", (1, 2, 3))):
            kernel = choose(f"{place}/kernel", (1, 3, 5))
            ratio = choose(f"{place}/ratio", (0.5, 1.0, 2.0))
            block.append(Layer("conv", (kernel, kernel), ratio=ratio))
            block.append(Layer(choose(f"{place}/activation", ("relu", "tanh"), (0.7, 0.3))))
        return Architecture((tuple(block),), SKELETON, self.input)


def toy_architectures(number: int, seed: int = 0) -> list[Architecture]:
    """So many different architectures of the toy space (at most 5,000)."""
    space, rng = ToySpace(), np.random.default_rng(seed)
    found: dict[str, Architecture] = {}
    while len(found) < number:
        architecture = space.generate(Draw(rng))
        found.setdefault(architecture.key, architecture)
    return list(found.values())


def toy_accuracy(architecture: Architecture) -> float:
    """A made-up final accuracy in (0, 1): larger networks and ReLU are better."""
    relu = sum(layer.op == "relu" for layer in architecture.blocks[0])
    return 1 / (1 + math.exp(4.5 - math.log10(architecture.macs) - 0.3 * relu))


def toy_corpus(networks: int = 24, epochs: int = 6, seed: int = 0) -> Corpus:
    """Made-up trainings with curves; the third network diverged after two epochs.

    Args:
        networks: how many, all different.
        epochs: length of the curves; 0 gives a corpus without any.
        seed: of the architectures and of the noise.
    """
    rng = np.random.default_rng([seed, 1])
    records = []
    for number, architecture in enumerate(toy_architectures(networks, seed)):
        if number == 2:
            curve = (0.2, 0.1)[:epochs]
            records.append(Record(architecture, 0.1, LearningCurve(curve), status="diverged"))
            continue
        final = float(np.clip(toy_accuracy(architecture) + rng.normal(0, 0.02), 0.05, 0.95))
        rate = rng.uniform(0.3, 0.8)
        steps = (final * (1 - math.exp(-rate * t)) for t in range(1, epochs))
        curve = (*steps, final)[-epochs:] if epochs else ()
        records.append(Record(architecture, final, LearningCurve(curve)))
    header = Header(SKELETON, ToySpace.input, data="toy", source="nas.testing")
    return Corpus(header, tuple(records))
