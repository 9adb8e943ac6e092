"""LC-Net: from a network's inputs to its learning curve, for many weight vectors at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

BASIS = 5
SHAPES = 13  # parameters of the five basis functions
_HEADS = 1 + SHAPES + BASIS + 2  # asymptote, shapes, weights, noise: level and change with time

# Log variance of a standardised accuracy where the network says nothing: a deviation of about 0.2.
_LOG_VARIANCE = -3.0


@dataclass(frozen=True)
class LCNet:
    """The shape of the network; weights are flat vectors (chains, size) with prior N(0, 1).

    Three hidden tanh layers; layer l computes W x / sqrt(fan-in) + b, so that one prior and one
    step size suit all weights. Targets are standardised accuracies.

    Attributes:
        inputs: number of features.
        hidden: width of each of the three hidden layers.
    """

    inputs: int
    hidden: int = 50

    @cached_property
    def _layers(self) -> list[tuple[int, int]]:
        widths = [self.inputs, self.hidden, self.hidden, self.hidden, _HEADS]
        return list(pairwise(widths))

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum((rows + 1) * columns for rows, columns in self._layers)

    def heads(self, weights: Tensor, inputs: Tensor) -> Tensor:
        """What the network says of each input.

        Args:
            weights: (chains, size).
            inputs: (chains, n, inputs).

        Returns:
            (chains, n, heads).
        """
        values = inputs
        parts = torch.split(
            weights, [(rows + 1) * columns for rows, columns in self._layers], dim=1
        )
        for number, ((rows, columns), part) in enumerate(zip(self._layers, parts, strict=True)):
            bias, matrix = torch.split(part, [columns, rows * columns], dim=1)
            values = torch.baddbmm(
                bias.unsqueeze(1),
                values,
                matrix.view(-1, rows, columns),
                alpha=1 / math.sqrt(max(rows, 1)),
            )
            if number < len(self._layers) - 1:
                values = values.tanh()
        return values


def curve(heads: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log variance of standardised accuracies.

    mean(t) = asymptote + sum_i w_i phi_i(t), w = softmax (Klein et al. 2017, section 3).

    Args:
        heads: (..., heads), what `LCNet.heads` gives.
        time: (...) in (0, 1], epoch over the last epoch; broadcasts against heads[..., 0].
    """
    asymptote, shapes, mixture, noise = torch.split(heads, [1, SHAPES, BASIS, 2], dim=-1)
    log_time = time.log()
    functions = basis(shapes, time, log_time)
    mean = asymptote[..., 0] + (mixture.softmax(-1) * functions).sum(-1)
    return mean, _LOG_VARIANCE + noise[..., 0] + noise[..., 1] * (log_time / 2)


def basis(shapes: Tensor, time: Tensor, log_time: Tensor) -> Tensor:
    """The five basis functions (..., 5) of Domhan et al. 2015, table 1, that LC-Net uses.

    vapor pressure exp(a + b/t + c log t) · power a t^b · exponential a exp(-bt) ·
    log-power a / (1 + (t/e^b)^c) · Hill-3 a t^b / (e^bc + t^b)

    Rates that must have a sign get it from a softplus; the constants put curves of an ordinary
    training within the reach of a standard normal.
    """
    amplitude, rate, rest = torch.split(shapes, [4, 4, 5], dim=-1)
    falling, decay, speed, steep = torch.nn.functional.softplus(rate).unbind(-1)
    level, drift, middle, slope, half = rest.unbind(-1)
    vapor = level / 2 + drift * (log_time / 10) - falling * (0.05 / time)
    exponents = torch.stack([vapor, decay * (-log_time / 2), speed * (-10 * time)], dim=-1)
    steps = torch.stack(
        [(1 + slope) * (middle - 1 - log_time), (1 + steep) * (log_time + 1 - half)], dim=-1
    )
    vapor, bounded = torch.split(exponents.exp(), [1, 2], dim=-1)
    scaled = amplitude * torch.cat([bounded, steps.sigmoid()], dim=-1)
    return torch.cat([vapor, scaled], dim=-1)
