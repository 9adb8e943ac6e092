"""From replayed searches to the rows of search.json and their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.searching.replaying import Replays, Trace
from experiments.terminal import table as text_table

LEVEL, RESAMPLES = 0.95, 2000
STOPPED = (
    " epochs saved: of the trainings that could be stopped; lost: how far the best network falls "
    "short of the best, had none been stopped."
)
MARKS = (30, 60, 100, 150, 300, 500, 1000)
"""Numbers of networks after which the table tells the best so far."""


def row(name: str, traces: Sequence[Trace], best: float, asked: Replays) -> dict[str, Any]:
    """One method over its seeds.

    Args:
        name: of the method.
        traces: one a seed.
        best: the highest accuracy in the table, within the limits.
        asked: what was replayed.
    """
    networks = asked.networks
    curves = np.stack([best_so_far(trace, networks) for trace in traces])
    regret = best - curves
    low, high = _interval(regret)
    found = [found_at(trace, best) for trace in traces]
    return {
        "method": name,
        "seeds": len(traces),
        "found_at": found,
        "found_median": _median(found),
        "best": {str(mark): float(curves[:, mark - 1].mean()) for mark in marks(networks)},
        "regret": regret.mean(axis=0).tolist(),
        "regret_low": low.tolist(),
        "regret_high": high.tolist(),
        "looked_up": float(np.mean([len(trace.targets) for trace in traces])),
        "epochs_saved": epochs_saved(traces, asked),
        "lost": lost(traces),
        "seconds": float(np.mean([trace.seconds for trace in traces])),
    }


def best_so_far(trace: Trace, networks: int) -> np.ndarray:
    """(networks,) highest accuracy after each network; a search that ended early keeps its best."""
    values = [-np.inf if target is None else target for target in trace.targets]
    values += [-np.inf] * (networks - len(values))
    return np.maximum.accumulate(np.array(values))


def found_at(trace: Trace, best: float) -> int | None:
    """After how many networks the best one of the table was found; None where it was not."""
    hits = [place for place, target in enumerate(trace.targets, start=1) if target == best]
    return hits[0] if hits else None


def epochs_saved(traces: Sequence[Trace], asked: Replays) -> float | None:
    """Share of the epochs that a pruner saved, once it was allowed to stop; None without one."""
    if asked.pruner is None:
        return None
    first = asked.pruner.warmup
    spent = sum(epochs for trace in traces for epochs in trace.epochs[first:])
    whole = sum(epochs for trace in traces for _, epochs in trace.whole[first:])
    return 1 - spent / whole if whole else 0.0


def lost(traces: Sequence[Trace]) -> float:
    """By how much the best network fell short of the best had nothing been stopped, on average."""
    found = [max(target for target in trace.targets if target is not None) for trace in traces]
    whole = [max(target for target, _ in trace.whole) for trace in traces]
    return float(np.mean(whole) - np.mean(found))


def marks(networks: int) -> list[int]:
    """Numbers of networks to tell the best after."""
    return [*(mark for mark in MARKS if mark < networks), networks]


def search_cells(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the rows for people."""
    told = list(rows[0]["best"])
    saves = any(each["epochs_saved"] is not None for each in rows)
    header = ["method", "seeds", "found by", "median", "last", *(f"best {m}" for m in told), "s"]
    header += ["epochs saved", "lost"] if saves else []
    cells = [
        [
            each["method"],
            str(each["seeds"]),
            str(sum(at is not None for at in each["found_at"])),
            _places(each["found_median"]),
            _places(_last(each["found_at"])),
            *(f"{each['best'][mark]:.4f}" for mark in told),
            f"{each['seconds']:.1f}",
            *([f"{each['epochs_saved']:.0%}", f"{each['lost']:.4f}"] if saves else []),
        ]
        for each in rows
    ]
    return header, cells


def search_words(rows: Sequence[dict[str, Any]], best: float) -> list[str]:
    """What the columns mean, and how many times as many networks the other methods need."""
    saves = any(each["epochs_saved"] is not None for each in rows)
    explained = (
        f"The best network of the table has {best:.4f}. found by: seeds that found it; median, "
        "last: after how many networks; best N: mean of the best after N; s: seconds a search took."
    ) + STOPPED * saves
    return [explained, *_told(rows)]


def search_table(rows: Sequence[dict[str, Any]], best: float) -> str:
    """The rows and what they mean, for a terminal."""
    return "\n\n".join([text_table(*search_cells(rows)), *search_words(rows, best)])


def _told(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How many times as many networks the other methods need as the first, by their medians."""
    first, *others = rows
    ours = first["found_median"]
    if ours is None or not others:
        return []
    needs = [
        f"{each['method']} needs more than {each['looked_up'] / ours:.1f}"
        if each["found_median"] is None
        else f"{each['method']} needs {each['found_median'] / ours:.1f}"
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
