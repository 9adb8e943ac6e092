"""The command line: `nas VERB`, jsonargparse over plain typed functions.

Each verb is one function of this package, imported only when it is called, so that `nas --help`
answers at once. Exit status: 0 done, 2 bad input (one line on stderr), 1 anything else.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.folder import OPTIONS
from experiments.wording import advised
from nas.core.errors import NasError, without_passwords

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser


@dataclass(frozen=True)
class Verb:
    """One verb: where its function lives and how its arguments are read.

    Attributes:
        target: "module:function" inside this package.
        help: one line.
        positional: the function's parameters without default are positional arguments.
        many: the one positional parameter that takes any number of values.
        defaults: class paths for pluggable parts, so that help and --print_config show them.
        links: an option and the one inside of another that takes its value, instead of its own.
        threads: whether what it trains is large enough for all cores at once.
    """

    target: str
    help: str
    positional: bool = False
    many: str | None = None
    defaults: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    threads: bool = False

    def function(self) -> Callable[..., None]:
        """The function itself; imports its module."""
        module, _, name = self.target.partition(":")
        found: Callable[..., None] = getattr(importlib.import_module(f"experiments.{module}"), name)
        return found


SPACE = ("space", "search_spaces.BlockSpace")
SURROGATE = ("surrogate", "surrogates.Peephole")
PROPOSER = ("proposer", "nas.search.PoolProposer")
SEARCH = (
    ("surrogate", "surrogates.GaussianProcess"),
    ("acquisition", "nas.search.UpperConfidenceBound"),
    ("proposer", "nas.search.EvolutionProposer"),
)

VERBS: dict[str, Verb] = {
    "demo": Verb("demo:demo", "the whole loop on small real images, in minutes"),
    "collect": Verb(
        "collect:collect", "sample networks of a space and train them; resumes", defaults=(SPACE,)
    ),
    "corpus info": Verb("corpus:info", "what a corpus file holds", positional=True),
    "corpus export": Verb("corpus:export", "a study's finished trials as a corpus file"),
    "corpus import": Verb("corpus:import_", "a published table as a corpus file", positional=True),
    "corpus merge": Verb("corpus:merge", "corpora of one task as one file", many="files"),
    "fit": Verb("fit:fit", "fit one surrogate to a corpus", defaults=(SURROGATE,)),
    "compare": Verb("comparison:compare", "several surrogates on the same splits of a corpus"),
    "predict": Verb("predict:predict", "the accuracy of given architectures, untrained"),
    "propose": Verb(
        "propose:propose",
        "a surrogate's best architectures, untrained",
        defaults=(SPACE, PROPOSER),
    ),
    "search": Verb("searching:search", "closed loop: propose, train, fit again", defaults=SEARCH),
    "transfer": Verb(
        "transferring:transfer",
        "the best block in a network of ImageNet's size, trained beside VGG-13",
        defaults=(SPACE, PROPOSER),
        # Of the recipe, these two are what people set: they get options of their own.
        links=(("epochs", "recipe.epochs"), ("precision", "recipe.precision")),
        threads=True,
    ),
    "report": Verb("report:report", "one self-contained HTML page of a run folder", True),
    "dashboard": Verb("dashboard:dashboard", "optuna-dashboard on a run's storage", True),
}

USAGE = """usage: nas VERB [options]

Neural architecture search with surrogates that predict a network's accuracy before training.

{verbs}

'nas VERB --help' tells a verb's options; 'nas VERB --print_config' writes them as YAML, which
'nas VERB --config FILE' reads. Start with: nas demo
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Returns:
        Exit status: 0 done, 2 bad input, 1 anything else.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0 if words else 2
    if words[0] == "--version":
        from nas import __version__

        print(f"nas {__version__}")
        return 0
    try:
        return run(words)
    except NasError as error:
        return fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return stopped()
    except SystemExit as ended:
        if isinstance(ended.__context__, KeyboardInterrupt):  # Lightning's answer to Ctrl-C
            return stopped()
        raise


def usage() -> str:
    """The overview of all verbs."""
    lines = [f"  {name:<15}{verb.help}" for name, verb in VERBS.items()]
    return USAGE.format(verbs="\n".join(lines))


