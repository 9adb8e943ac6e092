"""Taking an exported corpus into a study, as trials that have ended."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence

from nas.core.corpus import Corpus
from nas.core.errors import InvalidCorpus
from nas.core.records import Record
from nas.search.quiet import quiet
from nas.studies.owners import Owner
from nas.studies.slots import Board, Slot, occupy, slots_of
from nas.studies.storage import opened
from nas.studies.stream import proposal_seed
from nas.studies.task import CollectTask, difference, make_study, short
from nas.studies.trials import LostTrial, Trials
from nas.studies.worker import end


def take_in(
    task: CollectTask, corpus: Corpus, *, storage: str | os.PathLike[str], study: str
) -> int:
    """Adds the records of a corpus to a study of the same task; `collect` goes on from there.

    Failed networks are left out, so they are tried again. What the study has, stays.

    Args:
        task: of the study, which is made where it is missing.
        corpus: what `collect` once returned.
        storage: where the study is kept, see `nas.studies.opened`.
        study: its name.

    Returns:
        How many were added.

    Raises:
        InvalidCorpus: a record is not what this task would have made; nothing was added then.
        InvalidOption: the task contradicts itself, or its space has fewer networks.
        InvalidStudy: the study is of another task, or the storage cannot be opened.
    """
    pairs = matched(task, corpus)
    with quiet(), opened(storage) as opened_storage:
        trials = make_study(opened_storage, study, task)
        owner = Owner.here()
        return sum(_add(trials, slot, owner, record) for slot, record in pairs)


def matched(task: CollectTask, corpus: Corpus) -> list[tuple[Slot, Record]]:
    """The records that a study of this task takes, each with its slot.

    Raises:
        InvalidCorpus: a record is not what this task would have made.
        InvalidOption: the task contradicts itself, or its space has fewer networks.
    """
    task.check()
    _check_header(task, corpus)
    records = [record for record in corpus if record.status != "failed"]
    return list(zip(_slots(task, records), records, strict=True))


def _add(trials: Trials, slot: Slot, owner: Owner, record: Record) -> bool:
    board = Board((slot,), trials.read())
    if not board.free:
        return False
    trial_id = occupy(trials, board, slot, owner, record)
    if trial_id is None:
        return False
    try:
        end(trials, trial_id, record)
    except LostTrial:
        return False
    return True


def _check_header(task: CollectTask, corpus: Corpus) -> None:
    differing = difference(corpus.header.task, task.header.task)
    if differing:
        where, got, asked = differing
        raise InvalidCorpus(
            f"the corpus must be of the task that is asked for, but has {where} = {short(got)}, "
            f"and asked was {short(asked)}; give the options that it was made with"
        )


def _slots(task: CollectTask, records: Sequence[Record]) -> list[Slot]:
    """The slot of each record, all checked."""
    indices = [record.index for record in records if record.index is not None]
    if min(indices, default=0) < 0:
        raise InvalidCorpus(f"an index must be at least 0, but got {min(indices)}")
    streamed = slots_of(task, max(indices, default=-1) + 1)
    trained = {(record.index, record.seed) for record in records}
    found = [_slot(task, streamed, trained, record) for record in records]
    for slot, record in zip(found, records, strict=True):
        _check_record(task, slot, record)
    twice = [name for name, times in Counter(slot.name for slot in found).items() if times > 1]
    if twice:
        kind, which = twice[0]
        raise InvalidCorpus(
            f"each training must come once in a corpus, but that of {kind} {which} comes more "
            "often; make the file with 'nas corpus export' or 'merge'"
        )
    return found


def _slot(
    task: CollectTask,
    streamed: Sequence[Slot],
    trained: Collection[tuple[int | None, int | None]],
    record: Record,
) -> Slot:
    network, seed = record.architecture, record.seed
    if record.index is None:
        return Slot(None, network, proposal_seed(task.seed, network.key))
    slot = streamed[record.index]
    if seed in (None, slot.seed) or (slot.index, slot.seed) not in trained:
        return slot
    # Any seed will do for a further training of what the corpus holds with the right one.
    return slot.retraining(seed) if network == slot.architecture else slot


def _check_record(task: CollectTask, slot: Slot, record: Record) -> None:
    asked = (slot.architecture.key, slot.seed)
    got = (record.architecture.key, record.seed)
    if asked != got:
        raise InvalidCorpus(
            f"the record of {slot.name[0]} {slot.name[1]} must be of architecture {asked[0]} "
            f"trained with seed {asked[1]}, but is of {got[0]} with {got[1]}; the corpus comes "
            f"from {'another seed' if asked[1] != got[1] else 'another space or other limits'}"
        )
    epochs = len(record.curve)
    if record.finished and task.epochs is not None and epochs not in (0, task.epochs):
        raise InvalidCorpus(
            f"the record of {slot.name[0]} {slot.name[1]} must have {task.epochs} epochs, but "
            f"has {epochs}"
        )
