"""Everything Optuna that concerns collecting: each trained network is a trial of a study."""

from nas.studies.baselines import baseline
from nas.studies.collect import collect
from nas.studies.export import corpora_of, corpus_of, header_of, running_in
from nas.studies.history import corpus_of_trials
from nas.studies.objective import Objective, replay
from nas.studies.progress import Progress
from nas.studies.pruner import LearningCurvePruner
from nas.studies.samplers import EvolutionSampler, SpaceSampler, SurrogateSampler
from nas.studies.search import search
from nas.studies.storage import opened
from nas.studies.stream import Sampled, stream
from nas.studies.take_in import take_in
from nas.studies.task import CollectTask, described, find_study

__all__ = [
    "CollectTask",
    "EvolutionSampler",
    "LearningCurvePruner",
    "Objective",
    "Progress",
    "Sampled",
    "SpaceSampler",
    "SurrogateSampler",
    "baseline",
    "collect",
    "corpora_of",
    "corpus_of",
    "corpus_of_trials",
    "described",
    "find_study",
    "header_of",
    "opened",
    "replay",
    "running_in",
    "search",
    "stream",
    "take_in",
]
