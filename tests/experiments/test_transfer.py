"""`nas transfer`: from a surrogate to a trained network, and what it says of bad input."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nas
from experiments.cli import VERBS, main, parser_of
from experiments.cli import command as command_of
from experiments.transferring.contestants import SCALED, baseline, searched
from nas import Architecture, Input, Layer, Skeleton
from nas.core.choices import Draw
from nas.core.errors import InvalidOption
from nas.core.limits import Limits
from nas.training.transfer import speed
from search_spaces import BlockSpace, MacroSpace, paper_skeleton

BLOCK = (Layer("conv", (3, 3)), Layer("batch_norm"), Layer("relu"))
ARCHITECTURE = Architecture((BLOCK,), paper_skeleton(), Input(3, 16, 16, 10))
SMALL = [
    *("--max_params", "20000", "--epochs", "2", "--recipe.batch_size", "16", "--loaders", "0"),
    *("--onnx", "false", "--devices", "1", "--baseline", "null"),
]


def three_kinds(path, side=16, train=60, test=20):
    """Writes three classes of images, of three brightnesses, as npz."""
    rng = np.random.default_rng(0)

    def part(count):
        labels = rng.permutation(np.arange(count) % 3)
        images = rng.integers(0, 100, (count, side, side, 3)) + 60 * labels[:, None, None, None]
        return images.astype(np.uint8), labels

    arrays = {}
    for name, count in (("train", train), ("test", test)):
        arrays[f"{name}_images"], arrays[f"{name}_labels"] = part(count)
    np.savez(path, **arrays)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with images and an architecture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(speed, "LEAST_SECONDS", 0.0)
    three_kinds("three.npz")
    Path("a.json").write_text(json.dumps([{"architecture": ARCHITECTURE.to_json()}, {"b": 1}][:1]))
    return tmp_path


def two_kinds(photos):
    """Writes a folder of 24 + 4 JPEGs of two classes."""
    for part, count in (("train", 12), ("val", 2)):
        for number, kind in enumerate(("ant", "bee")):
            (photos / part / kind).mkdir(parents=True)
            for index in range(count):
                image = Image.new("RGB", (20, 18 + index), (90 * number + index,) * 3)
                image.save(photos / part / kind / f"{index}.jpg")
    return photos


def words(*more, out="out", data="npz:three.npz", source=("--architecture", "a.json")):
    return ["transfer", *source, "--data", data, *SMALL, "--out", out, *map(str, more)]


def card_of(out):
    return Path(f"{out}/network/README.md").read_text()


def refused(capsys, *command):
    capsys.readouterr()
    assert main([str(word) for word in command]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("nas: error: ") and "\n" not in said and "Traceback" not in said
    return said


def test_everything_that_a_transfer_leaves(here, capsys):
    assert main(words("--baseline", SCALED, "--recipe.ema", "0.5")) == 0
    said = capsys.readouterr().out
    assert "60 images" not in said and "54 images to train on, 6 to validate, 20 to test" in said
    assert "training: 2 epochs of 3 steps of 16 images, rate 0.1 (cosine), precision 32" in said
    content = json.loads(Path("out/transfer.json").read_text())
    ours, theirs = content["rows"]
    assert (ours["name"], theirs["name"]) == ("searched", SCALED)
    assert 19_000 < ours["params"] <= 20_000
    assert 0.9 < theirs["macs"] / ours["macs"] <= 1
    for row in (ours, theirs):
        assert len(row["history"]) == 2 and row["top5"] == 1.0
        assert row["training_speed"] > 0 and row["inference_speed"] > 0
    assert content["recipe"]["epochs"] == 2 and content["recipe"]["ema"] == 0.5
    assert content["data"]["judged"] == "test" and "on the test images" in card_of("out")
    measured = content["measured"]
    assert (measured["batch"], measured["precision"]) == (16, "32")
    assert measured["device"] and measured["threads"] == torch.get_num_threads()
    kept = json.loads(Path("out/architecture.json").read_text())
    assert Architecture.from_json(kept) == ARCHITECTURE
    table = Path("out/transfer.md").read_text()
    assert "images/s training" in table and f"of the MACs of {SCALED}" in table
    assert table.split("\n\n")[0] in said
    page = Path("out/report.html").read_text()
    assert "plotly" in page and SCALED in page and "top-1 after each epoch" in page
    card = card_of("out")
    assert "classes" in card and "its middle of 16x16 pixels, RGB in [0, 1]" in card
    assert "torch " in card and "step_every" not in card
    assert "nas.load_network" in card and "conv3x3 → bn → relu" in card and "ema: 0.5" in card
    assert all(line in card for line in table.split("\n\n")[0].splitlines())
    code = json.loads(re.search(r"```json\n(.*?)```", card, re.DOTALL)[1])
    network = nas.load_network("out/network")
    assert Architecture.from_json(code).params == ours["params"]
    assert sum(each.numel() for each in network.parameters()) == ours["params"]
    arrays = np.load("three.npz")
    images = torch.from_numpy(arrays["test_images"]).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        right = network(images).argmax(1) == torch.from_numpy(arrays["test_labels"])
    assert right.double().mean().item() == pytest.approx(ours["top1"])
    assert {"searched", SCALED} == {path.name for path in Path("out/trainings").iterdir()}
    assert "epochs: 2" in Path("out/transfer.yaml").read_text()


def fit_constant(into):
    """A surrogate in a folder, fitted to ten networks."""
    from experiments.fit import fit_into
    from experiments.folder import RunFolder
    from nas import Corpus, Header, Record
    from surrogates import Constant

    space, rng = BlockSpace().on(Input(3, 16, 16, 10)), np.random.default_rng(0)
    networks = [space.generate(Draw(rng)) for _ in range(10)]
    records = [Record(each, target=each.macs / 1e9, index=i) for i, each in enumerate(networks)]
    header = Header(space.skeleton, space.input, data="npz:three.npz", recipe={"epochs": 1})
    fit_into(RunFolder(into).make(), Constant(), Corpus(header, tuple(records)))


def test_from_a_fitted_surrogate_in_one_command(here, capsys, monkeypatch):
    """Up to the training: the network has the paper's size."""
    from experiments.transferring import verb

    fit_constant(here / "fit")
    planned = []
    monkeypatch.setattr(verb.Run, "work", lambda run: planned.append(run))
    photos = here / "photos"
    for part in ("train", "val"):
        for kind in range(3):
            (photos / part / f"{kind}").mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(photos / part / f"{kind}" / "a.png")
    command = ["transfer", "--surrogate", "fit", "--budget", "20", "--data", f"folder:{photos}"]
    assert main([*command, "--max_params", "35000000", "--skeleton", "light"]) == 0
    ours, theirs = planned[0].contestants
    assert ours.params == pytest.approx(35_000_000, rel=0.01)
    assert ours.architecture.input == Input(3, 224, 224, 3)
    assert theirs.name == "vgg13_bn"
    assert theirs.params == 133_053_736 - 997 * 4097  # three classes instead of a thousand
    assert len(ours.architecture.blocks) == 1 and "in the skeleton 'light'" in ours.told


