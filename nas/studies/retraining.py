"""Further trainings of the same networks: what they differ by is the noise of a training."""

from __future__ import annotations

from optuna.trial import TrialState

from nas.studies.slots import Board, Slot
from nas.studies.stream import retraining_seed

_GOLDEN = (5**0.5 - 1) / 2


def retrainings(board: Board, number: int, seed: int) -> tuple[Slot, ...]:
    """Slots to train some networks of a board again, evenly spread over their accuracies.

    It depends on the results of the board's slots and on nothing else, so that a command that was
    killed goes on with the same ones. Where the results have become more since, those count that
    the study has already.

    Args:
        board: whose slots have their results.
        number: how many; as many as have a result, if these are fewer.
        seed: of all these trainings; another one gives each network yet another training.
    """
    ended = board.holders
    done = [s for s in board.slots if ended[s.name].state == TrialState.COMPLETE]
    done.sort(key=lambda slot: ended[slot.name].value or 0.0)  # equal ones stay in their order
    spread = [done[place] for place in evenly(len(done))]
    slots = [slot.retraining(retraining_seed(seed, slot.architecture.key)) for slot in spread]
    held = Board(slots, board.trials).holders
    slots.sort(key=lambda slot: slot.name not in held)
    return tuple(slots[:number])


def evenly(count: int) -> list[int]:
    """The places 0 to count - 1, in such an order that any number of first ones lies evenly.

    Multiples of the golden ratio, modulo 1, leave no large gap in any part of the sequence. Half a
    turn lets the first place be neither end.
    """
    return sorted(range(count), key=lambda place: (place * _GOLDEN + 0.5) % 1)
