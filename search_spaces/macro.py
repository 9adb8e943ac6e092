"""NAS-Bench-Macro's space: a MobileNet-like chain of eight places (Su et al. 2021).

Each place is 0, an identity; 1, an inverted bottleneck with kernel 3 and expansion 3; or 2, one
with kernel 5 and expansion 6. The first place of a stage halves the map and doubles the channels,
so that its identity is a strided 1x1 convolution. Identities commute with their neighbours inside
a stage: the canonical form leaves the first place where it is and moves the identities behind it
to the end of the stage, which makes 3,969 networks of 6,561 codes.
"""

from __future__ import annotations

from nas.core.architecture import Architecture, Block, Input, Layer, Skeleton
from nas.core.choices import Choose
from nas.core.errors import InvalidArchitecture
from nas.core.interfaces import SearchSpace

STAGES = (2, 3, 3)
INPUT = Input(3, 32, 32, 10)
KINDS = (0, 1, 2)

SKELETON = Skeleton(
    widths=(64, 128, 256),
    blocks=STAGES,
    stem=(
        Layer("conv", (3, 3), width=32, args={"bias": False}),
        Layer("batch_norm"),
        Layer("relu"),
    ),
    head=(
        Layer("conv", width=1280, args={"bias": False}),
        Layer("batch_norm"),
        Layer("relu"),
        Layer("global_pool"),
        Layer("dense"),
    ),
)


def _place(kind: int, first: bool) -> Block:
    stride, ratio = (2, 2.0) if first else (1, None)
    if kind == 0 and first:
        return (
            Layer("conv", ratio=ratio, stride=stride, args={"bias": False}),
            Layer("batch_norm"),
        )
    if kind == 0:
        return (Layer("identity"),)
    kernel, expand = ((3, 3), 3) if kind == 1 else ((5, 5), 6)
    return (
        Layer("inverted_bottleneck", kernel, ratio=ratio, stride=stride, args={"expand": expand}),
    )


PLACES = {(kind, first): _place(kind, first) for kind in KINDS for first in (True, False)}
_KINDS_OF = {block: kind for (kind, _), block in PLACES.items()}


class MacroSpace(SearchSpace):
    """All codes of NAS-Bench-Macro, one question a place."""

    input = INPUT

    def generate(self, choose: Choose) -> Architecture:
        """See `SearchSpace.generate`."""
        code = "".join(str(choose(f"place{place}", KINDS)) for place in range(sum(STAGES)))
        return macro_network(code, self.input)

    def canonical(self, architecture: Architecture) -> Architecture:
        """See `SearchSpace.canonical`.

        Raises:
            InvalidArchitecture: a network of another space.
        """
        try:
            code = "".join(str(_KINDS_OF[block]) for block in architecture.blocks)
        except KeyError as error:
            raise InvalidArchitecture(
                f"MacroSpace's networks must be made of its own blocks, but {architecture.key} has "
                "others; take the space that the networks come from"
            ) from error
        return macro_network(canonical_code(code), architecture.input)


def macro_network(code: str, input: Input = INPUT) -> Architecture:
    """The network of an upstream code such as "02012100".

    Raises:
        InvalidArchitecture: it is not eight digits out of 0, 1, 2.
    """
    if len(code) != sum(STAGES) or not set(code) <= set("012"):
        raise InvalidArchitecture(
            f"a code must be {sum(STAGES)} digits out of 0, 1, 2, but got {code!r}"
        )
    firsts = [place == 0 for stage in STAGES for place in range(stage)]
    blocks = tuple(PLACES[int(kind), first] for kind, first in zip(code, firsts, strict=True))
    return Architecture(blocks, SKELETON, input)


def canonical_code(code: str) -> str:
    """The code with the identities of each stage, but for its first place, moved to its end."""
    out, start = "", 0
    for length in STAGES:
        first, rest = code[start], code[start + 1 : start + length]
        out += first + rest.replace("0", "") + "0" * rest.count("0")
        start += length
    return out
