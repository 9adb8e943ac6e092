"""What a surrogate is called in tables: unique, and telling what was set."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from nas.core.errors import InvalidOption
from nas.core.interfaces import Surrogate


def named(surrogates: Sequence[Surrogate]) -> dict[str, Surrogate]:
    """The surrogates by their names.

    Raises:
        InvalidOption: there is none, or two are the same.
    """
    names = [describe(surrogate) for surrogate in surrogates]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption(f"surrogates must differ, but {name} is there twice; drop one")
    if not names:
        raise InvalidOption("--surrogates must name at least one surrogate, but the list is empty")
    return dict(zip(names, surrogates, strict=True))


def describe(thing: object) -> str:
    """Class name, with the constructor arguments that differ from the defaults."""
    if isinstance(thing, list | tuple):
        return f"[{', '.join(map(describe, thing))}]"
    if isinstance(thing, dict):
        return f"{{{', '.join(f'{name}: {describe(each)}' for name, each in thing.items())}}}"
    if type(thing).__module__ in ("builtins", "numpy"):
        return str(thing)
    changed = [
        f"{name}={describe(getattr(thing, name, None))}"
        for name, parameter in inspect.signature(type(thing)).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and not _equal(getattr(thing, name, None), parameter.default)
    ]
    name = type(thing).__name__
    return f"{name}({', '.join(changed)})" if changed else name


def _equal(value: object, default: object) -> bool:
    # As text where they cannot be compared at all, such as arrays.
    return value is default or repr(value) == repr(default)
