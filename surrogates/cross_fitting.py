"""What a surrogate says about networks that it was not fitted to, inside a training corpus."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Prediction, Query, Surrogate, predict

# How much of a curve is observed when a surrogate that reads curves is judged.
_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75)


def finished(corpus: Corpus) -> Corpus:
    """The finished networks of a corpus, one record each.

    What a surrogate is fitted to: were several trainings of one network several records, folds that
    lack a network would still hold others of its trainings.

    Raises:
        InvalidCorpus: there is none.
    """
    records = corpus.averaged
    if not records:
        raise InvalidCorpus(
            "a surrogate needs at least one finished network to be fitted to, but the corpus "
            f"has none among {len(corpus)}; collect some first"
        )
    return records


def folds(n: int, most: int, seed: int | np.random.Generator) -> list[np.ndarray]:
    """Places 0..n-1 in random order, cut into at most that many parts; none where n < 2."""
    order = np.random.default_rng(seed).permutation(n)
    return [np.sort(part) for part in np.array_split(order, min(most, n))] if n > 1 else []


def observed_lengths(surrogate: Surrogate, records: Corpus) -> list[int]:
    """The numbers of observed epochs at which a surrogate is judged; 0 alone if it reads none."""
    shares = _SHARES if surrogate.reads_curves else _SHARES[:1]
    return sorted({round(share * records.epochs) for share in shares})


def row_of(lengths: Sequence[int], queries: Sequence[Query]) -> np.ndarray:
    """(n,) for each query the number of the longest of these lengths that it observed."""
    observed = np.array([len(query.observed) for query in queries], dtype=np.int64)
    return np.maximum(np.searchsorted(lengths, observed, side="right") - 1, 0)


def check_final(surrogate: Surrogate, queries: Sequence[Query], epochs: int) -> None:
    """Refuses questions about other epochs than the last one.

    Raises:
        InvalidOption: there is one.
    """
    for query in queries:
        if query.epoch not in (None, epochs):
            raise InvalidOption(
                f"{type(surrogate).__name__} knows final accuracies only: a query's epoch must be "
                f"None{f' or the last one, {epochs},' if epochs else ','} but got {query.epoch}; "
                "ask a surrogate of learning curves"
            )


def held_out(
    surrogate: Surrogate, records: Corpus, lengths: Sequence[int], most_folds: int, seed: int
) -> list[Prediction]:
    """Predictions for all records, each from a fit that did not see it; one for each length.

    Args:
        surrogate: what is fitted; it stays as it is, copies are.
        records: at least two, of a network each; those of one architecture, trained in other
            ways, stand on one side, unless there is nothing else.
        lengths: numbers of observed epochs.
        most_folds: folds, where there are as many records.
        seed: of the folds.
    """
    n = len(records)
    means = np.zeros((len(lengths), n))
    stds = np.full((len(lengths), n), np.nan)
    for held in folds(n, most_folds, seed):
        rest = _without(records, held)
        fitted = copy.deepcopy(surrogate).fit(rest)
        for row, length in enumerate(lengths):
            # A single long curve must not make questions that the others' fit cannot know.
            said = predict(fitted, _queries(records.take(held), min(length, rest.epochs)))
            means[row, held] = said.mean
            if said.std is not None:
                stds[row, held] = said.std
    return [
        Prediction(mean, std if np.isfinite(std).all() else None)
        for mean, std in zip(means, stds, strict=True)
    ]


def _without(records: Corpus, held: np.ndarray) -> Corpus:
    """The other records, without further ones of the same architectures."""
    rest = records.take(np.setdiff1d(np.arange(len(records)), held))
    keys = {record.architecture.key for record in records.take(held)}
    return rest.filter(lambda record: record.architecture.key not in keys) or rest


def _queries(records: Corpus, observed: int) -> list[Query]:
    return [
        Query(r.architecture, None, tuple(r.curve[:observed]), r.hyperparameters) for r in records
    ]
