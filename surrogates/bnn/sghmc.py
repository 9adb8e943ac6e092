"""Adaptive stochastic-gradient Hamiltonian Monte Carlo, for several chains at once.

Chen, Fox, Guestrin 2014 is the sampler, Springenberg, Klein, Falkner, Hutter 2016 (section 4) the
scale that tunes itself during burn-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Keeps the preconditioner finite where a coordinate has no gradient at all.
_TINY = 1e-16
# Of what friction takes out, at most this share may come from the gradient's own noise: beyond 1
# there would be nothing left to inject, and the chain would be too hot or, without noise, too cold.
_MOST_NOISE = 0.2


@dataclass(frozen=True)
class Schedule:
    """How far and how finely to walk.

    Attributes:
        lr: step size, epsilon.
        momentum_decay: friction, alpha.
        burn_in: steps that adapt the scale and are thrown away.
        steps: all steps, burn-in included.
        keep_every: steps between two kept states.
    """

    lr: float = 1e-2
    momentum_decay: float = 0.05
    burn_in: int = 3000
    steps: int = 13000
    keep_every: int = 100


def sample(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    schedule: Schedule,
    generator: torch.Generator,
) -> Tensor:
    """Draws from the density proportional to exp(-U), given noisy gradients of U.

    With V the running second moment of each coordinate's gradient, a step is

        v <- v - eps^2 V^(-1/2) grad U - alpha v + N(0, 2 eps^2 alpha V^(-1/2) - eps^4)
        theta <- theta + v

    where eps^4 is what the gradient's own noise, of about variance V, already adds. A coordinate
    of large gradients takes a smaller eps: one for which eps^4 is at most a fifth of the noise.

    Args:
        gradient: an unbiased estimate of grad U at a state, of the state's shape.
        start: where to begin; every coordinate has its own scale, so chains may be a dimension.
        schedule: how far and how finely.
        generator: of the injected noise.

    Returns:
        The kept states, one in front of another: ((steps - burn_in) // keep_every, *start.shape).
    """
    theta, momentum = start.clone(), torch.zeros_like(start)
    scale = _Scale(start)
    precondition = torch.ones_like(start)
    deviation = torch.zeros_like(start)
    kept = []
    for step in range(schedule.steps):
        slope = gradient(theta)
        if step < schedule.burn_in or not step:
            scale.update(slope)
            size = scale.moment.sqrt() + _TINY
            squared = (_MOST_NOISE * 2 * schedule.momentum_decay / size).clamp_max(schedule.lr**2)
            precondition = squared / size
            deviation = (2 * schedule.momentum_decay * precondition - squared**2).sqrt()
        noise = torch.empty_like(theta).normal_(generator=generator)
        momentum.mul_(1 - schedule.momentum_decay)
        momentum.addcmul_(precondition, slope, value=-1).addcmul_(deviation, noise)
        theta.add_(momentum)
        past = step + 1 - schedule.burn_in
        if past > 0 and past % schedule.keep_every == 0:
            kept.append(theta.clone())
    return torch.stack(kept) if kept else start.new_empty((0, *start.shape))


class _Scale:
    """Running moments of the gradient, each coordinate with a window tau that tunes itself."""

    def __init__(self, like: Tensor) -> None:
        self.tau = torch.ones_like(like)
        self.mean = torch.ones_like(like)
        self.moment = torch.ones_like(like)

    def update(self, slope: Tensor) -> None:
        """Springenberg et al. 2016, equations 8 to 10, in their order."""
        rate = 1 / (self.tau + 1)
        self.tau += 1 - self.tau * self.mean.square() / (self.moment + _TINY)
        self.mean.lerp_(slope, rate)
        self.moment.lerp_(slope.square(), rate)
