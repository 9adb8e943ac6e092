"""Real trainings whose process dies in the middle, and which write down what they train."""

import os
import signal
import time
from pathlib import Path

from nas import Header
from nas.core.limits import Limits
from nas.evaluators import TrainingEvaluator
from nas.studies import CollectTask
from nas.training import Recipe
from search_spaces import BlockSpace

RECIPE = Recipe(epochs=4, lr=0.05, schedule="one_cycle", augment=("crop", "flip"))
SPACE = BlockSpace()
HEADER = Header(SPACE.skeleton, SPACE.input, "few digits", RECIPE.to_json())


class CutOff(BaseException):
    """In place of a death, where the process is to live on."""


class Mortal(TrainingEvaluator):
    """Meets its end once, in the middle of epoch 3; takes its notes in a folder."""

    def __init__(self, data, checkpoint_dir, notes, end="raise"):
        super().__init__(data, RECIPE, "cpu", checkpoint_dir)
        self.notes, self.end = notes, end

    def evaluate(self, *args):
        from nas.training import checkpoint, module

        real, every = module.WholeEpochs.training_step, checkpoint.SAVE_EVERY

        def step(network, batch, index):
            real(network, Batches(self, batch, network.current_epoch + 1), index)

        try:
            module.WholeEpochs.training_step, checkpoint.SAVE_EVERY = step, 0.0
            return super().evaluate(*args)
        finally:
            module.WholeEpochs.training_step, checkpoint.SAVE_EVERY = real, every

    def begin(self, epoch):
        with open(Path(self.notes) / "epochs", "a") as file:
            file.write(f"{epoch}\n")

    def epochs(self):
        """Those that were begun."""
        return [int(line) for line in (Path(self.notes) / "epochs").read_text().split()]

    def die(self):
        mark = Path(self.notes) / "died"
        if not mark.exists():
            mark.touch()
            if self.end == "raise":
                raise CutOff
            if self.end == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(3600)  # somebody else sees to it


class Batches:
    """Batches of an epoch; in the third epoch, the fifth of them may be the end."""

    def __init__(self, evaluator, batches, epoch):
        self.evaluator, self.batches, self.epoch = evaluator, batches, epoch

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for index, batch in enumerate(self.batches):
            if index == 0:
                self.evaluator.begin(self.epoch)
            if (self.epoch, index) == (3, 4):
                self.evaluator.die()
            yield batch


def task(evaluator, **more):
    limits = Limits(max_macs=150_000)
    return CollectTask(SPACE, evaluator, HEADER, limits=limits, **more)
