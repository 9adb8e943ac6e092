"""Networks drawn as layer strips, with what each layer does to the surrogate's prediction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.report.content import Content
from experiments.report.parts import Card, Cards, Chip, Section
from nas.core.architecture import Architecture, Layer
from nas.core.interfaces import Query, Surrogate, predict
from nas.core.notebook import color_of, short_layer
from nas.core.records import Record
from nas.search import Edit, common_layers, layer_attribution

TOP = 10
SEEN = "predicted (seen)"
_LEAST = 0.0005
"""Smaller changes of a prediction are shown as none."""


@dataclass(frozen=True)
class Judge:
    """A surrogate that says what to change in a network.

    Attributes:
        surrogate: fitted.
        alternatives: layers to swap in.
        seen: keys of networks that it was fitted to.
    """

    surrogate: Surrogate
    alternatives: Sequence[Layer]
    seen: frozenset[str]


def judge_of(content: Content) -> tuple[Judge | None, str]:
    """The folder's surrogate, if it can be asked about layers, else a remark why not."""
    surrogate, known = content.surrogate, content.known
    if surrogate is None or known is None:
        return None, ""
    name = type(surrogate).__name__
    if surrogate.reads_curves:
        return None, f"what layers do is left out: {name} watches trainings first"
    try:
        predict(surrogate, [Query(known[0].architecture)])
    except Exception as error:  # a user's own class may raise anything
        return None, f"what layers do is left out: {name} cannot be asked: {error!r}"
    seen = frozenset(record.architecture.key for record in content.fitted or ())
    return Judge(surrogate, common_layers(known), seen), ""


def best_networks(content: Content, judge: Judge | None) -> Iterator[Section]:
    """The trained networks with the highest accuracy."""
    finished = content.finished
    if finished is None:
        return
    ranked = _best(content)
    words = ["By accuracy. Each strip is a block design, from input to output."]
    ours = finished.header.source == "nas collect"
    said = _predicted(content, ranked, judge)
    cards = [
        card(
            record.architecture,
            "proposed" if ours and record.index is None else "",
            [
                *_measured(record, said.get(record.architecture.key)),
                ("parameters", f"{record.params:,}"),
                ("MACs", f"{record.macs:,}"),
            ],
            judge,
        )
        for record in ranked
    ]
    if any(label == SEEN for label, _ in said.values()):
        words.append(f"{SEEN}: by a surrogate that was fitted to it.")
    yield Section("Best networks", [" ".join(words), *_explained(judge)], [Cards(cards)])


def proposals(content: Content, judge: Judge | None) -> Iterator[Section]:
    """What the surrogate likes best, as far as it is not among the best networks."""
    shown = {record.architecture.key for record in _best(content)}
    others = [each for each in content.proposals if each["key"] not in shown]
    if not others:
        return
    real = {r.architecture.key: r for r in content.finished or ()}
    cards = []
    for each in others[:TOP]:
        network = Architecture.from_json(each["architecture"])
        facts = [
            ("predicted", f"{each['predicted']:.4f}"),
            ("parameters", f"{each['params']:,}"),
            ("MACs", f"{each['macs']:,}"),
        ]
        trained = real.get(network.key)
        if trained is not None:
            facts.insert(1, ("real", f"{trained.target:.4f}"))
        cards.append(card(network, "trained since" if trained else "", facts, judge))
    words = ["What the surrogate liked best, before any training."]
    words += [] if shown else _explained(judge)
    yield Section("Proposals", words, [Cards(cards)])


def _best(content: Content) -> list[Record]:
    return sorted(content.finished or (), key=lambda record: -(record.target or 0.0))[:TOP]


