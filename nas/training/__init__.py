"""Training of one sampled network. Only `Recipe` comes without torch and Lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nas.training.recipe import Recipe

if TYPE_CHECKING:
    from nas.training.module import SampledNetwork
    from nas.training.trainer import TrainingResult, train

__all__ = ["Recipe", "SampledNetwork", "TrainingResult", "train"]


def __getattr__(name: str) -> Any:
    if name == "SampledNetwork":
        from nas.training.module import SampledNetwork

        return SampledNetwork
    if name in ("TrainingResult", "train"):
        from nas.training import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
