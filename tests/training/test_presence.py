"""The head of presence, trained on triplets: it learns, the rest stays, and what is written is read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tamis.datasets.retrieval import open_collection
from tamis.errors import InputError
from tamis.personal.methods import load_method
from tamis.personal.protocol import Reference
from tamis.personal.pseudo_video import with_head
from tamis.personal.regions import PresenceHead, Regions, load_head
from tamis.personal.retrieval.encoders import load_encoder
from tamis.training.presence import PresenceOptions, RegionHead, train_presence
from tests.personal.scenes import scene
from tests.personal.trackers import tiny_tracker


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UnED's layout: two domains with a class each, objects in boxes, masks, or nowhere."""
    root = tmp_path_factory.mktemp("uned")
    for domain, kind in (("toys", "ball"), ("boxes", "box")):
        for seed in range(2):
            image, mask = scene(kind, seed)
            place = root / domain / kind / f"{seed}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place)
            if seed == 0 and kind == "ball":
                Image.fromarray(mask.astype(np.uint8) * 255).save(place.with_name("0_mask.png"))
            elif seed == 0:
                rows, columns = np.nonzero(mask)
                box = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
                place.with_name("0_bbox.txt").write_text(" ".join(map(str, box)))
    return root


def test_unlike_objects_are_pushed_apart(root: Path, tmp_path: Path) -> None:
    collection = open_collection("uned", root)
    assert [query.name for query in collection.queries] == ["boxes/box/0.png", "toys/ball/0.png"]
    assert collection.queries[0].box is not None
    assert collection.queries[1].mask is not None
    options = PresenceOptions(epochs=3, samples=8, batch=8, margin=2.0)
    steps = train_presence([collection], Regions(), options, held_out=0)
    losses = []
    while True:
        try:
            losses.append(next(steps)[1])
        except StopIteration as end:
            head, scores = end.value
            break
    assert losses[-1] < losses[0]
    assert scores == {}
    five = replace(options, samples=16, steps=5)  # of two steps a round
    assert [epoch for epoch, _ in train_presence([collection], Regions(), five, held_out=0)] == [1, 2, 3]
    head.save(tmp_path / "presence.npz")
    trained = load_method("regions", tmp_path / "presence.npz")
    assert trained.weights_sha256 != Regions().weights_sha256
    image, mask = scene("ball", 0)
    seen = trained.look(scene("ball", 5)[0])
    assert trained.remember([Reference(image, mask)]).locate(seen).presence > 0.5


def test_a_head_that_learned_nothing_tells_what_the_method_tells() -> None:
    method = Regions()
    memory, seen = method.remember([Reference(*scene("ball", 0))]), method.look(scene("ball", 3)[0])
    head = RegionHead()
    told = head.score(head.inputs(memory, seen))
    assert float(told.detach()) == pytest.approx(memory.locate(seen).presence, abs=1e-4)
    assert float(head.score(None).detach()) == pytest.approx(PresenceHead().probability(-1), abs=1e-6)


def test_a_trackers_head_learns_from_its_token_alone(root: Path, tmp_path: Path) -> None:
    tracker = tiny_tracker(tmp_path / "tracker")
    before = {name: value.clone() for name, value in tracker.network.state_dict().items()}
    steps = train_presence(
        [open_collection("uned", root)], tracker, PresenceOptions(epochs=1, samples=4, batch=4, margin=2.0), held_out=0
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            head, _ = end.value
            break
    changed = [name for name, value in tracker.network.state_dict().items() if not torch.equal(value, before[name])]
    assert changed
    assert all(name.startswith("mask_decoder.iou_prediction_head.") for name in changed)
    head.save(tmp_path / "presence.npz")
    again = with_head(tiny_tracker(tmp_path / "again"), tmp_path / "presence.npz")
    image, mask = scene("ball", 0)
    located = again.remember([Reference(image, mask)]).locate(again.look(image))
    assert again.trained
    assert located.presence == located.predicted_iou
    np.savez(tmp_path / "other.npz", weight=np.zeros(3))
    with pytest.raises(InputError, match="is no head of tiny"):
        with_head(again, tmp_path / "other.npz")


def test_imagenets_encoder_gives_unit_vectors() -> None:
    encoder = load_encoder("efficientnet-lite2")
    vectors = encoder.encode([scene("ball", 0)[0], scene("ball", 4)[0], scene("box", 4)[0]])
    assert vectors.shape == (3, 352)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_what_cannot_be_done_is_said(root: Path, tmp_path: Path) -> None:
    collection = open_collection("uned", root)
    with pytest.raises(InputError, match="at least two objects"):
        next(train_presence([collection], Regions(), PresenceOptions(), held_out=2))
    (tmp_path / "head.npz").write_bytes(b"none")
    with pytest.raises(InputError, match="holds no head of presence"):
        load_head(tmp_path / "head.npz")
    assert torch.is_grad_enabled()
