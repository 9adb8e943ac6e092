"""Architectures as torch modules: the one place that builds, for every space."""

from nas.networks.initialise import initialise
from nas.networks.network import build

__all__ = ["build", "initialise"]
