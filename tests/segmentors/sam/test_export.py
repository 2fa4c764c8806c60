"""An exported model run by onnxruntime alone gives what torch gives."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tamis.arrays import ImageArray, MaskArray
from tamis.clicks import Click, grid_clicks
from tamis.errors import InputError, UnavailableError
from tamis.hub.folder import folder_of
from tamis.segmentors import ScoresPresence, find_model, list_models, load_segmentor
from tamis.segmentors.sam.catalogue import find_hub_model
from tamis.segmentors.sam.export import LEAST_AGREEMENT, agreement, export_model
from tamis.segmentors.sam.promptable import Promptable

Scene = tuple[ImageArray, MaskArray]

ALONE = """
import sys
import numpy as np
from tamis.clicks import Click
from tamis.segmentors import load_segmentor
encoded = load_segmentor("sam2.1-tiny-onnx").encode(np.load(sys.argv[1]))
np.save(sys.argv[2], encoded.probability([Click(40, 50)]))
assert not {"torch", "transformers", "huggingface_hub"} & set(sys.modules)
"""


def test_an_exported_model(placed: Callable[[str], Path], scene: Scene, tmp_path: Path) -> None:
    """One export for all that is asked of it: it takes a quarter of a minute."""
    placed("sam2.1-tiny")
    done = export_model(find_hub_model("sam2.1-tiny"), images=[scene[0]])
    assert done.name in {model.name for model in list_models()}
    assert find_model(done.name).available

    # The same answers as by torch, however it is asked.
    original, exported = load_segmentor("sam2.1-tiny"), load_segmentor(done.name)
    assert isinstance(original, Promptable)
    assert isinstance(exported, Promptable)
    assert not done.notes.quantised, "random weights do not bear 8 bits"
    ours, theirs = exported.encode(scene[0]), original.encode(scene[0])
    clicks = [Click(40, 50), Click(100, 20, positive=False), Click(7, 90)]
    for asked in (clicks, clicks[:1], clicks[:2]):
        np.testing.assert_allclose(ours.probability(asked), theirs.probability(asked), atol=1e-4)
    np.testing.assert_allclose(
        ours.probability_in_box((9, 8, 70, 60)), theirs.probability_in_box((9, 8, 70, 60)), atol=1e-4
    )
    for asked in ([], clicks):
        np.testing.assert_allclose(
            ours.probability_from_mask(scene[1], asked), theirs.probability_from_mask(scene[1], asked), atol=1e-4
        )
    grid = grid_clicks(9, (96, 128))
    np.testing.assert_allclose(ours.probabilities(grid), theirs.probabilities(grid), atol=1e-4)
    assert isinstance(ours, ScoresPresence)
    assert isinstance(theirs, ScoresPresence)
    np.testing.assert_allclose(ours.presences(grid), theirs.presences(grid), atol=1e-5)
    assert agreement(original, exported, [scene[0]]) > 0.9999

    # What the decision about 8 bits rests on is on record.
    notes = json.loads((done.folder / "export.json").read_text())
    assert notes["agreement"] < LEAST_AGREEMENT
    assert f"agree with the full precision to a mean IoU of {notes['agreement']:.4f}" in done.said

    # No torch is needed.
    np.save(tmp_path / "image.npy", scene[0])
    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path / "image.npy"), str(tmp_path / "alone.npy")], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "alone.npy"), ours.probability(clicks[:1]), atol=1e-6)

    # A damaged file is told.
    (done.folder / "one.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"one.onnx: onnxruntime cannot read it .* export it again"):
        load_segmentor(done.name)
    (done.folder / "export.json").write_text("{}")
    with pytest.raises(InputError, match=r"export.json: is none of an exported model"):
        load_segmentor(done.name)


def test_what_was_not_exported_says_how() -> None:
    from tamis.segmentors.sam.loading import load

    with pytest.raises(
        UnavailableError, match=r"run tamis models export sam2\.1-tiny, on this computer or on one with torch"
    ) as caught:
        load("sam2.1-tiny-onnx")
    assert str(folder_of("sam2.1-tiny-onnx")) in str(caught.value)


def test_exporting_needs_the_weights() -> None:
    with pytest.raises(UnavailableError, match="run tamis models pull sam-vit-base"):
        export_model(find_hub_model("sam-vit-base"))
