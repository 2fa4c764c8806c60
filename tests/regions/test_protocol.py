"""A region model of somebody else: found by its entry point, of no class of ours, it goes the quick way everywhere."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from tamis.annotation.answers import answer_prompt
from tamis.annotation.assistant.concept import Concept, RegionView, shares_of
from tamis.annotation.assistant.propose import propose
from tamis.annotation.encoder import Encoder, Source
from tamis.arrays import ImageArray, MaskArray, ProbabilityArray
from tamis.clicks import Click
from tamis.compat import SamPredictor
from tamis.datasets.protocol import Sample, Target
from tamis.evaluation.zero_shot import ZeroShotRules, evaluate_image
from tamis.image import write_image
from tamis.partition.nested import partition
from tamis.personal.protocol import Reference, locate
from tamis.personal.regions import Regions
from tamis.proposals import grid_proposals
from tamis.proposals.refine import pieces_of_the_segmentor
from tamis.regions.table import unpack_answers
from tamis.results.run import file_hash
from tamis.segmentors import AnswersByRegion, EncodedImage, load_segmentor, registry
from tamis.segmentors.prompts import answer_to


class Quarter:
    """An image in four; a click means its quarter, or by a worse rated answer the half above or below."""

    def __init__(self, shape: tuple[int, int]) -> None:
        height, width = self.shape = shape
        rows, columns = np.mgrid[:height, :width]
        self.fine_map = (2 * (rows >= height // 2) + (columns >= width // 2)).astype(np.uint16)
        self.region_map = np.array([[0, 1], [2, 3]], np.uint16)
        halves = np.kron(np.eye(2), np.ones((2, 2)))
        self.answers = (np.stack([np.eye(4), halves]) * 230).astype(np.uint8)
        self.ratings = np.array([[220] * 4, [90] * 4], np.uint8)
        self.descriptors = np.eye(4, dtype=np.float32)

    def probability(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """Quarters with a positive click."""
        full = np.zeros(self.shape, np.float32)
        for click in clicks:
            if click.positive:
                full[self.fine_map == self.fine_map[click.pixel]] = 0.9
        return full

    def probabilities(self, clicks: Sequence[Click]) -> ProbabilityArray:
        """The slow way, which nobody should go."""
        raise AssertionError("asked click by click")


class Quarters:
    """A segmentor that shares no class with ours."""

    name = "quarters"

    def encode(self, image: ImageArray) -> Quarter:
        """Cut it in four."""
        return Quarter((image.shape[0], image.shape[1]))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("quarters", f"{__name__}:Quarters", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == registry.ENTRY_POINTS else [])


@pytest.fixture
def image() -> ImageArray:
    return np.zeros((40, 60, 3), np.uint8)


@pytest.fixture
def encoded(image: ImageArray) -> EncodedImage:
    encoded = load_segmentor("quarters").encode(image)
    assert isinstance(encoded, EncodedImage)
    assert isinstance(encoded, AnswersByRegion)
    return encoded


def test_proposals_come_of_the_matrix(encoded: EncodedImage) -> None:
    found = grid_proposals(encoded)
    assert sorted(found.masks.areas.tolist()) == [600] * 4 + [1200] * 2
    assert found.scores.max() == pytest.approx(220 / 255)


def test_superpixels_and_partitions_are_its_regions(encoded: EncodedImage, image: ImageArray) -> None:
    assert len(pieces_of_the_segmentor(encoded, image)) == 4
    two = partition(encoded, image).labels(2)
    assert len(np.unique(two[:20])) == 1  # by the best rated answers all are alike; touching ones are joined
    assert np.bincount(two.ravel()).sum() == 2400


def test_boxes_are_answered_by_its_regions(encoded: EncodedImage) -> None:
    found = answer_to(encoded, box=(0, 0, 60, 20)) > 0.5
    assert found[:20].all()
    assert not found[20:].any()
    assert (answer_prompt(encoded, [], (0, 0, 60, 20), 0) > 0.5).sum() == 1200


def test_sams_predictor_takes_a_box(image: ImageArray) -> None:
    predictor = SamPredictor(load_segmentor("quarters"))
    predictor.set_image(image)
    masks, _, _ = predictor.predict(box=np.array([30, 20, 59, 39]), multimask_output=False)
    assert masks[0][25, 35]
    assert masks[0].sum() <= 600


def test_the_browser_gets_its_table(tmp_path: Path, image: ImageArray) -> None:
    path = tmp_path / "0.png"
    write_image(path, image)
    source = Source(path, file_hash(path))
    encoder = Encoder(lambda: load_segmentor("quarters"), lambda: [0], lambda _: source, lambda _: None)
    encoder.start()
    try:
        encoder.wait(0, 20)
        end = monotonic() + 20
        while (table := encoder.table(source)) is None and monotonic() < end:
            sleep(0.01)
    finally:
        encoder.close()
    assert table
    fine_map, answers, _ = unpack_answers(table)
    assert fine_map.shape == (40, 60)
    assert answers.shape == (2, 4, 4)


def test_zero_shot_evaluation_does_not_ask_click_by_click(tmp_path: Path, image: ImageArray) -> None:
    write_image(tmp_path / "0.png", image)
    mask: MaskArray = np.zeros((40, 60), bool)
    mask[:20, :30] = True
    sample = Sample("0", tmp_path / "0.png", lambda: iter([Target("a", mask)]))
    record = evaluate_image(load_segmentor("quarters"), sample, ZeroShotRules((1, 10)))
    assert record.best[1] == [1.0]
    assert record.superpixels == 4


def test_the_assistant_learns_from_its_regions(encoded: AnswersByRegion) -> None:
    mask: MaskArray = np.zeros((40, 60), bool)
    mask[:20, :30] = True
    concept, view = Concept(), RegionView.of(encoded)
    concept.learn("0", view, shares_of(encoded, mask))
    np.testing.assert_array_equal(propose(concept, encoded, view).mask, mask)


def test_an_object_is_found_again_by_its_descriptors(image: ImageArray) -> None:
    mask: MaskArray = np.zeros((40, 60), bool)
    mask[20:, 30:] = True
    method = Regions(model=load_segmentor("quarters"))
    found = locate(method, [Reference(image, mask)], image)
    np.testing.assert_array_equal(found.mask, mask)
    assert found.presence > 0.99
    assert found.predicted_iou > 0.9
