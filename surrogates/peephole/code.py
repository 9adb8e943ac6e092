"""Unified Layer Code (paper, section 3.1): every layer is four integers (TY, KW, KH, CH).

    TY  type: the paper's seven are 1..7, our other ops follow, a user's own op is `OWN_OP`
    KW  width of the window, 1 where there is none
    KH  height of the window
    CH  bin of output channels / input channels, counted from 1

0 is padding everywhere. Stride, padding, width and resolution are not coded; the extended code
appends log2 of the output channels and log2 of the output resolution.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nas.core.architecture import Architecture, PlacedLayer
from nas.core.ops import OPS

TYPES = {op: number for number, op in enumerate(OPS, start=1)}
# More rows than there are ops: a saved predictor stays loadable when ops are added behind.
TYPE_ROWS = 64
OWN_OP = TYPE_ROWS - 1
LARGEST_KERNEL = 15
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
# Where one bin ends and the next begins: halfway between them in log space.
_BORDERS = [math.sqrt(low * high) for low, high in pairwise(RATIOS)]

Row = tuple[float, ...]


def ratio_bin(ratio: float) -> int:
    """The nearest of `RATIOS` in log space, counted from 1; ties go to the smaller one."""
    return bisect_left(_BORDERS, ratio) + 1


def layer_code(
    op: str, kernel: tuple[int, int], in_channels: int, out_channels: int
) -> tuple[int, int, int, int]:
    """(TY, KW, KH, CH) of one layer; a dense layer counts features and so has the ratio 1."""
    ratio = 1.0 if op == "dense" else out_channels / in_channels
    width, height = (min(size, LARGEST_KERNEL) for size in kernel)
    return TYPES.get(op, OWN_OP), width, height, ratio_bin(ratio)


def _row(placed: PlacedLayer, extended: bool) -> Row:
    channels, height, width = placed.out_shape
    code = layer_code(placed.layer.op, placed.layer.kernel, placed.in_shape[0], channels)
    return (*code, math.log2(channels), math.log2(height * width) / 2) if extended else code


@dataclass(frozen=True)
class Sequences:
    """Distinct layer sequences of some networks.

    Attributes:
        table: (v, 4), or (v, 6) in the extended code: the distinct layers.
        layers: for each distinct sequence the rows of `table`, from input to output.
        networks: (n,) the sequence of each network.
    """

    table: np.ndarray
    layers: tuple[np.ndarray, ...]
    networks: np.ndarray

    def __len__(self) -> int:
        return len(self.layers)


def encode(
    architectures: Sequence[Architecture], sequence: str = "network", extended: bool = False
) -> Sequences:
    """Layer codes of architectures.

    Args:
        architectures: n networks.
        sequence: "network" for all layers as built, "block" for the block designs alone.
        extended: append log2 of channels and of resolution to each layer.
    """
    read = Architecture.layers if sequence == "network" else Architecture.designs
    # Networks share most of their layers, placed ones too, which the networks keep alive: each
    # object is coded once.
    known: dict[int, int] = {}
    rows: dict[Row, int] = {}
    sequences: dict[bytes, int] = {}
    networks = np.empty(len(architectures), dtype=np.int64)
    for number, architecture in enumerate(architectures):
        tokens = []
        for placed in read(architecture):
            token = known.get(id(placed))
            if token is None:
                token = known[id(placed)] = rows.setdefault(_row(placed, extended), len(rows))
            tokens.append(token)
        packed = np.array(tokens, dtype=np.int64).tobytes()
        networks[number] = sequences.setdefault(packed, len(sequences))
    layers = tuple(np.frombuffer(packed, dtype=np.int64) for packed in sequences)
    width = 6 if extended else 4
    return Sequences(np.array(list(rows), np.float32).reshape(-1, width), layers, networks)