def test_a_surrogate_is_asked_once(here, capsys, monkeypatch):
    from experiments.transferring import verb

    fit_constant(here / "fit")
    source = ("--surrogate", "fit", "--budget", "5")
    run = words("--epochs", "1", "--max_params", "100000", source=source)
    assert main(run) == 0
    kept = Path("out/architecture.json").read_bytes()

    def asked(*_):
        raise InvalidOption("the surrogate was asked")

    monkeypatch.setattr(verb, "favourites", asked)
    assert main([*run, "--resume"]) == 0
    assert Path("out/architecture.json").read_bytes() == kept
    assert "was asked" in refused(capsys, *run)


def test_without_a_baseline_and_over_a_folder(here, capsys):
    photos = two_kinds(here / "photos")
    data = f"folder:{photos}"
    more = ["--resolution", "16", "--recipe.batch_size", "8"]
    assert main(words(*more, data=data)) == 0
    said = capsys.readouterr().out
    assert "reading 28 images once" in said
    assert "4 to validate\n" in said and "on 4 validation images" in said
    card = card_of("out")
    assert "on the validation images" in card and "4 to validate.\n" in card
    assert nas.load_network("out/network").classes == ("ant", "bee")
    assert main(words(*more, "--resume", data=data)) == 0
    assert "reading" not in capsys.readouterr().out, "they were read through"
    (photos / "train" / "ant" / "0.jpg").rename(photos / "train" / "ant" / "new.jpg")
    assert "but digest was" in refused(capsys, *words(*more, "--resume", data=data))
    (photos / "train" / "ant" / "new.jpg").rename(photos / "train" / "ant" / "0.jpg")
    # Another image breaks while the network is trained: the same line, and no traceback.
    (photos / "train" / "bee" / "3.jpg").write_bytes(b"no image")
    for loaders in (0, 1):
        said = refused(
            capsys, *words(*more, "--check", "false", "--loaders", loaders, data=data, out="o2")
        )
        assert "every image must be readable, but" in said and "3.jpg is not" in said
    assert "3.jpg is not; replace or remove it" in refused(
        capsys, *words(*more, data=data, out="o3")
    )
    (photos / "train" / "bee" / "3.jpg").unlink()
    (photos / "val" / "cow").mkdir()
    assert "val/, but cow has none" in refused(capsys, *words(*more, data=data, out="o3"))
    (photos / "val" / "bee").rename(photos / "val" / "cow" / "bee")
    (photos / "val" / "cow" / "bee" / "0.jpg").rename(photos / "val" / "cow" / "0.jpg")
    assert "they differ in bee, cow" in refused(capsys, *words(*more, data=data, out="o3"))
    assert not Path("o3").exists()


