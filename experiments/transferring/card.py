"""The model card of a transferred network."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

`network.classes` holds the names of the {classes} classes in the order of the logits. The images
are normalised inside. `network.onnx`, if it is there, computes the same from `images` to `logits`.

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

Seed {seed}.

{recipe}

## Figures

Accuracies on the {judged} images.

{table}
"""


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
        recipe="\n".join(f"* {name}: {value}" for name, value in content["recipe"].items()),
        table=table,
    )
