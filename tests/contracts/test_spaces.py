"""The space contract, for each of ours."""

import pytest

from nas.core.architecture import Input
from nas.testing import SpaceContract, ToySpace, toy_corpus
from search_spaces import BlockSpace, CellSpace, MacroSpace, TableSpace

SPACES = {
    "toy": ToySpace(),
    "cell": CellSpace(),
    "macro": MacroSpace(),
    "table": TableSpace(toy_corpus(30)),
    "block": BlockSpace(),
    "block-per-stage": BlockSpace(designs="per_stage"),
    "block-cifar": BlockSpace().on(Input(3, 32, 32, 10)),
    "block-short": BlockSpace(min_length=1, max_length=4, max_convs=1),
}


class TestSpaces(SpaceContract):
    @pytest.fixture(params=SPACES)
    def space(self, request):
        return SPACES[request.param]
