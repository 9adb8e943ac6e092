"""MetaQNN on CIFAR-10: 1,000 chain CNNs with 20-epoch curves (Baker et al. 2017, 2018).

Upstream: `metaqnn_cifar10.csv` of MITAutoML/accelerating_nas. A network is a string such as
`[C(64,3,1), P(2,2), D(1,3), FC(128), GAP(10), SM(10)]`: convolution (filters, kernel, stride),
max-pool (kernel, stride), dropout i of n (probability i / 2n), dense, a 1x1 convolution to the
classes with a global average, softmax. The table does not tell where activations stand, so there
are none. The learning rate is a hyperparameter of the record: it was lowered for networks that
failed to start, so it tells about the outcome and must not serve as a feature of the network.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from nas.core.architecture import Architecture, Block, Input, Layer, Skeleton
from nas.core.corpus import Corpus, Header
from nas.core.records import LearningCurve, Record
from search_spaces.tables.reading import corpus_of, find, upstreams

UPSTREAM = "github.com/MITAutoML/accelerating_nas"
EPOCHS = 20
INPUT = Input(3, 32, 32, 10)
TOKEN = re.compile(r"([A-Z]+)\(([\d,]+)\)")
NETWORK = re.compile(rf"\[{TOKEN.pattern}(?:, ?{TOKEN.pattern})*\]")


def read_metaqnn(path: Path) -> Corpus:
    """Reads upstream's CSV file, or the folder that holds it.

    Raises:
        InvalidCorpus: the file is missing or does not look like upstream's.
    """
    file = find(path, "metaqnn_cifar10.csv", UPSTREAM)
    header = Header(
        Skeleton.plain(),
        INPUT,
        data="CIFAR10",
        recipe={"table": "metaqnn", "epochs": EPOCHS},
        source=f"MetaQNN, {UPSTREAM}",
        licence="MIT",
    )
    with upstreams(file), file.open(newline="") as rows:
        records = tuple(_record(row) for row in csv.DictReader(rows))
    return corpus_of(file, header, records)


def _record(row: dict[str, str]) -> Record:
    curve = LearningCurve(tuple(float(row[f"acc_{epoch}"]) for epoch in range(1, EPOCHS + 1)))
    return Record(
        Architecture((metaqnn_block(row["net"]),), Skeleton.plain(), INPUT),
        target=curve[-1],
        curve=curve,
        hyperparameters={"lr": float(row["lr"])},
    )


def metaqnn_block(net: str) -> Block:
    """The layers of a network string.

    Raises:
        ValueError: it is not one, or has a layer of another kind.
    """
    if not NETWORK.fullmatch(net):
        raise ValueError(f"layers must be NAME(NUMBERS) in brackets, but got {net!r}")
    tokens = [(name, tuple(map(int, numbers.split(",")))) for name, numbers in TOKEN.findall(net)]
    averaged = any(name == "GAP" for name, _ in tokens)
    layers: list[Layer] = []
    for name, numbers in tokens:
        layers += _layers(name, numbers, averaged)
    return tuple(layers)


def _layers(name: str, numbers: tuple[int, ...], averaged: bool) -> list[Layer]:
    first = numbers[0]
    if name == "C":
        return [Layer("conv", (numbers[1],) * 2, width=first, stride=numbers[2])]
    if name == "P":
        return [Layer("max_pool", (first, first), stride=numbers[1])]
    if name == "D":
        return [Layer("dropout", args={"p": first / (2 * numbers[1])})]
    if name == "FC":
        return [Layer("dense", width=first)]
    if name == "GAP":
        return [Layer("conv", width=first), Layer("global_pool")]
    if name == "SM":
        return [] if averaged else [Layer("dense", width=first)]
    raise ValueError(f"unknown layer {name}{numbers}")
