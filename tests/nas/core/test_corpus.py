import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from nas import Corpus, Header, Input, LearningCurve, Record
from nas.core.choices import Draw
from nas.core.errors import InvalidCorpus
from search_spaces import BlockSpace

SPACE = BlockSpace()


def header(**changes):
    return Header(
        SPACE.skeleton, SPACE.input, **{"data": "digits", "recipe": {"epochs": 3}} | changes
    )


def record(place=0, **changes):
    network = SPACE.generate(Draw(np.random.default_rng(place)))
    given = {"target": 0.5, "curve": LearningCurve((0.25, 0.5)), "seed": place, "index": place}
    return Record(network, **given | changes)


def corpus(n=6, **changes):
    return Corpus(header(**changes), tuple(record(seed) for seed in range(n)))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_corpus_comes_back_from_its_file(tmp_path, name):
    full = Corpus(
        header(licence="MIT"),
        (
            record(0, train_loss=(1.0, 0.5), repeats=(0.4,), test_accuracy=0.4, seconds=1.5),
            record(1, status="failed", target=None, hyperparameters={"error": "out of memory"}),
            record(2, status="diverged", split="test"),
        ),
    )
    full.write(tmp_path / name)
    assert Corpus.read(tmp_path / name) == full
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_loss_that_is_not_a_number_survives_as_json_null(tmp_path):
    Corpus(header(), (record(0, train_loss=(1.0, float("nan"))),)).write(tmp_path / "a.jsonl")
    assert "NaN" not in (tmp_path / "a.jsonl").read_text()
    again = Corpus.read(tmp_path / "a.jsonl")[0]
    assert again.train_loss[0] == 1.0
    assert np.isnan(again.train_loss[1])


def test_equal_corpora_are_equal_bytes(tmp_path):
    corpus().write(tmp_path / "a.jsonl.gz")
    corpus().write(tmp_path / "b.jsonl.gz")
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


@pytest.mark.parametrize(
    ("line", "text", "part"),
    [
        (1, '{"format": 99}', "must be a header of format 1"),
        (3, "{", "must be JSON"),
        (4, '{"target": 0.5}', "must have blocks"),
        (2, '{"blocks": [[{"op": "relu", "kernel": [0, 1]}]], "target": 0.5}', "whole numbers"),
        (5, '{"blocks": [[{"op": "relu"}]], "target": 0.5, "curve": [80.0]}', "lie in .0, 1."),
        (2, '{"blocks": [[{"op": "relu"}]], "target": null}', "finite target"),
        (2, '{"blocks": [[{"op": "relu"}]], "target": 1, "status": "good"}', "status must be"),
        (2, "[]", "must have blocks"),
    ],
)
def test_a_broken_line_is_named_with_its_number(tmp_path, line, text, part):
    path = tmp_path / "a.jsonl"
    corpus().write(path)
    lines = path.read_text().splitlines()
    lines[line - 1] = text
    path.write_text("\n".join(lines))
    with pytest.raises(InvalidCorpus, match=part) as caught:
        Corpus.read(path)
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize(
    "content", [None, b"", b"\xff\xfe", gzip.compress(b"x" * 100, mtime=0)[:-9]]
)
def test_a_missing_or_broken_file_is_told(tmp_path, content):
    path = tmp_path / "a.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidCorpus, match=r"a\.jsonl\.gz"):
        Corpus.read(path)


def test_records_of_another_task_are_refused():
    other = BlockSpace().on(Input(3, 32, 32, 10)).generate(Draw(np.random.default_rng(0)))
    with pytest.raises(InvalidCorpus, match="of one task"):
        Corpus(header(), (record(), Record(other, target=0.5)))


@pytest.mark.parametrize("changes", [{"data": "MNIST"}, {"recipe": {"epochs": 4}}])
def test_corpora_of_different_tasks_do_not_merge(changes):
    with pytest.raises(InvalidCorpus, match=f"{next(iter(changes))} differ"):
        corpus().merge(corpus(**changes))


def test_merging_keeps_the_first_of_equal_records():
    merged = corpus(3).merge(corpus(5), Corpus(header(), (record(0, seed=7),)))
    assert [(r.index, r.seed) for r in merged] == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (0, 7)]


@given(st.integers(2, 30), st.data())
def test_a_split_is_the_seeded_permutation(n, data):
    size, seed = data.draw(st.integers(1, n - 1)), data.draw(st.integers(0, 99))
    full = corpus(n)
    train, test = full.split(size, seed)
    order = np.random.default_rng(seed).permutation(n)
    assert [r.index for r in train] + [r.index for r in test] == list(order)
    assert len(train) == size


