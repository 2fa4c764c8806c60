"""What a benchmark found, as JSON for the record and as a page for people."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.timing import Timing

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Measure:
    """One comparison with a peer; floor and aim are the ratios that were promised and hoped for."""

    what: str
    peer: str
    ours_seconds: list[float]
    theirs_seconds: list[float]
    ratio: float
    floor: float
    aim: float


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one benchmark.

    name: of the module; title: for the page; workload: what was measured on; equal: what was found equal before any
    time was taken; seed: of the workload; code: the paths of the code measured; packages: those that matter; parts:
    seconds of the parts of ours, the best of several runs.
    """

    name: str
    title: str
    workload: str
    equal: str
    seed: int
    code: Sequence[str]
    packages: Sequence[str]
    measures: list[Measure] = field(default_factory=list)
    parts: dict[str, float] = field(default_factory=dict)


def measure(what: str, peer: str, timing: Timing, floor: float, aim: float) -> Measure:
    """A measure from its timing."""
    ours, theirs = ([round(s, 6) for s in seconds] for seconds in (timing.ours, timing.theirs))
    return Measure(what, peer, ours, theirs, round(timing.ratio, 2), floor, aim)


def record(finding: Finding, threads: int) -> Path:
    """Write a finding with all that is needed to judge and repeat it; returns the file."""
    content = asdict(finding) | {
        "packages": {name: version(name) for name in finding.packages},
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": _commit(finding.code),
        "command": f"python -m benchmarks {finding.name}",
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "threads": threads},
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{finding.name}.json"
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return file


def page() -> str:
    """docs/benchmarks.md, from the results on record."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(RESULTS.glob("*.json"))]
    return "\n".join([_HEAD, *(_section(result) for result in found), _holding()])


def _holding() -> str:
    """What has no peer: how much it takes, and what it does when it is too much."""
    told = json.loads((RESULTS.parent / "holding.json").read_text(encoding="utf-8"))
    rows = [f"| {what} | {found} | `{command}` |" for what, found, command in told["measures"]]
    head = ["## Damage, load and size", "", "| what | found | repeat with |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", f"{told['date']}, {told['machine']}.", ""])


def _section(result: dict[str, Any]) -> str:
    machine = result["machine"]
    packages = ", ".join(f"{name} {number}" for name, number in result["packages"].items())
    lines = [
        f"## {result['title']}",
        "",
        f"{result['workload']} {result['equal']}",
        "",
        "| what | tamis | peer | its time | times faster | range | floor | aim |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for found in result["measures"]:
        pairs = zip(found["ours_seconds"], found["theirs_seconds"], strict=True)
        ratios = [theirs / ours for ours, theirs in pairs]
        lines.append(
            f"| {found['what']} | {_time(found['ours_seconds'])} | {found['peer']} | {_time(found['theirs_seconds'])} "
            f"| **{found['ratio']:.1f}** | {min(ratios):.1f}–{max(ratios):.1f} "
            f"| {found['floor']:g} | {found['aim']:g} |"
        )
    lines += [*_profile(result.get("parts", {})), ""]
    lines += [
        f"{result['date']}, commit {result['commit']}, {machine['cpu']}, {machine['cores']} cores with a load "
        f"of {machine['load']}, {machine['threads']} thread, Python {result['python']}, {packages}; "
        f"`{result['command']}`, seed {result['seed']}.",
        "",
    ]
    return "\n".join(lines)


def _profile(parts: dict[str, float]) -> list[str]:
    """Where the time of ours goes; no lines where nothing was told."""
    if not parts:
        return []
    whole = sum(parts.values())
    rows = [f"| {part} | {_time([seconds])} | {100 * seconds / whole:.0f} % |" for part, seconds in parts.items()]
    return [
        "",
        "Where its time goes, one part after the other:",
        "",
        "| part | time | share |",
        "|---|---:|---:|",
        *rows,
    ]


def _time(seconds: list[float]) -> str:
    typical = median(seconds)
    return f"{typical:.2f} s" if typical >= 1 else f"{typical * 1000:.1f} ms"


def _commit(code: Sequence[str]) -> str:
    """The commit that was measured, with a + where the measured code has changed since."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", *code)
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


_HEAD = """# Benchmarks

Generated from `benchmarks/results/*.json` and `benchmarks/holding.json` by `python -m benchmarks --write-docs`; do not
edit.

Each benchmark first makes sure that tamis and its peer give the same results, then times both in turn, several times.
Times are medians; "times faster" is the median over the pairs of runs, and the range shows the slowest and the fastest
pair. The floor is what tamis promises, the aim what it hopes for. Repeat them with `make bench`; a folder of data sets
in the environment variable `TAMIS_DATA` gives the photographs, else synthetic scenes stand in.
"""
