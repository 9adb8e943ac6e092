"""One transfer: the plan, the trainings, and what they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.folder import RunFolder, read_json, write_json
from experiments.terminal import ProgressBar, clock, say, wrote
from experiments.transferring.contestants import Contestant
from experiments.transferring.outcome import Outcome, Row
from nas.core.architecture import Architecture

if TYPE_CHECKING:
    from nas.networks import Classifier
    from nas.training.data.streaming import StreamedData
    from nas.training.transfer import Machines, Standing, TransferRecipe, Transferred

MEASURED = 64
"""Images at a time, at most, with which speeds are measured."""


@dataclass(frozen=True, eq=False)
class Run:
    """Networks that are trained one after the other, on the same data by the same recipe.

    Attributes:
        chosen: the network that was found, whose blocks the searched one has.
        contestants: the searched network first.
        data: what they are trained on.
        recipe: how.
        machines: where.
        folder: where everything is written.
        seed: of everything random.
        resume: go on from the folder's checkpoints.
        onnx: whether the searched network is written as ONNX.
        check: whether every image of a folder is read once before.
    """

    chosen: Architecture
    contestants: Sequence[Contestant]
    data: StreamedData
    recipe: TransferRecipe
    machines: Machines
    folder: RunFolder
    seed: int = 0
    resume: bool = False
    onnx: bool = True
    check: bool = True

    def work(self) -> Outcome | None:
        """Does it all; several processes may do it together, and the first one tells and writes.

        Returns:
            What was found, in the first process.

        Raises:
            NasError: something cannot be; most of that before anything is trained.
        """
        from nas.training.transfer import is_first
        from nas.training.transfer.trainer import check_training

        self.check_settings()
        found = [
            check_training(self._place(each), self._task(each), self.resume)
            for each in self.contestants
        ]
        if is_first():
            self._rehearse()
            self.folder.make()
            write_json(self.folder.chosen, self.chosen.to_json())
            if self.check and self.data.unread:
                write_json(self.folder.checked, self._images())
            say(self.plan())
            for each, state in zip(self.contestants, found, strict=True):
                if state is not None:
                    say(f"{each.name} goes on behind step {state.step:,} of {self.steps:,}")
        trained = [self.train(each) for each in self.contestants]
        return self.finish(trained) if is_first() else None

    def check_settings(self) -> None:
        """Refuses what cannot be trained, before anything is written.

        Raises:
            InvalidOption, InvalidData: devices, precision or batches do not go together.
        """
        from nas.training.transfer.trainer import check_batches, check_machines

        check_machines(self.recipe, self.machines)
        check_batches(self.data, self.recipe, self.machines.world)

    @property
    def steps(self) -> int:
        """Steps of the optimizer for each network."""
        return len(self.data.train) // self.recipe.batch_size * self.recipe.epochs

    def plan(self) -> str:
        """What is going to be done."""
        data, recipe, size = self.data, self.recipe, self.data.input
        steps = self.steps // recipe.epochs
        shape = f"{size.channels}x{size.height}x{size.width}"
        tested = f", {len(data.test):,} to test" if data.judged == "test" else ""
        lines = [
            f"{each.name}: {each.told}, {each.params:,} parameters, {each.macs:,} MACs"
            for each in self.contestants
        ]
        lines += [
            f"data: {data.name}, {shape}, {size.classes} classes, {len(data.train):,} images to "
            f"train on, {len(data.val):,} to validate{tested}",
            f"training: {recipe.epochs} epochs of {steps:,} steps of {recipe.batch_size} images, "
            f"rate {recipe.lr:g} ({recipe.schedule}), precision {recipe.precision}",
        ]
        return "\n".join(lines)

    def train(self, contestant: Contestant) -> Transferred:
        """Trains a network under a progress bar; the searched one is saved."""
        from nas.networks import save_network
        from nas.training.transfer import is_first, train_long

        data = self.data
        bar = ProgressBar(contestant.name)
        try:
            found = train_long(
                self._made(contestant),
                data,
                self.recipe,
                self._place(contestant),
                seed=self.seed,
                machines=self.machines,
                task=self._task(contestant),
                resume=self.resume,
                on_step=lambda standing: _show(bar, standing),
            )
        finally:
            bar.close()
        if is_first():
            top1, top5 = found.tested
            images = f"{len(data.test):,} {data.judged} images"
            say(f"{contestant.name}: top-1 {top1:.2%}, top-5 {top5:.2%} on {images}")
            if contestant is self.contestants[0]:
                assert contestant.architecture is not None
                save_network(found.classifier, contestant.architecture, self.folder.network)
        return found

    def finish(self, trained: Sequence[Transferred]) -> Outcome:
        """Measures speeds; writes table, plot, model card, and ONNX."""
        from nas.networks.onnx import export_onnx
        from nas.training.transfer.speed import conditions, measure

        parts = self.machines.world * self.recipe.accumulate
        batch = min(self.recipe.batch_size // parts, MEASURED)
        rows = [
            Row.of(each, found, measure(found.classifier, self.data.input, self.recipe, batch))
            for each, found in zip(self.contestants, trained, strict=True)
        ]
        measured = conditions(self.recipe, batch)
        outcome = Outcome.of(self.contestants[0], self.data, self.recipe, self.seed, measured, rows)
        say(outcome.table())
        say(outcome.verdict())
        network = self.folder.network
        following = [f"python -c \"import nas; print(nas.load_network('{network}'))\""]
        written = outcome.write(self.folder)
        if self.onnx:
            export_onnx(trained[0].classifier, self.data.input, network / "network.onnx")
        wrote([*written, network], following)
        return outcome

    def _rehearse(self) -> None:
        """Finds out in minutes what would otherwise end a training of days.

        Raises:
            InvalidData: an image is broken.
            InvalidNetwork: the searched network cannot be exported.
        """
        from nas.networks.onnx import rehearse_onnx

        unread = sum(map(len, self.data.unread))
        if self.check and unread and not self._checked():
            say(f"reading {unread:,} images once, which --check false leaves out")
            self.data.check()
        if self.onnx:
            rehearse_onnx(self._made(self.contestants[0]).eval(), self.data.input)

    def _checked(self) -> bool:
        """Whether a run into this folder has read these images through."""
        path = self.folder.checked
        return path.is_file() and read_json(path, f"{path}") == self._images()

    def _images(self) -> dict[str, str]:
        return {"data": self.data.name, "digest": self.data.digest}

    def _made(self, contestant: Contestant) -> Classifier:
        from nas.networks import Classifier

        data = self.data
        return Classifier(contestant.make(self.seed), data.mean, data.std, data.classes)

    def _place(self, contestant: Contestant) -> Path:
        return self.folder.trainings / contestant.name

    def _task(self, contestant: Contestant) -> dict[str, object]:
        """What is trained on what, as JSON: a checkpoint of another task is refused."""
        data = self.data
        return {
            "network": contestant.network,
            "data": data.name,
            "input": list(data.input),
            "images": len(data.train),
            "digest": data.digest,
            "seed": self.seed,
            **self.recipe.to_json(),
        }


def _show(bar: ProgressBar, standing: Standing) -> None:
    words = [f"epoch {standing.epoch}, step {standing.step:,}/{standing.steps:,}"]
    if standing.top1 is not None:
        words.append(f"top-1 {standing.top1:.2%} after epoch {standing.epoch - 1}")
    if standing.step < standing.steps:
        words.append(f"{clock(standing.eta)} left")
    bar.show(standing.step, standing.steps, ", ".join(words))
