"""Ready surrogates. Importing this package imports none of them, and so neither torch nor SciPy."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surrogates.constant import Constant
    from surrogates.peephole import Peephole

__all__ = ["Constant", "Peephole"]

_MODULES = {"Constant": "constant", "Peephole": "peephole"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
