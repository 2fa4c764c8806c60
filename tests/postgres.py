"""A real PostgreSQL server for the tests, in a folder of its own, reached through a socket alone."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def missing(programs: Path | None = None) -> str | None:
    """What is not here, if anything; programs are on the path, or in that folder."""
    for program in ("initdb", "pg_ctl"):
        if shutil.which(program, path=programs) is None:
            return f"PostgreSQL: no {program} on the path; Debian's package is called postgresql"
    if os.geteuid() == 0 and account() is None:
        return "PostgreSQL: does not run as root, and there is no account 'postgres' or 'nobody' to run it"
    try:
        subprocess.run(
            [shutil.which("initdb", path=programs) or "", "--version"],
            cwd="/",
            check=True,
            capture_output=True,
            **as_account(),
        )
    except (OSError, subprocess.CalledProcessError) as error:  # such as a checkout that nobody else may enter
        return f"PostgreSQL: {account()} cannot run initdb of {programs or 'the path'} ({error})"
    return None


def as_account() -> dict[str, Any]:
    """What makes `subprocess.run` use the account that runs the server."""
    return {"user": account()} if os.geteuid() == 0 else {}


def account() -> str | None:
    """Who runs the server: nobody else than ourselves, unless we are root, whom it refuses."""
    import pwd

    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@contextmanager
def server(programs: Path | None = None, buffers: str = "16MB") -> Iterator[str]:
    """Start a server, of programs in a folder or on the path.

    Gives the part of its address that follows postgresql://, with {name} for a database.
    """
    folder = Path(tempfile.mkdtemp(prefix="tamis-pg-"))
    name = account() or ""
    data = folder / "data"

    def run(*command: object) -> None:
        program, *arguments = map(str, command)
        result = subprocess.run(
            [shutil.which(program, path=programs) or program, *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
            **as_account(),
        )
        assert result.returncode == 0, result.stdout

    try:
        if os.geteuid() == 0:
            shutil.chown(folder, name)
        run("initdb", "-D", data, "-U", "tamis", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c shared_buffers={buffers}"
        run("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        yield f"postgresql://tamis@/{{name}}?host={folder}"
    finally:
        if data.exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def with_pgvector() -> Path | None:
    """The programs of a PostgreSQL that has pgvector, from PyPI; None where that is not installed."""
    spec = importlib.util.find_spec("pgserver")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "pginstall" / "bin"
