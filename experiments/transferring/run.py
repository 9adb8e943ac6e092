"""One transfer: the plan, the trainings, and what they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.folder import RunFolder
from experiments.terminal import ProgressBar, clock, say, wrote
from experiments.transferring.contestants import Contestant
from experiments.transferring.outcome import Outcome, Row

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
        contestants: the searched network first.
        data: what they are trained on.
        recipe: how.
        machines: where.
        folder: where everything is written.
        seed: of everything random.
        resume: go on from the folder's checkpoints.
        onnx: whether the searched network is written as ONNX.
    """

    contestants: Sequence[Contestant]
    data: StreamedData
    recipe: TransferRecipe
    machines: Machines
    folder: RunFolder
    seed: int = 0
    resume: bool = False
    onnx: bool = True

    def work(self) -> Outcome | None:
        """Does it all; several processes may do it together, and the first one tells and writes.

        Returns:
            What was found, in the first process.

        Raises:
            NasError: something cannot be; most of that before anything is trained.
        """
        from nas.training.transfer import is_first
        from nas.training.transfer.trainer import check_batches, check_training

        check_batches(self.data, self.recipe, self.machines.world)
        found = [
            check_training(self._place(each), self._task(each), self.resume)
            for each in self.contestants
        ]
        if is_first():
            self.folder.make()
            say(self.plan())
            for each, state in zip(self.contestants, found, strict=True):
                if state is not None:
                    say(f"{each.name} goes on behind step {state.step:,} of {self.steps:,}")
        trained = [self.train(each) for each in self.contestants]
        return self.finish(trained) if is_first() else None

    @property
    def steps(self) -> int:
        """Steps of the optimizer for each network."""
        return len(self.data.train) // self.recipe.batch_size * self.recipe.epochs

    def plan(self) -> str:
        """What is going to be done."""
        data, recipe, size = self.data, self.recipe, self.data.input
        steps = self.steps // recipe.epochs
        shape = f"{size.channels}x{size.height}x{size.width}"
        lines = [
            f"{each.name}: {each.told}, {each.params:,} parameters, {each.macs:,} MACs"
            for each in self.contestants
        ]
        lines += [
            f"data: {data.name}, {shape}, {size.classes} classes, {len(data.train):,} images to "
            f"train on, {len(data.val):,} to validate, {len(data.test):,} to test",
            f"training: {recipe.epochs} epochs of {steps:,} steps of {recipe.batch_size} images, "
            f"rate {recipe.lr:g} ({recipe.schedule}), precision {recipe.precision}",
        ]
        return "\n".join(lines)

    def train(self, contestant: Contestant) -> Transferred:
        """Trains a network under a progress bar; the searched one is exported."""
        from nas.networks import Classifier
        from nas.training.transfer import is_first, train_long

        data = self.data
        network = contestant.make(self.seed)
        bar = ProgressBar(contestant.name)
        try:
            found = train_long(
                Classifier(network, data.mean, data.std, data.classes),
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
            images = f"{len(data.test):,} images"
            say(f"{contestant.name}: top-1 {top1:.2%}, top-5 {top5:.2%} on {images}")
            if contestant is self.contestants[0]:
                self._export(contestant, found.classifier)
        return found

    def finish(self, trained: Sequence[Transferred]) -> Outcome:
        """Measures speeds; writes table, plot and model card."""
        from nas.training.transfer.speed import measure

        batch = min(self.recipe.batch_size // self.recipe.accumulate, MEASURED)
        rows = [
            Row.of(each, found, measure(found.classifier, self.data.input, self.recipe, batch))
            for each, found in zip(self.contestants, trained, strict=True)
        ]
        outcome = Outcome.of(self.contestants[0], self.data, self.recipe, self.seed, rows)
        say(outcome.table())
        say(outcome.verdict())
        network = self.folder.network
        following = [f"python -c \"import nas; print(nas.load_network('{network}'))\""]
        wrote([*outcome.write(self.folder), network], following)
        return outcome

    def _export(self, contestant: Contestant, classifier: Classifier) -> None:
        from nas.networks import save_network
        from nas.networks.onnx import export_onnx

        assert contestant.architecture is not None
        save_network(classifier, contestant.architecture, self.folder.network)
        if self.onnx:
            export_onnx(classifier, self.data.input, self.folder.network / "network.onnx")

    def _place(self, contestant: Contestant) -> Path:
        return self.folder.trainings / contestant.name

    def _task(self, contestant: Contestant) -> dict[str, object]:
        """What is trained on what, as JSON: a checkpoint of another task is refused."""
        data = self.data
        about = {"network": contestant.network, "data": data.name, "input": list(data.input)}
        return {**about, "images": len(data.train), "seed": self.seed, **self.recipe.to_json()}


def _show(bar: ProgressBar, standing: Standing) -> None:
    words = [f"epoch {standing.epoch}, step {standing.step:,}/{standing.steps:,}"]
    if standing.top1 is not None:
        words.append(f"top-1 {standing.top1:.2%}")
    if standing.step < standing.steps:
        words.append(f"{clock(standing.eta)} left")
    bar.show(standing.step, standing.steps, ", ".join(words))
