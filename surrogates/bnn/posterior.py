"""The posterior of LC-Net's weights, as the noisy gradient that the sampler asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from surrogates.bnn.network import LCNet, curve


@dataclass(frozen=True, eq=False)
class Posterior:
    """U(w) = -weight * sum of log N(y; mean, variance) over rows (network, epoch) + |w|^2 / 2.

    Attributes:
        network: turns weights and inputs into curves.
        inputs: (n, features), standardised.
        curves: (n, epochs), standardised accuracies.
        seen: for each chain the places of the networks that it learns from.
        batch_size: rows for one estimate.
        weight: what one row counts, at most 1.
        generator: of the rows.
    """

    network: LCNet
    inputs: Tensor
    curves: Tensor
    seen: Sequence[Sequence[int]]
    batch_size: int
    weight: float
    generator: torch.Generator

    @cached_property
    def _places(self) -> Tensor:
        """`seen` as one tensor (chains, most); what fills it up is never drawn."""
        return pad_sequence([torch.tensor(places) for places in self.seen], batch_first=True)

    @cached_property
    def _networks(self) -> Tensor:
        """How many networks each chain sees: (chains, 1)."""
        return torch.tensor([[len(places)] for places in self.seen])

    def start(self) -> Tensor:
        """Weights (chains, size) to begin with, closer to zero than the prior."""
        size = (len(self.seen), self.network.size)
        return torch.randn(size, generator=self.generator) / 2

    def slope(self, weights: Tensor) -> Tensor:
        """An unbiased estimate of grad U, each chain from rows of its own."""
        epochs, size = self.curves.shape[1], (len(weights), self.batch_size)
        draws = torch.rand(size, generator=self.generator) * self._networks
        rows = self._places.gather(1, draws.long())
        steps = torch.randint(epochs, size, generator=self.generator)
        leaf = weights.detach().requires_grad_()
        with torch.enable_grad():
            heads = self.network.heads(leaf, self.inputs[rows])
            mean, log_variance = curve(heads, (steps + 1) / epochs)
            error = (self.curves[rows, steps] - mean).square()
            loss = (log_variance + error * (-log_variance).exp()).sum() / 2
        (slope,) = torch.autograd.grad(loss, leaf)
        return weights + slope * (self.weight * epochs / self.batch_size * self._networks)


def seen_by(networks: int, chains: int, folds: Sequence[Sequence[int]]) -> list[list[int]]:
    """What `chains` chains that see all networks learn from, and one more for each fold left out.

    A chain without a fold counts the fewer networks: its posterior is the wider for it.
    """
    everything = list(range(networks))
    return [everything] * chains + [sorted({*everything} - {*fold}) for fold in folds]
