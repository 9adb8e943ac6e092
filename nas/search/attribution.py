"""What each layer does to a prediction: how far it moves when the layer is removed or swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nas.core.architecture import Architecture, Block, Layer
from nas.core.corpus import Corpus
from nas.core.errors import InvalidArchitecture
from nas.core.interfaces import Query, Surrogate, predict


@dataclass(frozen=True)
class Edit:
    """One layer of an architecture removed, or swapped for another one.

    Attributes:
        block: number of the block design.
        place: of the layer in it.
        layer: what stands there afterwards; None where the layer is removed.
        architecture: the changed network.
        before: predicted accuracy of the network as it is.
        after: predicted accuracy of the changed one.
    """

    block: int
    place: int
    layer: Layer | None
    architecture: Architecture
    before: float = 0.0
    after: float = 0.0

    @property
    def change(self) -> float:
        """By how much the prediction moves."""
        return self.after - self.before


def layer_attribution(
    surrogate: Surrogate, architecture: Architecture, alternatives: Sequence[Layer] = ()
) -> list[Edit]:
    """All changes of one layer, with what a surrogate says that they do to the accuracy.

    A change after which the layers do not fit, or the network's output has another shape, is left
    out. Whether a search space would make the changed network is not asked.

    Args:
        surrogate: fitted; one that predicts without curves.
        architecture: the network.
        alternatives: layers to swap in; see `common_layers`.

    Returns:
        By block and place: the removal first, then the swaps in the order of the alternatives.

    Raises:
        InvalidSurrogate: its answers are of the wrong shape, or not finite.
    """
    edits = list(_edits(architecture, alternatives))
    asked = [architecture, *(edit.architecture for edit in edits)]
    before, *after = predict(surrogate, [Query(each) for each in asked]).mean.tolist()
    return [replace(e, before=before, after=said) for e, said in zip(edits, after, strict=True)]


def common_layers(corpus: Corpus, most: int = 24) -> list[Layer]:
    """The layers that occur most often in a corpus' blocks, the commonest of each op first.

    How a layer is wired does not count: each comes as part of a chain.
    """
    counts = Counter(
        replace(layer, inputs=(-1,))
        for record in corpus
        for block in record.architecture.blocks
        for layer in block
    )
    ranked = [layer for layer, _ in counts.most_common()]
    of_each_op = {layer.op: layer for layer in reversed(ranked)}
    first = sorted(of_each_op.values(), key=ranked.index)
    return list(dict.fromkeys([*first, *ranked]))[:most]


def _edits(architecture: Architecture, alternatives: Sequence[Layer]) -> Iterator[Edit]:
    for number, block in enumerate(architecture.blocks):
        for place, layer in enumerate(block):
            changed: list[tuple[Layer | None, Block | None]] = [(None, removed(block, place))]
            swaps = [replace(other, inputs=layer.inputs) for other in alternatives]
            changed += [(other, swapped(block, place, other)) for other in swaps if other != layer]
            for other, design in changed:
                network = design and _with_block(architecture, number, design)
                if network:
                    yield Edit(number, place, other, network)


def removed(block: Block, place: int) -> Block | None:
    """A block without one of its layers: what read its output reads its inputs instead.

    None where nothing would be left, or where the block's last layer has several inputs.
    """
    if len(block) == 1 or (place == len(block) - 1 and block[place].inputs != (-1,)):
        return None
    sources = [place + at for at in block[place].inputs]
    return tuple(
        layer if at < place else replace(layer, inputs=_rewired(layer, at, place, sources))
        for at, layer in enumerate(block)
        if at != place
    )


def _rewired(layer: Layer, at: int, gone: int, sources: Sequence[int]) -> tuple[int, ...]:
    """Offsets of a layer that stood at a place behind one that is gone; what it sums, once."""
    read = [source for offset in layer.inputs for source in _through(at + offset, gone, sources)]
    if gone - at in layer.inputs and layer.op != "concat":
        read = list(dict.fromkeys(read))
    return tuple(source - (at - 1) - (source > gone) for source in read)


def _through(source: int, gone: int, sources: Sequence[int]) -> Sequence[int]:
    return sources if source == gone else (source,)


def swapped(block: Block, place: int, layer: Layer) -> Block:
    """A block with another layer in one place."""
    return (*block[:place], layer, *block[place + 1 :])


def _with_block(architecture: Architecture, number: int, design: Block) -> Architecture | None:
    """The network with another design for one block; None where it does not fit."""
    blocks = (*architecture.blocks[:number], design, *architecture.blocks[number + 1 :])
    changed = replace(architecture, blocks=blocks)
    try:
        fits = changed.layers()[-1].out_shape == architecture.layers()[-1].out_shape
    except InvalidArchitecture:
        return None
    return changed if fits else None
