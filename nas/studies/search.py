"""Search for real: random networks first, then batch after batch that a sampler asks for.

Each batch is trained as proposals of `collect`, with all that this gives: several workers and
machines, resuming, nothing lost or trained twice. Which networks a batch holds is written into the
study before the first is trained, so that an interrupted search goes on with the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count, takewhile

import optuna
from optuna.trial import TrialState

from nas.core.choices import Ask, Choose, Replay
from nas.core.corpus import Corpus
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, SearchSpace
from nas.search.candidates import made
from nas.search.quiet import quiet
from nas.studies.collect import OnProgress, collect
from nas.studies.samplers import SurrogateSampler
from nas.studies.slots import holds, slot_name
from nas.studies.storage import opened
from nas.studies.task import CollectTask, make_study
from nas.studies.trials import Trials

OnRound = Callable[[int, Corpus, list[Candidate]], None]
_PROPOSAL, _ROUND = "search/{}/proposal/{}", "search/{}"


def search(
    task: CollectTask,
    sampler: SurrogateSampler,
    *,
    storage: str | os.PathLike[str],
    study: str,
    networks: int,
    workers: int = 1,
    reclaim: bool = False,
    on_progress: OnProgress | None = None,
    on_round: OnRound | None = None,
) -> Corpus:
    """Trains the sampler's random networks, and then what it proposes, round by round.

    The random ones are the first of the task's stream, so that a study that `collect` began is
    taken up. Without a pruner the corpus does not depend on the number of workers and
    interruptions; on several machines, as far as they compute alike.

    Args:
        task: what is trained and how; its space, seed and limits are the sampler's.
        sampler: `warmup` random networks, then `refit_every` a round.
        storage: where the study is kept, see `nas.studies.opened`.
        study: its name.
        networks: how many to train in all.
        workers: processes on this machine, one thread each.
        reclaim: as in `collect`.
        on_progress: called about once a second with the progress of a round.
        on_round: called with a round's number, from 1, what has been trained before it, and its
            proposals.

    Returns:
        All that the study holds.

    Raises:
        InvalidOption: sampler and task do not belong together, or as `collect` raises.
        InvalidSurrogate: the sampler's surrogate fails in a rehearsal.
    """
    if (sampler.seed, sampler.limits) != (task.seed, task.limits):
        raise InvalidOption(
            f"the sampler must have the task's seed and limits ({task.seed}, {task.limits}), but "
            f"has {sampler.seed} and {sampler.limits}"
        )
    random = min(sampler.warmup, networks)
    rounds = _rounds(task, storage, study)
    if not rounds:
        sampler.rehearse()
    while True:
        proposals = [candidate for batch in rounds for candidate in batch][: networks - random]
        corpus = collect(
            task,
            storage=storage,
            study=study,
            networks=random,
            workers=workers,
            proposals=proposals,
            reclaim=reclaim,
            on_progress=on_progress,
        )
        room = networks - random - len(proposals)
        if not room:
            return corpus
        rounds.append(_next_round(task, sampler, storage, study, len(rounds)))
        if on_round is not None:
            on_round(len(rounds), corpus, rounds[-1][:room])


def _rounds(
    task: CollectTask, storage: str | os.PathLike[str], study: str
) -> list[list[Candidate]]:
    """The rounds that the study holds."""
    with quiet(), opened(storage) as opened_storage:
        trials = make_study(opened_storage, study, task)
        kept = (_kept(trials, task.space, number) for number in count())
        return list(takewhile(bool, kept))


def _next_round(
    task: CollectTask,
    sampler: SurrogateSampler,
    storage: str | os.PathLike[str],
    study: str,
    number: int,
) -> list[Candidate]:
    """A new round, always whole, even where fewer are to be trained now; written down first."""
    with quiet(), opened(storage) as opened_storage:
        trials = make_study(opened_storage, study, task)
        held = _kept(trials, task.space, number)  # another machine may have been faster
        if held:
            return held
        batch = _asked(sampler, trials, sampler.refit_every)
        if not _kept(trials, task.space, number):  # or meanwhile
            _keep(trials, number, batch)
        return _kept(trials, task.space, number)


def _asked(sampler: SurrogateSampler, trials: Trials, number: int) -> list[Candidate]:
    """What the sampler wants trained next, in a copy of the study in memory.

    In the study itself an asked trial would be one that runs, without a worker.
    """
    copy = optuna.create_study(direction="maximize", sampler=sampler)
    known = [t for t in trials.read() if t.state != TrialState.RUNNING and holds(t)]
    # Workers take slots in any order; some surrogates heed the order of what they learn from.
    copy.add_trials(sorted(known, key=lambda trial: str(slot_name(trial))))
    return [_candidate(sampler.space, Ask(copy.ask())) for _ in range(number)]


def _keep(trials: Trials, number: int, batch: list[Candidate]) -> None:
    """Writes a round into the study, the number of its proposals last: it makes it count."""
    for place, candidate in enumerate(batch):
        name = _PROPOSAL.format(number, place)
        trials.study.set_user_attr(name, dict(candidate.decisions))
    trials.study.set_user_attr(_ROUND.format(number), len(batch))


def _kept(trials: Trials, space: SearchSpace, number: int) -> list[Candidate]:
    """A round that was written before; empty where there is none."""
    held = trials.study.user_attrs
    names = [_PROPOSAL.format(number, place) for place in range(held.get(_ROUND.format(number), 0))]
    return [_candidate(space, Replay(held[name])) for name in names]


def _candidate(space: SearchSpace, choose: Choose) -> Candidate:
    choose, network = made(space, choose)
    return Candidate(network, 0.0, choose.decisions, choose.options)
