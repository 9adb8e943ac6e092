"""The evaluator contract, for each of ours."""

import numpy as np
import pytest
import torch

from nas.core.architecture import Input
from nas.core.choices import Draw
from nas.evaluators import FunctionEvaluator, TabularEvaluator, TrainingEvaluator
from nas.testing import EvaluatorContract, ToySpace, toy_corpus
from nas.testing.toy import toy_accuracy

CORPUS = toy_corpus(4, epochs=4)
KNOWN = CORPUS[0].architecture
DIGITS = ToySpace().on(Input(1, 8, 8, 10)).generate(Draw(np.random.default_rng(0)))

EVALUATORS = {
    "accuracy": (lambda: FunctionEvaluator(toy_accuracy), KNOWN),
    "curve": (lambda: FunctionEvaluator(lambda network: [0.1, 0.2, toy_accuracy(network)]), KNOWN),
    "table": (lambda: TabularEvaluator(CORPUS), KNOWN),
    "table without curves": (lambda: TabularEvaluator(toy_corpus(4, epochs=0)), KNOWN),
    "training": (lambda: TrainingEvaluator("digits", device="cpu"), DIGITS),
}


class TestEvaluators(EvaluatorContract):
    epochs = 2

    @pytest.fixture(params=EVALUATORS)
    def row(self, request):
        torch.set_num_threads(1)
        return EVALUATORS[request.param]

    @pytest.fixture
    def evaluator(self, row):
        return row[0]()

    @pytest.fixture
    def architecture(self, row):
        return row[1]


class TestWithoutAskingForEpochs(EvaluatorContract):
    @pytest.fixture(params=[name for name in EVALUATORS if name != "training"])
    def evaluator(self, request):
        return EVALUATORS[request.param][0]()

    @pytest.fixture
    def architecture(self):
        return KNOWN
