"""NAAP-440: 440 chain CNNs trained for 90 epochs on CIFAR-10 (Hakim 2022, talcs/NAAP-440).

Upstream: `naap440.csv` (one row a network) beside `generated_schemes.json` (its convolutions).
Each convolution is without bias and followed by batch normalisation and ReLU; where `residual` is
set, its input is added; behind the last come a global average and a linear layer. The target is
`MaxAccuracy`, the best of 90 epochs; the split into 400 and 40 networks is fixed by `IsTest`.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from nas.core.architecture import Architecture, Block, Input, Layer, Skeleton
from nas.core.corpus import Corpus, Header
from nas.core.records import LearningCurve, Record
from search_spaces.tables.reading import corpus_of, find, upstreams

UPSTREAM = "github.com/talcs/NAAP-440"
EPOCHS = 90
INPUT = Input(3, 32, 32, 10)


def read_naap440(folder: Path) -> Corpus:
    """Reads the upstream folder, or its `naap440.csv` beside the schemes.

    Raises:
        InvalidCorpus: a file is missing or does not look like upstream's.
    """
    table = find(folder, "naap440.csv", UPSTREAM)
    schemes = find(table.parent, "generated_schemes.json", UPSTREAM)
    header = Header(
        Skeleton.plain(),
        INPUT,
        data="CIFAR10",
        recipe={"table": "naap440", "epochs": EPOCHS},
        source=f"NAAP-440, {UPSTREAM}",
        licence="MIT",
    )
    with upstreams(schemes):
        networks = json.loads(schemes.read_text())
    with upstreams(table), table.open(newline="") as rows:
        records = [_record(networks[int(row["ModelId"]) - 1], row) for row in csv.DictReader(rows)]
    return corpus_of(table, header, records)


def _record(scheme: list[dict[str, Any]], row: dict[str, str]) -> Record:
    return Record(
        Architecture((_block(scheme),), Skeleton.plain(), INPUT),
        target=float(row["MaxAccuracy"]),
        curve=LearningCurve(tuple(float(row[f"e{e}Accuracy"]) for e in range(1, EPOCHS + 1))),
        train_loss=tuple(float(row[f"e{e}LossMean"]) for e in range(1, EPOCHS + 1)),
        split="test" if int(row["IsTest"]) else "train",
    )


def _block(scheme: list[dict[str, Any]]) -> Block:
    layers: list[Layer] = []
    for conv in scheme:
        layers.append(
            Layer(
                "conv",
                (conv["kernel_size"],) * 2,
                width=conv["width"],
                stride=conv["stride"],
                args={"bias": False},
            )
        )
        layers.append(Layer("batch_norm"))
        if conv["residual"]:  # from behind the normalisation, past the convolution, to its input
            layers.append(Layer("add", inputs=(-1, -3)))
        layers.append(Layer("relu"))
    return (*layers, Layer("global_pool"), Layer("dense", width=INPUT.classes))
