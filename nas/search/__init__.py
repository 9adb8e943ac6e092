"""Acquisition functions and proposers."""

from nas.search.acquisitions import (
    ExpectedImprovement,
    Greedy,
    ThompsonSampling,
    UpperConfidenceBound,
)
from nas.search.attribution import Edit, common_layers, layer_attribution
from nas.search.candidates import best_of
from nas.search.evolution import EvolutionProposer
from nas.search.pareto import pareto_front
from nas.search.proposers import OptunaProposer, ParetoProposer, PoolProposer
from nas.search.scoring import surrogate_score

__all__ = [
    "Edit",
    "EvolutionProposer",
    "ExpectedImprovement",
    "Greedy",
    "OptunaProposer",
    "ParetoProposer",
    "PoolProposer",
    "ThompsonSampling",
    "UpperConfidenceBound",
    "best_of",
    "common_layers",
    "layer_attribution",
    "pareto_front",
    "surrogate_score",
]
