"""What surrogates that observe epochs share: curves as a matrix, inputs as numbers, checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.interfaces import Query
from surrogates.features import Features


def curves_of(records: Corpus) -> np.ndarray:
    """Accuracies (n, epochs + 1): the curves, then the targets.

    A target may be more than the last accuracy: a table's may be the best epoch or a mean of seeds.
    A training that ended early stays where it was: its last accuracy fills the row.
    """
    curves = np.empty((len(records), records.epochs + 1))
    for row, record in zip(curves, records, strict=True):
        row[: len(record.curve)] = record.curve.values
        row[len(record.curve) : -1] = record.curve[-1] if record.curve else np.nan
    curves[:, -1] = records.targets
    return curves


def column_of(epoch: int | None, epochs: int) -> int:
    """The column of `curves_of` that a query means: the last epoch, like None, is the target.

    Raises:
        InvalidOption: an epoch that no curve had.
    """
    if epoch is None or epoch == epochs > 0:
        return epochs
    if not 1 <= epoch <= epochs:
        raise InvalidOption(
            f"an epoch must lie in 1..{epochs}, the curves it was fitted to, but got {epoch}"
        )
    return epoch - 1


def with_curves(corpus: Corpus, least: int) -> Corpus:
    """The finished networks with a learning curve, one record each.

    Raises:
        InvalidCorpus: there are fewer than `least`.
    """
    records = corpus.averaged.filter(lambda record: len(record.curve) > 0)
    if len(records) < least:
        raise InvalidCorpus(
            f"a surrogate that reads curves needs at least {least} finished networks with a "
            f"learning curve, but the corpus has {len(records)} among {len(corpus)}; collect more, "
            "or take a surrogate that reads none"
        )
    return records


def by_question(queries: Sequence[Query], epochs: int) -> dict[tuple[int, int], list[int]]:
    """Places of queries with one number of observed epochs and one column of `curves_of`.

    Raises:
        InvalidOption: an epoch, or a prefix, beyond the curves learnt from.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for place, query in enumerate(queries):
        k = len(query.observed)
        if k > epochs:
            raise InvalidOption(
                f"at most {epochs} epochs can be observed, as many as the curves it was fitted to "
                f"have, but got {k}; fit it to longer curves"
            )
        groups.setdefault((k, column_of(query.epoch, epochs)), []).append(place)
    return groups


def observed(queries: Sequence[Query], places: Sequence[int]) -> np.ndarray:
    """Prefixes (len(places), k) of queries that all have the same k."""
    return np.array([queries[place].observed for place in places], float).reshape(len(places), -1)


@dataclass(frozen=True, eq=False)
class Inputs:
    """A network as a row of numbers: features of its architecture, chosen hyperparameters.

    Attributes:
        features: None leaves the architecture out.
        hyperparameters: names of what to take from a record's or query's hyperparameters.
    """

    features: Features | None
    hyperparameters: Sequence[str] = ()

    @classmethod
    def of(cls, records: Corpus, architecture: bool, hyperparameters: Sequence[str] | None) -> Self:
        """Costs, depth and layers by type where `architecture` is true, and hyperparameters."""
        architectures = [record.architecture for record in records]
        features = Features("basic").fit(architectures) if architecture else None
        return cls(features, hyperparameters or ())

    def rows(self, networks: Sequence[Query] | Corpus) -> np.ndarray:
        """Rows (n, columns) of n networks, at least one column.

        Raises:
            InvalidOption: a named hyperparameter is missing or no number.
        """
        architectures = [each.architecture for each in networks]
        values = [
            [_number(each.hyperparameters, name) for name in self.hyperparameters]
            for each in networks
        ]
        columns = np.array(values, float).reshape(len(networks), len(self.hyperparameters))
        if self.features is not None:
            columns = np.hstack([self.features.matrix(architectures), columns])
        return columns if columns.shape[1] else np.zeros((len(networks), 1))

    def state(self) -> dict[str, Any]:
        """The inputs as plain values."""
        features = None if self.features is None else self.features.state()
        return {"features": features, "hyperparameters": list(self.hyperparameters)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inputs that `state` described."""
        known = state["features"]
        features = None if known is None else Features.from_state(known)
        return cls(features, state["hyperparameters"])


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    if not isinstance(value, Real) or not math.isfinite(value):
        raise InvalidOption(
            f"a surrogate with hyperparameters=[{name!r}] needs it as a finite number of every "
            f"network, but got {value!r} among {sorted(values)}; give it, or leave it out"
        )
    return float(value)
