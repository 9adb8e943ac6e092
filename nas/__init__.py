"""Neural architecture search with pluggable surrogates: how good is a network before training?"""

from typing import TYPE_CHECKING, Any

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from nas.core.corpus import Corpus, Header
from nas.core.errors import NasError
from nas.core.interfaces import (
    Acquisition,
    Candidate,
    Evaluator,
    Prediction,
    Proposer,
    Query,
    SearchSpace,
    Surrogate,
)
from nas.core.records import LearningCurve, Record

if TYPE_CHECKING:
    from nas.networks import load_network

__version__ = "0.1.0"

__all__ = [
    "Acquisition",
    "Architecture",
    "Candidate",
    "Corpus",
    "Evaluator",
    "Header",
    "Input",
    "Layer",
    "LearningCurve",
    "NasError",
    "Prediction",
    "Proposer",
    "Query",
    "Record",
    "SearchSpace",
    "Skeleton",
    "Surrogate",
    "load_network",
]


def __getattr__(name: str) -> Any:
    if name == "load_network":  # needs torch, which `import nas` does without
        from nas.networks import load_network

        return load_network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
