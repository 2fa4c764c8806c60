"""Shared fixtures: small images made on the fly, and the folder of real ones where there is one."""

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from tamis.arrays import ImageArray, MaskArray

TESTS = Path(__file__).parent

_numbers = count()

OF_TORCH = (
    "research/test_trained.py",
    "training",
    "hub",
    "personal/test_pseudo_video.py",
    "personal/retrieval/test_encoders.py",
    "segmentors/clickseg",
    "segmentors/plain_vit",
    "segmentors/sam",
    "segmentors/test_checkpoints.py",
    "segmentors/test_exported_tools.py",
    "semantic/networks",
    "semantic/test_evaluate.py",
    "semantic/test_inference.py",
    "semantic/test_predict.py",
    "semantic/test_recipes.py",
    "semantic/test_schedules.py",
    "semantic/test_train.py",
    "cli/test_models_command.py",
    "cli/test_research_commands.py",
    "cli/test_semantic_training.py",
)
"""Tests that need the extras [train] and [hub]; without these they are left out, and the rest is still tested."""

WITHOUT_TORCH = ("training/test_portions.py", "training/test_tables.py")
"""Of these rooms' tests those that do not."""

WITHOUT_A_BROWSER = ("web/test_modules.py",)
"""Of the page's tests those that run its modules in node; all others drive Chromium."""

SLOW = (
    "annotation/test_kill.py",
    "annotation/test_simulate.py",
    "cli/test_annotate_command.py",
    "cli/test_click_command.py",
    "cli/test_evaluate_command.py",
    "cli/test_mosaic_command.py",
    "cli/test_other_commands.py",
    "cli/test_partition_command.py",
    "cli/test_segment_command.py",
    "datasets/test_hypersim_download.py",
    "datasets/test_synthetic.py",
    "decoding/test_damage.py",
    "evaluation/test_interactive.py",
    "evaluation/test_run.py",
    "evaluation/test_personalized.py",
    "cli/test_personalize_command.py",
    "cli/test_retrieve_command.py",
    "personal/retrieval/test_pgvector.py",
    "personal/test_regions.py",
    "scale/test_dataset.py",
    "formats/test_fuzz.py",
    "server/test_changes.py",
    "server/test_export.py",
    "server/test_malice.py",
    "server/test_patience.py",
    "server/test_proxy.py",
    "test_compose.py",
    "test_examples.py",
    "test_own_model.py",
    "test_site.py",
    "test_snippets.py",
    "test_wheel.py",
)
"""Files of tests that start programs or look at many images; single ones elsewhere are marked where they stand."""

LONG = (
    "web/test_page.py",
    "test_wheel.py",
    "scale",
    "segmentors/sam/test_export.py",
    "training/test_export.py",
    "web/test_assistant.py",
    "test_compose.py",
    "test_site.py",
)
"""Where there are several processes these come first, so that none is left alone with one of them at the end."""

OF_A_PROGRAM = ("postgresql", "pgvector", "s3", "on_ray")
"""Fixtures that start a database, an object store or a cluster: a test that asks for one is slow."""

WITH_TORCH = bool(find_spec("torch") and find_spec("transformers"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="without torch, a browser and what is slow: `make quick`")


def pytest_configure(config: pytest.Config) -> None:
    """How many inputs of each kind are made up, where a test does not say it."""
    settings.register_profile("all", max_examples=100, deadline=None)
    settings.register_profile("quick", max_examples=10, deadline=None)
    settings.load_profile("quick" if config.getoption("--quick") else "all")
    config.option.loadscopereorder = False  # by the number of tests in a file, which says little


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what cannot be imported, or would take long to import."""
    quick = config.getoption("--quick")
    if _of_torch(collection_path) and (quick or not WITH_TORCH):
        return True
    return True if quick and _of_a_browser(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests by what they need."""
    for item in items:
        if _of_torch(item.path):
            item.add_marker(pytest.mark.torch)
        if _of_a_browser(item.path):
            item.add_marker(pytest.mark.browser)
        if _among(item.path, SLOW) or _starts_a_program(item):
            item.add_marker(pytest.mark.slow)
    if config.getoption("--quick"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
    items.sort(key=_turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file of tests at a time in each process, and all of `scale/` in one: a cluster of Ray takes long to start."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return "scale" if nodeid.startswith("tests/scale/") else str(super()._split_scope(nodeid))

    return Scheduling(config, log)


def _of_torch(path: Path) -> bool:
    without = [TESTS / place for place in WITHOUT_TORCH]
    return _among(path, OF_TORCH) and not any(path in (place, *place.parents) for place in without)


def _turn(item: pytest.Item) -> int:
    return next((number for number, place in enumerate(LONG) if _among(item.path, (place,))), len(LONG))


def _starts_a_program(item: pytest.Item) -> bool:
    return any(name in OF_A_PROGRAM for name in getattr(item, "fixturenames", ()))


def _of_a_browser(path: Path) -> bool:
    return path.name.startswith("test_") and _among(path, ("web",)) and not _among(path, WITHOUT_A_BROWSER)


def _among(path: Path, places: tuple[str, ...]) -> bool:
    if not path.is_relative_to(TESTS):
        return False
    place = path.relative_to(TESTS).as_posix()
    return any(place == each or place.startswith(f"{each}/") for each in places)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder that TAMIS_DATA names."""
    place = os.environ.get("TAMIS_DATA")
    if not place:
        pytest.skip("real images: set TAMIS_DATA to their folder")
    return Path(place)


@pytest.fixture(scope="session")
def golden(data: Path) -> Path:
    """The peers' own numbers, beside the real images."""
    place = data.parent / "golden"
    if not place.is_dir():
        pytest.skip(f"golden values: no folder {place}")
    return place


@pytest.fixture(scope="session")
def scene() -> tuple[ImageArray, MaskArray]:
    """A red disc on a noisy green ground, 96 × 128, and the disc's mask."""
    rows, columns = np.mgrid[:96, :128]
    disc: MaskArray = (rows - 50) ** 2 + (columns - 40) ** 2 < 25**2
    image = np.where(disc[..., None], (200, 40, 40), (40, 120, 60))
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    return (image + noise).astype(np.uint8), disc


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save an array as an image file of the test's own folder: save("a.png", array) → its path."""

    def write(name: str, pixels: Any, **options: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def photograph(save: Callable[..., Path], scene: tuple[ImageArray, MaskArray]) -> Path:
    """The scene as a JPEG file."""
    return save("photo.jpg", scene[0], quality=95)


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an empty bucket of an S3 server on this machine, whose credentials are in the environment."""
    pytest.importorskip("s3fs")
    server_of = pytest.importorskip("moto.server")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        patch.setenv(name, value)
    import boto3

    boto3.client("s3").create_bucket(Bucket="photographs")
    yield "s3://photographs"
    patch.undo()
    server.stop()


@pytest.fixture(scope="session")
def pgvector() -> Iterator[Callable[[], str]]:
    """Gives the address of a new, empty database of a PostgreSQL with pgvector."""
    from tests import postgres

    programs = postgres.with_pgvector()
    if programs is None or find_spec("pgvector") is None:
        pytest.skip("there is no pgserver, a PostgreSQL with pgvector from PyPI, or no pgvector")
    if (reason := postgres.missing(programs)) is not None:
        pytest.skip(reason)
    import psycopg

    with postgres.server(programs) as address:

        def made() -> str:
            name = f"vectors{next(_numbers)}"
            with psycopg.connect(address.format(name="postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return address.format(name=name)

        yield made
