"""Optuna samplers that decide on whole architectures.

Each works in anybody's `study.optimize` whose objective builds its network with
`space.generate(Ask(trial))`, with any storage, with several workers, and after a restart: all that
is known stands in the study's trials.
"""

from __future__ import annotations

import copy
import logging
import time
import traceback
import zlib
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from nas.core.choices import Mutate, Option, check_seed
from nas.core.corpus import Corpus, Header
from nas.core.errors import InvalidOption, InvalidStudy, InvalidSurrogate, NasError
from nas.core.interfaces import Acquisition, Candidate, Proposer, SearchSpace, Surrogate
from nas.core.limits import Allows, Limits
from nas.core.records import Record
from nas.search.acquisitions import UpperConfidenceBound
from nas.search.candidates import check_at_least_one, made
from nas.search.evolution import EvolutionProposer, offspring, tournament
from nas.search.scoring import surrogate_score
from nas.studies.history import FAILED, PLAN, History, OfOneStudy, check_study
from nas.studies.stream import Sampled, stream

_logger = logging.getLogger(__name__)
_RETRIES = 50


class SpaceSampler(OfOneStudy, BaseSampler):
    """Random search: the space's own distribution, no architecture twice.

    It hands out the stream of `nas collect` with the same seed. Parameters that are no decisions
    of the space, a learning rate say, are drawn at random.

    Args:
        space: that the objective generates from.
        seed: of the stream.
        limits: what may be proposed at all, such as `Limits(max_params=...)`.
    """

    def __init__(self, space: SearchSpace, seed: int = 0, limits: Allows | None = None) -> None:
        check_seed(seed)
        self.space = space
        self.seed = seed
        self.limits = limits or Limits()
        self._begin()

    def _forget(self) -> None:
        self._history = History(self.space)
        self._plans: dict[int, Mapping[str, Option]] = {}
        self._drawn: list[Sampled] = []
        self._stream = stream(self.space, self.seed, self.limits)

    def propose(self, trials: Sequence[FrozenTrial], held: Mapping[str, int]) -> Candidate:
        """The architecture for a new trial.

        Args:
            trials: of the study.
            held: keys of architectures that must not be proposed.
        """
        return self._random(held)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Decides on the trial's architecture, and claims it.

        Raises:
            InvalidStudy: the study does not maximize one value.
            InvalidOption: the space holds nothing new within the limits.
        """
        check_study(study)
        with self._lock:
            self._turn_to(study)
            self._plans[trial.number] = self._decide(study, trial)

    def _decide(self, study: optuna.Study, trial: FrozenTrial) -> Mapping[str, Option]:
        asked = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
        if PLAN in trial.system_attrs:  # the retry of a trial that was killed
            plan: Mapping[str, Option] = trial.system_attrs[PLAN]["decisions"]
            return plan
        enqueued = self._completed(study, trial, asked) if asked else None
        if enqueued is not None:
            _write(study, trial, enqueued)
            return enqueued.decisions
        return self._claim(study, trial).decisions

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Nothing: what the names are depends on the architecture."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing, see `infer_relative_search_space`."""
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """The decision of that name.

        Raises:
            InvalidStudy: the objective asks it with other options than the sampler's space.
        """
        if trial.number not in self._plans:  # asked of another sampler, or before a restart
            self.before_trial(study, study._storage.get_trial(trial._trial_id))
        plan = self._plans[trial.number]
        if param_name not in plan:
            words = [self.seed, trial.number, zlib.crc32(param_name.encode())]
            seed = int(np.random.SeedSequence(words).generate_state(1)[0])
            return RandomSampler(seed).sample_independent(
                study, trial, param_name, param_distribution
            )
        decision = plan[param_name]
        options = getattr(param_distribution, "choices", ())
        if not isinstance(param_distribution, CategoricalDistribution) or decision not in options:
            raise InvalidStudy(
                f"the objective must generate from the sampler's space, but asks {param_name!r} "
                f"with {list(options) or param_distribution}, where the sampler decided on "
                f"{decision!r}; give both the same space, on the same input"
            )
        return decision

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Marks a network whose objective failed."""
        self._plans.pop(trial.number, None)
        if state == TrialState.FAIL:
            study._storage.set_trial_system_attr(trial._trial_id, FAILED, True)

    def reseed_rng(self) -> None:
        """Nothing to do: random numbers come from the seed and the trial's number."""

    def _claim(self, study: optuna.Study, trial: FrozenTrial) -> Candidate:
        """An architecture that nobody else holds.

        A key is written first and the other trials are read then, so that of two workers with
        one key at least one sees the other. Whoever sees one yields.
        """
        trials = _others_than(trial, study)
        held = self._history.held(trials)
        for attempt in range(_RETRIES):
            candidate = self._after_clash(trials, held, attempt)
            _write(study, trial, candidate)
            trials = _others_than(trial, study)
            held = self._history.held(trials)
            if candidate.architecture.key not in held:
                return candidate
        raise InvalidStudy(
            f"workers on one study must find different architectures, but {_RETRIES} times another "
            "one had the same; the space is almost exhausted, or too many workers share the study"
        )

    def _after_clash(
        self, trials: Sequence[FrozenTrial], held: Mapping[str, int], attempt: int
    ) -> Candidate:
        """A proposal; after clashes not always the first, lest both sides take the same again."""
        known = dict(held)
        skipped = int(np.random.default_rng().integers(2**attempt)) if attempt else 0
        for _ in range(min(skipped, 20)):
            known[self.propose(trials, known).architecture.key] = -1
        return self.propose(trials, known)

    def _random(self, held: Mapping[str, int]) -> Candidate:
        """The next of the stream."""
        for sampled in self._drawn:
            if sampled.architecture.key not in held:
                return _candidate(sampled)
        for sampled in self._stream:
            self._drawn.append(sampled)
            if sampled.architecture.key not in held:
                return _candidate(sampled)
        raise InvalidOption(
            f"the search space must hold more networks within the limits, but all that were drawn "
            f"({len(self._drawn)}) are in the study; ask for fewer trials, or widen it"
        )

    def _completed(
        self, study: optuna.Study, trial: FrozenTrial, asked: Mapping[str, Any]
    ) -> Candidate | None:
        """An architecture with the decisions that were asked for; the rest is drawn.

        None where nothing that was asked for is a decision of the space.
        """
        rng = np.random.default_rng([self.seed, trial.number])
        held = self._history.held(_others_than(trial, study))
        for _ in range(_RETRIES):
            choose, network = made(self.space, Mutate(asked, "", rng))
            common = choose.decisions.keys() & asked.keys()
            if not common:
                return None
            for name in common:
                if choose.decisions[name] != asked[name]:
                    raise InvalidStudy(
                        f"{name!r} must be enqueued with one of {list(choose.options[name])}, "
                        f"but got {asked[name]!r}"
                    )
            if network.key not in held and self.limits.allow(network):
                break  # else as it was asked for, after so many tries
        return Candidate(network, 0.0, choose.decisions, choose.options)


