"""What a transfer found: a table, a plot, and the card of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.folder import RunFolder, versions, write_json
from experiments.terminal import table
from experiments.transferring.card import model_card
from experiments.transferring.contestants import Contestant
from experiments.transferring.summary import HEADER, cells, verdicts
from nas.core.files import write_text

if TYPE_CHECKING:
    from nas.training.data.streaming import StreamedData
    from nas.training.transfer import TransferRecipe, Transferred
    from nas.training.transfer.speed import Speed


@dataclass(frozen=True)
class Row:
    """A trained network in figures.

    Attributes:
        name: of the contestant.
        told: how it came about.
        params: learnable parameters.
        macs: multiply-accumulates for one image.
        training_speed: images a second on one device, forth and back.
        inference_speed: images a second on one device.
        top1: share of the images that are judged whose class is the likeliest.
        top5: share of those whose class is among the five likeliest.
        history: of each epoch the training loss, and top1 and top5 on the validation images.
    """

    name: str
    told: str
    params: int
    macs: int
    training_speed: float
    inference_speed: float
    top1: float
    top5: float
    history: list[dict[str, float]]

    @classmethod
    def of(cls, contestant: Contestant, found: Transferred, speed: Speed) -> Row:
        """The row of a contestant."""
        return cls(
            contestant.name,
            contestant.told,
            contestant.params,
            contestant.macs,
            *speed,
            *found.tested,
            [epoch._asdict() for epoch in found.history],
        )


@dataclass(frozen=True)
class Outcome:
    """Everything that a transfer found, as JSON values.

    Attributes:
        architecture: of the searched network.
        data: what was trained on: name, input, numbers of images, and on which the figures are.
        recipe: how.
        seed: of everything random.
        measured: under which conditions the speeds were.
        rows: the networks, the searched one first.
    """

    architecture: dict[str, Any]
    data: dict[str, Any]
    recipe: dict[str, Any]
    seed: int
    measured: dict[str, Any]
    rows: Sequence[Row]

    @classmethod
    def of(
        cls,
        searched: Contestant,
        data: StreamedData,
        recipe: TransferRecipe,
        seed: int,
        measured: dict[str, Any],
        rows: Sequence[Row],
    ) -> Outcome:
        """The outcome of a run."""
        assert searched.architecture is not None
        about = {
            "name": data.name,
            "input": list(data.input),
            "classes": list(data.classes),
            "resized": data.resized,
            "judged": data.judged,
        }
        counts = {part: len(getattr(data, part)) for part in ("train", "val", "test")}
        code = searched.architecture.to_json()
        return cls(code, {**about, "images": counts}, recipe.to_json(), seed, dict(measured), rows)

    def table(self) -> str:
        """All networks."""
        return table(HEADER, cells(self._rows(), self.data["input"][3]))

    def verdict(self) -> str:
        """The searched network beside each other one, in words."""
        return "\n".join(verdicts(self._rows()))

    def write(self, folder: RunFolder) -> list[Path]:
        """Writes the table as JSON and Markdown, the page, and the card; returns their paths."""
        from experiments.report import write_report

        markdown = folder.transfer.with_suffix(".md")
        made = {"date": f"{date.today():%Y-%m-%d}", "versions": versions()}
        content = {**asdict(self), "rows": self._rows(), **made}
        write_json(folder.transfer, content)
        write_text(markdown, f"{self.table()}\n\n{self.verdict()}\n")
        write_text(folder.network / "README.md", model_card(content, self.table()))
        return [folder.transfer, markdown, write_report(folder)]

    def _rows(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]
