"""Acquisition functions and proposers."""

from nas.search.acquisitions import Greedy
from nas.search.proposers import OptunaProposer, PoolProposer, best_of
from nas.search.scoring import surrogate_score

__all__ = ["Greedy", "OptunaProposer", "PoolProposer", "best_of", "surrogate_score"]
