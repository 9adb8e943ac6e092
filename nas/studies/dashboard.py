"""optuna-dashboard on a storage, with studies that read well there."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
from optuna.trial import FrozenTrial, TrialState

from nas.core.errors import InvalidOption
from nas.search.quiet import quiet
from nas.studies.storage import experimental, opened
from nas.studies.task import find_study

OBJECTIVE = "validation accuracy"
MARK = "*Written by `nas dashboard`, and again each time; a note of your own instead is kept.*"
NOTED = 10
"""Trials of a study that get a note: writing one takes a transaction."""


@dataclass(frozen=True)
class Dress:
    """What the dashboard shows of a study besides its trials.

    Attributes:
        note: Markdown on the study's page.
        tags: what the study is about, as its user attributes.
        trial_notes: Markdown by the key of a network; the best networks get theirs.
        figures: Plotly figures, by an id of letters and hyphens.
    """

    note: str
    tags: Mapping[str, str] = field(default_factory=dict)
    trial_notes: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


def dress(storage: str | os.PathLike[str], study: str, what: Dress) -> None:
    """Writes what the dashboard shows of a study; notes that people wrote there are kept.

    Raises:
        InvalidStudy: the storage cannot be opened or lacks the study.
        InvalidOption: optuna-dashboard is not installed.
    """
    dashboard = _dashboard()
    with quiet(), experimental(), opened(storage, create=False) as backend:
        held = find_study(backend, study).study
        held.set_metric_names([OBJECTIVE])
        for name, text in what.tags.items():
            if held.user_attrs.get(name) != text:
                held.set_user_attr(name, text)
        _note(held, what.note)
        for trial in _best(held):
            note = what.trial_notes.get(str(trial.user_attrs.get("key")))
            if note is not None:
                _note(optuna.trial.Trial(held, trial._trial_id), note)
        for name, figure in what.figures.items():
            dashboard.save_plotly_graph_object(held, figure, graph_object_id=name)


def serve(
    storage: str | os.PathLike[str], host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Serves the dashboard of a storage until a KeyboardInterrupt, which it swallows.

    Args:
        storage: see `nas.studies.opened`.
        host: to listen on.
        port: to listen on; 0 takes a free one.
        ready: is called with the dashboard's address once it answers.

    Raises:
        InvalidStudy: the storage cannot be opened.
        InvalidOption: optuna-dashboard is not installed, or the port is taken.
    """
    wsgi = _dashboard().wsgi
    with quiet(), experimental(), opened(storage, create=False) as backend:
        with _listening(wsgi(backend), host, port) as server, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the importance of parameters warns of each rare one
            try:
                ready(f"http://{host}:{server.server_port}/")
                server.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                return


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a browser asks every few seconds."""


def _listening(app: Any, host: str, port: int) -> WSGIServer:
    try:
        return make_server(host, port, app, _Server, _Handler)
    except (OSError, OverflowError) as error:
        raise InvalidOption(
            f"--host and --port must be free to listen on, but {host}:{port} is not: {error}"
        ) from error


def _best(study: optuna.Study) -> list[FrozenTrial]:
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(done, key=lambda trial: -(trial.value or 0.0))[:NOTED]


def _note(about: optuna.Study | optuna.trial.Trial, text: str) -> None:
    dashboard = _dashboard()
    held, text = dashboard.get_note(about), f"{text}\n\n{MARK}"
    if held != text and (not held or MARK in held):
        dashboard.save_note(about, text)


def _dashboard() -> Any:
    try:
        import optuna_dashboard
    except ImportError as error:
        raise InvalidOption(
            "the dashboard needs optuna-dashboard, but it is not installed: pip install "
            "'peephole-nas[dashboard]'"
        ) from error
    return optuna_dashboard
