"""What is said where the memory of a GPU does not suffice."""

from __future__ import annotations

import torch

from nas.core.errors import OutOfMemory


def short_of_memory(error: torch.cuda.OutOfMemoryError, must: str, advice: str = "") -> OutOfMemory:
    """The error to raise instead; what the failed attempt left cached is given back.

    Args:
        error: torch's.
        must: what has to fit, and where.
        advice: what to do.
    """
    torch.cuda.empty_cache()
    return OutOfMemory(f"{must}, but: {str(error).splitlines()[0]}{advice}")
