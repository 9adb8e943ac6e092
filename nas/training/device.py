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

    Of several GPUs, workers take turns by their number, unless the name tells which one. CUDA is
    not started: commands that only start workers would keep some of a GPU's memory from them.

    Raises:
        InvalidOption: there is no such device.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name in ("auto", "cuda") and count:
        return torch.device("cuda", int(os.environ.get(WORKER, 0)) % count)
    if name == "auto":
        return torch.device("cpu")
    gpus = ["cuda", *(f"cuda:{number}" for number in range(count))] if count else []
    there = ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
    if name not in there:
        raise InvalidOption(
            f"--device must be auto or what torch finds here ({', '.join(there)}), but got {name!r}"
        )
    return torch.device(name)


def use_device(name: str) -> torch.device:
    """`find_device`, and of several GPUs the one that is asked whether it still answers."""
    device = find_device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


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
