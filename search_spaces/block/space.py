"""The paper's block space (section 4): what a block may be, and how one is drawn."""

from __future__ import annotations

from functools import cache

from nas.core.architecture import Architecture, Block, Layer, Skeleton
from nas.core.choices import Choose
from nas.core.errors import InvalidOption
from nas.core.interfaces import SearchSpace
from search_spaces.block.chain import next_weights
from search_spaces.block.skeletons import paper_skeleton

CONV_KERNELS = (1, 2, 3, 4, 5)
POOL_KERNELS = (2, 3, 4, 5)
RATIOS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
BATCH_NORM_PROBABILITY = 0.6


class BlockSpace(SearchSpace):
    """Blocks of 3 to 10 layers with fewer than 4 convolutions, in the paper's skeleton.

    A block starts with a convolution; a Markov chain over layer types goes on from there. Batch
    normalisation stands behind a convolution with probability 0.6, outside the chain: neither it
    nor the 1x1 adapters of the skeleton count as layers.

    Args:
        skeleton: where the blocks stand; the paper's by default.
        designs: "one" block for all places, or one "per_stage".
        min_length: least number of chain layers in a block.
        max_length: largest number of chain layers in a block.
        max_convs: largest number of convolutions in a block.
    """

    def __init__(
        self,
        skeleton: Skeleton | None = None,
        designs: str = "one",
        min_length: int = 3,
        max_length: int = 10,
        max_convs: int = 3,
    ) -> None:
        if designs not in ("one", "per_stage"):
            raise InvalidOption(f"designs must be 'one' or 'per_stage', but got {designs!r}")
        if not 1 <= min_length <= max_length or max_convs < 1:
            raise InvalidOption(
                f"1 <= min_length <= max_length and max_convs >= 1 must hold, but got "
                f"{min_length}, {max_length} and {max_convs}"
            )
        self.skeleton = skeleton or paper_skeleton()
        self.designs = designs
        self.min_length = min_length
        self.max_length = max_length
        self.max_convs = max_convs

    def generate(self, choose: Choose) -> Architecture:
        """See `SearchSpace.generate`."""
        number = 1 if self.designs == "one" else len(self.skeleton.widths)
        blocks = tuple(self._block(choose, f"block{index}") for index in range(number))
        return Architecture(blocks, self.skeleton, self.input)

    def _block(self, choose: Choose, name: str) -> Block:
        length = choose(f"{name}/length", range(self.min_length, self.max_length + 1))
        layers = list(_layer(choose, f"{name}/0", "conv"))
        now, convs = "conv", self.max_convs - 1
        for place in range(1, length):
            site = f"{name}/{place}"
            question = f"{site}/after-{now}" + ("" if convs else "/no-conv")
            now = choose(question, *next_weights(length - place, convs, now))
            convs -= now == "conv"
            layers.extend(_layer(choose, site, now))
        return tuple(layers)


def _layer(choose: Choose, site: str, op: str) -> Block:
    """One layer of the chain with its settings, and the batch normalisation behind it."""
    if op not in ("conv", "max_pool", "avg_pool"):
        return (_made(op),)
    kernels = CONV_KERNELS if op == "conv" else POOL_KERNELS
    kind = "conv" if op == "conv" else "pool"
    kernel = choose(f"{site}/{kind}-w", kernels), choose(f"{site}/{kind}-h", kernels)
    if op != "conv":
        return (_made(op, kernel),)
    conv = _made(op, kernel, choose(f"{site}/ratio", RATIOS))
    normed = choose(
        f"{site}/batch-norm", (True, False), (BATCH_NORM_PROBABILITY, 1 - BATCH_NORM_PROBABILITY)
    )
    return (conv, _made("batch_norm")) if normed else (conv,)


@cache
def _made(op: str, kernel: tuple[int, int] = (1, 1), ratio: float | None = None) -> Layer:
    """A layer; there are few different ones."""
    return Layer(op, kernel, ratio=ratio)
