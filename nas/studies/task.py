"""What a study is about: written into it when it is made, checked when it is opened again."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from nas.core.choices import check_seed
from nas.core.corpus import Header
from nas.core.errors import InvalidData, InvalidOption, InvalidStudy
from nas.core.interfaces import Evaluator, SearchSpace
from nas.core.limits import Limits
from nas.studies.stream import stream
from nas.studies.trials import Trials

Json = dict[str, Any]
_MEASURE = "fingerprint"


@dataclass(frozen=True)
class CollectTask:
    """What is trained and how; picklable, since it is sent to the workers.

    Attributes:
        space: where the architectures come from.
        evaluator: trains them.
        header: of the corpus that comes out; skeleton and input are those of the space.
        seed: of the stream of architectures and of their trainings.
        epochs: that each is trained; None means what the evaluator's recipe says.
        limits: on what a network may cost.
        pruner: stops trainings. With one, the result depends on what was trained before.
    """

    space: SearchSpace
    evaluator: Evaluator
    header: Header
    seed: int = 0
    epochs: int | None = None
    limits: Limits = field(default_factory=Limits)
    pruner: BasePruner | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.epochs is not None and self.epochs < 1:
            raise InvalidOption(f"epochs must be at least 1, but got {self.epochs}")

    def settings(self) -> Json:
        """What must stay the same in a study, besides the header's task."""
        settings = {
            "space": described(self.space),
            "seed": self.seed,
            "epochs": self.epochs,
            "max_params": self.limits.max_params,
            "max_macs": self.limits.max_macs,
            "evaluator": _path(self.evaluator),
            "pruner": described(self.pruner),
        }
        return _plain(settings)

    def check(self) -> None:
        """Raises InvalidOption unless the space makes networks of the header's task."""
        network = next(stream(self.space, self.seed, self.limits)).architecture
        asked, made = (self.header.skeleton, self.header.input), (network.skeleton, network.input)
        if made != asked:
            raise InvalidOption(
                f"the space must make networks for the header's skeleton and input "
                f"{tuple(asked[1])}, but makes them for {tuple(made[1])}"
                f"{'' if made[0] == asked[0] else ' and in another skeleton'}; "
                "move it there with space.on(input), or correct the header"
            )


def described(thing: object) -> Any:
    """A plug-in as class path and constructor arguments, as far as they are plain values."""
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    if isinstance(thing, list | tuple):
        return [described(each) for each in thing]
    if isinstance(thing, dict):
        return {str(name): described(each) for name, each in thing.items()}
    if hasattr(thing, "to_json"):
        return thing.to_json()
    names = [name for name in inspect.signature(type(thing)).parameters if hasattr(thing, name)]
    return {
        "class_path": _path(thing),
        "init_args": {name: described(getattr(thing, name)) for name in names},
    }


def make_study(storage: BaseStorage, name: str, task: CollectTask) -> Trials:
    """The study of a task, made where it is missing.

    Raises:
        InvalidStudy: a study of that name holds something else.
    """
    study = optuna.create_study(
        study_name=name,
        storage=storage,
        sampler=optuna.samplers.RandomSampler(),
        direction="maximize",
        load_if_exists=True,
    )
    if "header" not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise InvalidStudy(
                f"the study {name!r} must be empty or made by nas, but it holds trials and no "
                "header; give another --study or --out"
            )
        # Another command may write the same at the same time; both read it again below.
        study.set_user_attr("collect", task.settings())
        study.set_user_attr("header", task.header.to_json())
    return open_study(storage, name, task)


def open_study(storage: BaseStorage, name: str, task: CollectTask) -> Trials:
    """The study of a task, which must be there.

    Raises:
        InvalidStudy: it is not, or it holds something else.
    """
    trials = find_study(storage, name)
    held = trials.study.user_attrs
    if trials.study.directions != [StudyDirection.MAXIMIZE]:
        raise InvalidStudy(
            f"the study {name!r} must maximize one value, but has the directions "
            f"{[d.name.lower() for d in trials.study.directions]}; give another --study or --out"
        )
    if "header" not in held:
        raise InvalidStudy(
            f"the study {name!r} must have been made by nas, but it has no header; give another "
            "--study or --out"
        )
    differing = difference(
        Header.from_json(held["header"]).task | held.get("collect", {}),
        _plain(task.header.task | task.settings()),
    )
    if differing:
        raise InvalidStudy(
            f"the study {name!r} holds {differing[0]} = {short(differing[1])}, but asked was "
            f"{short(differing[2])}; give another --study or --out"
        )
    return trials


def check_measure(trials: Trials, evaluator: Evaluator) -> None:
    """Refuses to go on with other images of the same name than those that the study began with.

    Raises:
        InvalidData: it began with something else.
    """
    found = evaluator.fingerprint()
    if found is None:
        return
    if _MEASURE not in trials.study.user_attrs:
        trials.study.set_user_attr(_MEASURE, found)
    held = trials.study.user_attrs[_MEASURE]  # another machine may have been faster
    if held != found:
        raise InvalidData(
            f"the images must be those that the study began with, whose digest is "
            f"{held[:12]}…, but theirs is {found[:12]}…; fetch the same ones, or give another "
            "--study or --out"
        )


def find_study(storage: BaseStorage, name: str) -> Trials:
    """The trials of a study of this name.

    Raises:
        InvalidStudy: there is none.
    """
    try:
        return Trials(storage, name)
    except KeyError as error:
        held = sorted(s.study_name for s in storage.get_all_studies())
        raise InvalidStudy(
            f"the storage must hold the study {name!r}, but holds {held or 'none'}; check --study"
        ) from error


def difference(held: Any, asked: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """The first place where two JSON values differ: its path, and both. None counts as absent."""
    if held == asked:
        return None
    if not isinstance(held, dict) or not isinstance(asked, dict):
        return where, held, asked
    for name in {**asked, **held}:
        path = f"{where}.{name}".lstrip(".")
        if found := difference(held.get(name), asked.get(name), path):
            return found
    return None


def _path(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _plain(data: Json) -> Json:
    """As it comes back from a storage: tuples as lists."""
    return json.loads(json.dumps(data))  # type: ignore[no-any-return]


def short(value: Any) -> str:
    """A JSON value for a message."""
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
