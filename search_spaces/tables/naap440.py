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
from nas.core.errors import InvalidCorpus
from nas.core.records import LearningCurve, Record

EPOCHS = 90
INPUT = Input(3, 32, 32, 10)


def read_naap440(folder: Path) -> Corpus:
    """Reads the upstream folder, or its `naap440.csv` beside the schemes.

    Raises:
        InvalidCorpus: a file is missing or does not look like upstream's.
    """
    table = folder if folder.suffix == ".csv" else folder / "naap440.csv"
    schemes = table.with_name("generated_schemes.json")
    for path in (table, schemes):
        if not path.is_file():
            raise InvalidCorpus(
                f"naap440 needs naap440.csv and generated_schemes.json in one folder, but {path} "
                "is not there; get them from github.com/talcs/NAAP-440"
            )
    header = Header(
        Skeleton.plain(),
        INPUT,
        data="CIFAR10",
        recipe={"table": "naap440", "epochs": EPOCHS},
        source="NAAP-440, github.com/talcs/NAAP-440",
        licence="MIT",
    )
    try:
        networks = json.loads(schemes.read_text())
        with table.open(newline="") as rows:
            records = [
                _record(networks[int(row["ModelId"]) - 1], row) for row in csv.DictReader(rows)
            ]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InvalidCorpus(
            f"naap440.csv and generated_schemes.json must be upstream's, but one cannot be read: "
            f"{error!r}"
        ) from error
    return Corpus(header, tuple(records))


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
