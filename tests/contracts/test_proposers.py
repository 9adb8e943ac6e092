"""The proposer contract, for each of ours with a small budget."""

import pytest

from nas.search import EvolutionProposer, OptunaProposer, ParetoProposer, PoolProposer
from nas.testing import ProposerContract

PROPOSERS = {
    "evolution": lambda: EvolutionProposer(budget=120, population=40, sample=5, batch=20),
    "pareto": lambda: ParetoProposer(budget=120, population=20),
    "pool": lambda: PoolProposer(budget=120, batch=50),
    "optuna": lambda: OptunaProposer(budget=60, batch=20),
    "optuna-nsga2": lambda: OptunaProposer("NSGAIISampler", {"population_size": 20}, budget=60),
}


class TestProposers(ProposerContract):
    @pytest.fixture(params=PROPOSERS)
    def proposer(self, request):
        return PROPOSERS[request.param]()
