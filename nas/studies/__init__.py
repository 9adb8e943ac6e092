"""Everything Optuna that concerns collecting: each trained network is a trial of a study."""

from nas.studies.collect import collect
from nas.studies.export import corpora_of, corpus_of
from nas.studies.progress import Progress
from nas.studies.storage import opened
from nas.studies.stream import Sampled, stream
from nas.studies.take_in import take_in
from nas.studies.task import CollectTask, find_study

__all__ = [
    "CollectTask",
    "Progress",
    "Sampled",
    "collect",
    "corpora_of",
    "corpus_of",
    "find_study",
    "opened",
    "stream",
    "take_in",
]
