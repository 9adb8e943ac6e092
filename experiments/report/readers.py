"""The JSON files of a run folder, each read and checked in one place.

What passes here can be drawn: no figure or table asks again whether a part is there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from experiments.folder import is_number, read_json
from nas.core.architecture import Architecture
from nas.core.errors import InvalidOption, NasError
from nas.core.interfaces import Candidate

T = TypeVar("T")
Points = list[dict[str, Any]]


def read_predictions(path: Path) -> dict[str, Points]:
    """By surrogate, points with the key of a network, its real and its predicted accuracy.

    Raises:
        InvalidOption: it is not what `nas compare` or `nas demo` writes.
    """
    told = _read(path, dict)
    if not all(_list_of(points, _is_point) for points in told.values()):
        raise _wrong(path, "a surrogate there has no list of points with key, real and predicted")
    return told


def read_proposals(path: Path) -> list[Candidate]:
    """Proposed networks, each with its predicted accuracy as the score.

    Raises:
        InvalidOption: it is not what `nas propose` or `nas demo` writes.
    """
    return [_proposal(path, each) for each in _read(path, list)]


def read_search(path: Path) -> dict[str, Any]:
    """What a search over a table found: its methods' rows, and the best of the table.

    Raises:
        InvalidOption: it is not what `nas search` writes.
    """
    told = _read(path, dict)
    if not _list_of(told.get("rows"), _is_method) or not is_number(told.get("best")):
        raise _wrong(path, "it lacks the best accuracy, or a method there lacks a part")
    if len({tuple(row["best"]) for row in told["rows"]}) > 1:
        raise _wrong(path, "its methods are told after different numbers of networks")
    return {"data": "", "source": "", **told}


def read_transfer(path: Path) -> dict[str, Any]:
    """The networks that were trained, the searched one first, and on what.

    Raises:
        InvalidOption: it is not what `nas transfer` writes.
    """
    told = _read(path, dict)
    data = told.get("data")
    if not _list_of(told.get("rows"), _is_contestant):
        raise _wrong(path, "a network there lacks a part")
    if not isinstance(data, dict) or not _list_of(data.get("input"), is_number):
        raise _wrong(path, "it lacks the data")
    _network(path, told)
    if len(data["input"]) != 4 or not {"name", "judged"} <= data.keys():
        raise _wrong(path, "it lacks a part of the data")
    return {"seed": "-", **told}


def read_summary(path: Path) -> list[tuple[str, str]]:
    """Names and values for the head of the page.

    Raises:
        InvalidOption: it is not what `nas demo` writes.
    """
    told = _read(path, list)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in told):
        raise _wrong(path, "something there is no pair of a name and a value")
    return [(str(name), str(value)) for name, value in told]


def _read(path: Path, kind: type[T]) -> T:
    content = read_json(path, path.name)
    if not isinstance(content, kind):
        raise _wrong(path, f"it holds a {type(content).__name__}")
    return content


def _wrong(path: Path, what: str) -> InvalidOption:
    return InvalidOption(f"{path} must be what a nas command wrote, but {what}")


def _list_of(values: Any, holds: Callable[[Any], bool]) -> bool:
    """True for a list that is not empty and whose parts all are as they should."""
    return isinstance(values, list) and bool(values) and all(map(holds, values))


def _is_point(point: Any) -> bool:
    return (
        isinstance(point, dict)
        and isinstance(point.get("key"), str)
        and all(is_number(point.get(side)) for side in ("real", "predicted"))
    )


def _proposal(path: Path, told: Any) -> Candidate:
    if not isinstance(told, dict) or not is_number(told.get("predicted")):
        raise _wrong(path, "a proposal there has no predicted accuracy")
    return Candidate(_network(path, told), told["predicted"])


def _network(path: Path, told: dict[str, Any]) -> Architecture:
    try:
        network = Architecture.from_json(told["architecture"])
        network.layers()
    except (NasError, AttributeError, KeyError, ValueError) as error:
        raise _wrong(path, f"an architecture there cannot be read: {error}") from error
    return network


def _is_contestant(row: Any) -> bool:
    numbers = ("params", "macs", "training_speed", "inference_speed", "top1", "top5")
    return (
        isinstance(row, dict)
        and isinstance(row.get("name"), str)
        and all(is_number(row.get(name)) for name in numbers)
        and _list_of(row.get("history"), _is_epoch)
    )


def _is_epoch(told: Any) -> bool:
    return isinstance(told, dict) and is_number(told.get("top1"))


def _is_method(row: Any) -> bool:
    """True for a row of `searching.summary.row`."""
    if not isinstance(row, dict) or not isinstance(row.get("method"), str):
        return False
    curves = [row.get(name) for name in ("regret", "regret_low", "regret_high")]
    # A search whose first networks failed lies infinitely far behind.
    if not all(_list_of(curve, lambda value: isinstance(value, int | float)) for curve in curves):
        return False
    best, found, maybe = row.get("best"), row.get("found_at"), ("found_median", "epochs_saved")
    return (
        len({len(curve) for curve in curves if curve}) == 1
        and all(is_number(row.get(name)) for name in ("seeds", "looked_up", "lost", "seconds"))
        and all(row.get(name) is None or is_number(row[name]) for name in maybe)
        and _list_of(found, lambda at: at is None or is_number(at))
        and isinstance(best, dict)
        and all(isinstance(value, int | float) for value in best.values())
    )
