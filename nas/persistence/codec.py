"""Values to JSON and back; what JSON cannot hold goes into arrays and estimators beside it.

A JSON object with one key that starts with `$` stands for a value of another type:

    $tuple      list of values                 $array      number of an array
    $dict       list of (key, value) pairs     $scalar     number of a 0-d array
    $float      "nan", "inf" or "-inf"         $tensor     [number of an array, dtype]
    $strings    [length, shape, flat list]     $estimator  number of a skops file
    $surrogate  {class, arguments, state}
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas.core.errors import InvalidSurrogate, NasError
from nas.persistence.classes import class_path, import_class

Json = Any
_ARRAY_KINDS = "biuf"  # what safetensors holds; strings go into JSON


@dataclass
class Encoder:
    """Turns a surrogate into JSON, and collects what does not fit into it.

    Attributes:
        root: the base class of all surrogates; its instances may stand anywhere.
        arrays: by number.
        estimators: by number.
    """

    root: type
    arrays: list[np.ndarray] = field(default_factory=list)
    estimators: list[Any] = field(default_factory=list)

    def surrogate(self, surrogate: Any) -> Json:
        """Class path, constructor arguments and learned state."""
        name = type(surrogate).__name__
        return {
            "class": class_path(type(surrogate)),
            "arguments": {
                key: self.value(_stored(surrogate, key), f"{name}({key}=...)")
                for key in _parameters(type(surrogate))
            },
            "state": {
                key: self.value(value, f"{name}.{key}")
                for key, value in sorted(vars(surrogate).items())
                if is_state(key)
            },
        }

    def value(self, value: Any, place: str) -> Json:
        """One value; `place` tells people where it stands."""
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if isinstance(value, float) and kind in (float, np.float64):
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        if kind in (list, tuple):
            items = [self.value(item, f"{place}[{i}]") for i, item in enumerate(value)]
            return items if kind is list else {"$tuple": items}
        if kind is dict:
            return self._dict(value, place)
        if isinstance(value, self.root):
            return {"$surrogate": self.surrogate(value)}
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value, place)
        return self._foreign(value, place)

    def _dict(self, value: dict[Any, Any], place: str) -> Json:
        if not all(type(key) is str for key in value):
            raise _unsupported(place, f"a dict with other keys than str: {list(value)[:3]}")
        items = {key: self.value(item, f"{place}[{key!r}]") for key, item in value.items()}
        escape = any(key.startswith("$") for key in items)
        return {"$dict": [list(pair) for pair in items.items()]} if escape else items

    def _array(self, value: np.ndarray | np.generic, place: str) -> Json:
        array = np.asarray(value)
        if array.dtype.kind == "U":
            return {
                "$strings": [array.dtype.itemsize // 4, list(array.shape), array.ravel().tolist()]
            }
        if array.dtype.kind not in _ARRAY_KINDS or array.dtype.itemsize > 8:
            raise _unsupported(place, f"an array of {array.dtype}")
        return {"$array" if isinstance(value, np.ndarray) else "$scalar": self._add(array)}

    def _foreign(self, value: Any, place: str) -> Json:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            dtype = str(value.dtype).removeprefix("torch.")
            plain = value.detach().cpu()
            # numpy has no bfloat16: its bits travel as whole numbers.
            bits = plain.view(torch.int16) if dtype == "bfloat16" else plain
            return {"$tensor": [self._add(bits.numpy()), dtype]}
        if type(value).__module__.partition(".")[0] == "sklearn" or _is_estimator(value):
            self.estimators.append(value)
            return {"$estimator": len(self.estimators) - 1}
        raise _unsupported(place, f"a {type(value).__module__}.{type(value).__qualname__}")

    def _add(self, array: np.ndarray) -> int:
        native = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
        self.arrays.append(native)
        return len(self.arrays) - 1


@dataclass(frozen=True)
class Decoder:
    """Turns JSON back into a surrogate.

    Attributes:
        root: what every surrogate must be a subclass of.
        trust: top-level packages besides our own.
        array: gives an array by number.
        estimator: gives an estimator by number.
    """

    root: type
    trust: Sequence[str]
    array: Callable[[int], np.ndarray]
    estimator: Callable[[int], Any]

    def surrogate(self, data: Json, base: type) -> Any:
        """The surrogate; its class is checked before anything of it is called."""
        cls = import_class(data["class"], base, self.trust)
        arguments = {key: self.value(item) for key, item in data["arguments"].items()}
        state = {key: self.value(item) for key, item in data["state"].items()}
        if not all(map(is_state, state)):
            raise ValueError(f"state must have names that end in '_', but got {sorted(state)}")
        try:
            made = cls(**arguments)
        except NasError:
            raise
        except Exception as error:  # constructors of other versions may raise anything
            raise InvalidSurrogate(
                f"{cls.__name__} must accept the saved arguments {sorted(arguments)}, but: "
                f"{error}; it was saved by another version: fit and save it again"
            ) from error
        for key, item in state.items():
            setattr(made, key, item)
        return made

    def value(self, data: Json) -> Any:
        """One value."""
        if isinstance(data, list):
            return [self.value(item) for item in data]
        if not isinstance(data, dict):
            return data
        tag = next(iter(data), "")
        if len(data) == 1 and tag.startswith("$"):
            return self._tagged(tag, data[tag])
        return {key: self.value(item) for key, item in data.items()}

    def _tagged(self, tag: str, data: Json) -> Any:
        match tag:
            case "$tuple":
                return tuple(self.value(item) for item in data)
            case "$dict":
                return {key: self.value(item) for key, item in data}
            case "$float":
                return float(data)
            case "$strings":
                length, shape, flat = data
                return np.array(flat, dtype=f"<U{int(length)}").reshape(shape)
            case "$array":
                return self.array(data)
            case "$scalar":
                return self.array(data)[()]
            case "$tensor":
                return _tensor(self.array(data[0]), data[1])
            case "$estimator":
                return self.estimator(data)
            case "$surrogate":
                return self.surrogate(data, self.root)
        raise ValueError(f"unknown tag {tag}")


def is_state(name: str) -> bool:
    """True for attributes that `fit` learns: `weights_`, but neither `_cache_` nor `lr`."""
    return name.endswith("_") and not name.startswith("_")


def root_of(cls: type) -> type:
    """The class at the root of the surrogates: the furthest ancestor that can save and load."""
    return [c for c in cls.__mro__ if "save" in vars(c) and "load" in vars(c)][-1]


def _parameters(cls: type) -> list[str]:
    """Names of the constructor's arguments."""
    if cls.__init__ is object.__init__:  # type: ignore[misc]
        return []
    names = []
    for name, parameter in list(inspect.signature(cls.__init__).parameters.items())[1:]:  # type: ignore[misc]
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidSurrogate(
                f"a constructor must name its arguments to be saved, but {cls.__name__} has "
                f"{parameter}; replace it by named ones"
            )
        names.append(name)
    return names


def _stored(surrogate: Any, name: str) -> Any:
    try:
        return getattr(surrogate, name)
    except AttributeError as error:
        raise InvalidSurrogate(
            f"a constructor must store its arguments under their names, but "
            f"{type(surrogate).__name__} has no attribute {name!r}; add self.{name} = {name}"
        ) from error


def _is_estimator(value: Any) -> bool:
    base = sys.modules.get("sklearn.base")
    return base is not None and isinstance(value, base.BaseEstimator)


def _unsupported(place: str, what: str) -> InvalidSurrogate:
    return InvalidSurrogate(
        f"arguments and learned state must be plain values, lists, tuples, dicts, arrays, tensors, "
        f"scikit-learn estimators or surrogates, but {place} is {what}; store it as one of these"
    )


def _tensor(array: np.ndarray, dtype: str) -> Any:
    import torch

    tensor = torch.from_numpy(array)
    return tensor.view(torch.bfloat16) if dtype == "bfloat16" else tensor


def object_of(data: Json) -> Mapping[str, Json]:
    """The JSON object, or a ValueError."""
    if not isinstance(data, dict):
        raise ValueError(f"an object is needed, but got {type(data).__name__}")
    return data
