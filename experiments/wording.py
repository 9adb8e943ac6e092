"""The option parser's messages, as one line that says what must hold and what to do."""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection
from difflib import get_close_matches

PLUGINS = ("surrogates", "search_spaces", "nas.search")
"""Packages whose exported classes are suggested in place of a name that is none."""

_NO_CLASS = re.compile(
    r"Expected a dot import path string: (?P<path>\S+)"
    r"|Import path (?P<other>\S+) does not correspond to a subclass of (?P<base>\w+)"
    r"|Problem with given class_path '(?P<missing>[^']+)': module \S+ has no attribute \S+"
)
_CHOICES = re.compile(
    r"(?P<option>--\S+): Expected a typing\.Literal\[(?P<known>[^\]]*)\]\. Got value: (?P<got>\S+),"
)

_LIST = re.compile(r"(--\S+): Expected a (?:list|tuple)(?:\. Got value: |, but got )(.*)")


def one_line(message: str) -> str:
    """The parser's message in one line, without what helps nobody."""
    message = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", message)
    message = re.sub(r'Parser key "([^"]+)":', r"--\1:", message)
    lines = [line.strip().removeprefix("- ") for line in message.splitlines()]
    noise = ("Expected a path but", "Does not validate against", "Subtypes:", "Errors:", "Given ")
    kept = [line for line in lines if line and not line.startswith(noise)]
    given = [line.partition(": ")[2] for line in lines if line.startswith("Given value:")]
    text = " ".join(kept).replace(" Expected a NoneType", "")
    return text + (f", but got {given[0]}" if given else "")


def advised(message: str, options: Collection[str]) -> str:
    """The parser's message with what was probably meant.

    Args:
        message: of the parser.
        options: all that the verb has, with their dashes.
    """
    text = one_line(message)
    if unknown := re.match(r"unrecognized arguments: (--[^\s=]+)", text):
        return f"there is no option {unknown[1]}{_meant(unknown[1], options)}"
    if missing := re.match(r"the following arguments are required: (.*)", text):
        names = [f"--{name}" if f"--{name}" in options else name for name in missing[1].split(", ")]
        return f"the following arguments are required: {', '.join(names)}"
    if listed := _LIST.match(text):
        near = _nearest(listed[2], _classes()) if listed[1] == "--surrogates" else None
        inside = near or listed[2]
        bare = re.fullmatch(r"[\w.]+", inside)
        advice = f"; write '[{inside}]'" if bare else ""
        return f"{listed[1]} must be a list in brackets, but got {listed[2]}{advice}"
    if some := _CHOICES.match(text):
        known = ", ".join(re.findall(r"'(\w+)'", some["known"]))
        return f"{some['option']} must name some of {known}, but got {some['got']}"
    if found := _NO_CLASS.search(text):
        got = found["path"] or found["other"] or found["missing"]
        base = found["base"] or ""
        kind = f"subclass of {base}" if base else "class"
        rule = f"must be the dotted path of a {kind}, but got {got}{_meant(got, _classes(base))}"
        return f"{text[: found.start()].rstrip(': ')} {rule}"
    return text


def _meant(got: str, known: Collection[str]) -> str:
    """A question at the end of a message; nothing where no known name is near."""
    near = _nearest(got, known)
    return f"; did you mean {near}?" if near else ""


def _nearest(got: str, known: Collection[str]) -> str | None:
    names = {_last_word(name): name for name in known}
    near = get_close_matches(_last_word(got), names, n=1)
    return names[near[0]] if near else None


def _last_word(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _classes(base: str = "") -> list[str]:
    """Paths of the exported classes, of those below a base where one is named."""
    return [
        f"{package.__name__}.{name}"
        for package in map(importlib.import_module, PLUGINS)
        for name in package.__all__
        if name[0].isupper() and (not base or _is_below(getattr(package, name), base))
    ]


def _is_below(found: type, base: str) -> bool:
    return base in (each.__name__ for each in found.__mro__[1:])