def test_a_training_goes_on_with_resume_alone(here, capsys):
    assert main(words()) == 0
    first = Path("out/network/weights.safetensors").read_bytes()
    assert "add --resume to go on" in refused(capsys, *words())
    assert "seed was 0 and is 1" in refused(capsys, *words("--seed", 1, "--resume"))
    more = ["--resume", "--epochs", "3"]
    assert "epochs was 2 and is 3" in refused(capsys, *words(*more))
    assert main(words("--resume")) == 0
    assert Path("out/network/weights.safetensors").read_bytes() == first
    assert "goes on behind step 6 of 6" in capsys.readouterr().out
    assert main(words("--baseline", SCALED, "--resume")) == 0  # another one may come later
    assert len(json.loads(Path("out/transfer.json").read_text())["rows"]) == 2


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--max_params", "10"], "must leave room for one channel"),
        (["--baseline", "vgg"], "a baseline must be a classifier of torchvision"),
        (["--baseline", "alexnet"], "alexnet must take images of 16x16"),
        (["--recipe.batch_size", "64"], r"as a step sees \(64\), but has 54"),
        (["--recipe.epochs", "3"], 'Linked "recipe.epochs" must be given via "epochs"'),
        (["--recipe.accumulate", "5"], "divide batch_size"),
        (["--precision", "8"], "--precision"),
        (["--skeleton", "resnet"], "--skeleton"),
        (["--devices", "0"], "devices must be at least 1"),
        (["--surrogate", "fit"], "needs --surrogate or --architecture, but got both"),
        (["--data", "folder:nowhere"], "must have train/ and val/"),
        (["--seed", "-1"], "seed must be a whole number"),
        (["--out", "a.json"], "a.json"),
        (["--strategy", "fsdp"], "--strategy"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_one_line_before_anything_is_trained(here, capsys, more, part):
    assert re.search(part, refused(capsys, *words(*more)))
    assert not Path("out").exists()


def test_neither_surrogate_nor_architecture(here, capsys):
    assert "but got none" in refused(capsys, *words(source=()))


def test_missing_packages_are_named_before_anything_is_trained(here, capsys, monkeypatch):
    monkeypatch.setattr("nas.networks.onnx.find_spec", lambda name: None)
    assert "pip install 'peephole-nas[transfer]'" in refused(capsys, *words("--onnx", "true"))
    monkeypatch.setattr("nas.training.transfer.trainer.find_spec", lambda name: None)
    assert "tensorboard" in refused(capsys, *words())
    assert not Path("out").exists()


def test_designs_are_spread_over_the_stages_in_their_order():
    blocks = tuple((Layer("conv", (side, side)), Layer("relu")) for side in (1, 3, 5))
    network = Architecture(blocks, paper_skeleton(), Input(3, 32, 32, 10))
    found = searched(network, "light", network.input, Limits()).architecture
    assert [block[0].kernel[0] for block in found.blocks] == [1, 1, 3, 3, 5]
    one = searched(replace(network, blocks=blocks[:1]), "vgg", network.input, Limits())
    assert one.architecture.blocks == blocks[:1]


@pytest.mark.parametrize(
    "network",
    [
        Architecture(((Layer("conv"), Layer("dense")),), Skeleton.plain(), Input(3, 8, 8, 2)),
        MacroSpace().generate(Draw(np.random.default_rng(0))),
    ],
    ids=["no stages", "a block a place"],
)
def test_what_has_no_blocks_to_transfer_is_refused(network):
    with pytest.raises(InvalidOption, match="one block for all places or one for each stage"):
        searched(network, "vgg", network.input, Limits())


def test_the_scaled_baseline_has_the_networks_macs():
    size = Input(3, 32, 32, 10)
    found = baseline(SCALED, size, 20_000_000)
    assert 0.97 * 20_000_000 < found.macs <= 20_000_000
    weights = [next(found.make(seed).parameters()) for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_the_scaled_baseline_begins_as_torchvisions_does():
    network = baseline(SCALED, Input(3, 32, 32, 10), 20_000_000).make(0)
    dense = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
    assert len(dense) == 3
    for module in dense:
        assert module.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not module.bias.any()


def test_a_seed_gives_torchvisions_network_its_weights():
    found = baseline("squeezenet1_1", Input(3, 32, 32, 10), 1)
    state = torch.get_rng_state()
    weights = [next(found.make(seed).parameters()) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_flags_need_no_value():
    parse = parser_of("transfer", VERBS["transfer"]).parse_args
    assert [parse(w).resume for w in ([], ["--resume"], ["--resume", "false"])] == [0, 1, 0]
    assert parse(["--resume", "--out", "x"]).resume
    assert [parse(w).check for w in ([], ["--check"], ["--check", "false"])] == [True, True, False]
    collect = parser_of("collect", VERBS["collect"]).parse_args(["--reclaim", "--networks", "3"])
    assert collect.reclaim and collect.networks == 3


def command(*more, **options):
    return [sys.executable, "-m", "experiments.cli", *words(*more, **options)]


def environment():
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_killed_with_9_and_resumed_the_weights_are_those_of_the_undisturbed_run(here):
    more = ["--epochs", "30", "--loaders", "1", "--checkpoint_minutes", "0"]
    more += ["--recipe.accumulate", "2", "--recipe.ema", "0.9"]
    settings = {"env": environment(), "capture_output": True, "check": True}
    subprocess.run(command(*more, out="whole"), **settings)
    checkpoint = Path("killed/trainings/searched/last.ckpt")
    for resume in ([], ["--resume"]):
        running = subprocess.Popen(
            command(*more, *resume, out="killed"),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before:
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not Path("killed/network").exists(), "it was killed in the middle"
    subprocess.run(command(*more, "--resume", out="killed"), **settings)
    weights = [
        Path(f"{out}/network/weights.safetensors").read_bytes() for out in ("whole", "killed")
    ]
    assert weights[0] == weights[1]


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["train/bee/3.jpg", "val/ant/0.jpg", "val/bee/1.jpg"])
def test_of_two_processes_one_tells_of_a_broken_image(here, broken):
    """In training it is met by either process, in validation by the first or the second."""
    photos = two_kinds(here / "photos")
    (photos / broken).write_bytes(b"no image")
    more = ["--resolution", "16", "--recipe.batch_size", "8", "--check", "false"]
    done = subprocess.run(
        command(*more, "--devices", "2", "--loaders", "1", data=f"folder:{photos}"),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("nas: error: ")]
    first, *others = sorted(errors, key=lambda line: broken not in line)
    assert first.endswith(f"{broken} is not; replace or remove it")
    assert all("another one ended, and its own line says why" in line for line in others)
    assert len(others) <= 1


@pytest.mark.slow
def test_of_two_processes_the_first_one_tells_and_writes(here):
    done = subprocess.run(
        command("--devices", "2", "--baseline", SCALED, "--loaders", "1"),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote") == 4
    assert done.stdout.count("training: 2 epochs") == 1
    rows = json.loads(Path("out/transfer.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["searched", SCALED]


def test_a_network_that_onnx_cannot_express_is_refused_before_it_is_trained(
    here, capsys, monkeypatch
):
    from nas.core.errors import InvalidNetwork

    def refuse(classifier, size):
        assert not classifier.training and size == Input(3, 16, 16, 3)
        raise InvalidNetwork("the network must consist of what ONNX can express")

    monkeypatch.setattr("nas.networks.onnx.rehearse_onnx", refuse)
    assert "what ONNX can express" in refused(capsys, *words("--onnx", "true"))
    assert not Path("out").exists()


def test_the_small_transfer_keeps_to_its_images(tmp_path):
    from experiments.transferring.small import images

    three_kinds(tmp_path / "full.npz", side=4, train=60, test=12)
    data, out = f"npz:{tmp_path / 'full.npz'}", tmp_path / "out"
    made = images(data, 12, 30, 12, out)
    before = [path.read_bytes() for path in made]
    (out / "images.json").unlink()  # as folders were before options stood beside the images
    assert images(data, 12, 30, 12, out) == made
    with pytest.raises(InvalidOption, match=r"holds those of .*'train': 30.*; take another --out"):
        images(data, 12, 33, 12, out)
    assert [path.read_bytes() for path in made] == before


@pytest.mark.slow
def test_the_small_transfer_runs_and_goes_on(here, capsys):
    from experiments.transferring.small import small

    def run(*words):
        return command_of(small, words)

    three_kinds("full.npz", side=32, train=120, test=30)
    options = ["--data", "npz:full.npz", "--search_train", "60", "--networks", "3"]
    options += [
        "--train",
        "90",
        "--epochs",
        "1",
        "--max_macs",
        "500000",
        "--seeds",
        "2",
        "--test",
        "30",
    ]
    for _ in range(2):
        assert run(*options, "--out", "small") == 0
        said = capsys.readouterr().out
        assert "points" in said and "of 2 seeds" in said
    found = json.loads(Path("small/small.json").read_text())
    assert found["seeds"] == 2 and set(found["top1"]) == {"searched", SCALED}
    assert "mean ± sd" in Path("small/small.md").read_text()
    assert run("--data", "npz:nowhere.npz", "--out", "other") == 2
    assert run("--data", "npz:full.npz", "--seeds", "0") == 2
