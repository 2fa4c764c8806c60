"""A click tool as ONNX, so that the core install runs it; how near it comes is measured and kept beside it."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tamis.arrays import ImageArray
from tamis.clicks import Click
from tamis.errors import InputError
from tamis.results.files import replacing, write_json
from tamis.segmentors.click_tools import load_click_tool, parsed
from tamis.segmentors.clickseg.model import ClickTool
from tamis.segmentors.exported_tools import DECODER, ENCODER, LOOK, NOTES, REFINE, load_export
from tamis.segmentors.onnx_export import export_graph, quiet
from tamis.segmentors.plain_vit.model import SegNextSegmentor
from tamis.segmentors.protocol import AnswersInTurn, Segmentor


@dataclass(frozen=True)
class Parity:
    """How near an export comes to the network by torch, over the answers to a few clicks on photographs.

    Attributes:
        answers: how many were compared.
        largest: difference of a probability.
        iou: mean IoU of the masks at one half.
    """

    answers: int
    largest: float
    iou: float


def export_click_tool(name: str, out: Path, images: Sequence[ImageArray] = ()) -> Parity:
    """Write encoder and decoder (SegNext), or first and second look, as ONNX, and how near they come.

    Args:
        name: family and checkpoint, such as "ritm:h18.pth".
        out: the folder to write.
        images: (H, W, 3) uint8 RGB to compare on; by default the sample photographs of scikit-image.

    Raises:
        InputError: the checkpoint cannot be used.
        OutputError: the folder cannot be written to.
    """
    family, place, _ = parsed(name)
    if place.is_dir():
        raise InputError(f"{place}: is an export already; name the checkpoint")
    original = load_click_tool(name, device="cpu")
    notes: dict[str, Any] = {"family": family, "checkpoint": place.name, "weights_sha256": original.weights_sha256}  # type: ignore[attr-defined]
    with quiet(), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if isinstance(original, SegNextSegmentor):
            notes |= _write_segnext(original, folder)
        else:
            assert isinstance(original, ClickTool)
            notes |= _write_looks(original, folder)
        write_json(folder / NOTES, notes)
        if not images:
            from tamis.segmentors.sam.export import sample_photographs

            images = sample_photographs()
        parity = compared(original, load_export(family, folder), images)
        write_json(folder / NOTES, {**notes, "parity": asdict(parity)})
        for file in (*notes["files"], NOTES):
            with replacing(out / file) as written:
                written.write((folder / file).read_bytes())
    return parity


def compared(one: Segmentor, other: Segmentor, images: Sequence[ImageArray]) -> Parity:
    """Ask both for the masks of the same three clicks on each image, each starting from its own last answer."""
    largest, ious = 0.0, []
    for image in images:
        height, width = image.shape[:2]
        clicks = [
            Click(0.4 * width, 0.5 * height),
            Click(0.9 * width, 0.1 * height, False),
            Click(0.5 * width, 0.6 * height),
        ]
        first, second = one.encode(image), other.encode(image)
        assert isinstance(first, AnswersInTurn)
        assert isinstance(second, AnswersInTurn)
        asked = first.in_turn(), second.in_turn()
        for count in range(1, len(clicks) + 1):
            answers = [ask(clicks[:count]) for ask in asked]
            largest = max(largest, float(np.abs(answers[0] - answers[1]).max()))
            masks = [answer > 0.5 for answer in answers]
            either = np.count_nonzero(masks[0] | masks[1])
            ious.append(np.count_nonzero(masks[0] & masks[1]) / either if either else 1.0)
    return Parity(len(ious), largest, float(np.mean(ious)))


def _write_segnext(tool: SegNextSegmentor, folder: Path) -> dict[str, Any]:
    network = tool.runner.network  # type: ignore[attr-defined]
    side, encoder = network.shape.encoder.side, network.shape.encoder
    export_graph(_Encoding(network), (torch.rand(1, 3, side, side),), ["square"], ["features"], None, folder / ENCODER)
    example = torch.rand(1, encoder.width, encoder.grid, encoder.grid), torch.zeros(1, 3, side, side)
    export_graph(_Decoding(network), example, ["features", "prompts"], ["logits"], None, folder / DECODER)
    return {"side": side, "radius": network.shape.radius, "files": [ENCODER, DECODER]}


def _write_looks(tool: ClickTool, folder: Path) -> dict[str, Any]:
    network, showing = tool.runner.network, tool.showing  # type: ignore[attr-defined]
    # SimpleClick and FocalClick see squares of one size; RITM's crops have any shape.
    free = not showing.squared
    size = (97, 131) if free else (showing.size, showing.size)
    example = torch.rand(1, 3, *size), torch.zeros(1, 3, *size)
    shapes = None
    if free:
        height, width = torch.export.Dim("height", min=33, max=8192), torch.export.Dim("width", min=33, max=8192)
        shapes = ({2: height, 3: width}, {2: height, 3: width})
    export_graph(network, example, ["image", "maps"], ["answer", "features"], shapes, folder / LOOK)
    files = [LOOK]
    if showing.focus is not None:
        with torch.inference_mode():
            logits, features = network(*example)
        given = torch.rand(1, 3, *size), torch.zeros(1, 2, *size), features.clone(), logits.clone()
        names = ["image", "disks", "features", "logits"]
        export_graph(network.refiner, given, names, ["refined"], None, folder / REFINE)
        files.append(REFINE)
    return {"showing": asdict(showing), "files": files}


class _Encoding(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, square: Tensor) -> Tensor:
        features: Tensor = self.network.encode(square)
        return features


class _Decoding(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, prompts: Tensor) -> Tensor:
        logits: Tensor = self.network.logits(features, prompts)
        return logits