def card(
    network: Architecture, tag: str, facts: Sequence[tuple[str, str]], judge: Judge | None
) -> Card:
    """A network as it is drawn, with what the judge says of its layers."""
    edits = [] if judge is None else _edits(judge, network)
    removals = {(e.block, e.place): e for e in edits if e.layer is None}
    swaps: dict[tuple[int, int], Edit] = {}
    for edit in edits:
        best = swaps.get((edit.block, edit.place))
        if edit.layer is not None and (best is None or edit.change > best.change):
            swaps[edit.block, edit.place] = edit
    strips = [
        [
            _chip(layer, removals.get((number, place)), swaps.get((number, place)))
            for place, layer in enumerate(block)
        ]
        for number, block in enumerate(network.blocks)
    ]
    code = json.dumps(network.to_json())
    return Card(network.key, tag, facts, strips, _advice(network, edits), code)


def _measured(record: Record, said: tuple[str, float] | None) -> list[tuple[str, str]]:
    facts = [("accuracy", f"{record.target:.4f}")]
    if said is not None:
        facts.append((said[0], f"{said[1]:.4f}"))
    if record.test_accuracy is not None:
        facts.append(("on test images", f"{record.test_accuracy:.4f}"))
    return facts


def _predicted(
    content: Content, records: Sequence[Record], judge: Judge | None
) -> dict[str, tuple[str, float]]:
    """By key, a label and a prediction: where there is one, from before the network was seen."""
    found: dict[str, tuple[str, float]] = {}
    for name, points in content.predictions.items():
        label = "predicted" if len(content.predictions) == 1 else f"predicted by {name}"
        for point in points:
            found.setdefault(point["key"], (label, point["predicted"]))
    for each in content.proposals:
        found.setdefault(each["key"], ("predicted", each["predicted"]))
    others = [r.architecture for r in records if r.architecture.key not in found]
    if judge is not None and others:
        said = predict(judge.surrogate, [Query(each) for each in others]).mean.tolist()
        for each, value in zip(others, said, strict=True):
            label = SEEN if each.key in judge.seen else "predicted"
            found[each.key] = (label, value)
    return found


def _edits(judge: Judge, network: Architecture) -> list[Edit]:
    try:
        return layer_attribution(judge.surrogate, network, judge.alternatives)
    except Exception:  # of a user's own class, for a network unlike those that it knows
        return []


def _chip(layer: Layer, removal: Edit | None, swap: Edit | None) -> Chip:
    effect, sign = "", 0
    if removal is not None:
        effect = points(removal.change)
        sign = 0 if abs(removal.change) < _LEAST else 1 if removal.change > 0 else -1
    better = swap is not None and swap.change >= _LEAST
    told = f"{_newcomer(swap)} {points(swap.change)}" if swap and better else ""
    return Chip(short_layer(layer), color_of(layer), effect, sign, told)


def _advice(network: Architecture, edits: Sequence[Edit]) -> str:
    """The change that the surrogate likes best, with what it costs."""
    best = max(edits, key=lambda edit: edit.change, default=None)
    if best is None:
        return ""
    if best.change < _LEAST:
        return "No change of one layer is predicted to help."
    layer = network.blocks[best.block][best.place]
    done = (
        f"remove {short_layer(layer)}"
        if best.layer is None
        else f"{_newcomer(best)} instead of {short_layer(layer)}"
    )
    macs = best.architecture.macs - network.macs
    where = f" of strip {best.block + 1}" if len(network.blocks) > 1 else ""
    return (
        f"To try next: {done} (layer {best.place + 1}{where}): {points(best.change)} points "
        f"predicted, {macs:+,} MACs."
    )


def _newcomer(edit: Edit) -> str:
    return "" if edit.layer is None else short_layer(edit.layer)


def points(change: float) -> str:
    """A difference of accuracies in percentage points, with its sign."""
    return f"{100 * change:+.1f}" if abs(change) >= _LEAST else "0"


def _explained(judge: Judge | None) -> list[str]:
    if judge is None:
        return []
    return [
        f"Below each layer: how many points {type(judge.surrogate).__name__}'s prediction moves "
        "when the layer is removed, and, behind an arrow, the layer that it would rather see "
        "there. It is what the surrogate believes; only a training shows whether it holds."
    ]
