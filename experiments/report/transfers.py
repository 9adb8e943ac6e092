"""The section on a transfer."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.report import figures
from experiments.report.cards import card
from experiments.report.content import Content
from experiments.report.parts import Cards, Part, Plot, Plots, Section, Table
from experiments.transferring.summary import HEADER, cells, verdicts
from nas.core.architecture import Architecture


def transfer(content: Content) -> Iterator[Section]:
    """The trained networks beside one another, and the searched one drawn."""
    found = content.transfer
    if not found:
        return
    rows, data = found["rows"], found["data"]
    size = "x".join(str(number) for number in data["input"][:3])
    words = [
        f"On {data['name']}, {size}, {data['input'][3]} classes; top-1 and top-5 are those of the "
        f"{data['judged']} images. All were trained by one recipe, with seed {found['seed']}.",
        *(f"{words[0].upper()}{words[1:]}." for words in verdicts(rows)),
    ]
    plots = [Plot(figures.top1_by_epoch(rows), "top-1 after each epoch")]
    if len(rows) > 1:
        beside = figures.beside(rows)
        plots.insert(0, Plot(beside, f"each network beside {rows[-1]['name']}"))
    parts: list[Part] = [Table("Transfer", HEADER, cells(rows, data["input"][3])), Plots(plots)]
    yield Section("Transfer", words, parts)
    network = Architecture.from_json(found["architecture"])
    ours = rows[0]
    facts = [
        ("top-1", f"{ours['top1']:.4f}"),
        ("parameters", f"{ours['params']:,}"),
        ("MACs", f"{ours['macs']:,}"),
        ("widths", " ".join(map(str, network.skeleton.widths)) or "-"),
    ]
    yield Section("The transferred network", [], [Cards([card(network, "", facts, None)])])
