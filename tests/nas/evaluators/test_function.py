import pickle

import pytest

from nas import Architecture, Input, Layer, Skeleton
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.evaluators import FunctionEvaluator

NETWORK = Architecture(((Layer("conv"),),), Skeleton.plain(), Input(1, 4, 4, 2))
CURVE = [0.1, 0.5, 0.4]


def test_an_accuracy_is_a_record():
    record = FunctionEvaluator(lambda network: network.params / 8).evaluate(NETWORK, seed=3)
    assert (record.target, tuple(record.curve), record.seed) == (0.25, (0.25,), 3)
    assert record.status == "complete" and record.architecture == NETWORK


def test_a_curve_is_told_cut_and_pruned():
    told = []
    evaluator = FunctionEvaluator(lambda network: CURVE)
    record = evaluator.evaluate(NETWORK, on_epoch=lambda *each: told.append(each) or False)
    assert told == [(1, 0.1), (2, 0.5), (3, 0.4)] and record.target == 0.4
    assert tuple(evaluator.evaluate(NETWORK, epochs=2).curve) == (0.1, 0.5)
    record = evaluator.evaluate(NETWORK, on_epoch=lambda epoch, accuracy: epoch == 1)
    assert (record.status, tuple(record.curve), record.target) == ("pruned", (0.1,), 0.1)


def test_what_is_no_accuracy_is_refused():
    for wrong in (1.5, float("nan"), -0.1):
        with pytest.raises(InvalidCorpus, match=r"must lie in \[0, 1\]"):
            FunctionEvaluator(lambda network, wrong=wrong: wrong).evaluate(NETWORK)
    with pytest.raises(InvalidOption, match="got an empty curve"):
        FunctionEvaluator(lambda network: []).evaluate(NETWORK)
    with pytest.raises(InvalidOption, match="epochs must be at least 1, but got 0"):
        FunctionEvaluator(lambda network: 0.5).evaluate(NETWORK, epochs=0)


def test_it_can_be_pickled_with_a_function_of_a_module():
    evaluator = FunctionEvaluator(len)
    assert pickle.loads(pickle.dumps(evaluator)).function is len
