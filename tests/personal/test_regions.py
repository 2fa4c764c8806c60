from pathlib import Path

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.image import read_image
from tamis.personal.appearance import appearance_of
from tamis.personal.memory_file import load_memories, save_memories
from tamis.personal.protocol import Reference, locate
from tamis.personal.regions import PresenceHead, RegionMemory, Regions, fitted, shares_of
from tamis.regions.appearance import Appearance
from tamis.segmentors import load_segmentor
from tests.personal.scenes import scene

METHOD = Regions()


@pytest.fixture(scope="module")
def ball() -> RegionMemory:
    return METHOD.remember([Reference(*scene("ball", 0))])


@pytest.fixture(scope="module")
def targets() -> dict[str, Appearance]:
    grounds = {"ball": (70, 90, 120), "box": (60, 110, 70), "nothing": (60, 110, 70)}
    return {kind: METHOD.look(scene(kind, 5, ground)[0]) for kind, ground in grounds.items()}


def test_the_thing_is_found_on_another_ground_and_missed_where_it_is_not(
    ball: RegionMemory, targets: dict[str, Appearance]
) -> None:
    found = {kind: ball.locate(seen) for kind, seen in targets.items()}
    truth = scene("ball", 5)[1]
    mask = found["ball"].mask
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85
    assert found["ball"].presence > found["box"].presence + 0.2
    assert found["ball"].presence > 0.5 > found["nothing"].presence
    assert found["ball"].predicted_iou > 0.5
    assert found["ball"].probability.shape == (192, 192)


def test_several_references_are_one_memory_whose_weights_sum_to_one(targets: dict[str, Appearance]) -> None:
    memory = METHOD.remember([Reference(*scene("ball", 0)), Reference(*scene("ball", 1, (150, 150, 150)))])
    assert memory.weights.sum() == pytest.approx(1, abs=1e-5)
    assert len(memory.weights) == len(memory.things) == memory.inside.sum()
    assert memory.locate(targets["ball"]).presence > 0.5


def test_presence_is_the_weighted_mean_of_best_matches(ball: RegionMemory, targets: dict[str, Appearance]) -> None:
    """The same in plain loops."""
    seen = targets["ball"]
    found = np.arange(len(seen.areas)) % 3 == 0
    expected = 0.0
    for vector, weight in zip(ball.things, ball.weights, strict=True):
        expected += float(weight) * max(float(other @ vector) for other in seen.things[found])
    assert ball.likeness(seen, found) == pytest.approx(expected, abs=1e-4)
    assert ball.likeness(seen, np.zeros(len(seen.areas), bool)) == -1


