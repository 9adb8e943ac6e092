"""scikit-learn estimators as skops files: read without unpickling, types checked first."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from nas.core.errors import InvalidSurrogate


def write(estimator: Any, path: Path) -> None:
    """Writes one estimator.

    Raises:
        InvalidSurrogate: skops is not installed, or cannot store it.
    """
    sio = _skops()
    try:
        sio.dump(estimator, path)
    except Exception as error:  # skops raises whatever a part of the estimator raises
        raise InvalidSurrogate(
            f"skops cannot store a {type(estimator).__name__}: {error}; keep plain arrays instead"
        ) from error


def read(path: Path, trust: Sequence[str] = ()) -> Any:
    """Reads one estimator.

    Raises:
        InvalidSurrogate: broken, or with parts of types that are not trusted.
    """
    sio = _skops()
    try:
        unknown = sio.get_untrusted_types(file=path)
    except Exception as error:  # a broken archive raises anything
        raise _broken(path, error) from error
    refused = [name for name in unknown if not _trusted(name, trust)]
    if refused:
        package = refused[0].partition(".")[0]
        raise InvalidSurrogate(
            f"estimators must be made of scikit-learn's types, but {path.name} holds "
            f"{', '.join(sorted(refused)[:3])}; if you trust it, add --trust '[{package}]'"
        )
    try:
        return sio.load(path, trusted=unknown)
    except Exception as error:
        raise _broken(path, error) from error


def _trusted(name: str, trust: Sequence[str]) -> bool:
    """True for a class of scikit-learn (skops itself trusts estimators, but not their parts).

    The class must also be defined there: a module offers what it imports under its own name too.
    """
    if name.partition(".")[0] in trust:
        return True
    module, _, attribute = name.rpartition(".")
    if not module.startswith("sklearn."):
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__.startswith("sklearn.")


def _skops() -> ModuleType:
    try:
        return importlib.import_module("skops.io")
    except ImportError as error:
        raise InvalidSurrogate(
            "surrogates made of scikit-learn parts need skops, which is not installed; "
            "run: pip install skops"
        ) from error


def _broken(path: Path, error: object) -> InvalidSurrogate:
    line = " ".join(str(error).split())[:200]
    return InvalidSurrogate(f"the estimator {path} cannot be read: {line}; save it again")
