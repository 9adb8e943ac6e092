"""Trains the toy network with so many processes: `python -m ... FOLDER DEVICES`."""

import sys
from dataclasses import replace
from pathlib import Path

import torch

from nas.training.transfer import is_first
from tests.nas.training.transfer.toys import HERE, PLAIN, RECIPE, train

if __name__ == "__main__":
    folder, devices = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    recipe = replace(RECIPE, ema=0.5, accumulate=2, batch_size=24)
    machines = replace(HERE, devices=devices)
    found = train(folder, recipe, PLAIN, machines, resume=True)
    if is_first():
        torch.save((found.tested, found.classifier.state_dict()), folder / "found.pt")
