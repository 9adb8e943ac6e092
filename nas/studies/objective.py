"""What a study optimises: one trial's network, built by the space, judged by the evaluator."""

from __future__ import annotations

import math

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from nas.core.architecture import Architecture
from nas.core.choices import Ask
from nas.core.interfaces import Evaluator, SearchSpace
from nas.core.limits import Allows, Limits
from nas.core.records import Record
from nas.search.quiet import quiet

REPEATS = 30
"""Trials for each network asked for, after which a sampler that has nothing new is stopped."""


class Objective:
    """An objective for `study.optimize`, in this process; reports curves and heeds a pruner.

        study.optimize(Objective(BlockSpace(), TrainingEvaluator("digits")), n_trials=40)

    Args:
        space: asks the trial's sampler for its decisions; on the evaluator's input.
        evaluator: trains the network, or looks it up.
        epochs: None means as many as the evaluator's recipe says.
        seed: of every training.
    """

    def __init__(
        self,
        space: SearchSpace,
        evaluator: Evaluator,
        epochs: int | None = None,
        seed: int = 0,
    ) -> None:
        self.space = space
        self.evaluator = evaluator
        self.epochs = epochs
        self.seed = seed

    def __call__(self, trial: Trial) -> float:
        """The accuracy of the trial's network; NaN, to Optuna a failed trial, where there is none.

        Raises:
            optuna.TrialPruned: the study's pruner stopped it, or its time ran out.
        """
        record = self.evaluate(trial, self.architecture(trial))
        for name in ("params", "macs", "status", "test_accuracy", "error"):
            if getattr(record, name) is not None:
                trial.set_user_attr(name, getattr(record, name))
        self.evaluator.forget(record.architecture, self.epochs, self.seed)
        if record.status in ("pruned", "timeout"):
            raise optuna.TrialPruned
        return math.nan if record.target is None else record.target

    def architecture(self, trial: Trial) -> Architecture:
        """The network that the trial's sampler decides on."""
        return self.space.canonical(self.space.generate(Ask(trial)))

    def evaluate(self, trial: Trial, network: Architecture) -> Record:
        """Its training, reported to the trial."""

        def on_epoch(epoch: int, accuracy: float) -> bool:
            trial.report(accuracy, epoch)
            return trial.should_prune()

        return self.evaluator.evaluate(network, self.epochs, self.seed, on_epoch)


def replay(
    sampler: BaseSampler,
    space: SearchSpace,
    evaluator: Evaluator,
    networks: int,
    *,
    allowed: Allows | None = None,
    pruner: BasePruner | None = None,
    goal: float = math.inf,
) -> list[Record]:
    """A search over recorded trainings, in a study in memory.

    A network that is asked for again is told again and counts once. One that is not allowed, such
    as one that a table lacks, fails and counts not at all: samplers do not learn from it.

    Args:
        sampler: any of Optuna's, or of ours.
        space: that it searches.
        evaluator: looks the networks up.
        networks: different ones to evaluate.
        allowed: which networks may be evaluated.
        pruner: any of Optuna's, or of ours.
        goal: an accuracy that ends the search once it is reached.

    Returns:
        The different networks in the order in which they were asked for; fewer than `networks`
        where the goal was reached, or where the sampler keeps repeating itself.
    """
    allowed = allowed or Limits()
    objective = Objective(space, evaluator)
    found: dict[str, Record] = {}
    with quiet():
        study = optuna.create_study(
            direction="maximize", sampler=sampler, pruner=pruner or optuna.pruners.NopPruner()
        )
        for _ in range(REPEATS * networks):
            trial = study.ask()
            network = objective.architecture(trial)
            if not allowed.allow(network):
                study.tell(trial, state=TrialState.FAIL)
                continue
            record = found.get(network.key) or objective.evaluate(trial, network)
            found[network.key] = record
            stopped = record.status in ("pruned", "timeout")
            study.tell(trial, *((None, TrialState.PRUNED) if stopped else (record.target,)))
            if len(found) == networks or (record.finished and (record.target or 0.0) >= goal):
                break
    return list(found.values())
