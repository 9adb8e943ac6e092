"""Searches over a table of recorded trainings: several methods, several seeds, one table."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.comparison import describe
from experiments.identity import digest, identity
from experiments.parallel import Kept, results_of
from nas.core.architecture import Architecture
from nas.core.choices import Draw
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.interfaces import SearchSpace
from nas.core.limits import Allows

if TYPE_CHECKING:
    from nas.studies import LearningCurvePruner, SurrogateSampler

Baseline = Literal["random", "evolution", "tpe", "nsga2"]
SURROGATE = "surrogate"
SAMPLE, LEAST_SHARE = 500, 0.02
OURS = ("nas", "search_spaces", "surrogates", __name__)  # whose code a search may depend on
NAMES: Mapping[str, str] = {
    "random": "random search",
    "evolution": "regularised evolution",
    "tpe": "Optuna's TPE",
    "nsga2": "Optuna's NSGA-II",
}


@dataclass(frozen=True)
class Within:
    """Limits, and membership of a table.

    Attributes:
        limits: on cost.
        members: keys of the table's networks in canonical form.
    """

    limits: Allows
    members: frozenset[str]

    def allow(self, architecture: Architecture) -> bool:
        """See `nas.core.limits.Allows`."""
        return architecture.key in self.members and self.limits.allow(architecture)

    def __repr__(self) -> str:
        return f"among the {len(self.members)} of the table, {self.limits}"


@dataclass(frozen=True)
class Replays:
    """What is replayed.

    Attributes:
        corpus: the table.
        sampler: the search with a surrogate; all methods search its space, within its limits.
        networks: that each search may look up.
        pruner: stops trainings early, in all methods.
        goal: an accuracy that ends a search.
    """

    corpus: Corpus
    sampler: SurrogateSampler
    networks: int
    pruner: LearningCurvePruner | None = None
    goal: float = math.inf


@dataclass(frozen=True)
class Trace:
    """One search: what it looked up, in order.

    Attributes:
        targets: accuracies; None for a training that was stopped.
        epochs: that each training took.
        whole: the accuracy and the epochs of each training, had it not been stopped.
        seconds: that the search took, nearly all of it the method's own.
    """

    targets: list[float | None]
    epochs: list[int]
    whole: list[tuple[float, int]]
    seconds: float


Task = tuple[str, int]  # method and seed


def space_of(corpus: Corpus) -> SearchSpace:
    """The space that a table names, if it is one of ours; else one made of its networks.

    So it is too where the table holds next to nothing of its space, as a corpus of one's own does:
    whatever a search asked for would not be there.
    """
    import search_spaces

    package, _, name = corpus.header.space.rpartition(".")
    found = getattr(search_spaces, name, None) if package == "search_spaces" else None
    if found is not None:
        space: SearchSpace = found().on(corpus.header.input)
        if share_of(space, members_of(space, corpus)) >= LEAST_SHARE:
            return space
    return search_spaces.TableSpace(corpus)


def share_of(space: SearchSpace, members: Collection[str]) -> float:
    """The share of a space's own networks that are members, from a sample."""
    rng = np.random.default_rng(0)
    drawn = (space.canonical(space.generate(Draw(rng))).key for _ in range(SAMPLE))
    return sum(key in members for key in drawn) / SAMPLE


def members_of(space: SearchSpace, corpus: Corpus) -> frozenset[str]:
    """Keys of a table's networks in the space's canonical form."""
    return frozenset(space.canonical(r.architecture).key for r in corpus.finished)


def within_table(sampler: SurrogateSampler, corpus: Corpus) -> SurrogateSampler:
    """The sampler, kept to networks that the table has.

    Raises:
        InvalidOption: its space makes none of them.
    """
    members = members_of(sampler.space, corpus)
    if not share_of(sampler.space, members):
        raise InvalidOption(
            f"--space must make networks of the table, but none of {SAMPLE} that "
            f"{type(sampler.space).__name__} drew is there; leave it out"
        )
    kept = copy.copy(sampler)
    kept.limits = Within(sampler.limits, members)
    return kept


def run(
    replays: Replays, tasks: Sequence[Task], kept: Kept, workers: int
) -> Iterator[tuple[Task, Trace]]:
    """Each search once; those that were kept come first."""
    methods = {method for method, _ in tasks}
    table = [replays.corpus.header.to_json(), *(r.to_json() for r in replays.corpus)]
    known = digest(table)
    depends = {method: [known, *_dependencies(replays, method)] for method in methods}
    missing = []
    for task in tasks:
        held = kept.read([*depends[task[0]], task])
        if held is None:
            missing.append(task)
        else:
            yield task, Trace(**held)
    for task, found in results_of(replay_one, replays, missing, workers):
        kept.write([*depends[task[0]], task], vars(found))
        yield task, found


def replay_one(replays: Replays, task: Task) -> Trace:
    """One search over the table."""
    from nas.evaluators import TabularEvaluator
    from nas.studies import baseline, replay

    method, seed = task
    space, limits = replays.sampler.space, replays.sampler.limits
    evaluator = TabularEvaluator(replays.corpus, space.canonical)
    seeded = copy.deepcopy(replays.sampler)
    seeded.seed = seed
    start = time.perf_counter()
    records = replay(
        seeded if method == SURROGATE else baseline(method, space, seed, limits),
        space,
        evaluator,
        replays.networks,
        allowed=limits,
        pruner=copy.deepcopy(replays.pruner),
        goal=replays.goal,
    )
    seconds = time.perf_counter() - start
    if not any(record.finished for record in records):
        raise InvalidOption(
            f"a search must find networks of the table, but {method} (seed {seed}) asked for none "
            "of them; give --space as the table was made from, or leave it out"
        )
    whole = [evaluator.evaluate(record.architecture) for record in records]
    return Trace(
        [None if record.status == "pruned" else record.target for record in records],
        [len(record.curve) for record in records],
        [(record.target or 0.0, len(record.curve)) for record in whole],
        seconds,
    )


def name_of(method: str, sampler: SurrogateSampler) -> str:
    """What a method is called in tables."""
    return NAMES.get(method) or describe(sampler.surrogate)


def _dependencies(replays: Replays, method: str) -> list[object]:
    """What a method's searches depend on besides the table, as JSON values."""
    sampler, limits = replays.sampler, replays.sampler.limits
    things: dict[str, object] = {
        "limits": limits,
        "networks": replays.networks,
        "goal": replays.goal,
        "space": sampler.space,
        "pruner": replays.pruner,
    }
    if method == SURROGATE:
        names = ("surrogate", "acquisition", "proposer", "warmup", "refit_every")
        things |= {name: getattr(sampler, name) for name in names}
    return identity(things, OURS)
