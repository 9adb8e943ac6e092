"""Splits, questions and scores of a comparison; the command itself is in test_compare."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments.comparison import Comparison, statistics
from experiments.comparison.columns import cells
from experiments.comparison.judging import Judged, Split, judge, questions, seeded, splits_of
from experiments.comparison.statistics import row
from experiments.folder import RunFolder
from experiments.report.figures import sample_efficiency
from nas import Corpus, LearningCurve
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Prediction, Surrogate
from nas.testing.toy import toy_corpus
from surrogates import Calibrated, Constant, Ensemble, LastValue, RandomForest


class Epochs(Surrogate):
    """Answers with the epoch that it is asked about, and is sure to 0.1."""

    reads_curves = True

    def fit(self, corpus):
        self.size_ = len(corpus)
        return self

    def predict(self, queries):
        mean = np.array([query.epoch or 0 for query in queries], float)
        return Prediction(mean, np.full(len(mean), 0.1))


@pytest.fixture(scope="module")
def corpus():
    return toy_corpus(12)


def keys(records):
    return [record.architecture.key for record in records]


def test_a_random_split_is_a_seeded_permutation(corpus):
    order = np.random.default_rng(3).permutation(12)
    split = splits_of(7, None, seed=2, repeats=2)[1]
    train, test = split.of(corpus)
    assert keys(train) == keys(corpus.take(order[:7]))
    assert keys(test) == keys(corpus.take(order[7:]))


def test_folds_judge_every_network_once(corpus):
    parts = [split.of(corpus) for split in splits_of("folds", None, seed=0, repeats=5)]
    assert sorted(key for _, test in parts for key in keys(test)) == sorted(keys(corpus))
    assert [len(test) for _, test in parts] == [3, 3, 2, 2, 2]
    for train, test in parts:
        assert len(train) + len(test) == 12
        assert not {*keys(train)} & {*keys(test)}


@pytest.mark.parametrize("folds", [1, 13])
def test_folds_must_fit(corpus, folds):
    with pytest.raises(InvalidCorpus, match="2 to 12 folds"):
        Split("folds", None, 0, 0, folds).of(corpus)


def test_curves_ask_about_every_epoch_that_was_not_observed(corpus):
    (first, *_), epochs = corpus, corpus.epochs
    asked, real = questions(corpus[:2], corpus.epochs, 1, "curve")
    assert [query.epoch for query in asked] == [*range(2, epochs + 1)] * 2
    assert {len(query.observed) for query in asked} == {1}
    assert real[: epochs - 1] == list(first.curve[1:])
    asked, real = questions(corpus[:2], corpus.epochs, 1, "final")
    assert [query.epoch for query in asked] == [None, None]
    assert real == corpus[:2].targets.tolist()


def test_the_last_epoch_is_the_target(corpus):
    elsewhere = Corpus(corpus.header, tuple(replace(each, target=0.99) for each in corpus))
    _, real = questions(elsewhere[:1], corpus.epochs, 1, "curve")
    assert real == [*corpus[0].curve[1:-1], 0.99]


def test_what_was_not_trained_for_is_not_asked_about(corpus):
    short = replace(corpus[0], curve=corpus[0].curve[:2], target=0.3, status="diverged")
    bare = replace(corpus[1], curve=LearningCurve(), target=0.4)
    few = replace(corpus, records=(short, bare))
    asked, real = questions(few, corpus.epochs, 1, "curve")
    assert [query.epoch for query in asked] == [2, corpus.epochs, corpus.epochs]
    assert real == [short.curve[1], 0.3, 0.4]


def test_nobody_is_asked_beyond_the_training_networks_curves(corpus):
    split = Split(8, None, 0, 0)
    _, test = split.of(corpus)
    long = replace(test[0], curve=LearningCurve((*test[0].curve, 0.6, 0.6)))
    records = [long if each.identity == long.identity else each for each in corpus]
    uneven = replace(corpus, records=tuple(records))
    judged = judge(LastValue(), uneven, split, observed=0.2, target="curve")
    assert judged.observed_epochs == 2
    assert len(judged.real) == 4 * (corpus.epochs - 2)


def test_samples_alone_tell_of_intervals(corpus):
    class Draws(Constant):
        def predict(self, queries):
            said = super().predict(queries)
            draws = said.mean + np.linspace(-1, 1, 11)[:, None]
            return Prediction(said.mean, None, draws)

    scores = judge(Draws(), corpus, Split(8, None, 0, 0), observed=0.0, target="final").scores()
    assert scores["coverage"] == 1.0
    assert np.isnan(scores["log_likelihood"])


def test_ranks_of_epochs_are_not_told():
    split = Split(8, None, 0, 0)
    corpus = toy_corpus(24)
    judged = [judge(Epochs(), corpus, split, 0.0, target) for target in ("curve", "final")]
    curve, final = (row("Epochs", [each], fixed=False) for each in judged)
    for metric in ("kendall_tau", "spearman", "top10_regret"):
        assert curve[metric] is None and final[metric] is not None
    assert curve["mse"] is not None
    few = judge(Epochs(), corpus, Split(14, None, 0, 0), 0.0, "final")
    assert row("Epochs", [few], fixed=False)["top10_regret"] is None, "ten of ten are all"
    tau, regret = (cells([curve])[0].index(name) for name in ("tau", "regret"))
    ((*line,),) = cells([curve])[1]
    assert line[tau] == line[regret] == "-"


def test_what_makes_no_difference_is_not_told():
    first, other = (splits_of("fixed", size, seed, 2) for size, seed in ((None, 0), (5, 9)))
    assert [each.told() for each in first] == [each.told() for each in other]
    assert first[0].told() != first[1].told()
    seeds = [splits_of("folds", None, seed, 3)[0].told() for seed in (0, 1)]
    assert seeds[0] != seeds[1]
    assert splits_of(5, None, 0, 1)[0].told() != splits_of(5, 3, 0, 1)[0].told()


def test_intervals_over_ten_splits_cover_what_they_say():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        low, high = statistics._over_splits({"mse": rng.normal(size=10)})["mse"]
        covered.append(low <= 0.0 <= high)
    assert 0.92 < np.mean(covered) < 0.98  # plain quantiles cover 0.89


def test_a_figure_that_a_split_cannot_tell_has_no_interval(corpus):
    splits = splits_of(8, None, 0, 3)
    judged = [judge(Epochs(), corpus, each, 0.0, "final") for each in splits]
    flat = Judged(**{**vars(judged[1]), "real": [0.5] * 4})
    found = row("Epochs", [judged[0], flat, judged[2]], fixed=False)
    assert (found["r2"], found["r2_low"], found["r2_high"]) == (None, None, None)
    assert found["mse_low"] is not None


def test_intervals_on_one_split_hold_what_seeds_differ_by(corpus):
    judged = judge(Epochs(), corpus, Split(8, None, 0, 0), 0.0, "final")
    real = np.array(judged.real)
    offsets = [Judged(**{**vars(judged), "predicted": (real + d).tolist()}) for d in (0.0, 0.2)]
    found = row("two seeds", offsets, fixed=True)
    assert (found["mae_low"], found["mae_high"]) == (0.0, pytest.approx(0.2))


def test_a_judgement_tells_how_sure_the_surrogate_was(corpus):
    judged = judge(Epochs(), corpus, Split(8, None, 0, 0), observed=0.2, target="curve")
    assert (judged.test_size, judged.observed_epochs) == (4, 1)
    assert len(judged.real) == 4 * (corpus.epochs - 1)
    assert judged.scores()["coverage"] == 0.0
    near = Judged(**{**vars(judged), "predicted": judged.real, "low": judged.real})
    scores = near.scores()
    assert scores["coverage"] == 1.0
    assert scores["log_likelihood"] == pytest.approx(-np.log(0.1 * np.sqrt(2 * np.pi)))
    silent = Judged(**{**vars(judged), "std": None, "low": None, "high": None}).scores()
    assert np.isnan([silent["coverage"], silent["log_likelihood"]]).all()


def test_intervals_of_a_fixed_split_resample_whole_networks(corpus, monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", 200)
    judged = judge(Epochs(), corpus, Split(8, None, 0, 0), observed=0.0, target="curve")
    # The same error at every epoch of a network: more epochs must not narrow the interval.
    errors = np.repeat([0.0, 0.1, 0.2, 0.3], corpus.epochs)
    wide = Judged(**{**vars(judged), "predicted": (np.array(judged.real) + errors).tolist()})
    few = row("few", [wide], fixed=True)
    assert few["mae_high"] - few["mae_low"] > 0.15
    assert few["epochs_charged"] == 0


def test_sample_efficiency_is_a_line_a_surrogate(corpus):
    rows = [
        row("Epochs", [judge(Epochs(), corpus, split, 0.0, "curve") for split in splits], False)
        for splits in (splits_of(8, None, 0, 2), splits_of(4, None, 0, 2))
    ]
    (line,) = sample_efficiency(rows).data
    assert list(line.x) == [4, 8]
    assert line.name == "Epochs"
    unknown = [{**each, "kendall_tau_low": None, "kendall_tau_high": None} for each in rows]
    assert list(sample_efficiency(unknown).data[0].error_y.array) == [None, None]


def test_each_repeat_raises_the_seed_of_every_wrapped_surrogate():
    inner = RandomForest(seed=3)
    outer = Ensemble([inner, Calibrated(RandomForest(seed=5), seed=1), LastValue()], seed=7)
    repeated = seeded(outer, 2)
    forest, calibrated, _ = repeated.members
    assert (repeated.seed, forest.seed, calibrated.seed, calibrated.surrogate.seed) == (9, 5, 3, 7)
    assert (outer.seed, inner.seed) == (7, 3), "the given ones stay as they are"


@pytest.fixture
def compared():
    values = {"seen": 0, "train_size": 8, "test_size": 4, "repeats": 2, "kendall_tau": 0.5}
    rows = [{"surrogate": "A<b>", **values}, {"surrogate": "B", **values, "kendall_tau": 0.75}]
    return Comparison(tuple(rows), 0.9, "corpus.jsonl", "toy", "A table")


def test_a_comparison_is_read_as_it_was_written(compared, tmp_path):
    compared.write(RunFolder(tmp_path))
    assert Comparison.read(tmp_path) == compared


def test_a_notebook_shows_a_comparison_best_first(compared):
    shown = compared._repr_html_()
    assert "A&lt;b&gt;" in shown and "A<b>" not in shown
    assert shown.index("0.750") < shown.index("0.500")
    assert "An oracle would reach a tau of 0.900" in str(compared)
    assert "oracle" not in str(replace(compared, noise_ceiling=None))


ROW = {"surrogate": "A", "train_size": 8, "kendall_tau": 0.5, "r2": None}


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"rows": 3}',
        '{"rows": [3]}',
        *(json.dumps({"rows": [ROW, {**ROW, name: None}]}) for name in ("surrogate", "train_size")),
        json.dumps({"rows": [{name: ROW[name] for name in ("surrogate", "train_size")}]}),
        json.dumps({"rows": [{**ROW, "r2": "good"}]}),
    ],
)
def test_what_is_no_comparison_is_refused(tmp_path, content):
    RunFolder(tmp_path).comparison.write_text(content)
    with pytest.raises(InvalidOption, match="no list of rows"):
        Comparison.read(tmp_path)


def test_a_noise_ceiling_is_a_number(tmp_path):
    RunFolder(tmp_path).comparison.write_text(json.dumps({"rows": [ROW], "noise_ceiling": "high"}))
    with pytest.raises(InvalidOption, match="must be a number"):
        Comparison.read(tmp_path)