class EvolutionSampler(SpaceSampler):
    """Regularised evolution (Real et al. 2019) over finished trials.

    Args:
        space: that the objective generates from.
        population: the youngest so many finished trials are alive; the first ones are random.
        sample: members of a tournament; its best becomes a parent.
        seed: of everything random.
        limits: what may be proposed at all.
    """

    def __init__(
        self,
        space: SearchSpace,
        population: int = 30,
        sample: int = 10,
        seed: int = 0,
        limits: Allows | None = None,
    ) -> None:
        super().__init__(space, seed, limits)
        check_at_least_one(population=population, sample=sample)
        self.population = population
        self.sample = sample

    def propose(self, trials: Sequence[FrozenTrial], held: Mapping[str, int]) -> Candidate:
        """See `SpaceSampler.propose`."""
        if len(held) < self.population:
            return self._random(held)
        living = self._living(trials)
        rng = np.random.default_rng([self.seed, len(trials), len(held)])
        for _ in range(_RETRIES if living else 0):
            parent = tournament(living, self.sample, rng)
            choose, network = offspring(self.space, parent, held, rng)
            if network.key not in held and self.limits.allow(network):
                return Candidate(network, parent.score, choose.decisions, choose.options)
        return self._random(held)

    def _living(self, trials: Sequence[FrozenTrial]) -> list[Candidate]:
        finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        read = [self._history.candidate(trial) for trial in finished]
        return [candidate for candidate in read if candidate is not None][-self.population :]


