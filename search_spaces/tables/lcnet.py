"""LC-Net's CNN set: 265 configurations of a 3-layer CNN with 40-epoch curves (Klein et al. 2017).

Upstream: `configs.json`. The networks differ in the units of their layers; batch size and learning
rate are hyperparameters, given to surrogates as they stand there, together with the units. Curves
are validation errors upstream and accuracies here. Upstream's unit counts are real numbers, which
the architecture rounds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nas.core.architecture import Architecture, Input, Layer, Skeleton
from nas.core.corpus import Corpus, Header
from nas.core.records import LearningCurve, Record
from search_spaces.tables.reading import corpus_of, find, upstreams

UPSTREAM = "the data of 'Learning Curve Prediction with Bayesian Neural Networks' (ICLR 2017)"
EPOCHS = 40
INPUT = Input(3, 32, 32, 10)


def read_lcnet(path: Path) -> Corpus:
    """Reads upstream's JSON file, or the folder that holds it.

    Raises:
        InvalidCorpus: the file is missing or does not look like upstream's.
    """
    file = find(path, "configs.json", UPSTREAM)
    header = Header(
        Skeleton.plain(),
        INPUT,
        data="CIFAR10",
        recipe={"table": "lcnet", "epochs": EPOCHS},
        source="LC-Net, Klein et al. 2017",
        licence="none stated",
    )
    with upstreams(file):
        records = tuple(_record(each) for each in json.loads(file.read_text()))
    return corpus_of(file, header, records)


def _record(each: dict[str, Any]) -> Record:
    config: dict[str, float] = each["config"]
    layers: list[Layer] = []
    for place in (1, 2, 3):
        units = round(2 ** config[f"log2_n_units_{place}"])
        layers += [
            Layer("conv", (3, 3), width=units),
            Layer("relu"),
            Layer("max_pool", (2, 2), stride=2),
        ]
    layers += [Layer("global_pool"), Layer("dense", width=INPUT.classes)]
    curve = LearningCurve(tuple(1.0 - error for error in each["learning_curve"]))
    return Record(
        Architecture((tuple(layers),), Skeleton.plain(), INPUT),
        target=curve[-1],
        curve=curve,
        hyperparameters=dict(sorted(config.items())),
    )
