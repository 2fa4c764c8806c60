"""Fetching from a hub on this computer: revisions, licences, checksums, and transfers that are cut off."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tamis.errors import InputError, UnavailableError
from tamis.hub.fetch import fetch, offer_of
from tamis.hub.folder import RECORD
from tamis.hub.model import HubModel
from tamis.segmentors.sam.loading import load_weights
from tests.hub.server import COMMIT, Hub, serving
from tests.segmentors.sam import tiny

UNPINNED = HubModel("small", "sam", "nobody/small", 1)


def pinned(content: bytes) -> HubModel:
    return replace(UNPINNED, revision=COMMIT, sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tiny.write(tiny.sam(), tmp_path_factory.mktemp("sam"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(files: dict[str, bytes]) -> Iterator[Hub]:
    with serving(Hub("nobody/small", dict(files))) as hub:
        yield hub


def test_a_pinned_model_is_fetched_verified_and_loads(hub: Hub, files: dict[str, bytes], own_cache: Path) -> None:
    model = pinned(files["model.safetensors"])
    offer = offer_of(model, endpoint=hub.url)
    assert not own_cache.exists(), "asking fetches nothing"
    assert (offer.commit, offer.folder) == (COMMIT, own_cache / "models" / "small")
    assert offer.bytes == len(files["model.safetensors"]) + len(files["config.json"])
    fetch(offer, hub.url)
    assert load_weights(model, offer.folder).weights_sha256 == model.sha256
    record = json.loads((offer.folder / RECORD).read_text())
    assert (record["repository"], record["revision"]) == ("nobody/small", COMMIT)


def test_what_is_not_pinned_needs_a_revision_which_goes_on_record(hub: Hub, files: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="'small' has no pinned revision: give --revision with a commit"):
        offer_of(UNPINNED, endpoint=hub.url)
    offer = offer_of(UNPINNED, "main", hub.url)
    assert offer.sha256 == hashlib.sha256(files["model.safetensors"]).hexdigest()
    fetch(offer, hub.url)
    record = json.loads((offer.folder / RECORD).read_text())
    assert record["revision"] == COMMIT
    assert record["files"]["model.safetensors"]["sha256"] == offer.sha256


def test_a_second_fetch_moves_no_weights(hub: Hub) -> None:
    for _ in range(2):
        fetch(offer_of(UNPINNED, "main", hub.url), hub.url)
    assert [name for name, _ in hub.asked].count("model.safetensors") == 1


def test_a_transfer_that_was_cut_off_goes_on_where_it_stopped(hub: Hub) -> None:
    """The hub's library writes ten mebibytes at a time: what was written is not asked for again."""
    hub.files["model.safetensors"] = bytes(range(256)) * 50_000
    hub.cut = 11_000_000
    offer = offer_of(UNPINNED, "main", hub.url)
    fetch(offer, hub.url)
    assert [part for name, part in hub.asked if name == "model.safetensors"] == ["", "bytes=10485760-"]
    assert (offer.folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]


def test_other_weights_than_the_pinned_ones_are_not_even_fetched(hub: Hub) -> None:
    with pytest.raises(InputError, match=r"has the SHA-256 .* is pinned; nothing was fetched"):
        offer_of(pinned(b"what was expected"), endpoint=hub.url)
    assert not hub.asked


def test_damage_on_the_way_is_refused_and_kept(hub: Hub, files: dict[str, bytes]) -> None:
    hub.stated["model.safetensors"] = hashlib.sha256(b"what was sent").hexdigest()
    offer = offer_of(UNPINNED, "main", hub.url)
    with pytest.raises(InputError, match="nothing was deleted"):
        fetch(offer, hub.url)
    assert (offer.folder / "model.safetensors").read_bytes() == files["model.safetensors"]
    with pytest.raises(InputError, match="nothing was deleted"):
        load_weights(UNPINNED, offer.folder)


def test_other_files_that_stand_there_are_not_overwritten(hub: Hub) -> None:
    offer = offer_of(UNPINNED, "main", hub.url)
    offer.folder.mkdir(parents=True)
    (offer.folder / "model.safetensors").write_bytes(b"mine")
    with pytest.raises(InputError, match="nothing was deleted: move it away"):
        fetch(offer, hub.url)
    assert (offer.folder / "model.safetensors").read_bytes() == b"mine"


Change = Callable[[Hub], object]


@pytest.mark.parametrize(
    ("change", "revision", "error", "said"),
    [
        (lambda hub: None, "v9", InputError, "--revision v9: nobody/small has no such revision"),
        (
            lambda hub: setattr(hub, "gated", True),
            "main",
            UnavailableError,
            "accept it on the model's page, log in with",
        ),
        (lambda hub: setattr(hub, "repository", "nobody/else"), "main", InputError, "the hub does not have it"),
        (
            lambda hub: hub.files.pop("model.safetensors"),
            "main",
            InputError,
            "has no model.safetensors at revision main",
        ),
    ],
    ids=["unknown revision", "licence not accepted", "no such repository", "only pickles"],
)
def test_what_the_hub_refuses_is_a_sentence(
    hub: Hub, change: Change, revision: str, error: type[Exception], said: str
) -> None:
    change(hub)
    with pytest.raises(error, match=said):
        offer_of(UNPINNED, revision, hub.url)


def test_without_a_network_the_way_out_is_said(own_cache: Path) -> None:
    with pytest.raises(UnavailableError, match="run the same command again with a network") as caught:
        offer_of(UNPINNED, "main", "http://127.0.0.1:9")
    assert str(caught.value).endswith(
        f"put config.json and model.safetensors into {own_cache / 'models' / 'small'} by hand"
    )
