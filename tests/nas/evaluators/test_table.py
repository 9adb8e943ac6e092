from dataclasses import replace

import pytest

from nas import Architecture, Corpus, Header, Input, Layer, LearningCurve, Record, Skeleton
from nas.core.errors import InvalidArchitecture, InvalidOption
from nas.evaluators import TabularEvaluator

SIZE, PLAIN = Input(1, 4, 4, 2), Skeleton.plain()


def network(*ops):
    return Architecture((tuple(map(Layer, ops)),), PLAIN, SIZE)


FIRST, SECOND, BARE = network("relu"), network("relu", "tanh"), network("tanh", "relu")
RECORDS = (
    Record(
        FIRST,
        target=0.65,
        curve=LearningCurve((0.5, 0.7, 0.6, 0.6)),
        train_loss=(4, 3, 2, 1),
        test_accuracy=0.55,
        repeats=(0.61, 0.62),
        seed=1,
        seconds=8.0,
        index=5,
        split="test",
    ),
    Record(FIRST, target=0.9, curve=LearningCurve((0.8, 0.9)), seed=2, status="diverged"),
    Record(BARE, target=0.3),
    Record(SECOND, target=0.1, status="pruned"),
)
TABLE = TabularEvaluator(Corpus(Header(PLAIN, SIZE, "mine"), RECORDS))


def test_the_whole_record_comes_back():
    expected = replace(RECORDS[0], index=None, split=None)
    assert TABLE.evaluate(FIRST, seed=1) == expected
    assert TABLE.evaluate(FIRST, epochs=9, seed=1) == expected
    assert TABLE.input == SIZE


def test_the_seed_chooses_among_trainings_of_one_network():
    assert TABLE.evaluate(FIRST, seed=2).target == 0.9
    assert TABLE.evaluate(FIRST, seed=2).status == "diverged"
    other = TABLE.evaluate(FIRST, seed=77)
    assert (other.target, other.seed) == (0.65, 77)


def test_a_part_of_the_curve_costs_a_part_of_the_time():
    record = TABLE.evaluate(FIRST, epochs=2, seed=1)
    assert (record.target, tuple(record.curve), record.train_loss) == (0.7, (0.5, 0.7), (4, 3))
    assert (record.test_accuracy, record.repeats, record.seconds) == (None, (), 4.0)
    assert record.status == "complete"


def test_the_curve_is_told_and_can_be_pruned():
    told = []
    TABLE.evaluate(FIRST, seed=1, on_epoch=lambda *each: told.append(each) or False)
    assert told == [(1, 0.5), (2, 0.7), (3, 0.6), (4, 0.6)]
    record = TABLE.evaluate(FIRST, seed=1, on_epoch=lambda epoch, accuracy: accuracy > 0.6)
    assert (record.status, tuple(record.curve), record.target) == ("pruned", (0.5, 0.7), 0.7)
    record = TABLE.evaluate(FIRST, seed=1, on_epoch=lambda epoch, accuracy: epoch == 4)
    assert (record.status, len(record.curve), record.test_accuracy) == ("pruned", 4, None)


def test_a_record_without_a_curve_tells_nothing():
    record = TABLE.evaluate(BARE, epochs=3, on_epoch=lambda *_: pytest.fail("told"))
    assert (record.target, record.seconds) == (0.3, None)


@pytest.mark.parametrize("missing", [SECOND, network("sigmoid")])
def test_a_network_that_is_not_in_the_table_is_refused(missing):
    with pytest.raises(InvalidArchitecture, match=f"but {missing.key} is not among the 2 of mine"):
        TABLE.evaluate(missing)


def test_epochs_must_be_at_least_one():
    with pytest.raises(InvalidOption, match="epochs must be at least 1, but got 0"):
        TABLE.evaluate(FIRST, epochs=0)


def test_networks_that_are_the_same_are_found_by_their_canonical_form():
    def canonical(architecture):
        layers = sorted(architecture.blocks[0], key=lambda layer: layer.op)
        return replace(architecture, blocks=(tuple(layers),))

    table = TabularEvaluator(TABLE.corpus, canonical)
    record = table.evaluate(SECOND)
    assert (record.target, record.architecture) == (0.3, SECOND)