def run(words: list[str]) -> int:
    """Parses the words of one verb and calls its function."""
    name, rest = split_verb(words)
    if name is None:
        groups = sorted({verb.split()[0] for verb in VERBS})
        return fail(f"a verb must be one of {', '.join(groups)}, but got {words[0]!r}")
    if name not in VERBS:  # a group such as `corpus`, without its second word
        choices = [verb.split()[1] for verb in VERBS if verb.startswith(name + " ")]
        if rest and rest[0] in ("-h", "--help"):
            print(usage())
            return 0
        got = repr(rest[0]) if rest else "nothing"
        return fail(f"'nas {name}' must be followed by {', '.join(choices)}, but got {got}")
    here = os.getcwd()
    if here not in sys.path:  # `my_surrogate.Mine` is found in the folder one works in,
        sys.path.append(here)  # but nothing there takes the place of an installed package
    verb = VERBS[name]
    if not verb.threads:  # small models: more threads cost more than they give
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch reads it on import
    parser = parser_of(name, verb)
    from jsonargparse import ArgumentError

    try:
        config = parser.parse_args(rest)
        arguments = parser.instantiate(config).as_dict()
    except ArgumentError as error:
        options = [word for action in parser._actions for word in action.option_strings]
        return fail(f"{advised(str(error), options)}; see 'nas {name} --help'")
    except NasError:
        raise
    except Exception as error:  # a user's own class may raise anything
        what = f"{type(error).__name__}: {error}"
        return fail(f"the options cannot be used: {what}; see 'nas {name} --help'")
    arguments.pop("config", None)
    options = parser.dump(config, skip_link_targets=False)
    token = OPTIONS.set((name, without_passwords(options)))
    try:
        verb.function()(**arguments)
    finally:
        OPTIONS.reset(token)
    return 0


def split_verb(words: list[str]) -> tuple[str | None, list[str]]:
    """The verb (one word or two) and the words behind it."""
    if " ".join(words[:2]) in VERBS:
        return " ".join(words[:2]), words[2:]
    known = words[0] in VERBS or any(verb.startswith(words[0] + " ") for verb in VERBS)
    return (words[0], words[1:]) if known else (None, words)


def parser_of(name: str, verb: Verb) -> ArgumentParser:
    """The parser of one verb, made from its function's signature and docstring."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(
        prog=f"nas {name}", description=verb.help, exit_on_error=False, allow_abbrev=False
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options")
    if verb.many:
        parser.add_argument(verb.many, nargs="+", type=Path)
    parser.add_function_arguments(
        verb.function(),
        as_positional=verb.positional,
        skip={verb.many} if verb.many else None,
        sub_configs=True,
    )
    parser.set_defaults({key: {"class_path": path} for key, path in verb.defaults})
    for source, target in verb.links:
        parser.link_arguments(source, target)
    defaults = dict(verb.defaults)
    parameters = inspect.signature(verb.function()).parameters
    for action in parser._actions:
        action.required = action.required and action.dest not in defaults  # or the help says so
        parameter = parameters.get(action.dest)
        if parameter is not None and str(parameter.annotation).startswith("bool"):
            action.nargs, action.const = "?", True  # --resume is --resume true
    return parser


def command(
    function: Callable[..., None], words: Sequence[str] | None = None, positional: bool = False
) -> int:
    """Runs a function of this package that is no verb, its parameters as options.

    Args:
        function: with the command's help as docstring.
        words: of the command line; those of the process where None is given.
        positional: whether parameters without default are positional arguments.

    Returns:
        Exit status, as of `main`.
    """
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(description=(function.__doc__ or "").partition("\n")[0])
    parser.add_function_arguments(function, as_positional=positional)
    arguments = parser.instantiate(parser.parse_args(words)).as_dict()
    try:
        function(**arguments)
    except NasError as error:
        return fail(str(error), error.exit_status)
    except KeyboardInterrupt:
        return stopped()
    return 0


def stopped() -> int:
    """Says that Ctrl-C was heard and returns the exit status."""
    start = "\r" if sys.stderr.isatty() else ""  # over the ^C that the terminal shows
    print(f"{start}stopped; run the same command again to go on", file=sys.stderr)
    return 1


def fail(message: str, status: int = 2) -> int:
    """Prints one line on stderr and returns the exit status."""
    print(f"nas: error: {' '.join(message.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
