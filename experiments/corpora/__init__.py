"""Networks trained by this project: a corpus, its card and a fitted Peephole for each task."""

from pathlib import Path

from nas.core.errors import InvalidOption

FOLDER = Path(__file__).parent
"""Holds, for each name, NAME.yaml (how it is collected), NAME.jsonl.gz, NAME.md and the folder NAME
with a fitted surrogate and its task."""

NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
HELD = tuple(name for name in NAMES if (FOLDER / f"{name}.jsonl.gz").exists())
"""Those that were trained already."""


def corpus_file(path: Path) -> Path:
    """The corpus of that name where there is one and no such file; else the path itself.

    Raises:
        InvalidOption: it looks like a name, but there is neither.
    """
    found = _named(path, FOLDER / f"{path}.jsonl.gz")
    if not (found.exists() or found.suffix or found.parent.name):
        raise InvalidOption(
            f"a corpus must be a file, or one of {', '.join(HELD)}, but there is no {path}"
        )
    return found


def fitted_folder(path: Path) -> Path:
    """The folder of the fitted surrogate of that name, likewise."""
    return _named(path, FOLDER / path)


def _named(path: Path, own: Path) -> Path:
    return own if str(path) in NAMES and own.exists() and not path.exists() else path
