"""Where things lie in a run folder: one place for the names."""

from __future__ import annotations

import json
import platform
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nas
from experiments.corpora import HELD, fitted_folder
from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidCorpus, InvalidOption
from nas.core.files import check_folder, write_text
from nas.core.limits import Limits

OPTIONS: ContextVar[tuple[str, str] | None] = ContextVar("options", default=None)
"""The running verb and its resolved options as YAML; None outside of the command line."""


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds everything one run wrote."""

    path: Path

    @property
    def storage(self) -> str:
        """URL of the run's own SQLite study.

        Raises:
            InvalidOption: the path has a question mark, which ends a path in a URL.
        """
        if "?" in str(self.path):
            raise InvalidOption(f"a run folder's path must have no '?', but got {self.path}")
        return f"sqlite:///{self.path / 'study.db'}"

    @property
    def study(self) -> Path:
        """The SQLite file behind `storage`."""
        return self.path / "study.db"

    @property
    def corpus(self) -> Path:
        """Trained networks."""
        return self.path / "corpus.jsonl.gz"

    @property
    def surrogate(self) -> Path:
        """Folder of a fitted surrogate."""
        return self.path / "surrogate"

    @property
    def task(self) -> Path:
        """Header of the corpus that the surrogate was fitted to."""
        return self.path / "task.json"

    @property
    def fitted(self) -> Path:
        """The networks that the surrogate was fitted to."""
        return self.path / "fitted.jsonl.gz"

    @property
    def predictions(self) -> Path:
        """Predicted and real accuracies of networks that a surrogate had not seen."""
        return self.path / "predictions.json"

    @property
    def judged(self) -> Path:
        """The networks of `predictions`, where they are those of `nas compare`."""
        return self.path / "judged.jsonl.gz"

    @property
    def proposals(self) -> Path:
        """Proposed architectures with their predicted accuracies."""
        return self.path / "proposals.json"

    @property
    def comparison(self) -> Path:
        """Rows of `nas compare`."""
        return self.path / "compare.json"

    @property
    def search(self) -> Path:
        """Rows of `nas search` over a table."""
        return self.path / "search.json"

    @property
    def transfer(self) -> Path:
        """What `nas transfer` found."""
        return self.path / "transfer.json"

    @property
    def chosen(self) -> Path:
        """The network whose blocks `nas transfer` takes, as --architecture reads it."""
        return self.path / "architecture.json"

    @property
    def checked(self) -> Path:
        """Which images `nas transfer` has read through."""
        return self.path / "checked.json"

    @property
    def trainings(self) -> Path:
        """Folder of checkpoints and logs of `nas transfer`, a folder a network."""
        return self.path / "trainings"

    @property
    def network(self) -> Path:
        """Folder of the trained network that `nas transfer` leaves."""
        return self.path / "network"

    @property
    def cache(self) -> Path:
        """Folder of what `nas compare` and `nas search` calculated once."""
        return self.path / "cache"

    @property
    def summary(self) -> Path:
        """What a demo found, in numbers."""
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def exist(self) -> None:
        """Makes the folder itself.

        Raises:
            DiskFull, InvalidOption: it cannot be made, or cannot be written.
        """
        check_folder(self.path, "--out")

    def make(self) -> RunFolder:
        """Makes the folder and keeps the call's options in it, as VERB.yaml.

        A verb calls this when its input has been checked: a call that fails must not replace the
        options of what the folder holds.

        Raises:
            DiskFull, InvalidOption: it cannot be made, or cannot be written.
        """
        self.exist()
        options = OPTIONS.get()
        if options is not None:
            verb, text = options
            write_text(self.path / f"{verb}.yaml", f"# {versions()}\n{text}")
        return self


PACKAGES = ("torch", "pytorch-lightning", "optuna", "scikit-learn", "numpy", "scipy")
"""Installed ones whose next release may answer differently."""


def versions() -> str:
    """What this runs on, in one line."""
    told = [f"nas {nas.__version__}", f"Python {platform.python_version()}"]
    return ", ".join([*told, *(f"{name} {version(name)}" for name in PACKAGES)])


def write_json(path: Path, content: Any) -> None:
    """Writes JSON for programs and people."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Reads a JSON file.

    Raises:
        InvalidOption: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidOption(f"{what} must be a file, but {path} does not exist") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InvalidOption(f"{what} must be JSON, but {path} cannot be read: {error}") from error


def is_number(value: Any) -> bool:
    """True for a finite number that is no truth value."""
    return isinstance(value, int | float) and type(value) is not bool and -1e300 < value < 1e300


def surrogate_folder(path: Path) -> RunFolder:
    """The run folder around a fitted surrogate; the surrogate's own folder inside it will do too.

    Args:
        path: of the folder, or the name of one that the project holds.

    Raises:
        InvalidOption: there is none.
    """
    path = fitted_folder(path)
    folder = RunFolder(path.parent if path.name == RunFolder(path).surrogate.name else path)
    if (folder.surrogate / "surrogate.json").is_file():
        return folder
    raise InvalidOption(
        f"--surrogate must be a folder that 'nas fit' wrote, or one of {', '.join(HELD)}, but "
        f"{path} holds no surrogate"
    )


def write_task(folder: RunFolder, networks: Corpus) -> None:
    """Keeps what `read_task` and `read_seen` read."""
    seen = [record.architecture for record in networks]
    limits = Limits(max(each.params for each in seen), max(each.macs for each in seen))
    write_json(folder.task, {**networks.header.to_json(), "seen": asdict(limits)})


def read_task(folder: RunFolder) -> Header:
    """The task that the folder's surrogate was fitted for.

    Raises:
        InvalidOption: the file is missing or broken.
    """
    try:
        return Header.from_json(read_json(folder.task, "the surrogate's task"))
    except InvalidCorpus as error:
        raise InvalidOption(
            f"the surrogate's task must be what 'nas fit' wrote, but {folder.task} is not; fit the "
            "surrogate again"
        ) from error


def read_seen(folder: RunFolder) -> Limits:
    """What the networks that the folder's surrogate was fitted to keep within, where that is kept.

    Raises:
        InvalidOption: what is kept are no limits.
    """
    held = read_json(folder.task, "the surrogate's task").get("seen", {})
    try:
        return Limits(**held)
    except (TypeError, InvalidOption) as error:
        raise InvalidOption(
            f"the surrogate's task must tell the max_params and max_macs that it has seen, but "
            f"{folder.task} has {str(held)[:100]}; fit the surrogate again"
        ) from error
