"""Ensembles weigh by left-out tau; calibrated intervals cover about what they say."""

from dataclasses import replace

import numpy as np
import pytest

from nas import Corpus, LearningCurve
from nas.core.errors import InvalidOption
from nas.core.interfaces import Prediction, Query, Surrogate, predict
from nas.testing.toy import toy_accuracy, toy_corpus
from surrogates import (
    Calibrated,
    Constant,
    Ensemble,
    LastValue,
    NuSVR,
    PairwiseLinear,
    RandomForest,
)
from surrogates.calibrated import _SHARES, _quantiles
from surrogates.cross_fitting import finished, folds, held_out, observed_lengths, row_of


class Knows(Surrogate):
    """The truth, with an error of a given size that depends on the network alone."""

    def __init__(self, error: float = 0.0, std: float | None = None) -> None:
        self.error = error
        self.std = std

    def fit(self, corpus):
        self.size_ = len(corpus)
        return self

    def predict(self, queries):
        mean = np.array([self._one(query) for query in queries])
        return Prediction(mean, None if self.std is None else np.full(len(mean), self.std))

    def _one(self, query):
        noise = np.random.default_rng(int(query.architecture.key, 16)).normal()
        return toy_accuracy(query.architecture) + self.error * noise


class Reads(Knows):
    """Knows the more, the more it observed."""

    reads_curves = True

    def _one(self, query):
        noise = np.random.default_rng(int(query.architecture.key, 16)).normal()
        return toy_accuracy(query.architecture) + noise / (2 + 4 * len(query.observed))


@pytest.fixture(scope="module")
def corpus():
    return toy_corpus(60)


def asked(corpus, observed=0):
    return [Query(r.architecture, observed=tuple(r.curve[:observed])) for r in corpus]


def test_folds_cut_all_places_once():
    parts = folds(11, 4, seed=0)
    assert len(parts) == 4
    assert sorted(np.concatenate(parts)) == list(range(11))
    assert len(folds(3, 5, seed=0)) == 3
    assert folds(1, 5, seed=0) == []


def test_left_out_means_left_out(corpus):
    class Remembers(Knows):
        def fit(self, corpus):
            self.keys_ = [r.architecture.key for r in corpus]
            return self

        def _one(self, query):
            assert query.architecture.key not in self.keys_
            return 0.5

    (said,) = held_out(Remembers(), corpus, [0], 5, seed=0)
    assert (said.mean == 0.5).all()
    assert said.std is None
    again = Corpus(corpus.header, tuple(replace(record, seed=99) for record in corpus[:20]))
    everything = finished(corpus.merge(again))
    assert len(everything) == 60, "other trainings of a network are no networks"
    held_out(Remembers(), everything, [0], 5, seed=0)
    rates = (replace(record, hyperparameters={"lr": 0.1}) for record in corpus[:20])
    otherwise = finished(corpus.merge(replace(corpus, records=tuple(rates))))
    assert len(otherwise) == 80
    held_out(Remembers(), otherwise, [0], 5, seed=0)


def test_one_long_curve_does_not_ask_what_the_others_cannot_tell(corpus):
    longer = replace(corpus[5], curve=LearningCurve((*corpus[5].curve, 0.5, 0.5)))
    uneven = replace(corpus, records=(*corpus[:5], longer, *corpus[6:20]))
    query = Query(corpus[30].architecture, None, corpus[30].curve[:6])
    for surrogate in (Calibrated(NuSVR(draws=3)), Ensemble([NuSVR(draws=3), Constant()])):
        assert 0 <= predict(surrogate.fit(uneven), [query]).mean[0] <= 1


def test_a_member_that_knows_outweighs_one_that_guesses(corpus):
    ensemble = Ensemble([Knows(error=0.5), Knows(error=0.01), Constant()]).fit(corpus)
    (weights,) = ensemble.weights_
    assert weights.sum() == pytest.approx(1.0)
    assert weights[1] > 0.9
    assert weights[2] == 0


def test_equal_members_share(corpus):
    (weights,) = Ensemble([PairwiseLinear(), PairwiseLinear()]).fit(corpus).weights_
    assert weights == pytest.approx([0.5, 0.5])


def test_members_that_know_nothing_share_too(corpus):
    (weights,) = Ensemble([Constant(), Constant()]).fit(corpus).weights_
    assert weights == pytest.approx([0.5, 0.5])


