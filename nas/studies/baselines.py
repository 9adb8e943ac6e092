"""Searches without a surrogate, to be beaten: as Optuna samplers, like ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler

from nas.core.errors import InvalidOption
from nas.core.interfaces import SearchSpace
from nas.core.limits import Allows
from nas.studies.samplers import EvolutionSampler, SpaceSampler

BASELINES: Mapping[str, Callable[[SearchSpace, int, Allows], BaseSampler]] = {
    "random": lambda space, seed, limits: SpaceSampler(space, seed, limits),
    "evolution": lambda space, seed, limits: EvolutionSampler(space, seed=seed, limits=limits),
    "tpe": lambda space, seed, limits: TPESampler(seed=seed),
    "nsga2": lambda space, seed, limits: NSGAIISampler(seed=seed),
}


def baseline(name: str, space: SearchSpace, seed: int, limits: Allows) -> BaseSampler:
    """A sampler by its name; Optuna's own with their defaults, which know no limits.

    Raises:
        InvalidOption: there is none of that name.
    """
    if name not in BASELINES:
        raise InvalidOption(f"a baseline must be one of {', '.join(BASELINES)}, but got {name!r}")
    return BASELINES[name](space, seed, limits)
