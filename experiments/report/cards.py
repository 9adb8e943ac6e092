"""Networks drawn as layer strips, with what each layer does to the surrogate's prediction."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from experiments.comparison.naming import describe
from experiments.report.content import Content
from experiments.report.parts import Card, Cards, Chip, Section
from nas.core import metrics
from nas.core.architecture import Architecture, Layer
from nas.core.corpus import Corpus
from nas.core.interfaces import Query, Surrogate, predict
from nas.core.limits import Limits
from nas.core.notebook import color_of, short_layer
from nas.core.records import Record
from nas.search import Edit, common_layers, layer_attribution

TOP = 10
SEEN = "predicted (seen)"
PERHAPS_SEEN = "predicted (perhaps seen)"
_LEAST = 0.0005
"""Smaller changes of a prediction are shown as none."""


@dataclass(frozen=True)
class Judge:
    """A surrogate that says what to change in a network.

    Attributes:
        surrogate: fitted.
        alternatives: layers to swap in.
        limits: what a changed network may cost: as much as the costliest that is known.
        said: what it predicts of the best networks, by key.
        real: accuracies of the networks that are known, by key.
        seen: keys of networks that it was fitted to; None where that is not known.
        error: its mean absolute error on networks that it had not seen; None if not known.
    """

    surrogate: Surrogate
    alternatives: Sequence[Layer]
    limits: Limits
    said: Mapping[str, float]
    real: Mapping[str, float]
    seen: frozenset[str] | None
    error: float | None

    def label(self, key: str) -> str:
        """What its prediction of a network is called on the page."""
        if self.seen is None:
            return PERHAPS_SEEN
        return SEEN if key in self.seen else "predicted"


def judge_of(content: Content) -> tuple[Judge | None, str]:
    """The folder's surrogate, if it can be asked about layers, else a remark why not."""
    surrogate, known = content.surrogate, content.known
    if surrogate is None or known is None or content.other_task:
        return None, ""
    name = type(surrogate).__name__
    if surrogate.reads_curves:
        return None, f"what layers do is left out: {name} watches trainings first"
    best = [record.architecture for record in known.best(TOP)]
    try:
        said = predict(surrogate, [Query(each) for each in best]).mean.tolist()
    except Exception as error:  # a user's own class may raise anything
        return None, f"what layers do is left out: {name} cannot be asked: {error!r}"
    judge = Judge(
        surrogate,
        common_layers(known),
        _costliest(known),
        {each.key: value for each, value in zip(best, said, strict=True)},
        {r.architecture.key: r.target for r in reversed(known) if r.target is not None},
        None if content.fitted is None else frozenset(r.architecture.key for r in content.fitted),
        _unseen_error(content, surrogate),
    )
    return judge, ""


def _costliest(known: Corpus) -> Limits:
    """The most parameters and the most MACs of these networks."""
    # By what a table tells of them, which may be counted otherwise.
    params = max(known, key=lambda record: record.params or 0).architecture.params
    macs = max(known, key=lambda record: record.macs or 0).architecture.macs
    return Limits(params or None, macs or None)


def _unseen_error(content: Content, surrogate: Surrogate) -> float | None:
    points = content.predictions.get(describe(surrogate))
    if points is None:
        return None
    return metrics.mae([p["real"] for p in points], [p["predicted"] for p in points])


def best_networks(content: Content, judge: Judge | None) -> Iterator[Section]:
    """The trained networks with the highest accuracy."""
    finished = content.finished
    if finished is None:
        return
    ranked = finished.best(TOP)
    words = ["By accuracy. Each strip is a block design, from input to output."]
    ours = finished.header.source == "nas collect"
    said = _predicted(content, judge)
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
    labels = {said[r.architecture.key][0] for r in ranked if r.architecture.key in said}
    if "predicted" in labels:
        words.append("predicted: by a fit that had not seen the network.")
    if SEEN in labels:
        words.append(f"{SEEN}: by one that was fitted to it.")
    if PERHAPS_SEEN in labels:
        words.append(f"{PERHAPS_SEEN}: the folder does not tell what the surrogate was fitted to.")
    yield Section("Best networks", [" ".join(words), *_explained(judge)], [Cards(cards)])


def proposals(content: Content, judge: Judge | None) -> Iterator[Section]:
    """What the surrogate likes best, as far as it is not among the best networks."""
    finished = content.finished
    shown = {r.architecture.key for r in (finished.best(TOP) if finished else ())}
    others = [each for each in content.proposals if each.architecture.key not in shown]
    if not others:
        return
    real = {r.architecture.key: r for r in finished or ()}
    cards = []
    for each in others[:TOP]:
        network = each.architecture
        facts = [
            ("predicted", f"{each.score:.4f}"),
            ("parameters", f"{network.params:,}"),
            ("MACs", f"{network.macs:,}"),
        ]
        trained = real.get(network.key)
        if trained is not None:
            facts.insert(1, ("real", f"{trained.target:.4f}"))
        cards.append(card(network, "trained since" if trained else "", facts, judge))
    words = ["What the surrogate liked best, before any training."]
    above = len(content.proposals) - len(others)
    if above:
        words.append(f"{above} more of them are among the best networks above.")
    if len(others) > TOP:
        words.append(f"Shown are {TOP} of {len(others):,}.")
    yield Section(
        "Proposals", [" ".join(words), *([] if shown else _explained(judge))], [Cards(cards)]
    )


