"""The posterior of LC-Net's weights, as the noisy gradient that the sampler asks for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from surrogates.bnn.network import LCNet, curve


@dataclass(frozen=True, eq=False)
class Posterior:
    """U(w) = -weight * sum of log N(y; mean, variance) over rows (network, epoch) + |w|^2 / 2.

    Attributes:
        network: turns weights and inputs into curves.
        inputs: (n, features), standardised.
        curves: (n, epochs), standardised accuracies.
        allowed: (chains, m) places of the networks that each chain learns from.
        batch_size: rows for one estimate.
        weight: what one row counts, at most 1.
        generator: of the rows.
    """

    network: LCNet
    inputs: Tensor
    curves: Tensor
    allowed: Tensor
    batch_size: int
    weight: float
    generator: torch.Generator

    def start(self) -> Tensor:
        """Weights (chains, size) to begin with, closer to zero than the prior."""
        size = (len(self.allowed), self.network.size)
        return torch.randn(size, generator=self.generator) / 2

    def slope(self, weights: Tensor) -> Tensor:
        """An unbiased estimate of grad U, each chain from rows of its own."""
        epochs, networks = self.curves.shape[1], self.allowed.shape[1]
        size = (len(weights), self.batch_size)
        rows = self.allowed.gather(1, torch.randint(networks, size, generator=self.generator))
        steps = torch.randint(epochs, size, generator=self.generator)
        leaf = weights.detach().requires_grad_()
        with torch.enable_grad():
            heads = self.network.heads(leaf, self.inputs[rows])
            mean, log_variance = curve(heads, (steps + 1) / epochs)
            error = (self.curves[rows, steps] - mean).square()
            loss = (log_variance + error * (-log_variance).exp()).sum() / 2
        (slope,) = torch.autograd.grad(loss, leaf)
        scale = self.weight * networks * epochs / self.batch_size
        return torch.add(weights, slope, alpha=scale)


def allowed(networks: int, chains: int, folds: list[list[int]]) -> Tensor:
    """What `chains` chains that see all networks learn from, and one more for each fold left out.

    Lists shorter than the number of networks are filled up from their own beginning.
    """
    everything = list(range(networks))
    lists = [everything] * chains + [sorted({*everything} - {*fold}) for fold in folds]
    return torch.tensor([(seen * networks)[:networks] for seen in lists])
