"""What processes that train one network tell each other beside its gradients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from subprocess import Popen, TimeoutExpired

import torch
from torch import distributed

from nas.core.errors import InvalidOption, NasError, ProcessLost
from nas.training.device import device_errors

PATIENCE = 10.0
"""Seconds that processes have to end by themselves when the one that started them does."""


class Agreement:
    """Keeps the processes of a training together, so that they go on or end as one.

    They talk over gloo, whatever carries the gradients: a GPU need not be waited for, and the end
    of a process is noticed at the next word, where NCCL waits for half an hour. One process alone
    agrees with itself.
    """

    def __init__(self) -> None:
        self._group: distributed.ProcessGroup | None = None

    def begin(self) -> None:
        """Opens the connections; all processes do this at the same time.

        Raises:
            InvalidOption: they cannot be opened.
        """
        ready = distributed.is_available() and distributed.is_initialized()
        if self._group is None and ready and distributed.get_world_size() > 1:
            try:
                group = distributed.new_group(backend="gloo")
            except RuntimeError as error:
                raise InvalidOption(
                    f"the processes must reach each other by gloo, but: "
                    f"{' '.join(str(error).split())}; name a network of theirs by the variable "
                    "GLOO_SOCKET_IFNAME"
                ) from error
            assert isinstance(group, distributed.ProcessGroup)  # this process is in it
            self._group = group

    def first(self, said: bool) -> bool:
        """What the first process says."""
        if self._group is None:
            return said
        word = torch.tensor(said, dtype=torch.uint8)
        distributed.broadcast(word, 0, group=self._group)
        return bool(word)

    def same(self, value: object) -> bool:
        """Whether all processes have the same value, which can be pickled."""
        if self._group is None:
            return True
        values: list[object] = [None] * distributed.get_world_size()
        distributed.all_gather_object(values, value, group=self._group)
        return all(each == value for each in values)

    def settle(self, error: NasError | None) -> None:
        """Raises the error, and in the other processes that one has an error.

        Raises:
            NasError: this process's error.
            ProcessLost: another process has one.
        """
        broken = error is not None
        if self._group is not None:
            word = torch.tensor(broken, dtype=torch.uint8)
            distributed.all_reduce(word, distributed.ReduceOp.MAX, group=self._group)
            broken = bool(word)
        if error is not None:
            raise error
        if broken:
            raise lost()


def lost() -> ProcessLost:
    """What a process says that ends because of another one."""
    return ProcessLost(
        "the processes that train together must all go on, but another one ended, and its own line "
        "says why; mend that, and go on with --resume"
    )


@contextmanager
def in_one_line() -> Iterator[None]:
    """Gives what ends a training from outside its words.

    Raises:
        OutOfMemory, DeviceLost: see `nas.training.device.device_errors`.
        ProcessLost: another process is gone.
    """
    must = "a network and a batch must fit into the GPU's memory"
    advice = "; lower --recipe.batch_size, or raise --recipe.accumulate"
    try:
        with device_errors(must, advice):
            yield
    except RuntimeError as error:
        if not isinstance(error, distributed.DistError) and "gloo" not in str(error):
            raise
        raise lost() from error


@contextmanager
def ending_together() -> Iterator[None]:
    """Lets no process outlive an error of the one that started it.

    Lightning watches the processes that it started, and kills this one some seconds behind the end
    of any of them, perhaps before it has told its own line: where this one ends, too, that is over.
    """
    try:
        yield
    except BaseException:
        started: list[Popen[bytes]] = []
        for thread in threading.enumerate():
            watched = getattr(thread, "_child_processes", [])
            started += watched
            watched.clear()
        for process in started:
            with suppress(TimeoutExpired):
                process.wait(PATIENCE)
            process.kill()
        raise