def test_an_ensemble_is_sure_where_its_members_agree(corpus):
    said = predict(Ensemble([Knows(), Knows()]).fit(corpus), asked(corpus))
    torn = predict(Ensemble([Knows(0.1), Reads()]).fit(corpus), asked(corpus))
    assert said.std.mean() < torn.std.mean()


def test_curves_are_read_if_a_member_reads_them(corpus):
    assert not Ensemble([Knows(), Constant()]).reads_curves
    ensemble = Ensemble([Knows(0.1), Reads()])
    assert ensemble.reads_curves
    ensemble.fit(corpus)
    assert len(ensemble.lengths_) == len(ensemble.weights_) > 1
    # The longer the prefix, the more the reader is worth.
    assert ensemble.weights_[-1, 1] > ensemble.weights_[0, 1]


def test_lengths_are_shares_of_the_curve(corpus):
    assert observed_lengths(Knows(), corpus) == [0]
    assert observed_lengths(Reads(), corpus) == [0, 1, 2, 3, 4]
    assert observed_lengths(Reads(), toy_corpus(5, epochs=0)) == [0]
    queries = [Query(corpus[0].architecture, observed=(0.1,) * n) for n in (0, 1, 2, 3, 9)]
    assert row_of([0, 2, 4], queries).tolist() == [0, 0, 1, 1, 2]


def test_members_and_folds_are_needed(corpus):
    with pytest.raises(InvalidOption, match="at least one member"):
        Ensemble([]).fit(corpus)
    with pytest.raises(InvalidOption, match="two folds"):
        Ensemble([Constant()], folds=1).fit(corpus)
    with pytest.raises(InvalidOption, match="folds must be at least 2"):
        Calibrated(Constant(), folds=1).fit(corpus)


@pytest.mark.parametrize(
    "surrogate", [Calibrated(LastValue()), Ensemble([LastValue(), Constant()])], ids=["one", "two"]
)
def test_only_final_accuracies_can_be_asked_about(corpus, surrogate):
    surrogate.fit(corpus)
    last, final = (predict(surrogate, [Query(corpus[0].architecture, e)]).mean for e in (6, None))
    assert last == final
    with pytest.raises(InvalidOption, match="must be None or the last one, 6, but got 1"):
        surrogate.predict([Query(corpus[0].architecture, 1)])


@pytest.mark.parametrize("n", [1, 2, 19, 100])
def test_quantiles_are_ranks_of_n_plus_one(n):
    errors = np.random.default_rng(n).normal(size=n)
    ordered = np.sort(errors)
    quantiles = _quantiles(errors)
    assert len(quantiles) == len(_SHARES) == 101
    assert (np.diff(quantiles) >= 0).all()
    for share in (0.05, 0.2):
        rank = int(np.floor(round(share * (n + 1), 9)))
        low, high = quantiles[round(100 * share)], quantiles[round(100 - 100 * share)]
        if rank >= 1:
            assert (low, high) == (ordered[rank - 1], ordered[n - rank])
        else:
            assert low <= ordered[0]
            assert high >= ordered[-1]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
@pytest.mark.parametrize(
    "inner", [Knows(0.1), Knows(0.1, std=0.003), RandomForest(trees=20)], ids=["mean", "std", "rf"]
)
def test_intervals_cover_about_what_they_say(inner, level):
    covered = []
    for seed in range(4):
        train, test = toy_corpus(160, seed=seed).split(80, seed)
        said = predict(Calibrated(inner).fit(train), asked(test))
        low, high = said.interval(level)
        covered.append(((low <= test.targets) & (test.targets <= high)).mean())
    assert level - 0.08 < np.mean(covered) < level + 0.08


def test_the_mean_stays(corpus):
    inner = PairwiseLinear()
    said = predict(Calibrated(inner).fit(corpus), asked(corpus))
    assert (said.mean == predict(inner.fit(corpus), asked(corpus)).mean).all()


def test_longer_prefixes_give_narrower_intervals(corpus):
    calibrated = Calibrated(Reads())
    assert calibrated.reads_curves
    calibrated.fit(corpus)
    widths = [
        np.diff(predict(calibrated, asked(corpus, k)).interval(0.9), axis=0).mean()
        for k in (0, 1, 2, 4)
    ]
    assert widths == sorted(widths, reverse=True)
