"""Trained networks as folders: what is read back computes the same, without the search."""

import json
import subprocess
import sys

import pytest
import torch

import nas
from nas import Architecture, Input, Layer, Skeleton
from nas.core.errors import InvalidArchitecture, InvalidNetwork
from nas.networks import Classifier, build, initialise, load_network, save_network

SIZE = Input(3, 6, 5, 4)
ARCHITECTURE = Architecture(
    (
        (
            Layer("conv", (2, 3), width=5),
            Layer("batch_norm"),
            Layer("relu"),
            Layer("avg_pool", (3, 3)),
            Layer("global_pool"),
            Layer("dense", width=4),
        ),
    ),
    Skeleton.plain(),
    SIZE,
)
IMAGES = torch.rand(3, 3, 6, 5, generator=torch.Generator().manual_seed(0))


def classifier(architecture=ARCHITECTURE):
    network = build(architecture)
    initialise(network, 0)
    made = Classifier(network, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), [f"kind {n}" for n in range(4)])
    made(IMAGES)  # the running statistics become others than the initial ones
    return made.to(memory_format=torch.channels_last).eval()


def test_a_classifier_normalises():
    made = classifier()
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4)))
    torch.testing.assert_close(made(IMAGES), made.network((IMAGES - mean) / std))


def test_what_is_loaded_is_what_was_saved(tmp_path):
    saved = classifier()
    save_network(saved, ARCHITECTURE, tmp_path / "network")
    torch.manual_seed(3)
    state = torch.get_rng_state()
    loaded = nas.load_network(tmp_path / "network")
    assert torch.equal(torch.get_rng_state(), state)
    assert loaded.classes == ("kind 0", "kind 1", "kind 2", "kind 3")
    assert not loaded.training
    ours, theirs = saved.state_dict(), loaded.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    with torch.no_grad():
        torch.testing.assert_close(loaded(IMAGES), saved(IMAGES), rtol=0, atol=1e-6)


def test_it_comes_without_the_search(tmp_path):
    save_network(classifier(), ARCHITECTURE, tmp_path)
    code = (
        "import sys, nas; assert 'torch' not in sys.modules; "
        f"network = nas.load_network({str(tmp_path)!r}); "
        "search = {'optuna', 'search_spaces', 'surrogates', 'experiments', 'sklearn', 'scipy', "
        "'pytorch_lightning', 'torchvision', 'onnx'} & set(sys.modules); assert not search, search"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def spoil_json(folder, **changes):
    path = folder / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda folder: (folder / "network.json").unlink(), r"must be a folder with network\.json"),
        (lambda folder: (folder / "network.json").write_text("{"), r"network\.json cannot be read"),
        (lambda folder: spoil_json(folder, format=2), "it must be an object of format 1"),
        (lambda folder: spoil_json(folder, mean=3), r"network\.json cannot be read"),
        (lambda folder: spoil_json(folder, classes=["a"]), "it must name 4 classes"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "safetensors cannot be read"),
        (lambda folder: (folder / "weights.safetensors").write_bytes(b"x"), "cannot be read"),
    ],
)
def test_a_broken_folder_is_refused_in_one_line(tmp_path, spoil, part):
    save_network(classifier(), ARCHITECTURE, tmp_path)
    spoil(tmp_path)
    with pytest.raises(InvalidNetwork, match=part) as error:
        load_network(tmp_path)
    assert "\n" not in str(error.value)


def test_weights_of_another_network_are_refused(tmp_path):
    save_network(classifier(), ARCHITECTURE, tmp_path)
    other = ARCHITECTURE.to_json()
    other["blocks"][0][0]["width"] = 6
    spoil_json(tmp_path, architecture=other)
    with pytest.raises(InvalidNetwork, match=r"size mismatch"):
        load_network(tmp_path)
    spoil_json(tmp_path, architecture={})
    with pytest.raises(InvalidArchitecture):
        load_network(tmp_path)


def test_there_is_nothing_else_that_comes_late():
    assert "load_network" in nas.__all__
    with pytest.raises(AttributeError, match="nothing"):
        nas.nothing  # noqa: B018