def test_presence_alone_is_that_of_the_location_and_draws_no_border(
    ball: RegionMemory, targets: dict[str, Appearance], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [ball.locate(seen).presence for seen in targets.values()]
    monkeypatch.setattr("tamis.personal.regions.spread", None)
    assert [ball.present(seen) for seen in targets.values()] == expected


def test_a_head_of_other_descriptors_is_refused(targets: dict[str, Appearance]) -> None:
    head = PresenceHead(scales=np.ones(7, np.float32))
    memory = Regions(head=head).remember([Reference(*scene("ball", 0))])
    with pytest.raises(InputError, match="trained for descriptors of 7 numbers, those of this model have 352"):
        memory.present(targets["ball"])


def test_the_fit_is_the_soft_iou_of_the_best_row(targets: dict[str, Appearance]) -> None:
    seen = targets["ball"]
    membership = np.random.default_rng(0).random(len(seen.areas), dtype=np.float32)
    best = 0.0
    for row in seen.encoded.answers.reshape(-1, len(seen.areas)):
        mask = row > 127
        shared = float((seen.areas * membership)[mask].sum())
        either = float(seen.areas[mask].sum()) + float((seen.areas * membership).sum()) - shared
        best = max(best, shared / either)
    values, fit = fitted(seen.encoded, seen.areas, membership)
    assert fit == pytest.approx(best, abs=1e-5)
    assert values.min() >= 0
    assert values.max() <= 1
    assert not fitted(seen.encoded, seen.areas, np.zeros_like(membership))[0].any()


def test_shares_of_a_mask_in_regions() -> None:
    region_map = np.repeat(np.arange(4, dtype=np.uint16).reshape(2, 2), 8, axis=0).repeat(8, axis=1)
    mask = np.zeros((32, 32), bool)
    mask[:16, :8] = True
    np.testing.assert_allclose(shares_of(mask, region_map), [0.5, 0, 0, 0])


def test_a_mask_smaller_than_any_region_still_names_one() -> None:
    image, _ = scene("ball", 0)
    dot = np.zeros(image.shape[:2], bool)
    dot[100, 100] = True
    assert METHOD.remember([Reference(image, dot)]).inside.any()


def test_a_saved_object_is_found_as_before(ball: RegionMemory, targets: dict[str, Appearance], tmp_path: Path) -> None:
    file = tmp_path / "objects.npz"
    save_memories(file, METHOD, {"ball": ball})
    assert file.stat().st_size < 1_000_000
    again = load_memories(file, METHOD)["ball"].locate(targets["ball"])
    before = ball.locate(targets["ball"])
    assert again.presence == pytest.approx(before.presence, abs=1e-3)
    assert (again.mask != before.mask).mean() < 0.01


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    image, mask = scene("ball", 0)
    with pytest.raises(InputError, match=r"cup\.jpg: its mask is empty; draw the object"):
        Reference(image, np.zeros_like(mask), "cup.jpg")
    with pytest.raises(InputError, match="its mask is 100x192 but the image 192x192"):
        Reference(image, mask[:, :100])
    with pytest.raises(InputError, match="at least one reference"):
        locate(METHOD, [], image)
    file = tmp_path / "objects.npz"
    file.write_bytes(b"PK something")
    with pytest.raises(InputError, match="holds no remembered objects, or is damaged"):
        load_memories(file, METHOD)
    with pytest.raises(InputError, match="there is no such file"):
        load_memories(tmp_path / "other.npz", METHOD)


def test_objects_of_other_weights_or_methods_are_refused(ball: RegionMemory, tmp_path: Path) -> None:
    class Other(Regions):
        @property
        def weights_sha256(self) -> str:
            return "f" * 64

    file = tmp_path / "objects.npz"
    save_memories(file, Other(), {"ball": ball})
    with pytest.raises(InputError, match=r"was made with other weights of regions \(ffffffffffff…"):
        load_memories(file, METHOD)
    save_memories(file, Other("another"), {"ball": ball})
    with pytest.raises(InputError, match="was made with --method another, not regions"):
        load_memories(file, METHOD)


def test_the_duck_of_perseg(data: Path) -> None:
    from tamis.datasets.episodes import open_perseg

    (duck,) = open_perseg(data / "perseg_examples")
    memory = METHOD.remember([Reference(duck.reference.image(), duck.reference.mask())])
    for view in duck.targets:
        truth = view.mask()
        found = memory.locate(METHOD.look(view.image()))
        assert (found.mask & truth).sum() / (found.mask | truth).sum() > 0.95
        assert found.presence > 0.5
    other = read_image(data / "dreambooth" / "images" / "candle" / "01.jpg")
    assert memory.locate(METHOD.look(other)).presence < 0.5


def test_regions_that_are_no_clusters_of_ours_are_refused_or_compared_by_their_own_descriptors() -> None:
    image, _ = scene("ball", 0)
    seen = appearance_of(image, load_segmentor("hierarchy"))
    assert seen.things.shape == (len(seen.areas), seen.encoded.descriptors.shape[1])
    np.testing.assert_allclose(np.linalg.norm(seen.things, axis=1), 1, atol=1e-5)
    assert seen.areas.sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="the model 'grabcut' has no regions to compare"):
        appearance_of(image, load_segmentor("grabcut"))
