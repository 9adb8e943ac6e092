"""From a class to the path it is imported by, and back: the trust rule."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from nas.core.errors import InvalidSurrogate

OWN_PACKAGES = ("nas", "surrogates", "search_spaces")


def class_path(cls: type) -> str:
    """The shortest dotted path under which the modules loaded now offer this class.

    Raises:
        InvalidSurrogate: another process could not import it (local classes, `__main__`).
    """
    parts = cls.__module__.split(".")
    if cls.__module__ != "__main__" and "<" not in cls.__qualname__:
        for end in range(1, len(parts) + 1):
            module = ".".join(parts[:end])
            if _offers(sys.modules.get(module), cls.__qualname__, cls):
                return f"{module}.{cls.__qualname__}"
    raise InvalidSurrogate(
        f"the class of a saved surrogate must be importable, but got {cls.__module__}."
        f"{cls.__qualname__}; move it to the top level of a module of its own"
    )


def _offers(module: ModuleType | None, name: str, cls: type) -> bool:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is cls


def import_class(path: str, base: type, trust: Sequence[str] = ()) -> type:
    """The class behind a dotted path: a subclass of `base` from a package that is trusted.

    Raises:
        InvalidSurrogate: the package is not trusted, there is no such class, or it is no `base`.
    """
    if not all(part.isidentifier() and not part.startswith("__") for part in path.split(".")):
        raise InvalidSurrogate(f"a class path must be dotted names, but got {path!r}")
    _check_trust(path, path, trust)
    found = _find(path)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise InvalidSurrogate(
            f"a saved surrogate must be a {base.__name__}, but {path} is not; load it with "
            "its own class, or save it again"
        )
    _check_trust(path, found.__module__, trust)
    return found


def _check_trust(path: str, module: str, trust: Sequence[str]) -> None:
    package = module.partition(".")[0]
    if package not in (*OWN_PACKAGES, *trust):
        raise InvalidSurrogate(
            f"classes are imported from {', '.join(OWN_PACKAGES)} and trusted packages only, but "
            f"{path} comes from {package!r}; if you trust it, add --trust '[{package}]'"
        )


def _find(path: str) -> object:
    """The object behind a path: the longest importable module of it, then attributes."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end])
        try:
            found: object = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                continue  # this part of the path is no module but, perhaps, a class
            raise _not_found(path, error) from error
        except Exception as error:  # a broken module of somebody else's may raise anything
            raise _not_found(path, error) from error
        for part in parts[end:]:
            found = getattr(found, part, None)
        if found is None:
            raise _not_found(path, f"module {name} has no {'.'.join(parts[end:])}")
        return found
    raise _not_found(path, f"there is no module {parts[0]}")


def _not_found(path: str, reason: object) -> InvalidSurrogate:
    line = " ".join(str(reason).split())
    return InvalidSurrogate(
        f"the class {path} of a saved surrogate must be importable, but: {line}; install its "
        "package or run where its module lies"
    )