@pytest.mark.parametrize(("train", "test"), [(0, None), (6, None), (4, 3), (3, 0)])
def test_a_split_that_does_not_fit_is_told(train, test):
    with pytest.raises(InvalidCorpus, match="at most the 6 networks"):
        corpus().split(train, 0, test)


def test_trainings_of_one_network_never_stand_on_both_sides():
    again = Corpus(header(), tuple(record(place, seed=99 + place) for place in range(6)))
    train, test = corpus(6).merge(again).split(5, seed=3)
    assert not {r.architecture.key for r in train} & {r.architecture.key for r in test}
    assert len(train) == 5
    assert len(test) > 0


def test_a_network_is_counted_once_by_its_first_training():
    rate = {"hyperparameters": {"lr": 0.1}}
    more = (record(1, seed=9, target=0.9), record(0, seed=7), record(0, **rate))
    full = Corpus(header(), (*corpus(2), *more))
    assert [(r.index, r.seed) for r in full.distinct] == [(0, 0), (1, 1), (0, 0)]
    assert full.distinct[1].target == 0.5


def test_trainings_that_differ_in_more_than_the_seed_are_not_merged():
    other = Corpus(header(), (record(0, hyperparameters={"lr": 0.1}),))
    assert len(corpus(1).merge(other)) == 2


def test_several_trainings_of_a_network_are_averaged():
    failed = record(2, target=None, curve=LearningCurve(), status="failed")
    once = record(1)
    short = record(0, seed=5, target=0.1, curve=LearningCurve((0.1,)), status="diverged")
    long = record(0, target=0.5, curve=LearningCurve((0.3, 0.5)))
    (mean, other) = Corpus(header(), (long, once, short, failed)).averaged
    assert mean.target == pytest.approx(0.3)
    assert tuple(mean.curve) == pytest.approx((0.2, 0.3)), "one that ended early stays there"
    assert mean.repeats == (0.5, 0.1)
    assert (mean.seed, mean.status) == (long.seed, "complete")
    assert other is once


@pytest.mark.parametrize(
    "changes",
    [
        {"target": 5.0},
        {"index": "x"},
        {"seed": "x"},
        {"params": 1.5},
        {"test_accuracy": float("nan")},
        {"hyperparameters": {"lr": np.float32(0.1)}},
    ],
)
def test_a_record_must_hold_what_it_says(changes):
    with pytest.raises(InvalidCorpus, match=next(iter(changes))):
        record(0, **changes)


def test_a_fixed_split_needs_marks():
    with pytest.raises(InvalidCorpus, match="marked 'train' and 'test'"):
        corpus().fixed_split()


def test_finished_are_the_complete_and_the_diverged():
    full = Corpus(header(), (record(0), record(1, status="diverged"), record(2, status="pruned")))
    assert [r.index for r in full.finished] == [0, 1]


def test_the_best_are_the_finished_with_the_highest_targets():
    records = [record(n, target=target) for n, target in enumerate((0.5, 0.9, 0.9, 0.25))]
    lost = record(9, status="pruned", target=0.95)
    held = Corpus(header(), (lost, *records))
    assert list(held.best(3)) == [records[1], records[2], records[0]]
    assert len(held.best()) == len(held.best(100)) == 4
    assert len(Corpus(header(), (lost,)).best(3)) == 0


def test_a_learning_curve_indexes_like_a_sequence():
    curve = LearningCurve((0.1, 0.2, 0.3))
    assert (curve[-1], list(curve[:2]), len(curve), 0.2 in curve) == (0.3, [0.1, 0.2], 3, True)
    assert isinstance(curve[:2], LearningCurve)
    assert not LearningCurve()


def test_a_study_becomes_a_corpus_in_the_order_of_the_index():
    class Trial:
        state = TrialState.COMPLETE

        def __init__(self, number, record):
            self.number = number
            self.user_attrs = {} if record is None else {"record": record.to_json()}
            if record is not None and record.seed == 99:
                self.user_attrs["retraining"] = "a network's"

    class Study:
        def __init__(self, **user_attrs):
            self.user_attrs = user_attrs

        def get_trials(self, deepcopy=True):
            again = [record(each, seed=99) for each in (1, 3)]
            records = (again[1], record(3), None, record(9, index=None), again[0], record(1))
            return [Trial(number, each) for number, each in enumerate(records)]

    told = json.loads(json.dumps(header().to_json()))
    *first, one, two = Corpus.from_study(Study(header=told))
    assert [r.index for r in first] == [1, 3, None]
    assert [one.seed, two.seed] == [99, 99], "further trainings stand at the end, by key"
    assert one.architecture.key < two.architecture.key
    with pytest.raises(InvalidCorpus, match="no header"):
        Corpus.from_study(Study())
