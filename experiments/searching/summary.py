"""From replayed searches to the rows of search.json and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.searching.replaying import Replay, Replays
from experiments.terminal import table as text_table

LEVEL, RESAMPLES = 0.95, 2000
MARKS = (30, 60, 100, 150, 300, 500, 1000)
"""Numbers of networks after which the table tells the best so far."""


def row(name: str, replays: Sequence[Replay], best: float, asked: Replays) -> dict[str, Any]:
    """One method over its seeds.

    Args:
        name: of the method.
        replays: one a seed.
        best: the highest accuracy in the table, within the limits.
        asked: what was replayed.
    """
    networks = asked.networks
    curves = np.stack([best_so_far(replay, networks) for replay in replays])
    regret = best - curves
    low, high = _interval(regret)
    found = [found_at(replay, best) for replay in replays]
    return {
        "method": name,
        "seeds": len(replays),
        "found_at": found,
        "found_median": _median(found),
        "best": {str(mark): float(curves[:, mark - 1].mean()) for mark in marks(networks)},
        "regret": regret.mean(axis=0).tolist(),
        "regret_low": low.tolist(),
        "regret_high": high.tolist(),
        "epochs_saved": epochs_saved(replays, asked),
        "seconds": float(np.mean([replay.seconds for replay in replays])),
    }


def best_so_far(replay: Replay, networks: int) -> np.ndarray:
    """(networks,) highest accuracy after each network; a search that ended early keeps its best."""
    values = [-np.inf if target is None else target for target in replay.targets]
    values += [-np.inf] * (networks - len(values))
    return np.maximum.accumulate(np.array(values))


def found_at(replay: Replay, best: float) -> int | None:
    """After how many networks the best one of the table was found; None where it was not."""
    hits = [place for place, target in enumerate(replay.targets, start=1) if target == best]
    return hits[0] if hits else None


def epochs_saved(replays: Sequence[Replay], asked: Replays) -> float | None:
    """Share of the epochs that a pruner saved, once it was allowed to stop; None without one."""
    if asked.pruner is None:
        return None
    later = [epochs for replay in replays for epochs in replay.epochs[asked.pruner.warmup :]]
    return 1 - sum(later) / (len(later) * asked.corpus.epochs) if later else 0.0


def marks(networks: int) -> list[int]:
    """Numbers of networks to tell the best after."""
    return [*(mark for mark in MARKS if mark < networks), networks]


def search_table(rows: Sequence[dict[str, Any]], best: float) -> str:
    """The rows for people."""
    told = list(rows[0]["best"])
    saves = any(each["epochs_saved"] is not None for each in rows)
    header = ["method", "seeds", "found by", "median", "last", *(f"best {m}" for m in told), "s"]
    header += ["epochs saved"] if saves else []
    cells = [
        [
            each["method"],
            str(each["seeds"]),
            str(sum(at is not None for at in each["found_at"])),
            _places(each["found_median"]),
            _places(_last(each["found_at"])),
            *(f"{each['best'][mark]:.4f}" for mark in told),
            f"{each['seconds']:.1f}",
            *([f"{each['epochs_saved']:.0%}"] if saves else []),
        ]
        for each in rows
    ]
    explained = (
        f"The best network of the table has {best:.4f}. found by: seeds that found it; median, "
        "last: after how many networks; best N: mean of the best after N; s: seconds a search took."
    )
    return "\n\n".join([text_table(header, cells), explained, *_told(rows)])


def _told(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How many times as many networks the other methods need as the first, by their medians."""
    first, *others = rows
    ours = first["found_median"]
    if ours is None or not others:
        return []
    asked = len(first["regret"])
    needs = [
        f"{each['method']} more than {asked / ours:.1f}"
        if each["found_median"] is None
        else f"{each['method']} {each['found_median'] / ours:.1f}"
        for each in others
    ]
    return [
        f"To find the best network, by the medians, {', '.join(needs)} times as many networks as "
        f"{first['method']}."
    ]


def _places(number: float | None) -> str:
    return "-" if number is None else f"{number:g}"


def _last(found: Sequence[int | None]) -> int | None:
    return None if None in found else max(each for each in found if each is not None)


def _median(found: Sequence[int | None]) -> float | None:
    """The median; None where half of the seeds or more did not find it."""
    middle = float(np.median([np.inf if each is None else each for each in found]))
    return middle if np.isfinite(middle) else None


def _interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap interval (networks,) of the mean over seeds (seeds, networks)."""
    rng = np.random.default_rng(0)
    places = rng.integers(len(values), size=(RESAMPLES, len(values)))
    counts = np.stack([np.bincount(each, minlength=len(values)) for each in places]) / len(values)
    low, high = np.quantile(counts @ values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high
