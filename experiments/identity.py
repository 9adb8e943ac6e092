"""What a kept result depends on: settings, code and versions, as JSON values and digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from experiments.folder import PACKAGES
from nas.core.errors import InvalidOption


def digest(content: object) -> str:
    """24 hexadecimal digits for JSON values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]


def identity(things: Mapping[str, object], modules: tuple[str, ...] = ()) -> list[object]:
    """JSON values that differ as soon as one of the things, or code behind them, does.

    Args:
        things: settings and configured objects, such as surrogates; the classes inside of them
            count with their full names, settings and source files.
        modules: modules or packages of ours whose code the result depends on besides.

    Raises:
        InvalidOption: a thing holds itself, or is nested without end.
    """
    found = set(modules)
    try:
        told = {name: _told(thing, found) for name, thing in things.items()}
    except RecursionError as error:
        raise InvalidOption(
            f"settings must not hold themselves, but one of {', '.join(things)} does"
        ) from error
    sources = {name: source(name) for name in sorted(found)}
    return [told, sources, {name: version(name) for name in PACKAGES}]


def _told(thing: Any, found: set[str]) -> object:
    """A thing as JSON values; `found` gets the modules and packages of the classes in it."""
    if thing is None or type(thing) in (str, int, float, bool):
        return thing
    if isinstance(thing, list | tuple):
        return [_told(each, found) for each in thing]
    if isinstance(thing, Mapping):
        return {str(name): _told(each, found) for name, each in thing.items()}
    if isinstance(thing, set | frozenset):
        return sorted(json.dumps(_told(each, found)) for each in thing)
    if isinstance(thing, np.ndarray | np.generic):
        return [str(thing.dtype), thing.tolist()]
    if isinstance(thing, Path):
        return str(thing)
    kind = thing if hasattr(thing, "__qualname__") else type(thing)  # a class, or a function
    if kind.__module__ != "builtins":
        found.add(_code_of(kind.__module__))
    state = None if kind is thing else thing.__getstate__()
    return [f"{kind.__module__}.{kind.__qualname__}", _told(state, found)]


def _code_of(module: str) -> str:
    """The package that a module's code is read with: its top one, where that has a file."""
    top = module.partition(".")[0]
    return top if getattr(import_module(top), "__file__", None) else module


def source(name: str) -> str:
    """A digest of the code of a module, or of all modules of a package.

    An installed package that has a version is told by it: its files are many.
    """
    file = getattr(import_module(name), "__file__", None)
    if file is None:
        return name
    path = Path(file)
    if "site-packages" in path.parts and name in _VERSIONED:
        return version(_VERSIONED[name])
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()


_VERSIONED = {"sklearn": "scikit-learn", "torch": "torch", "numpy": "numpy", "scipy": "scipy"}
