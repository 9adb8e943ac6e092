"""A small space, evaluators that misbehave, and what to compare corpora by."""

import atexit
import errno
import math
import os
import random
import signal
import time
from dataclasses import dataclass, replace
from itertools import islice

from optuna.trial import TrialState

from nas import (
    Architecture,
    Evaluator,
    Header,
    Input,
    Layer,
    LearningCurve,
    Record,
    SearchSpace,
    Skeleton,
)
from nas.core.errors import DeviceLost, InvalidData, OutOfMemory
from nas.studies import CollectTask, collect, find_study, opened, stream

INPUT = Input(1, 8, 8, 10)
HEADER = Header(Skeleton.plain(), INPUT, "toy", {"epochs": 3}, source="nas collect")
WIDTHS = tuple(range(4, 44))


class ToySpace(SearchSpace):
    """One convolution; `kinds` that compute the same."""

    def __init__(self, widths=WIDTHS, kinds=("a",)):
        self.widths = widths
        self.kinds = kinds

    def generate(self, choose):
        layer = Layer("conv", (3, 3), width=choose("width", self.widths))
        kind = choose("kind", self.kinds)
        block = (layer, Layer("relu"), Layer("global_pool"), Layer("dense", args={"kind": kind}))
        return Architecture((block[:-1],), Skeleton.plain(), INPUT)


@dataclass
class PretendEvaluator(Evaluator):
    """Makes curves up: the same for the same network and seed. Sleeps `delay` s an epoch."""

    epochs: int = 3
    delay: float = 0.0
    images: str | None = None

    def fingerprint(self):
        if self.images == "too many":
            raise OutOfMemory("the images must fit")
        return self.images

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        final = random.Random(f"{architecture.key}/{seed}").uniform(0.2, 0.95)
        curve = []
        for epoch in range(1, (epochs or self.epochs) + 1):
            time.sleep(self.delay)
            curve.append(final * (1 - math.exp(-epoch)))
            if on_epoch is not None and on_epoch(epoch, curve[-1]):
                told = LearningCurve(tuple(curve))
                return Record(architecture, curve=told, seed=seed, status="pruned")
        return Record(architecture, curve[-1], LearningCurve(tuple(curve)), seed=seed)


@dataclass
class Odd(PretendEvaluator):
    """Does something odd with the networks of this width."""

    width: int = -1
    deed: str = "raise"
    once: str | None = None  # a file that says that it was done

    def evaluate(self, architecture, epochs=None, seed=0, on_epoch=None):
        spared = self.once is not None and os.path.exists(self.once)
        if spared or architecture.blocks[0][0].width != self.width:
            return super().evaluate(architecture, epochs, seed, on_epoch)
        self.end(on_epoch)
        record = super().evaluate(architecture, epochs, seed, on_epoch)
        if self.deed == "none":
            return None
        if self.deed == "nonsense":
            return replace(record, hyperparameters={"x": {1, 2}})
        return replace(record, status=self.deed)

    def mark(self):
        """Notes that it was done, where it is to be done once."""
        if self.once is not None:
            open(self.once, "x").close()

    def end(self, on_epoch):
        if self.deed == "raise":
            raise ValueError("no such luck\nwith details")
        if self.deed == "exit":
            raise SystemExit(1)
        if self.deed == "no data":
            raise InvalidData("the images must be there, but are not; fetch them")
        if self.deed in ("out of memory", "out of memory, slowly"):
            self.mark()
            if self.deed.endswith("slowly"):
                atexit.register(time.sleep, 2)  # the others do the rest meanwhile
            raise OutOfMemory("a training must fit")
        if self.deed == "lost device":
            self.mark()
            raise DeviceLost("the GPU must answer, but does not")
        if self.deed == "full disk":
            raise OSError(errno.ENOSPC, "No space left on device", "weights.ckpt")
        if self.deed == "quit":
            os._exit(0)
        if self.deed == "hang":
            time.sleep(3600)
        if self.deed in ("SIGSEGV", "SIGKILL"):
            on_epoch(1, 0.5)
            self.mark()
            os.kill(os.getpid(), getattr(signal, self.deed))
            time.sleep(10)


class Unreadable(PretendEvaluator):
    """Ends whoever unpickles it."""

    def __reduce__(self):
        return os._exit, (7,)


def task(**changes):
    return replace(CollectTask(ToySpace(), PretendEvaluator(), HEADER, seed=5), **changes)


TASK = task()


def run(storage, networks=6, workers=1, task=TASK, **more):
    return collect(task, storage=storage, study="toy", networks=networks, workers=workers, **more)


def facts(corpus):
    return [(r.index, r.architecture.key, r.seed, r.status, tuple(r.curve)) for r in corpus]


def trials_of(storage):
    with opened(storage, create=False) as backend:
        return find_study(backend, "toy").study.get_trials()


def check_sound(storage, networks):
    """Each index COMPLETE exactly once, and nothing left RUNNING."""
    trials = trials_of(storage)
    done = [t.user_attrs["index"] for t in trials if t.state == TrialState.COMPLETE]
    assert sorted(done) == list(range(networks))
    assert not [t for t in trials if t.state == TrialState.RUNNING]


def expected(networks, task=TASK):
    """What must come out, computed without any study."""
    sampled = islice(stream(task.space, task.seed, task.limits), networks)
    records = (
        replace(task.evaluator.evaluate(s.architecture, task.epochs, s.seed), index=s.index)
        for s in sampled
    )
    return facts(records)
