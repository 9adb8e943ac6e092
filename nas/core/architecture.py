"""A network on paper: layers in blocks, blocks in a skeleton, for one input."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

from nas.core.errors import InvalidArchitecture
from nas.core.ops import Shape, find_op

Json = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """One layer. JSON omits defaults.

    Attributes:
        op: a name in `nas.core.ops.OPS`, or the dotted path of a user's own `Op`.
        kernel: window (width, height).
        ratio: output channels / input channels; 1 where neither ratio nor width is given.
        width: absolute number of output channels (or features), instead of a ratio.
        stride: of the window, in both directions.
        groups: of a convolution.
        args: whatever else the op needs; a mapping with JSON values.
        inputs: offsets of the predecessors inside the block; -1 is the layer before (the block's
            input, for the first). Several inputs are summed unless the op is `concat`.
    """

    op: str
    kernel: tuple[int, int] = (1, 1)
    ratio: float | None = None
    width: int | None = None
    stride: int = 1
    groups: int = 1
    args: Mapping[str, Any] = field(default_factory=dict, hash=False)
    inputs: tuple[int, ...] = (-1,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", tuple(self.kernel))
        object.__setattr__(self, "inputs", tuple(self.inputs))
        whole = [*self.kernel, self.stride, self.groups, 1 if self.width is None else self.width]
        if len(self.kernel) != 2 or not _whole(*whole):
            raise InvalidArchitecture(
                f"kernel (w, h), stride, groups and width must be whole numbers >= 1, but got "
                f"kernel={self.kernel}, stride={self.stride}, groups={self.groups}, "
                f"width={self.width} in a layer {self.op!r}"
            )
        if self.ratio is not None:  # a float always: 1 and 1.0 are one ratio and give one key
            object.__setattr__(self, "ratio", float(self.ratio))
            if not 0 < self.ratio < math.inf:
                raise InvalidArchitecture(
                    f"ratio must be above 0 and finite, but got {self.ratio} in {self.op!r}"
                )
        if not isinstance(self.op, str) or not isinstance(self.args, Mapping):
            raise InvalidArchitecture(
                f"op must be a name and args a mapping, but got {self.op!r} and {self.args!r}"
            )
        if not self.inputs or any(type(n) is not int or n > -1 for n in self.inputs):
            raise InvalidArchitecture(
                f"inputs must be offsets of -1 or less, but got {self.inputs} in {self.op!r}"
            )

    # A space makes few different layers and places them millions of times, on few shapes: what a
    # layer comes to is computed once. Pickles go without.
    @cached_property
    def _text(self) -> str:
        return _canonical(self.to_json())

    @cached_property
    def _places(self) -> dict[Shape, PlacedLayer]:
        return {}

    def _placed(self, shape: Shape) -> PlacedLayer:
        placed = self._places.get(shape)
        if placed is None:
            placed = PlacedLayer(self, shape, *find_op(self.op).place(self, shape))
            self._places[shape] = placed
        return placed

    def __getstate__(self) -> Json:
        return {name: getattr(self, name) for name in _FIELDS}

    def argument(self, name: str, default: Any = None) -> Any:
        """One of `args`, or the default."""
        return self.args.get(name, default)

    def to_json(self) -> Json:
        """The layer as a JSON object without the defaults."""
        out: Json = {}
        for name in _FIELDS:
            value = getattr(self, name)
            if value != _LAYER_DEFAULTS.get(name):
                out[name] = list(value) if isinstance(value, tuple) else value
        out.update({"args": dict(self.args)} if self.args else {})
        return out

    @classmethod
    def from_json(cls, data: Json) -> Layer:
        """The layer that `to_json` wrote.

        Raises:
            InvalidArchitecture: an unknown or missing field, or a value that cannot be.
        """
        known = {each.name for each in fields(cls)}
        if not isinstance(data, dict) or "op" not in data or not set(data) <= known:
            raise InvalidArchitecture(
                f"a layer must be an object with op and some of {sorted(known - {'op'})}, "
                f"but got {json.dumps(data)[:200]}"
            )
        try:
            return cls(**data)
        except (TypeError, ValueError) as error:
            raise InvalidArchitecture(f"a layer cannot be read: {error}") from error


_LAYER_DEFAULTS: Json = {
    "kernel": (1, 1),
    "ratio": None,
    "width": None,
    "stride": 1,
    "groups": 1,
    "args": {},
    "inputs": (-1,),
}

_FIELDS = tuple(each.name for each in fields(Layer))

Block = tuple[Layer, ...]


class Input(NamedTuple):
    """What a data set feeds a network, and how many classes it asks for."""

    channels: int
    height: int
    width: int
    classes: int

    @classmethod
    def from_json(cls, data: Any) -> Input:
        """The input out of a list of four numbers.

        Raises:
            InvalidArchitecture: it is none.
        """
        if not isinstance(data, list | tuple) or len(data) != 4 or not _whole(*data):
            raise InvalidArchitecture(
                f"an input must be [channels, height, width, classes], but got {str(data)[:80]}"
            )
        return cls(*data)


def _whole(*numbers: Any) -> bool:
    return all(type(number) is int and number >= 1 for number in numbers)


@dataclass(frozen=True)
class Skeleton:
    """Where blocks stand in a network. Input and classes come from the data set.

    Attributes:
        widths: channels that each stage's blocks must end on; empty in a plain skeleton.
        blocks: blocks per stage.
        stem: layers before the first stage.
        reduction: layers between two stages, while the map is larger than `reduce_above`.
        head: layers behind the last stage; a dense layer without width gets the classes.
        reduce_above: the smaller side of the map, in pixels, up to which nothing is reduced.
    """

    widths: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    stem: Block = ()
    reduction: Block = ()
    head: Block = ()
    reduce_above: int = 7

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not _whole(*self.widths, *self.blocks):
            raise InvalidArchitecture(
                f"a skeleton needs a whole number of blocks for each width, but got {self.blocks} "
                f"for {self.widths}"
            )

    @classmethod
    def plain(cls) -> Skeleton:
        """No stem, no stages, no head: one block is the whole network (published tables)."""
        return cls()

    @property
    def places(self) -> int:
        """How many blocks stand in a network of this skeleton."""
        return sum(self.blocks) if self.widths else 1

    def __getstate__(self) -> Json:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def head_for(self, classes: int) -> Block:
        """The head with as many outputs as there are classes, where it leaves them open."""
        if classes not in self._heads:
            self._heads[classes] = tuple(
                replace(layer, width=classes) if layer.op == "dense" and not layer.width else layer
                for layer in self.head
            )
        return self._heads[classes]

    @cached_property
    def _heads(self) -> dict[int, Block]:
        return {}

    @cached_property
    def _text(self) -> str:
        return _canonical(self.to_json())

    def to_json(self) -> Json:
        """The skeleton as a JSON object."""
        return {
            each.name: (
                [layer.to_json() for layer in value]
                if each.name in ("stem", "reduction", "head")
                else (list(value) if isinstance(value, tuple) else value)
            )
            for each in fields(self)
            for value in [getattr(self, each.name)]
        }

    @classmethod
    def from_json(cls, data: Json) -> Skeleton:
        """The skeleton that `to_json` wrote.

        Raises:
            InvalidArchitecture: a field is missing or cannot be read.
        """
        try:
            return cls(
                widths=tuple(data["widths"]),
                blocks=tuple(data["blocks"]),
                stem=_block(data["stem"]),
                reduction=_block(data["reduction"]),
                head=_block(data["head"]),
                reduce_above=data["reduce_above"],
            )
        except (KeyError, TypeError) as error:
            raise InvalidArchitecture(
                f"a skeleton must have widths, blocks, stem, reduction, head and reduce_above, "
                f"but one is missing or cannot be read: {error}"
            ) from error


class PlacedLayer(NamedTuple):
    """A layer where it stands: shapes as (channels, height, width), and what it costs."""

    layer: Layer
    in_shape: Shape
    out_shape: Shape
    params: int
    macs: int


@dataclass(frozen=True)
class Architecture:
    """Blocks placed in a skeleton, for an input.

    `blocks` holds one design for all places, one for each stage, or one for each place. Behind
    each block that does not end on its stage's width stands a 1x1 convolution that does.
    """

    blocks: tuple[Block, ...]
    skeleton: Skeleton
    input: Input

    def __post_init__(self) -> None:
        allowed = {1, len(self.skeleton.widths) or 1, self.skeleton.places}
        if len(self.blocks) not in allowed or not all(self.blocks):
            raise InvalidArchitecture(
                f"there must be one block for all places, for each stage or for each place "
                f"({sorted(allowed)}), none of them empty, but got {len(self.blocks)}"
            )

    def __getstate__(self) -> Json:
        return {"blocks": self.blocks, "skeleton": self.skeleton, "input": self.input}

    def _repr_html_(self) -> str:
        from nas.core.notebook import architecture_html

        return architecture_html(self)

    def on(self, skeleton: Skeleton, input: Input | None = None) -> Architecture:
        """The same blocks in another skeleton, and for another input if one is given."""
        return replace(self, skeleton=skeleton, input=input or self.input)

    def layers(self) -> tuple[PlacedLayer, ...]:
        """The whole network as built, stem to head, in the order of computation."""
        return self._layers

    @cached_property
    def _layers(self) -> tuple[PlacedLayer, ...]:
        return tuple(_Placer(self).place())

    def designs(self) -> tuple[PlacedLayer, ...]:
        """The block designs alone, one after another, each as it stands behind the stem."""
        return self._designs

    @cached_property
    def _designs(self) -> tuple[PlacedLayer, ...]:
        if not self.skeleton.widths:
            return self._layers
        shape = (self.skeleton.widths[0], self.input.height, self.input.width)
        return tuple([placed for block in self.blocks for placed in _place_block(block, shape)])

    @property
    def params(self) -> int:
        """Learnable parameters, exactly those of the built module."""
        return sum(placed.params for placed in self._layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers for one image."""
        return sum(placed.macs for placed in self._layers)

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits: equal exactly where the canonical JSON is equal."""
        blocks = ",".join(f"[{','.join(layer._text for layer in b)}]" for b in self.blocks)
        size, skeleton = _canonical(list(self.input)), self.skeleton._text
        text = f'{{"blocks":[{blocks}],"input":{size},"skeleton":{skeleton}}}'
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> Json:
        """The architecture as a JSON object."""
        return {
            "blocks": [[layer.to_json() for layer in block] for block in self.blocks],
            "skeleton": self.skeleton.to_json(),
            "input": list(self.input),
        }

    @classmethod
    def from_json(cls, data: Json) -> Architecture:
        """The architecture that `to_json` wrote.

        Raises:
            InvalidArchitecture: a field is missing or cannot be read.
        """
        try:
            return cls(
                tuple(_block(block) for block in data["blocks"]),
                Skeleton.from_json(data["skeleton"]),
                Input.from_json(data["input"]),
            )
        except (KeyError, TypeError) as error:
            raise InvalidArchitecture(
                f"an architecture must have blocks, skeleton and input (channels, height, width, "
                f"classes), but one is missing or cannot be read: {error}"
            ) from error


def _block(data: list[Json]) -> Block:
    return tuple(Layer.from_json(layer) for layer in data)


class _Placer:
    """Walks through a network once, carrying the shape."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        size = architecture.input
        self.shape: Shape = (size.channels, size.height, size.width)
        # A design that stands at several places of one shape is placed once (cells repeat a lot).
        self.placed: dict[tuple[int, Shape], list[PlacedLayer]] = {}

    def place(self) -> list[PlacedLayer]:
        skeleton, blocks = self.architecture.skeleton, self.architecture.blocks
        if not skeleton.widths:
            return self.block(blocks[0])
        layers = [*self.block(skeleton.stem)]
        for stage, width in enumerate(skeleton.widths):
            if stage and min(self.shape[1:]) > skeleton.reduce_above:
                layers += self.block(skeleton.reduction)
            for place in range(skeleton.blocks[stage]):
                layers += self.block(self.design(stage, place))
                if self.shape[0] != width:
                    layers += self.block(_adapter(width))
        return layers + self.block(skeleton.head_for(self.architecture.input.classes))

    def design(self, stage: int, place: int) -> Block:
        blocks, skeleton = self.architecture.blocks, self.architecture.skeleton
        if len(blocks) == 1:
            return blocks[0]
        if len(blocks) == len(skeleton.widths):
            return blocks[stage]
        return blocks[sum(skeleton.blocks[:stage]) + place]

    def block(self, block: Block) -> list[PlacedLayer]:
        known = (id(block), self.shape)  # somebody keeps each block alive: ids are unique
        layers = self.placed.get(known)
        if layers is None:
            layers = self.placed[known] = _place_block(block, self.shape)
        if layers:
            self.shape = layers[-1].out_shape
        return layers


def _place_block(block: Block, in_shape: Shape) -> list[PlacedLayer]:
    shapes = [in_shape]  # the block's input, then each layer's output
    layers = []
    for index, layer in enumerate(block):
        if min(layer.inputs) < -(index + 1):
            raise InvalidArchitecture(
                f"an offset must stay inside its block, but layer {index} ({layer.op}) "
                f"asks for {min(layer.inputs)}; the block's input is {-(index + 1)}"
            )
        if layer.inputs == (-1,):
            shape = shapes[-1]
        else:
            shape = find_op(layer.op).merge([shapes[index + 1 + at] for at in layer.inputs])
        placed = layer._placed(shape)
        shapes.append(placed.out_shape)
        layers.append(placed)
    return layers


@cache
def _adapter(width: int) -> Block:
    return (Layer("conv", width=width),)


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
