"""The verb: its options, and which networks they mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from experiments.folder import RunFolder
from experiments.predict import read_architectures
from experiments.propose import favourites
from experiments.terminal import say
from experiments.transferring.contestants import Skeletons, searched
from experiments.transferring.contestants import baseline as baseline_of
from experiments.transferring.run import Run
from nas.core.architecture import Architecture
from nas.core.choices import check_seed
from nas.core.errors import InvalidOption, ProcessLost
from nas.core.interfaces import Proposer, SearchSpace
from nas.core.limits import Limits
from nas.training.transfer.recipe import TransferRecipe


def transfer(
    space: SearchSpace,
    proposer: Proposer,
    surrogate: Path | None = None,
    architecture: Path | None = None,
    budget: int | None = None,
    trust: list[str] | None = None,
    data: str = "CIFAR10",
    resolution: int | None = None,
    check: bool = True,
    skeleton: Skeletons = "vgg",
    max_params: int | None = None,
    max_macs: int | None = None,
    epochs: int = 90,
    precision: Literal["32", "bf16", "16"] = "32",
    recipe: TransferRecipe = TransferRecipe(),  # noqa: B008 - frozen; the parser shows its fields
    baseline: str | None = "vgg13_bn",
    devices: int | Literal["auto"] = "auto",
    nodes: int = 1,
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto",
    loaders: int = 4,
    checkpoint_minutes: float = 10.0,
    onnx: bool = True,
    resume: bool = False,
    seed: int = 0,
    dry_run: bool = False,
    out: Path = Path("runs/transfer"),
) -> None:
    """Put a found block into a network of ImageNet's size, train it, and compare it.

    Give --surrogate, whose favourite is taken, or --architecture. The network is made as wide as
    --max_params and --max_macs allow. Killed at any moment, the same command with --resume goes on
    exactly where the last checkpoint was written, with the network that was chosen.

    Args:
        space: search space that the surrogate's favourite comes from.
        proposer: how that space is looked through.
        surrogate: folder that 'nas fit' wrote, or the name of one that the project holds.
        architecture: JSON file with an architecture, or what 'nas propose' wrote: its first one.
        budget: architectures that the proposer may score, instead of its own setting.
        trust: packages besides our own that a saved surrogate may come from.
        data: folder:PATH with train/ and val/ as ImageNet has them, a torchvision name, npz:PATH or
            digits.
        resolution: pixels a side of the images; 224 for a folder, their own for others.
        check: decode every image of a folder before training, once for each --out.
        skeleton: vgg keeps the resolution in its stem, light halves it, for a quarter of the MACs.
        max_params: largest number of parameters of the network.
        max_macs: largest number of multiply-accumulates of the network for one image.
        epochs: passes over the training images.
        precision: 32, or bf16 or 16 for mixed precision.
        recipe: how every network is trained.
        baseline: network to compare with: any classifier of torchvision, scaled_vgg13_bn for
            VGG-13-BN as wide as gives the same MACs, or null.
        devices: GPUs of each machine, or processes where there is none; auto takes all GPUs.
        nodes: machines, on which torchrun or a job scheduler starts this command.
        strategy: of Lightning, for several devices; auto finds out which one a network needs.
        loaders: processes that read images, for each device.
        checkpoint_minutes: between two checkpoints.
        onnx: whether the trained network is written as ONNX too.
        resume: go on from the checkpoints in --out.
        seed: of weights, order, augmentation and dropout, and of the proposer.
        dry_run: tell which networks would be trained on what, and do nothing.
        out: folder for everything this run writes.
    """
    check_seed(seed)
    from nas.networks.onnx import check_onnx
    from nas.training.data.streaming import stream_data
    from nas.training.transfer import Machines, is_first

    if onnx and not dry_run:
        check_onnx()
    machines = Machines(devices, nodes, strategy, loaders, checkpoint_minutes)
    folder = RunFolder(out)
    kept = folder.chosen if resume or not is_first() else None
    block = chosen(space, proposer, surrogate, architecture, budget, trust, seed, kept)
    source = stream_data(data, resolution)
    ours = searched(block, skeleton, source.input, Limits(max_params, max_macs))
    contestants = [ours]
    if baseline is not None:
        contestants.append(baseline_of(baseline, source.input, ours.macs))
    run = Run(block, contestants, source, recipe, machines, folder, seed, resume, onnx, check)
    if dry_run:
        run.check_settings()
        return say(run.plan())
    try:
        run.work()
    except ProcessLost as error:
        if is_first():
            raise
        raise SystemExit(error.exit_status) from error  # one of those that wait says enough


def chosen(
    space: SearchSpace,
    proposer: Proposer,
    surrogate: Path | None,
    architecture: Path | None,
    budget: int | None,
    trust: Sequence[str] | None,
    seed: int,
    kept: Path | None = None,
) -> Architecture:
    """The network whose blocks are transferred; the options are those of `transfer`.

    A surrogate is asked once: on another machine, or fitted again, it might like another network.

    Args:
        kept: file of what it chose before; nothing is asked where it is there.

    Raises:
        InvalidOption: there is not exactly one of surrogate and architecture.
    """
    if (surrogate is None) == (architecture is None):
        got = "none" if surrogate is None else "both"
        raise InvalidOption(f"a transfer needs --surrogate or --architecture, but got {got}")
    if architecture is not None:
        return read_architectures(architecture)[0]
    assert surrogate is not None
    if kept is not None and kept.is_file():
        return read_architectures(kept)[0]
    _, found = favourites(surrogate, space, proposer, budget, 1, Limits(), seed, trust)
    return found[0].architecture
