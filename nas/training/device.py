"""Which device a training runs on, and what is told where that device fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nas.core.errors import DeviceLost, InvalidOption, OutOfMemory
from nas.core.processes import WORKER

BESIDE = "a training must fit into the GPU's memory beside the others"

# torch's own error and CUDA's, cuBLAS', cuDNN's
_NO_MEMORY = ("out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED")


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one, else the CPU.

    Of several GPUs, workers take turns by their number, unless the name tells which one. A GPU is
    not started: commands that only start workers would keep some of its memory from them.

    Raises:
        InvalidOption: there is no such device.
    """
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get(WORKER, 0)) % torch.cuda.device_count())
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:  # which lists all that torch ever knew
        raise InvalidOption(
            f"a device must be auto, cpu, cuda, cuda:N or mps, but got {name!r}"
        ) from error
    if (reason := _missing(device)) is not None:
        raise InvalidOption(f"a device must be there, but got {name!r}: {reason}")
    return device


def use_device(name: str) -> torch.device:
    """`find_device`, and of several GPUs the one that is asked whether it still answers."""
    device = find_device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _missing(device: torch.device) -> str | None:
    """Why a device cannot be used; None where it can."""
    if device.type == "cuda" and torch.cuda.is_available():
        count = torch.cuda.device_count()
        return None if (device.index or 0) < count else f"there are {count} GPUs, counted from 0"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        return _first_line(error).partition(". ")[0]
    return None


@contextmanager
def device_errors(must: str, advice: str = "") -> Iterator[None]:
    """Tells what is the fault of a GPU from what is that of a network.

    Args:
        must: what has to fit into its memory.
        advice: what to do where it does not.

    Raises:
        OutOfMemory: the GPU has not enough memory; what the failed attempt left cached is given
            back.
        DeviceLost: it failed, and answers nothing more that this process asks.
    """
    try:
        yield
    except RuntimeError as error:
        if _is_full(error):
            torch.cuda.empty_cache()
            raise OutOfMemory(f"{must}, but: {_first_line(error)}{advice}") from error
        if not _gpu_answers(error):
            raise DeviceLost(
                f"the GPU must answer, but: {_first_line(error)}; look at nvidia-smi and the "
                "system's log"
            ) from error
        raise


def _is_full(error: BaseException) -> bool:
    return any(each in str(error) for each in _NO_MEMORY)


def _gpu_answers(error: RuntimeError) -> bool:
    """False where this process cannot get to its GPU, or to nothing on it any more.

    After some errors each further call fails, too; others leave the GPU as it was.
    """
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return not str(error).startswith("CUDA")
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
