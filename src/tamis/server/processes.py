"""Several processes that serve one project at one address.

They share a socket that is bound once, so that the system gives each connection to one that waits for it; uvicorn's own
manager of processes takes an import string and no socket. A process that ends is started again, and all end with the
one that started them.
"""

import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tamis.server.security import Access

RESTART = 1.0
"""Seconds between the end of a process and another in its place."""

GRACE = 15.0
"""Seconds that processes have to end by themselves."""


@dataclass(frozen=True)
class ProcessSettings:
    """What every process opens for itself.

    Attributes:
        folder: of the images.
        db: of the project, as `tamis.annotation.project.open_project` takes it.
        segmentor: the name of the model.
        access: who may talk to it.
        user: the name of whoever gives none.
        readonly: nothing may be changed.
        another_reviews: an image counts as reviewed only if somebody else than its annotators says so.
        max_pixels: larger images are refused.
        second: the share of a second annotation, None for the first.
    """

    folder: Path
    db: str | None
    segmentor: str
    access: Access
    user: str
    readonly: bool
    another_reviews: bool
    max_pixels: int
    second: float | None = None


def serve_together(
    processes: int, served: ProcessSettings, listening: socket.socket, started: Callable[[], None], behind_proxy: bool
) -> None:
    """Serve a project by several processes until Ctrl-C or a SIGTERM.

    Args:
        processes: how many.
        served: the project.
        listening: the socket.
        started: called once the first of them answers requests.
        behind_proxy: everybody comes from the same address.
    """
    spawn = multiprocessing.get_context("spawn")
    answered = spawn.Event()

    def begun(number: int) -> BaseProcess:
        process = spawn.Process(
            target=_serve,
            args=((number, processes), served, listening, behind_proxy, answered),
            name=f"server {number}",
        )
        process.start()
        return process

    stopped = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    running = [begun(number) for number in range(processes)]
    told = False
    try:
        while not stopped.is_set():
            wait([process.sentinel for process in running], timeout=0.2)
            if not told and answered.is_set():
                started()
                told = True
            for number, process in enumerate(running):
                if not process.is_alive() and not stopped.wait(RESTART):
                    running[number] = begun(number)
    except KeyboardInterrupt:
        pass  # that is how one stops the annotator
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in running:
            process.terminate()  # they finish what is at hand
        for process in running:
            process.join(GRACE)
            if process.is_alive():
                process.kill()
        listening.close()


def _serve(
    share: tuple[int, int], served: ProcessSettings, listening: socket.socket, behind_proxy: bool, answered: Any
) -> None:
    from tamis.annotation.agreement import open_second
    from tamis.annotation.project import project_of
    from tamis.annotation.service import ProjectService
    from tamis.server.app import make_app
    from tamis.server.serve import serve

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until the server takes it: Ctrl-C reaches all processes
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    project = project_of(served.folder, served.db, not served.readonly, served.max_pixels)
    if served.second is not None:
        first, project = project, open_second(project, served.second, served.user)
        first.close()
    with project:
        service = ProjectService(project, served.segmentor, share=share)
        app = make_app(service, served.readonly, served.user, served.access, served.another_reviews)
        serve(app, listening, answered.set, behind_proxy, service.watch.stop)


def _end_with_parent() -> None:
    """End if the process that started this one is killed: nobody else would, and the port would stay taken."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        signal.raise_signal(signal.SIGTERM)
