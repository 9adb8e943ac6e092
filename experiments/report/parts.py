"""What a page is made of; templates/parts.html draws each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LONG = 40


@dataclass(frozen=True)
class Plot:
    """A figure.

    Attributes:
        figure: drawn by Plotly when it comes into sight.
        caption: above it, and its name for those who do not see it.
        width: least one, in pixels; a narrower screen scrolls.
    """

    kind: ClassVar[str] = "plot"
    figure: Figure
    caption: str
    width: int = 0


@dataclass(frozen=True)
class Plots:
    """Figures side by side, or one below the other on a phone."""

    kind: ClassVar[str] = "plots"
    plots: Sequence[Plot]


@dataclass(frozen=True)
class Table:
    """A table that can be sorted by each of its columns.

    Attributes:
        label: its name, for those who do not see it.
        header: names of the columns.
        cells: as text; numbers are found in it.
        words: below it.
        folded: shown only when its name is opened.
    """

    kind: ClassVar[str] = "table"
    label: str
    header: Sequence[str]
    cells: Sequence[Sequence[str]]
    words: Sequence[str] = ()
    folded: bool = False

    @property
    def long(self) -> list[bool]:
        """Of each column, whether it holds text that must wrap."""
        places = range(len(self.header))
        return [any(len(row[place]) > _LONG for row in self.cells) for place in places]


@dataclass(frozen=True)
class Chip:
    """One layer of a strip.

    Attributes:
        text: the layer in short.
        color: of its op.
        effect: how the prediction moves when it is removed; empty where that is not known.
        sign: of that: -1, 0 or 1.
        swap: the best other layer in its place, and how the prediction moves.
    """

    text: str
    color: str
    effect: str = ""
    sign: int = 0
    swap: str = ""


@dataclass(frozen=True)
class Card:
    """A network.

    Attributes:
        key: of its architecture.
        tag: what is special about it.
        facts: names and values.
        strips: its block designs, from input to output.
        advice: what to change next.
        code: its JSON.
    """

    key: str
    tag: str
    facts: Sequence[tuple[str, str]]
    strips: Sequence[Sequence[Chip]]
    advice: str
    code: str


@dataclass(frozen=True)
class Cards:
    """Networks below one another."""

    kind: ClassVar[str] = "cards"
    cards: Sequence[Card]


@dataclass(frozen=True)
class Code:
    """Text to be unfolded."""

    kind: ClassVar[str] = "code"
    name: str
    text: str


Part = Plot | Plots | Table | Cards | Code


@dataclass(frozen=True)
class Section:
    """A heading, words, and what they are about."""

    title: str
    words: Sequence[str] = ()
    parts: Sequence[Part] = field(default=())
