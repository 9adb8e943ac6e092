"""Accuracy against cost: what nothing else beats in both."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption

Cost = Literal["macs", "params"]


def pareto_front(corpus: Corpus, cost: Cost = "macs") -> Corpus:
    """The finished networks that no other one beats in accuracy without costing more.

    Returns:
        The cheapest first; accuracy rises along the front.

    Raises:
        InvalidOption: a cost that is neither macs nor params.
    """
    check_cost(cost)
    records = corpus.finished
    costs = np.array([getattr(record, cost) for record in records], dtype=np.float64)
    return records.take(front(records.targets, costs))


def front(values: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Places of the non-dominated among n values (the higher the better) and costs (the lower).

    Returns:
        Places (m,), the cheapest first; of equal ones the first.
    """
    order = np.lexsort((-np.asarray(values), np.asarray(costs)))
    ranked = np.asarray(values)[order]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(ranked)[:-1]])
    return np.asarray(order[ranked > before])


def check_cost(cost: str) -> None:
    """Raises InvalidOption unless it is the name of a cost."""
    if cost not in get_args(Cost):
        raise InvalidOption(f"cost must be macs or params, but got {cost!r}")