def card(
    network: Architecture, tag: str, facts: Sequence[tuple[str, str]], judge: Judge | None
) -> Card:
    """A network as it is drawn, with what the judge says of its layers."""
    edits, advice = ([], "") if judge is None else _judged(judge, network)
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
    return Card(network.key, tag, facts, strips, advice, json.dumps(network.to_json()))


def _measured(record: Record, said: tuple[str, float] | None) -> list[tuple[str, str]]:
    facts = [("accuracy", f"{record.target:.4f}")]
    if said is not None:
        facts.append((said[0], f"{said[1]:.4f}"))
    if record.test_accuracy is not None:
        facts.append(("on test images", f"{record.test_accuracy:.4f}"))
    return facts


def _predicted(content: Content, judge: Judge | None) -> dict[str, tuple[str, float]]:
    """By key, a label and a prediction: where there is one, from before the network was seen."""
    found: dict[str, tuple[str, float]] = {}
    for name, points in content.predictions.items():
        label = "predicted" if len(content.predictions) == 1 else f"predicted by {name}"
        for point in points:
            found.setdefault(point["key"], (label, point["predicted"]))
    for each in content.proposals:
        found.setdefault(each.architecture.key, ("predicted", each.score))
    if judge is not None:
        for key, value in judge.said.items():
            found.setdefault(key, (judge.label(key), value))
    return found


def _judged(judge: Judge, network: Architecture) -> tuple[list[Edit], str]:
    """All removals, the swaps that keep within the limits, and what to try next."""
    try:
        edits = layer_attribution(judge.surrogate, network, judge.alternatives)
    except Exception as error:  # of a user's own class, for a network unlike those that it knows
        return [], f"The surrogate cannot be asked about its layers: {error!r}"
    affordable = [edit for edit in edits if judge.limits.allow(edit.architecture)]
    removals = [edit for edit in edits if edit.layer is None]
    swaps = [edit for edit in affordable if edit.layer is not None]
    return [*removals, *swaps], _advice(judge, network, affordable)


def _chip(layer: Layer, removal: Edit | None, swap: Edit | None) -> Chip:
    effect, sign = "", 0
    if removal is not None:
        effect = points(removal.change)
        sign = 0 if abs(removal.change) < _LEAST else 1 if removal.change > 0 else -1
    better = swap is not None and swap.change >= _LEAST
    told = f"{_newcomer(swap)} {points(swap.change)}" if swap and better else ""
    return Chip(short_layer(layer), color_of(layer), effect, sign, told)


def _advice(judge: Judge, network: Architecture, edits: Sequence[Edit]) -> str:
    """The change that the surrogate likes best, with what it costs and what is known of it."""
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
    where = f" of strip {best.block + 1}" if len(network.blocks) > 1 else ""
    macs = best.architecture.macs - network.macs
    cost = f"{macs:+,}" if macs else "as many"
    told = (
        f"{done} (layer {best.place + 1}{where}): {best.before:.3f} → {best.after:.3f} by the "
        f"saved surrogate, {cost} MACs"
    )
    real = judge.real.get(best.architecture.key)
    if real is not None:
        return f"Its favourite change: {told}. That network has been trained: it has {real:.4f}."
    if judge.error is not None and best.change < judge.error:
        error = f"on unseen networks it errs by {judge.error:.3f}"
        return f"Not clear enough to advise: {told}; {error}."
    return f"To try next: {told}."


def _newcomer(edit: Edit) -> str:
    return "" if edit.layer is None else short_layer(edit.layer)


def points(change: float) -> str:
    """A difference of accuracies in percentage points, with its sign."""
    return f"{100 * change:+.1f}" if abs(change) >= _LEAST else "0"


def _explained(judge: Judge | None) -> list[str]:
    if judge is None:
        return []
    name = type(judge.surrogate).__name__
    error = (
        ""
        if judge.error is None
        else f" On networks that {name} had not seen it was wrong by {judge.error:.3f} on average: "
        "smaller changes are little to go by."
    )
    return [
        f"Below each layer: how many points the prediction of the saved {name} moves when the "
        "layer is removed, and, behind an arrow, the layer that it would rather see there, as far "
        "as the network then costs no more than the costliest of these; whether the search space "
        "makes such a network is not asked. It is what the surrogate believes; only a training "
        f"shows whether it holds.{error}"
    ]
