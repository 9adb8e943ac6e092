"""The Markov chain over layer types (paper, supplement, Table 1), conditioned exactly.

A block has a given length and at most `max_convs` convolutions, its first layer included. Drawing
chains and throwing away those with too many would give the right law and waste half of them; here
each step's weights are conditioned on what is left, by a backward recursion:

    S(r, c, t) = P(at most c convolutions in the r layers behind one of type t)
               = sum over u of P(t -> u) * S(r - 1, c - [u = conv], u)
    P(next = u | t, r left, c left)  proportional to  P(t -> u) * S(r - 1, c - [u = conv], u)
"""

from __future__ import annotations

from functools import cache

TYPES = ("conv", "max_pool", "avg_pool", "relu", "sigmoid", "tanh")

# Rows: type of the layer now; columns: type of the next one, in the order of TYPES.
TRANSITIONS: dict[str, tuple[float, ...]] = {
    "conv": (0.03, 0.03, 0.03, 0.31, 0.30, 0.30),
    "max_pool": (0.60, 0.05, 0.05, 0.10, 0.10, 0.10),
    "avg_pool": (0.60, 0.05, 0.05, 0.10, 0.10, 0.10),
    "relu": (0.30, 0.30, 0.30, 0.00, 0.05, 0.05),
    "sigmoid": (0.30, 0.30, 0.30, 0.05, 0.00, 0.05),
    "tanh": (0.30, 0.30, 0.30, 0.05, 0.05, 0.00),
}


@cache
def survival(left: int, convs: int, now: str) -> float:
    """P(at most `convs` convolutions in the `left` layers behind one of type `now`)."""
    return 1.0 if left == 0 else sum(_joint(left, convs, now))


@cache
def next_weights(left: int, convs: int, now: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Possible next types and their conditioned weights.

    Args:
        left: layers still to come, the next one included (>= 1).
        convs: convolutions still allowed (>= 0).
        now: type of the layer before.
    """
    pairs = [(t, w) for t, w in zip(TYPES, _joint(left, convs, now), strict=True) if w > 0]
    return tuple(t for t, _ in pairs), tuple(w for _, w in pairs)


def _joint(left: int, convs: int, now: str) -> list[float]:
    return [
        p * survival(left - 1, convs - (to == "conv"), to) if convs or to != "conv" else 0.0
        for to, p in zip(TYPES, TRANSITIONS[now], strict=True)
    ]
