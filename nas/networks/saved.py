"""A trained network as a folder, which needs nothing of the search to be read.

network.json            format, architecture, normalisation, names of the classes
weights.safetensors     parameters and running statistics, by torch's names
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from nas.core.architecture import Architecture
from nas.core.errors import InvalidNetwork
from nas.core.files import write_bytes, write_text
from nas.networks.classifier import Classifier
from nas.networks.network import build

FORMAT = 1
MAIN = "network.json"
WEIGHTS = "weights.safetensors"
Folder = str | os.PathLike[str]


def save_network(classifier: Classifier, architecture: Architecture, directory: Folder) -> None:
    """Writes a network so that `load_network` gives it back.

    Args:
        classifier: around what `build(architecture)` gave.
        architecture: of the network.
        directory: a folder, made if need be.

    Raises:
        InvalidOption: it cannot be written.
    """
    from safetensors.torch import save

    state = classifier.network.state_dict()
    content = {
        "format": FORMAT,
        "architecture": architecture.to_json(),
        "mean": classifier.mean.flatten().tolist(),
        "std": classifier.std.flatten().tolist(),
        "classes": list(classifier.classes),
    }
    folder = Path(directory)
    write_bytes(folder / WEIGHTS, save({key: each.contiguous() for key, each in state.items()}))
    write_text(folder / MAIN, json.dumps(content, indent=1) + "\n")


def load_network(directory: Folder) -> Classifier:
    """The network of a folder that `nas transfer` wrote, on the CPU and in evaluation mode.

    It maps images (n, channels, height, width) with values in [0, 1] to logits (n, classes);
    `classes` holds the names. Nothing is unpickled; ops of one's own are imported by the paths in
    the architecture, so read such networks only where their origin is trusted.

    Args:
        directory: the folder.

    Raises:
        InvalidNetwork: it is missing or broken.
        InvalidArchitecture: the architecture in it cannot be built.
    """
    folder = Path(directory)
    content = _content(folder)
    try:
        architecture = Architecture.from_json(content["architecture"])
        parts = [list(content[name]) for name in ("mean", "std", "classes")]
        if len(parts[2]) != architecture.input.classes:
            raise ValueError(f"it must name {architecture.input.classes} classes")
        with torch.random.fork_rng([]):  # of initial weights, which are not kept
            classifier = Classifier(build(architecture), *parts)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(folder / MAIN, error) from error
    _read_weights(classifier, folder / WEIGHTS)
    return classifier.eval()


def _content(folder: Path) -> dict[str, Any]:
    path = folder / MAIN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InvalidNetwork(
            f"a saved network must be a folder with {MAIN}, but {folder} has none; give the folder "
            "'network' of what 'nas transfer' wrote"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, error) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _broken(path, f"it must be an object of format {FORMAT}")
    return content


def _read_weights(classifier: Classifier, path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        classifier.network.load_state_dict(load(path.read_bytes()))
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, reason: object) -> InvalidNetwork:
    line = " ".join(str(reason).split())[:200]
    return InvalidNetwork(f"the saved network {path} cannot be read: {line}; copy or save it again")
