"""Limits on what a network may cost, applied before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nas.core.architecture import Architecture
from nas.core.errors import InvalidOption


class Allows(Protocol):
    """Says which architectures may be trained at all: limits on cost, the members of a table."""

    def allow(self, architecture: Architecture) -> bool:
        """True where the network may be trained."""
        ...


@dataclass(frozen=True)
class Limits:
    """Upper bounds, inclusive; None means no bound.

    Attributes:
        max_params: learnable parameters of the whole network.
        max_macs: multiply-accumulates of the whole network for one image.
    """

    max_params: int | None = None
    max_macs: int | None = None

    def __post_init__(self) -> None:
        for name, bound in self._given.items():
            if bound < 1:
                raise InvalidOption(f"{name} must be at least 1, but got {bound}")

    def __str__(self) -> str:
        return ", ".join(f"{name} {bound}" for name, bound in self._given.items()) or "no limits"

    @property
    def _given(self) -> dict[str, int]:
        bounds = {"max_params": self.max_params, "max_macs": self.max_macs}
        return {name: bound for name, bound in bounds.items() if bound is not None}

    def allow(self, architecture: Architecture) -> bool:
        """True where the network keeps within both bounds."""
        params, macs = self.max_params, self.max_macs
        return (params is None or architecture.params <= params) and (
            macs is None or architecture.macs <= macs
        )
