"""`nas predict`: the accuracy of given architectures, before training."""

from __future__ import annotations

from pathlib import Path

from experiments.folder import read_json, read_seen, read_task, surrogate_folder
from experiments.terminal import say, table, warn
from nas.core.architecture import Architecture
from nas.core.corpus import Header
from nas.core.errors import InvalidArchitecture
from nas.core.interfaces import Prediction, Query, Surrogate
from nas.core.interfaces import predict as ask
from nas.core.limits import Limits


def predict(
    surrogate: Path, architecture: Path, epoch: int | None = None, trust: list[str] | None = None
) -> None:
    """Predict the accuracy of architectures.

    Args:
        surrogate: folder that 'nas fit' wrote, or the name of one that the project holds.
        architecture: JSON file with one architecture, a list of them, or what 'nas propose' wrote.
        epoch: after which the accuracy is asked; the last one where none is given.
        trust: packages besides our own that a saved surrogate may come from.
    """
    folder = surrogate_folder(surrogate)
    architectures = read_architectures(architecture)
    fitted = Surrogate.load(folder.surrogate, trust=trust or ())
    task = read_task(folder)
    seen = read_seen(folder)
    check(architectures, task)
    warn_of_larger(architectures, seen)
    said = ask(fitted, [Query(each, epoch) for each in architectures])
    say(prediction_table(architectures, said))


def check(architectures: list[Architecture], task: Header) -> None:
    """Refuses architectures of another input than the task's, and warns of another skeleton.

    Raises:
        InvalidArchitecture: one is for another input.
    """
    for each in architectures:
        if each.input != task.input:
            raise InvalidArchitecture(
                f"architectures must be for the surrogate's task ({task.data}, input "
                f"{tuple(task.input)}), but {each.key} is for {tuple(each.input)}; fit a surrogate "
                "to a corpus of that task"
            )
    others = sum(each.skeleton != task.skeleton for each in architectures)
    if others:
        warn(
            f"{others} of {len(architectures)} architectures stand in another skeleton than the "
            "networks that the surrogate was fitted to: their predictions are extrapolated"
        )


def warn_of_larger(architectures: list[Architecture], seen: Limits) -> None:
    """Warns of architectures that cost more than all that a surrogate has seen."""
    beyond = sum(not seen.allow(each) for each in architectures)
    if beyond:
        warn(
            f"{beyond} of {len(architectures)} architectures are larger than the networks that the "
            f"surrogate was fitted to ({seen}): their predictions are extrapolated"
        )


def read_architectures(path: Path) -> list[Architecture]:
    """Architectures of a JSON file.

    Raises:
        InvalidOption, InvalidArchitecture: the file or an architecture in it cannot be read.
    """
    content = read_json(path, "--architecture")
    items = content if isinstance(content, list) else [content]
    if not items or not all(isinstance(item, dict) for item in items):
        raise InvalidArchitecture(
            f"{path} must hold an architecture (a JSON object) or a list of them"
        )
    return [Architecture.from_json(item.get("architecture", item)) for item in items]


def prediction_table(architectures: list[Architecture], said: Prediction) -> str:
    """One line an architecture."""
    header = ["architecture", "predicted", "std", "params", "MACs", "layers"]
    stds = ["-"] * len(said) if said.std is None else [f"{std:.4f}" for std in said.std]
    return table(
        header,
        [
            [
                each.key,
                f"{mean:.4f}",
                std,
                f"{each.params:,}",
                f"{each.macs:,}",
                str(len(each.layers())),
            ]
            for each, mean, std in zip(architectures, said.mean, stds, strict=True)
        ],
    )
