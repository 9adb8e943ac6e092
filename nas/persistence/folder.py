"""The folder that a saved surrogate lies in."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from nas.core.errors import InvalidSurrogate, NasError
from nas.persistence import estimators
from nas.persistence.codec import Decoder, Encoder, object_of, root_of

FORMAT = 1
MAIN = "surrogate.json"
ARRAYS = "arrays.safetensors"
STATE = re.compile(r"state-[0-9a-f]{16}")
T = TypeVar("T")
Folder = str | os.PathLike[str]


def save(surrogate: object, directory: Folder) -> None:
    """Writes constructor arguments and learned state; replaces what was saved there before.

    Args:
        surrogate: an instance of a class whose constructor stores its arguments under their
            names; attributes that end in `_` are its learned state.
        directory: a folder, made if need be. Files that are not ours stay.

    Raises:
        InvalidSurrogate: a value that cannot be stored safely, or a class that has no path.
    """
    encoder = Encoder(root_of(type(surrogate)))
    content = {"format": FORMAT, "surrogate": encoder.surrogate(surrogate)}
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        state = _write_state(folder, encoder)
        _write_main(folder, {**content, "folder": state})
        _remove_others(folder, state)
    except OSError as error:
        raise InvalidSurrogate(f"a surrogate cannot be saved in {folder}: {error}") from error


def _write_state(folder: Path, encoder: Encoder) -> str | None:
    """The name of the new state folder; it is whole before it gets that name."""
    if not encoder.arrays and not encoder.estimators:
        return None
    name = f"state-{uuid.uuid4().hex[:16]}"
    temporary = folder / f".{name}.tmp"
    temporary.mkdir()
    try:
        if encoder.arrays:
            from safetensors.numpy import save as to_bytes

            named = {str(number): array for number, array in enumerate(encoder.arrays)}
            (temporary / ARRAYS).write_bytes(to_bytes(named))
        for number, estimator in enumerate(encoder.estimators):
            estimators.write(estimator, temporary / f"{number}.skops")
        temporary.rename(folder / name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return name


def _write_main(folder: Path, content: dict[str, Any]) -> None:
    temporary = folder / f".{MAIN}.{uuid.uuid4().hex[:16]}.tmp"
    temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    temporary.replace(folder / MAIN)


def _remove_others(folder: Path, keep: str | None) -> None:
    for path in folder.iterdir():
        if STATE.fullmatch(path.name) and path.name != keep:
            shutil.rmtree(path, ignore_errors=True)


def load(directory: Folder, base: type[T], trust: Sequence[str] = ()) -> T:
    """The surrogate that `save` wrote.

    Args:
        directory: what `save` was given.
        base: what the surrogate must be an instance of.
        trust: top-level packages besides our own whose classes may be imported.

    Raises:
        InvalidSurrogate: missing, broken, of another class, or from a package not trusted.
    """
    folder = Path(directory)
    content = _read_main(folder)
    try:
        decoder = _decoder(folder, content, base, trust)
        made: T = decoder.surrogate(object_of(content["surrogate"]), base)
    except NasError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _broken(folder / MAIN, f"{type(error).__name__}: {error}") from error
    return made


def _read_main(folder: Path) -> dict[str, Any]:
    path = folder / MAIN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidSurrogate(
            f"a saved surrogate must be a folder with {MAIN}, but {folder} has none; check the "
            "path, or make one with 'nas fit --out DIR'"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, error) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InvalidSurrogate(
            f"{path} must be of format {FORMAT}, but got {found!r}; it comes from another "
            "version: fit and save the surrogate again"
        )
    return content


def _decoder(folder: Path, content: dict[str, Any], base: type, trust: Sequence[str]) -> Decoder:
    name = content["folder"]
    if name is not None and not STATE.fullmatch(name):
        raise ValueError(f"folder must be a name like state-0123456789abcdef, but got {name!r}")
    state = folder / name if name else None
    arrays = _read_arrays(state / ARRAYS) if state and (state / ARRAYS).exists() else {}

    def array(number: int) -> np.ndarray:
        if str(number) not in arrays:
            raise _broken(folder, f"array {number} is missing")
        return arrays[str(number)]

    return Decoder(root_of(base), trust, array, partial(_read_estimator, state or folder, trust))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        # A copy, since what safetensors gives may not be written to.
        return {name: array.copy() for name, array in from_bytes(path.read_bytes()).items()}
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise _broken(path, error) from error


def _read_estimator(folder: Path, trust: Sequence[str], number: int) -> object:
    path = folder / f"{int(number)}.skops"
    if not path.is_file():
        raise _broken(folder, f"estimator {number} is missing")
    return estimators.read(path, trust)


def _broken(path: Path, reason: object) -> InvalidSurrogate:
    line = " ".join(str(reason).split())[:200]
    return InvalidSurrogate(
        f"the saved surrogate {path} cannot be read: {line}; copy or save it again"
    )