class SurrogateSampler(SpaceSampler):
    """Asks a surrogate which architecture is worth training next.

    The first `warmup` architectures are random. Then the surrogate is fitted to the finished
    trials, the proposer looks for what the acquisition likes best, and the best `refit_every` are
    handed out before the next fit. A trial that was pruned counts with its last accuracy. The
    seconds of a fit are logged, and kept as the system attribute `nas:fit_seconds` of the trial
    that needed it.

        study = optuna.create_study(
            direction="maximize", sampler=SurrogateSampler(space, GaussianProcess())
        )
        study.optimize(objective, n_trials=60)

    Args:
        space: that the objective generates from.
        surrogate: predicts accuracies; fitted copies of it do.
        acquisition: what is worth training, given a prediction; `UpperConfidenceBound()`.
        proposer: how the space is looked through; `EvolutionProposer()`.
        warmup: random architectures at the beginning.
        refit_every: results after which the surrogate is fitted again.
        seed: of the random architectures and of the proposer.
        limits: what may be proposed at all.
    """

    def __init__(
        self,
        space: SearchSpace,
        surrogate: Surrogate,
        acquisition: Acquisition | None = None,
        proposer: Proposer | None = None,
        warmup: int = 20,
        refit_every: int = 10,
        seed: int = 0,
        limits: Allows | None = None,
    ) -> None:
        super().__init__(space, seed, limits)
        check_at_least_one(warmup=warmup, refit_every=refit_every)
        if surrogate.reads_curves:
            raise InvalidOption(
                "the surrogate of a search must judge networks before training, but "
                f"{type(surrogate).__name__} reads curves; take it for LearningCurvePruner"
            )
        self.surrogate = surrogate
        self.acquisition = acquisition or UpperConfidenceBound()
        self.proposer = proposer or EvolutionProposer()
        self.warmup = warmup
        self.refit_every = refit_every

    def rehearse(self) -> None:
        """Fits copies to the random networks with made-up accuracies and asks them once.

        A surrogate that fails, or that lacks what the acquisition needs, so ends a search before
        anything is trained.

        Raises:
            InvalidSurrogate: it fails, with the place in its code.
        """
        drawn = islice(stream(self.space, self.seed, self.limits), self.warmup)
        networks = [sampled.architecture for sampled in drawn]
        accuracies = np.random.default_rng(self.seed).uniform(0.2, 0.9, len(networks)).tolist()
        header = Header(networks[0].skeleton, networks[0].input, "made up")
        made_up = Corpus(header, tuple(map(Record, networks, accuracies)))
        try:
            fitted = copy.deepcopy(self.surrogate).fit(made_up)
            score = surrogate_score(fitted, copy.deepcopy(self.acquisition), best=max(accuracies))
            score(networks)
        except NasError:
            raise
        except Exception as error:  # of somebody's own class
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise InvalidSurrogate(
                f"{type(self.surrogate).__name__} must learn from {len(networks)} networks, but in "
                f"a rehearsal with made-up accuracies it raised {type(error).__name__}: {error} "
                f"({place.filename}, line {place.lineno})"
            ) from error

    def _forget(self) -> None:
        super()._forget()
        self._fitted: Surrogate | None = None
        self._results = 0
        self._queue: list[Candidate] = []
        self._fit_seconds: float | None = None

    def _decide(self, study: optuna.Study, trial: FrozenTrial) -> Mapping[str, Option]:
        self._fit_seconds = None
        plan = super()._decide(study, trial)
        if self._fit_seconds is not None:
            study._storage.set_trial_system_attr(
                trial._trial_id, "nas:fit_seconds", self._fit_seconds
            )
        return plan

    def propose(self, trials: Sequence[FrozenTrial], held: Mapping[str, int]) -> Candidate:
        """See `SpaceSampler.propose`."""
        if len(held) < self.warmup:
            return self._random(held)
        known = self._history.corpus(trials, pruned=True)
        if len(known) < max(2, self.warmup // 2):  # many workers, the first of them still at work
            return self._random(held)
        if self._fitted is None or len(known) >= self._results + self.refit_every:
            self._fit(known)
        waiting = (each for each in self._queue if each.architecture.key not in held)
        found = next(waiting, None)
        if found is None:
            self._queue = self._looked_for(known, len(trials), held)
        return found or (self._queue[0] if self._queue else self._random(held))

    def _fit(self, known: Corpus) -> None:
        start = time.perf_counter()
        self._fitted = copy.deepcopy(self.surrogate)
        self._fitted.fit(known)
        self._fit_seconds = time.perf_counter() - start
        self._results, self._queue = len(known), []
        name = type(self.surrogate).__name__
        _logger.info("%s fitted to %d networks in %.2f s", name, len(known), self._fit_seconds)

    def _looked_for(self, known: Corpus, trials: int, held: Mapping[str, int]) -> list[Candidate]:
        assert self._fitted is not None
        best = float(known.targets.max())
        score = surrogate_score(
            self._fitted, self.acquisition, limits=self.limits, best=best, exclude=held.keys()
        )
        # After a restart, or in another worker, the same trials lead to the same random numbers.
        rng = np.random.default_rng([self.seed, trials, len(held)])
        return self.proposer.propose(self.space, score, self.refit_every, rng)


def _write(study: optuna.Study, trial: FrozenTrial, candidate: Candidate) -> None:
    """Says which architecture a trial is for, before its parameters tell."""
    plan: Any = {"key": candidate.architecture.key, "decisions": dict(candidate.decisions)}
    study._storage.set_trial_system_attr(trial._trial_id, PLAN, plan)


def _others_than(trial: FrozenTrial, study: optuna.Study) -> list[FrozenTrial]:
    trials = study.get_trials(deepcopy=False)
    return [each for each in trials if each.number != trial.number]


def _candidate(sampled: Sampled) -> Candidate:
    return Candidate(sampled.architecture, 0.0, sampled.decisions, sampled.options)
