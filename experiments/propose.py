"""`nas propose`: the surrogate's best architectures, without training any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.folder import RunFolder, read_seen, read_task, surrogate_folder, write_json
from experiments.predict import prediction_table, warn_of_larger
from experiments.terminal import say, trusting, wrote
from nas.core.choices import Draw, check_seed
from nas.core.errors import InvalidOption
from nas.core.interfaces import Candidate, Proposer, Query, SearchSpace, Surrogate, predict
from nas.core.limits import Limits


def propose(
    surrogate: Path,
    space: SearchSpace,
    proposer: Proposer,
    budget: int | None = None,
    top: int = 10,
    max_params: int | None = None,
    max_macs: int | None = None,
    seed: int = 0,
    trust: list[str] | None = None,
    out: Path = Path("runs/propose"),
) -> None:
    """Propose the architectures that a fitted surrogate likes best.

    Args:
        surrogate: folder that 'nas fit' wrote, or the name of one that the project holds; its task
            gives the input.
        space: search space.
        proposer: how the space is looked through.
        budget: architectures that the proposer may score, instead of its own setting.
        top: architectures wanted.
        max_params: largest number of parameters.
        max_macs: largest number of multiply-accumulates for one image.
        seed: of the proposer.
        trust: packages besides our own that a saved surrogate may come from.
        out: folder for proposals.json.
    """
    limits = Limits(max_params, max_macs)
    fitted, found = favourites(surrogate, space, proposer, budget, top, limits, seed, trust)
    target = RunFolder(out).make()
    said = predict(fitted, [Query(candidate.architecture) for candidate in found])
    write_json(target.proposals, [as_json(candidate) for candidate in found])
    say(prediction_table([candidate.architecture for candidate in found], said))
    wrote(
        [target.proposals],
        [f"nas predict --surrogate {surrogate}{trusting(trust)} --architecture {target.proposals}"],
    )


def favourites(
    surrogate: Path,
    space: SearchSpace,
    proposer: Proposer,
    budget: int | None,
    top: int,
    limits: Limits,
    seed: int,
    trust: Sequence[str] | None,
) -> tuple[Surrogate, list[Candidate]]:
    """A fitted surrogate and what it likes best, best first; the options are those of `propose`.

    Where that is larger than what the surrogate was fitted to, a warning says so.

    Raises:
        InvalidOption: an option cannot be, or nothing keeps within the limits.
    """
    from nas.search import Greedy, surrogate_score

    check_seed(seed)
    if top < 1:
        raise InvalidOption(f"--top must be at least 1, but got {top}")
    folder = surrogate_folder(surrogate)
    task, seen = read_task(folder), read_seen(folder)
    space = space.on(task.input)
    skeleton = space.generate(Draw(np.random.default_rng(0))).skeleton
    if skeleton != task.skeleton:
        raise InvalidOption(
            f"--space must make networks of the surrogate's task ({task.space or task.data}), but "
            f"{type(space).__name__} uses another skeleton; give the space of its corpus"
        )
    fitted = Surrogate.load(folder.surrogate, trust=trust or ())
    score = surrogate_score(fitted, Greedy(), limits=limits)
    found = with_budget(proposer, budget).propose(space, score, top, np.random.default_rng(seed))
    if not found:
        raise InvalidOption(
            "no architecture that was looked at keeps within --max_params and --max_macs; raise "
            "them or --budget"
        )
    warn_of_larger([candidate.architecture for candidate in found], seen)
    return fitted, found


def with_budget(proposer: Proposer, budget: int | None) -> Proposer:
    """The proposer with another budget.

    Raises:
        InvalidOption: it has none, or the budget is below 1.
    """
    if budget is None:
        return proposer
    if budget < 1 or not hasattr(proposer, "budget"):
        raise InvalidOption(
            f"--budget must be at least 1 and the proposer must have one, but got {budget} for "
            f"{type(proposer).__name__}"
        )
    proposer.budget = budget
    return proposer


def as_json(candidate: Candidate) -> dict[str, object]:
    """One entry of proposals.json."""
    return {
        "key": candidate.architecture.key,
        "predicted": candidate.score,
        "params": candidate.architecture.params,
        "macs": candidate.architecture.macs,
        "architecture": candidate.architecture.to_json(),
    }
