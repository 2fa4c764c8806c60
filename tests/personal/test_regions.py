from pathlib import Path

import numpy as np
import pytest

from tamis.errors import InputError
from tamis.image import read_image
from tamis.personal.appearance import (
    Appearance,
    Standard,
    appearance_of,
    measure_standards,
    save_standards,
    standards,
)
from tamis.personal.memory_file import load_memories, save_memories
from tamis.personal.protocol import Reference, locate
from tamis.personal.regions import RegionMemory, Regions, fitted, shares_of
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


def test_unit_vectors_know_nothing_of_the_directions_of_place() -> None:
    rng = np.random.default_rng(0)
    place = np.linalg.qr(rng.normal(size=(6, 2)))[0].T.astype(np.float32)
    standard = Standard(np.zeros(6, np.float32), np.ones(6, np.float32), place)
    vectors = standard.unit(rng.normal(size=(5, 6)).astype(np.float32))
    np.testing.assert_allclose(vectors @ place.T, 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for name, channels in (("deep16", 120), ("deep32", 352)):
        shipped = standards()[name]
        np.testing.assert_allclose(shipped.place @ shipped.place.T, np.eye(len(shipped.place)), atol=0.01)
        assert shipped.mean.shape == (channels,)


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
        found = memory.locate(appearance_of(view.image()))
        assert (found.mask & truth).sum() / (found.mask | truth).sum() > 0.95
        assert found.presence > 0.5
    other = read_image(data / "dreambooth" / "images" / "candle" / "01.jpg")
    assert memory.locate(appearance_of(other)).presence < 0.5


def test_standards_are_the_mean_and_deviation_of_cells_and_are_read_as_written(tmp_path: Path) -> None:
    images = [scene("ball", 0)[0], scene("box", 1)[0]]
    found = measure_standards(images)
    cells = np.concatenate([METHOD.model.deep_maps(image).deep32.reshape(352, -1).T for image in images])
    np.testing.assert_allclose(found["deep32"].mean, cells.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found["deep32"].deviation, cells.std(axis=0), atol=1e-4)
    assert found["deep16"].place.shape == (20, 120)
    save_standards(tmp_path / "standards.npz", found)
    with np.load(tmp_path / "standards.npz") as stored:
        np.testing.assert_array_equal(stored["deep16_mean"], found["deep16"].mean)
        np.testing.assert_allclose(stored["deep32_place"], found["deep32"].place, atol=1e-3)
    with pytest.raises(InputError, match="at least one photograph"):
        measure_standards([])
