"""Neural architecture search with pluggable surrogates: how good is a network before training?"""

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
]
