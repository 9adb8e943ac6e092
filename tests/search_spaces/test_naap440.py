import csv
import json

import pytest

from nas.core.errors import InvalidCorpus
from search_spaces.tables import IMPORTERS


def write_table(folder, rows=4):
    """A small table of upstream's form, made up: each network has a layer more than the last."""
    conv = {"kernel_size": 3, "width": 12, "stride": 2, "residual": False}
    keep = {"kernel_size": 3, "width": 12, "stride": 1, "residual": True}
    schemes = [[conv, *[keep] * (2 + extra)] for extra in range(rows)]
    (folder / "generated_schemes.json").write_text(json.dumps(schemes))
    names = ["ModelId", "IsTest", "NumParams", "MaxAccuracy"]
    epochs = [f"e{e}{part}" for e in range(1, 91) for part in ("LossMean", "Accuracy")]
    with (folder / "naap440.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names + epochs)
        writer.writeheader()
        for i in range(rows):
            curve = {name: 0.25 for name in epochs}
            row = {"ModelId": i + 1, "IsTest": int(i == 3), "NumParams": 0, "MaxAccuracy": 0.5}
            writer.writerow(row | curve)
    return folder


@pytest.mark.parametrize("name", ["", "naap440.csv"])
def test_networks_curves_and_the_fixed_split(tmp_path, name):
    corpus = IMPORTERS["naap440"](write_table(tmp_path) / name)
    assert (len(corpus), corpus.epochs) == (4, 90)
    train, test = corpus.fixed_split()
    assert (len(train), len(test)) == (3, 1)
    network = corpus[0].architecture
    # 3 -> 12 and twice 12 -> 12, without bias; three normalisations; 12 -> 10 with bias.
    assert network.params == 3 * 12 * 9 + 2 * 12 * 12 * 9 + 3 * 24 + 130
    assert [layer.op for layer in network.blocks[0]].count("add") == 2
    assert network.layers()[-1].out_shape == (10, 1, 1)


def test_no_networks_are_refused(tmp_path):
    write_table(tmp_path, rows=0)
    with pytest.raises(InvalidCorpus, match=r"naap440\.csv must hold trained networks"):
        IMPORTERS["naap440"](tmp_path)


@pytest.mark.parametrize("broken", ["naap440.csv", "generated_schemes.json"])
def test_a_missing_or_foreign_file_is_told(tmp_path, broken):
    write_table(tmp_path)
    (tmp_path / broken).write_text("x,y\n1,2\n")
    with pytest.raises(InvalidCorpus, match="must be upstream's file"):
        IMPORTERS["naap440"](tmp_path)
    (tmp_path / broken).unlink()
    with pytest.raises(InvalidCorpus, match="get it from"):
        IMPORTERS["naap440"](tmp_path)
