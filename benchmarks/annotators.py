"""Many annotators at once: people who draw a mask a second, on SQLite and PostgreSQL, by one and by two processes.

    python -m benchmarks.annotators [--db sqlite] [--db ADDRESS] [--people 50,100,200] [--processes 1,2] [--seconds 30]

ADDRESS (postgresql://USER@HOST) is of a server on which databases may be made; each run has one of its own. Everything
stays on this computer, whose processors people and server share. Every person listens to the stream of changes, as a
page does. Writes benchmarks/annotators.json: saves in milliseconds until they are on the disk, news until others know
of them, how many updates were lost and leases violated, which must be none.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.crowd import SIDE, Person, crowd
from tamis.annotation.project import project_of
from tamis.results.environment import facts

ENOUGH = 500.0
"""Milliseconds within which 95 of 100 saves have to be on the disk: the rule by which a database is enough."""

RESULTS = Path(__file__).with_suffix(".json")


def measured(db: str | None, count: int, processes: int, images: int, seconds: float) -> dict[str, Any]:
    """One run: people at work for a while on a new project, and what became of their work."""
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder), images)
        with ExitStack() as running:
            port = served(running, folder, db, processes)
            people, news = asyncio.run(crowd(port, count, images, seconds))
            load = os.getloadavg()[0]
        with project_of(folder, db) as project:
            lost, violated = differences(project.log.history, people, images)
    saves = [each for person in people for each in person.saves]
    problems = sum((person.problems for person in people), Counter[str]())
    return {
        "database": "PostgreSQL" if db else "SQLite",
        "people": count,
        "processes": processes,
        "saves": len(saves),
        "saves_per_second": round(len(saves) / seconds, 1),
        "save_ms": quantiles(saves),
        "news_ms": quantiles(news),
        "next_ms": quantiles([each for person in people for each in person.nexts]),
        "lost": lost,
        "violated": violated,
        "problems": dict(problems),
        "load": round(load, 1),
    }


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    shares = {"p50": 50, "p95": 95, "p99": 99}
    return {
        name: round(float(np.percentile(seconds, share)) * 1e3, 1) if seconds else 0 for name, share in shares.items()
    }


def limits(runs: Sequence[dict[str, Any]]) -> dict[str, tuple[int, int | None]]:
    """By database and processes: the most people for whom it was enough, and the fewest for whom it was not."""
    found: dict[str, tuple[int, int | None]] = {}
    for run in sorted(runs, key=lambda run: run["people"]):
        key = f"{run['database']}, {run['processes']} process{'es' if run['processes'] > 1 else ''}"
        most, least = found.get(key, (0, None))
        if run["save_ms"]["p95"] > ENOUGH or run["lost"] or run["problems"]:
            found[key] = most, least or run["people"]
        elif least is None:
            found[key] = run["people"], None
    return found


def section(result: dict[str, Any]) -> list[str]:
    """The runs in Markdown, and for how many people each database is enough."""
    lines = [
        "| database | processes | people | saves a second | save: p50, p95, p99 | news: p50, p95 | sent again | lost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in result["runs"]:
        save = ", ".join(f"{run['save_ms'][each]:.0f}" for each in ("p50", "p95", "p99"))
        news = ", ".join(f"{run['news_ms'][each]:.0f}" for each in ("p50", "p95"))
        lines.append(
            f"| {run['database']} | {run['processes']} | {run['people']} | {run['saves_per_second']:.0f} | {save} ms "
            f"| {news} ms | {run['problems'].get('sent again', 0)} | {run['lost']} |"
        )
    lines += ["", f"By the rule *{result['rule']}*:", ""]
    for each, (most, least) in limits(result["runs"]).items():
        beyond = "more were not tried" if least is None else f"not for {least}"
        lines.append(f"- {each}: enough for {most} people, {beyond}." if most else f"- {each}: {beyond}.")
    return lines


def served(running: ExitStack, folder: str, db: str | None, processes: int) -> int:
    """The port of a server that runs until the stack is closed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    # As behind a proxy, since all people come from one address.
    place = ["--no-browser", "--no-token", "--port", str(port), "--base-url", f"http://localhost:{port}"]
    options = ["--model", "grabcut", "--processes", str(processes), *(["--db", db] if db else [])]
    environment = {**os.environ, "TAMIS_CACHE": f"{folder}/.cache"}
    command = [sys.executable, "-m", "tamis", "annotate", folder, *place, *options]
    server = running.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
    running.callback(server.terminate)
    return port


def differences(history: Any, people: Sequence[Person], images: int) -> tuple[int, int]:
    """Acknowledged saves that are not there; and changes of an image by two people whose turns were not kept apart."""
    there: dict[str, int] = {}
    for image in range(1, images + 1):
        for event in history(image)[1]:
            there[event["uuid"]] = image
    sent = [(image, uuid) for person in people for image, uuid in person.acknowledged]
    lost = sum(there.get(uuid) != image for image, uuid in sent)
    return lost, len(there) - len(sent)


def pictures(folder: Path, count: int) -> None:
    """Small pictures, each another."""
    rng = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE), dtype=np.uint8)).save(folder / f"{number}.png")


@contextmanager
def database(address: str) -> Iterator[str | None]:
    """A new database on a server, dropped in the end; None for SQLite."""
    if address == "sqlite":
        yield None
        return
    import psycopg

    name = f"tamis_bench_{os.getpid()}"
    place, _, options = address.partition("?")
    server, query = place.rstrip("/"), f"?{options}" if options else ""
    with psycopg.connect(f"{server}/postgres{query}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield f"{server}/{name}{query}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def numbers(text: str) -> list[int]:
    """Of "50,100"."""
    return [int(each) for each in text.split(",")]


def main() -> None:
    """Measure, print and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", action="append", help="sqlite, or the address of a PostgreSQL server")
    parser.add_argument("--people", type=numbers, default=[50, 100, 200])
    parser.add_argument("--processes", type=numbers, default=[1, 2])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for address, processes, people in product(given.db or ["sqlite"], given.processes, given.people):
        with database(address) as db:
            runs.append(measured(db, people, processes, given.images, given.seconds))
        print(json.dumps(runs[-1]), flush=True)
    result = {
        "command": ["python", "-m", "benchmarks.annotators", "--db", "sqlite", "--db", "ADDRESS"],
        "images": given.images,
        "seconds": given.seconds,
        "seed": "the number of each person",
        "rule": f"enough: no update lost, no request refused, 95 of 100 saves within {ENOUGH:g} ms",
        "environment": facts(),
        "runs": runs,
    }
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n".join(section(result)))


if __name__ == "__main__":
    main()
