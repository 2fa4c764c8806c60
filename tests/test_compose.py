"""The compose file: as its format wants it, and its services started here as processes by the same commands."""

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parent.parent

KNOWN = {"image", "build", "restart", "volumes", "command", "ports", "depends_on", "environment", "healthcheck"}
KNOWN |= {"shm_size", "deploy"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def command_of(service: dict[str, Any], **values: str) -> list[str]:
    """A service's command as compose reads it: variables, or what stands for them where they are not set."""
    text = service["command"]
    while "${" in text:
        before, _, rest = text.partition("${")
        name, _, default = rest.partition("}")[0].partition(":-")
        text = before + values.get(name, default) + rest.partition("}")[2]
    return shlex.split(text)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A service, which is asked to end as `docker compose stop` asks."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def until(fact: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end
        time.sleep(0.2)


def reachable(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_the_file_says_what_compose_understands(compose: dict[str, Any]) -> None:
    services, volumes = compose["services"], compose["volumes"]
    assert set(services) == {"database", "server", "head", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 2
    for name, service in services.items():
        assert service.keys() <= KNOWN, name
        assert "image" in service
        for needed in service.get("depends_on", ()):
            assert needed in services
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in volumes or source.startswith("${"), volume
    assert not [port for service in services.values() for port in service.get("ports", ()) if "5432" in port]
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        for copied in line.split()[1:-1] if line.startswith("COPY ") else []:
            assert (ROOT / copied).exists()
            assert copied in kept


def test_the_server_serves_by_its_command(compose: dict[str, Any], tmp_path: Path) -> None:
    from tests import postgres

    if (reason := postgres.missing()) is not None:
        pytest.skip(reason)
    for number in range(3):
        Image.new("RGB", (32, 24), (80 * number, 0, 0)).save(tmp_path / f"{number}.png")
    port = free_port()
    command = command_of(compose["services"]["server"], TAMIS_URL=f"http://localhost:{port}")
    with postgres.server() as address:
        database = address.format(name="postgres")
        here = {"/images": str(tmp_path), "8000": str(port), "0.0.0.0": "127.0.0.1"}
        command = [here.get(part, database if part.startswith("postgresql://") else part) for part in command]
        assert command[0] == "tamis"
        environment = {**os.environ, "TAMIS_CACHE": str(tmp_path / ".cache")}
        with running([sys.executable, "-m", *command, "--model", "grabcut"], env=environment) as server:
            assert server.stdout is not None
            said = [server.stdout.readline().decode() for _ in range(4)]
            people = {line.split()[1]: line.split()[-1] for line in said if line.startswith("for ")}
            assert set(people) == {"anna:", "ben:"}
            anna = httpx.get(people["anna:"].replace("/?token", "/api/project?token"), timeout=30)
            assert (anna.status_code, anna.json()["user"]) == (200, "anna")
            assert httpx.get(f"http://localhost:{port}/api/project").status_code == 401
    (kept,) = (tmp_path / ".tamis").glob("postgresql-*.address")  # the next start gives everybody the same address
    assert json.loads(kept.read_text(encoding="utf-8"))["people"]["anna"] == people["anna:"].partition("token=")[2]


@pytest.mark.skipif(find_spec("ray") is None, reason="the workers need the extra [scale]")
def test_workers_join_the_head_by_their_commands(compose: dict[str, Any]) -> None:
    port = str(free_port())
    head = [each.replace("6379", port) for each in command_of(compose["services"]["head"])]
    worker = [each.replace("head:6379", f"127.0.0.1:{port}") for each in command_of(compose["services"]["worker"])]
    assert head[0] == worker[0] == "ray"
    assert compose["services"]["head"]["environment"] == compose["services"]["worker"]["environment"]
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-secret-of-the-test"}
    assert compose["services"]["head"]["environment"].keys() == secret.keys()
    place = {**os.environ, **secret, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    asked = f"import ray; ray.init('127.0.0.1:{port}', log_to_driver=False); print(len(ray.nodes()))"
    memory = ["--object-store-memory", "100000000"]
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as short,  # paths of sockets have a hundred characters
        running([*head, "--temp-dir", short, "--include-dashboard", "false", *memory], env=place),
    ):
        until(lambda: reachable(int(port)))

        def nodes() -> str:
            done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False, env=place)
            return done.stdout.strip()

        with ExitStack() as workers:
            for there in ("2", "3"):
                workers.enter_context(running([*worker, *memory], env=place))
                until(lambda there=there: nodes() == there)  # type: ignore[misc]
