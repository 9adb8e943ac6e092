"""Trained networks of one task: what a surrogate is fitted to.

A corpus file is JSON lines, gzipped where its name ends in .gz: the header first, then one record
a line. Skeleton and input stand in the header; a record holds its blocks.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

import numpy as np

from nas.core.architecture import Input, Skeleton
from nas.core.errors import InvalidCorpus, NasError
from nas.core.files import write_bytes
from nas.core.records import LearningCurve, Record

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True)
class Header:
    """The task that all records of a corpus share, and where they come from.

    Attributes:
        skeleton: what the blocks stand in.
        input: what the data set feeds (channels, height, width, classes).
        data: name of the data set.
        recipe: how each network was trained; one recipe a corpus.
        space: dotted path of the search space, for people.
        source: who trained them: "nas collect", or the published table.
        licence: of the records.
    """

    skeleton: Skeleton
    input: Input
    data: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    space: str = ""
    source: str = ""
    licence: str = ""

    @property
    def task(self) -> dict[str, Any]:
        """What must be equal for two records to be comparable."""
        return {
            "skeleton": self.skeleton.to_json(),
            "input": list(self.input),
            "data": self.data,
            "recipe": dict(self.recipe),
        }

    def to_json(self) -> dict[str, Any]:
        """The header as a JSON object."""
        words = {name: getattr(self, name) for name in ("space", "source", "licence")}
        return {"format": FORMAT, **self.task, **words}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Header:
        """The header that `to_json` wrote.

        Raises:
            InvalidCorpus: it is no header, or one of a later format.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise InvalidCorpus(
                f"the first line of a corpus must be a header of format {FORMAT}, but got "
                f"{json.dumps(data)[:120]}; make the file with 'nas corpus export' or 'import'"
            )
        try:
            return cls(
                Skeleton.from_json(data["skeleton"]),
                Input.from_json(data["input"]),
                str(data["data"]),
                dict(data["recipe"]),
                *(data.get(name, "") for name in ("space", "source", "licence")),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidCorpus(f"a corpus header lacks a part: {error!r}") from error


class _Study(Protocol):
    @property
    def user_attrs(self) -> dict[str, Any]: ...

    def get_trials(self, deepcopy: bool = ...) -> list[Any]: ...


@dataclass(frozen=True)
class Corpus(Sequence[Record]):
    """Ordered, immutable records of one task; iterating gives Records."""

    header: Header
    records: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", tuple(self.records))
        for number, record in enumerate(self.records):
            network = record.architecture
            if (network.skeleton, network.input) != (self.header.skeleton, self.header.input):
                raise InvalidCorpus(
                    f"all records of a corpus must be of one task, but record {number} has "
                    f"another skeleton or input ({network.input} instead of {self.header.input})"
                )

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Corpus: ...
    def __getitem__(self, index: int | slice) -> Record | Corpus:
        if isinstance(index, slice):
            return replace(self, records=self.records[index])
        return self.records[index]

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __repr__(self) -> str:
        return f"Corpus({len(self)} networks on {self.header.data})"

    def _repr_html_(self) -> str:
        from nas.core.notebook import corpus_html

        return corpus_html(self)

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with a row a record: its numbers, curve, architecture, hyperparameters.

        Raises:
            InvalidOption: pandas is not installed.
        """
        from nas.core.notebook import corpus_frame

        return corpus_frame(self)

    def take(self, places: Iterable[int]) -> Corpus:
        """The records at these places, in that order."""
        return replace(self, records=tuple(self.records[int(place)] for place in places))

    def filter(self, keep: Callable[[Record], bool]) -> Corpus:
        """The records for which `keep` is true."""
        return replace(self, records=tuple(filter(keep, self.records)))

    @property
    def finished(self) -> Corpus:
        """The records with a result, diverged ones included."""
        return self.filter(lambda record: record.finished)

    @property
    def distinct(self) -> Corpus:
        """The first of the records that differ in nothing but the training's seed."""
        first: dict[tuple[str, str], Record] = {}
        for record in self.records:
            first.setdefault(record.identity, record)
        return replace(self, records=tuple(first.values()))

    @property
    def averaged(self) -> Corpus:
        """The finished networks, one record each.

        Several trainings become the first's record with the means of their targets and curves, and
        the targets as `repeats`. A training that ended early stays where it was.
        """
        trainings: dict[tuple[str, str], list[Record]] = {}
        for record in self.finished:
            trainings.setdefault(record.identity, []).append(record)
        return replace(self, records=tuple(map(_averaged, trainings.values())))

    def best(self, most: int | None = None) -> Corpus:
        """The finished records by target, the highest first; at most so many of them."""
        ranked = sorted(self.finished, key=lambda record: -(record.target or 0.0))
        return replace(self, records=tuple(ranked[:most]))

    @property
    def targets(self) -> np.ndarray:
        """Targets (n,) as float64; NaN where a record has none."""
        return np.array([np.nan if r.target is None else r.target for r in self.records], float)

    @property
    def epochs(self) -> int:
        """Length of the longest learning curve; 0 where no record has one."""
        return max((len(record.curve) for record in self.records), default=0)

    def split(
        self, train_size: int, seed: int = 0, test_size: int | None = None
    ) -> tuple[Corpus, Corpus]:
        """A random split: the first `train_size` of a seeded permutation, and those behind.

        Other trainings of a training network are left out of the test set: they would leak.

        Raises:
            InvalidCorpus: the corpus is too small for it.
        """
        rest = 1 if test_size is None else test_size
        if train_size < 1 or rest < 1 or train_size + rest > len(self):
            raise InvalidCorpus(
                f"train_size + test_size must be at most the {len(self)} networks of the corpus, "
                f"each at least 1, but got {train_size} + {rest}; lower them"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        train = self.take(order[:train_size])
        seen = {record.architecture.key for record in train}
        test = self.take(order[train_size:]).filter(lambda r: r.architecture.key not in seen)
        if len(test) < rest:
            raise InvalidCorpus(
                f"behind {train_size} training networks there must be {rest} others, but there "
                f"are {len(test)}; lower train_size or test_size"
            )
        return train, test[:test_size]

    def fixed_split(self) -> tuple[Corpus, Corpus]:
        """The split that a published table fixes.

        Raises:
            InvalidCorpus: this corpus has none.
        """
        train = self.filter(lambda record: record.split == "train")
        test = self.filter(lambda record: record.split == "test")
        if not train or not test:
            raise InvalidCorpus(
                "a fixed split needs records marked 'train' and 'test', but this corpus has "
                f"{len(train)} and {len(test)}; give the number of training networks instead"
            )
        return train, test

    def merge(self, *others: Corpus) -> Corpus:
        """The records of all, in order; of equal ones (network and seed) the first.

        Raises:
            InvalidCorpus: the tasks differ.
        """
        records: dict[tuple[tuple[str, str], int | None], Record] = {}
        for corpus in (self, *others):
            self._check_task(corpus)
            for record in corpus:
                records.setdefault((record.identity, record.seed), record)
        return replace(self, records=tuple(records.values()))

    def _check_task(self, other: Corpus) -> None:
        mine, its = self.header.task, other.header.task
        differing = [name for name in mine if mine[name] != its[name]]
        if differing:
            name = differing[0]
            raise InvalidCorpus(
                f"corpora of one task only can be merged, but their {', '.join(differing)} "
                f"differ: {str(mine[name])[:80]} and {str(its[name])[:80]}"
            )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes JSON lines (.jsonl, .jsonl.gz), through a temporary file and a rename."""
        lines = [self.header.to_json(), *(record.to_json() for record in self.records)]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        # mtime=0: the same corpus gives the same bytes.
        packed = str(path).endswith(".gz")
        write_bytes(path, gzip.compress(text.encode(), mtime=0) if packed else text.encode())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Corpus:
        """Reads what `write` wrote.

        Raises:
            InvalidCorpus: the file is missing or broken; the message names the line.
        """
        lines = _lines(Path(path))
        if not lines:
            raise InvalidCorpus(f"{path} must begin with a header line, but it is empty")
        header = _parse(path, 1, lines[0], Header.from_json)
        records = [
            _parse(path, n, line, lambda d: Record.from_json(d, header.skeleton, header.input))
            for n, line in enumerate(lines[1:], start=2)
        ]
        return cls(header, tuple(records))

    @classmethod
    def from_study(cls, study: _Study) -> Corpus:
        """The records of a study's trials: the stream by index, proposals, further trainings.

        The study is one that `nas.studies` filled: its attribute `header` is the corpus header,
        and each finished trial's attribute `record` its record. A failed trial is left out where
        another one's attribute `retries` names its number. Proposals come by key; so do further
        trainings of one network, which have an attribute `retraining`.

        Raises:
            InvalidCorpus: the study has no header.
        """
        if "header" not in study.user_attrs:
            raise InvalidCorpus(
                "a study must have been made by nas to become a corpus, but it has no header"
            )
        header = Header.from_json(study.user_attrs["header"])
        trials = study.get_trials(deepcopy=False)
        retried = {trial.user_attrs.get("retries") for trial in trials}
        found = [
            (
                "retraining" in trial.user_attrs,
                Record.from_json(trial.user_attrs["record"], header.skeleton, header.input),
            )
            for trial in trials
            if "record" in trial.user_attrs and _has_ended(trial) and trial.number not in retried
        ]
        found.sort(key=_place)  # trials come in any order
        return cls(header, tuple(record for _, record in found))


def _place(found: tuple[bool, Record]) -> tuple[int, int, str, int]:
    """Where a record stands in the corpus of its study."""
    again, record = found
    if again or record.index is None:
        return 1 + again, 0, record.architecture.key, record.seed or 0
    return 0, record.index, "", 0


def _has_ended(trial: Any) -> bool:
    """False for a trial that was killed between its record and its end: it is trained again."""
    failed = trial.user_attrs.get("status") == "failed"
    return trial.state.name in ("COMPLETE", "PRUNED") or (trial.state.name == "FAIL" and failed)


def _averaged(trainings: list[Record]) -> Record:
    if len(trainings) == 1:
        return trainings[0]
    curves = [record.curve for record in trainings if record.curve]
    means = tuple(
        fmean(curve[min(epoch, len(curve) - 1)] for curve in curves)
        for epoch in range(max(map(len, curves), default=0))
    )
    targets = tuple(record.target for record in trainings if record.target is not None)
    curve = LearningCurve(means)
    return replace(trainings[0], target=fmean(targets), curve=curve, repeats=targets)


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except FileNotFoundError as error:
        raise InvalidCorpus(f"the corpus {path} does not exist; check the path") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InvalidCorpus(f"the corpus {path} cannot be read: {error}") from error
    return text.splitlines()


def _parse(path: Any, number: int, line: str, parse: Callable[[Any], T]) -> T:
    try:
        return parse(json.loads(line))
    except json.JSONDecodeError as error:
        raise InvalidCorpus(f"{path}, line {number} must be JSON, but: {error}") from error
    except NasError as error:
        raise InvalidCorpus(f"{path}, line {number}: {error}") from error
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCorpus(
            f"{path}, line {number} must be what nas wrote, but cannot be read: {error!r}"
        ) from error
