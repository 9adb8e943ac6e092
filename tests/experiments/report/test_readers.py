"""The JSON files of a run folder: what passes can be drawn, all else gets one line."""

import json

import pytest

from experiments.folder import write_json
from experiments.propose import as_json
from experiments.report.readers import (
    read_predictions,
    read_proposals,
    read_search,
    read_summary,
    read_transfer,
)
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate
from nas.testing.toy import toy_architectures
from tests.experiments.report import material

POINT = {"key": "a", "real": 0.5, "predicted": 0.25}
NETWORK = toy_architectures(1)[0]
PROPOSAL = as_json(Candidate(NETWORK, 0.5))


def test_what_nas_writes_is_read(tmp_path):
    path = tmp_path / "it.json"
    write_json(path, {"Mine": [POINT]})
    assert read_predictions(path) == {"Mine": [POINT]}
    write_json(path, [PROPOSAL])
    assert read_proposals(path) == [Candidate(NETWORK, 0.5)]
    write_json(path, material.searched())
    assert read_search(path) == material.searched()
    write_json(path, material.transferred())
    assert read_transfer(path) == material.transferred()
    write_json(path, [["best", 3]])
    assert read_summary(path) == [("best", "3")]


def without(part):
    told = material.searched()
    del told["rows"][1][part]
    return told


def changed(part, value):
    told = material.searched()
    told["rows"][0][part] = value
    return told


def transfer_with(**changes):
    return material.transferred() | changes


def contestants(**changes):
    ours, theirs = material.transferred()["rows"]
    return transfer_with(rows=[ours, theirs | changes])


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (read_transfer, []),
        (read_transfer, transfer_with(rows=[])),
        (read_transfer, transfer_with(architecture={"blocks": 3})),
        (read_transfer, transfer_with(data={"name": "toy", "judged": "test"})),
        (read_transfer, transfer_with(data={"name": "toy", "judged": "test", "input": [3, 8]})),
        (read_transfer, transfer_with(data={"name": "toy", "input": [3, 8, 8, 10]})),
        (read_transfer, contestants(name=None)),
        (read_transfer, contestants(macs="many")),
        (read_transfer, contestants(history=[])),
        (read_transfer, contestants(history=[3])),
        (read_predictions, []),
        (read_predictions, {"Mine": {}}),
        (read_predictions, {"Mine": []}),
        (read_predictions, {"Mine": [3]}),
        *((read_predictions, {"Mine": [POINT, {**POINT, part: None}]}) for part in POINT),
        (read_predictions, {"Mine": [{**POINT, "real": float("nan")}]}),
        (read_predictions, {"Mine": [{**POINT, "real": 10**400}]}),
        (read_proposals, {}),
        (read_proposals, [3]),
        (read_proposals, [{**PROPOSAL, "predicted": "0.5"}]),
        (read_proposals, [{"predicted": 0.5}]),
        (read_proposals, [{**PROPOSAL, "architecture": None}]),
        (read_proposals, [{**PROPOSAL, "architecture": {"blocks": [[]]}}]),
        (read_search, []),
        (read_search, {}),
        (read_search, {**material.searched(), "best": None}),
        (read_search, {**material.searched(), "rows": []}),
        (read_search, {**material.searched(), "rows": [3]}),
        *((read_search, without(part)) for part in ("method", "regret", "best", "looked_up")),
        (read_search, changed("regret", [])),
        (read_search, changed("regret_low", [0.1])),
        (read_search, changed("found_at", [])),
        (read_search, changed("found_median", "3")),
        (read_search, changed("best", {"7": 0.5})),
        (read_summary, {}),
        (read_summary, [["best"]]),
    ],
)
def test_what_lacks_a_part_is_refused(tmp_path, read, content):
    path = tmp_path / "it.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InvalidOption, match="must be what a nas command wrote"):
        read(path)
