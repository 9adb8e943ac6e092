"""What a comparison found: compare.json, read again and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self

from experiments.comparison.columns import Row, cells, comparison_table
from experiments.folder import RunFolder, is_number, read_json, write_json
from nas.core.errors import InvalidOption


@dataclass(frozen=True, repr=False)
class Comparison:
    """Surrogates on the same splits of a corpus; a notebook shows it as a table.

    Attributes:
        rows: one a surrogate and training size, as in compare.json.
        noise_ceiling: Kendall's tau of an oracle; None where the corpus does not tell.
        corpus: path of the corpus file.
        data: name of its data set.
        source: where its trainings come from.
    """

    rows: tuple[Row, ...]
    noise_ceiling: float | None = None
    corpus: str = ""
    data: str = ""
    source: str = ""

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """What `nas compare --out FOLDER` wrote.

        Raises:
            InvalidOption: there is none, or it cannot be read.
        """
        path = RunFolder(Path(folder)).comparison
        content = read_json(path, "the comparison")
        told = content if isinstance(content, Mapping) else {}
        rows, ceiling = told.get("rows"), told.get("noise_ceiling")
        if not isinstance(rows, list) or not all(map(_is_row, rows)):
            raise InvalidOption(
                f"{path} must be what 'nas compare' wrote, but it holds no list of rows with a "
                "surrogate, a train_size, a kendall_tau, and numbers beside them"
            )
        if ceiling is not None and not is_number(ceiling):
            raise InvalidOption(f"noise_ceiling in {path} must be a number, but got {ceiling!r}")
        return cls(tuple(rows), ceiling, *(str(told.get(name, "")) for name in _WORDS))

    def write(self, folder: RunFolder) -> None:
        """Writes compare.json."""
        told = {name: getattr(self, name) for name in (*_WORDS, "noise_ceiling")}
        write_json(folder.comparison, {**told, "rows": list(self.rows)})

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def text(self, brief: bool = True) -> str:
        """The table, brief for a terminal, or with all columns, and what an oracle would reach."""
        return "\n\n".join([comparison_table(self.rows, brief), *oracle(self.noise_ceiling)])

    def _repr_html_(self) -> str:
        def line(tag: str, cells: list[str]) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        header, rows = cells(self.rows)
        body = "".join(line("td", row) for row in rows)
        return f"<table><thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"


def _is_row(row: Any) -> bool:
    """True for a row that every column can show."""
    return (
        isinstance(row, Mapping)
        and isinstance(row.get("surrogate"), str)
        and is_number(row.get("train_size"))
        and "kendall_tau" in row  # None where it says nothing
        and all(value is None or is_number(row[n]) for n, value in row.items() if n != "surrogate")
    )


def oracle(ceiling: float | None) -> list[str]:
    """What the noise of the trainings leaves to be reached; nothing where it is not known."""
    if ceiling is None:
        return []
    return [f"An oracle would reach a tau of {ceiling:.3f}: the trainings' own noise."]


_WORDS = ("corpus", "data", "source")
