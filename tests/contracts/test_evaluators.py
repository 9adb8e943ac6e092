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
EVALUATORS = {
    "accuracy": lambda: FunctionEvaluator(toy_accuracy),
    "curve": lambda: FunctionEvaluator(lambda network: [0.1, 0.2, toy_accuracy(network)]),
    "table": lambda: TabularEvaluator(CORPUS),
    "table without curves": lambda: TabularEvaluator(toy_corpus(4, epochs=0)),
    "training": lambda: TrainingEvaluator("digits", device="cpu"),
}


class TestEvaluators(EvaluatorContract):
    epochs = 2

    @pytest.fixture(params=EVALUATORS)
    def evaluator(self, request):
        torch.set_num_threads(1)
        return EVALUATORS[request.param]()

    @pytest.fixture
    def architecture(self, evaluator):
        if not isinstance(evaluator, TrainingEvaluator):
            return CORPUS[0].architecture
        digits = ToySpace().on(Input(1, 8, 8, 10))
        return digits.generate(Draw(np.random.default_rng(0)))


class TestWithoutAskingForEpochs(EvaluatorContract):
    @pytest.fixture(params=["accuracy", "curve", "table", "table without curves"])
    def evaluator(self, request):
        return EVALUATORS[request.param]()

    @pytest.fixture
    def architecture(self):
        return CORPUS[0].architecture
