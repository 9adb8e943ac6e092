"""The model card of a transferred network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nas.core.architecture import Architecture
from nas.core.notebook import short_layer

CARD = """---
library_name: pytorch
pipeline_tag: image-classification
---

# An image classifier found by peephole-nas

```python
import nas

network = nas.load_network("PATH_OF_THIS_FOLDER")
logits = network(images)  # (n, {channels}, {height}, {width}) with values in [0, 1]
```

Images are {seen}; they are normalised inside. `network.classes` holds the names of the {classes}
classes in the order of the logits: {names}.

| file | what |
|---|---|
| `network.json`, `weights.safetensors` | architecture, normalisation and classes; weights |
| `network.onnx`, if it is there | computes the same from `images` to `logits` |

It tells the classes of its training data apart; what it does on other images nobody has measured.
The licence of the weights is for whoever trained them to choose; that of the training data may bind
them. Trained {date} with {versions}.

## Architecture

{blocks}

{stages}

The whole code:

```json
{code}
```

## Data

{data}, images of {height}x{width}: {train:,} to train on, {val:,} to validate{tested}.

## Recipe

Seed {seed}; all networks of the table below were trained by it.

{recipe}

## Figures

Accuracies on the {judged} images.

{table}
"""


NAMED = 10
"""Classes that a card names; network.json has them all."""


def seen(data: Mapping[str, Any]) -> str:
    """What is done to an image that is judged."""
    _, height, width, _ = data["input"]
    values = "RGB" if data["input"][0] == 3 else "grey"
    cut = f"its middle of {height}x{width} pixels, {values} in [0, 1]"
    if data["resized"] == min(height, width):
        return f"judged by {cut}"
    return (
        f"resized so that the shorter side has {data['resized']} pixels (bilinear, antialiased) "
        f"and judged by {cut}"
    )


def named(classes: Sequence[str]) -> str:
    """The first names of the classes."""
    first = ", ".join(classes[:NAMED])
    return first if len(classes) <= NAMED else f"{first}, …"


def settings(recipe: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Those that made a difference."""
    cuts = recipe["schedule"] == "step"
    return [(name, value) for name, value in recipe.items() if cuts or "step_" not in name]


def model_card(content: Mapping[str, Any], table: str) -> str:
    """The card as Markdown.

    Args:
        content: of transfer.json.
        table: of all trained networks.
    """
    architecture = Architecture.from_json(content["architecture"])
    size, data = architecture.input, content["data"]
    skeleton = architecture.skeleton
    stages = ", ".join(
        f"{number} x {width}"
        for number, width in zip(skeleton.blocks, skeleton.widths, strict=True)
    )
    tested = f", {data['images']['test']:,} to test" if data["judged"] == "test" else ""
    blocks = [" → ".join(map(short_layer, block)) for block in architecture.blocks]
    return CARD.format(
        **size._asdict(),
        blocks="\n".join(f"* {block}" for block in blocks),
        stages=f"Blocks x channels of the stages: {stages}. Between them the map is halved.",
        code=json.dumps(content["architecture"], indent=1),
        data=data["name"],
        **data["images"],
        tested=tested,
        judged=data["judged"],
        seed=content["seed"],
        seen=seen(data),
        names=named(data["classes"]),
        date=content["date"],
        versions=content["versions"],
        recipe="\n".join(f"* {name}: {value}" for name, value in settings(content["recipe"])),
        table=table,
    )
