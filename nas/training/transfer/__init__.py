"""Training of networks of ImageNet's size. Only `TransferRecipe` comes without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nas.training.transfer.recipe import TransferRecipe

if TYPE_CHECKING:
    from nas.training.transfer.machines import Machines
    from nas.training.transfer.trainer import Standing, Transferred, is_first, train_long

__all__ = ["Machines", "Standing", "TransferRecipe", "Transferred", "is_first", "train_long"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from nas.training.transfer import trainer

        return getattr(trainer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
