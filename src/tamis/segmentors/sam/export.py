"""A model as ONNX, so that the core install can run it: encoder, and a decoder for each way of asking."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tamis.arrays import ImageArray
from tamis.clicks import grid_clicks
from tamis.errors import UnavailableError
from tamis.hub.folder import folder_of
from tamis.hub.model import HubModel
from tamis.results.files import replacing, write_json
from tamis.segmentors.onnx_export import export_graph, quiet
from tamis.segmentors.sam.exported import EXPORTED
from tamis.segmentors.sam.loading import load_weights
from tamis.segmentors.sam.onnx_model import ENCODER, NOTES, ONE, SEVERAL, Notes, load_export
from tamis.segmentors.sam.promptable import Promptable

LEAST_AGREEMENT = 0.995
"""8-bit weights are kept if the masks of one click have at least this mean IoU with those of the full precision."""

_CLICKS_PER_SIDE = 5
_LARGEST = 1_900_000_000


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        name: of the segmentor.
        folder: that holds it.
        notes: as in its export.json.
    """

    name: str
    folder: Path
    notes: Notes

    @property
    def said(self) -> str:
        """One phrase about its precision."""
        if self.notes.agreement is None:
            return "in full precision"
        how = f"8-bit weights agree with the full precision to a mean IoU of {self.notes.agreement:.4f}"
        if self.notes.quantised:
            return f"quantised: {how}"
        return f"in full precision: {how}, less than {LEAST_AGREEMENT}"


def export_model(model: HubModel, precision: str = "auto", images: Sequence[ImageArray] = ()) -> Exported:
    """Write a model as ONNX beside the others.

    With precision "auto" the encoder is also quantised, both are asked for the masks of a grid of clicks on
    photographs, and the smaller one stays if they agree (`LEAST_AGREEMENT`).

    Args:
        model: whose weights are here.
        precision: "auto" or "full".
        images: (H, W, 3) uint8 RGB to compare on; by default the sample photographs of scikit-image.

    Raises:
        UnavailableError: the weights or a package are missing.
        OutputError: the folder cannot be written to.
    """
    for needed in ("torch", "transformers", "onnx", "onnxscript"):
        _require(needed)
    original = load_weights(model, folder_of(model.name), "cpu")
    name, target = model.name + EXPORTED, folder_of(model.name + EXPORTED)
    torch_model: Any = original.model
    _require_small(torch_model.network, model.name)
    notes = Notes(model.family, original.geometry.side, torch_model.low, torch_model.says_presence)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _export_graphs(original, folder)
        write_json(folder / NOTES, asdict(notes))
        if precision == "auto":
            notes = _quantised_if_good(name, folder, notes, images or sample_photographs())
            write_json(folder / NOTES, asdict(notes))
        for file in (ENCODER, ONE, SEVERAL, NOTES):
            with replacing(target / file) as written:
                written.write((folder / file).read_bytes())
    return Exported(name, target, notes)


def agreement(first: Promptable, second: Promptable, images: Sequence[ImageArray]) -> float:
    """Mean IoU of the masks that two segmentors give to the same single clicks on images."""
    ious = []
    for image in images:
        clicks = grid_clicks(_CLICKS_PER_SIDE, (image.shape[0], image.shape[1]))
        one, other = (segmentor.encode(image).probabilities(clicks) > 0.5 for segmentor in (first, second))
        union = np.count_nonzero(one | other, axis=(1, 2))
        both = np.count_nonzero(one & other, axis=(1, 2))
        # Two empty masks are the same.
        ious += np.where(union > 0, both / np.maximum(union, 1), 1.0).tolist()
    return float(np.mean(ious))


def sample_photographs() -> list[ImageArray]:
    """The three photographs that come with scikit-image."""
    from skimage import data

    makers: list[Any] = [data.astronaut, data.coffee, data.chelsea]
    return [np.asarray(make(), np.uint8) for make in makers]


def _quantised_if_good(name: str, folder: Path, notes: Notes, images: Sequence[ImageArray]) -> Notes:
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    full = load_export(name, folder)
    small = folder / "small.onnx"
    with quiet():
        quantize_dynamic(
            folder / ENCODER,
            small,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
    keep = (folder / ENCODER).read_bytes()
    small.replace(folder / ENCODER)
    agreed = agreement(full, load_export(name, folder), images)
    good = agreed >= LEAST_AGREEMENT
    if not good:
        (folder / ENCODER).write_bytes(keep)
    return Notes(**{**asdict(notes), "quantised": good, "agreement": round(agreed, 5)})


def _export_graphs(original: Promptable, folder: Path) -> None:
    """Write the three graphs: `image` to part0 …, and points, labels, mask, has_mask, part0 … to the answers."""
    import torch

    from tamis.segmentors.sam.torch_model import Encoding, One, Several

    network = original.model.network  # type: ignore[attr-defined]
    side, low = original.geometry.side, original.model.low
    square = torch.zeros(1, 3, side, side)
    prompts, points = (torch.export.Dim(name, min=1, max=4096) for name in ("prompts", "points"))
    with torch.no_grad(), quiet():
        parts = list(Encoding(network)(square))
        names = [f"part{i}" for i in range(len(parts))]
        export_graph(Encoding(network), (square,), ["image"], names, None, folder / ENCODER)
        example = (
            torch.full((3, 2, 2), side / 2),
            torch.tensor([[1, -1], [0, -1], [2, 3]]),
            torch.zeros(1, 1, low, low),
            torch.ones(1),
            parts,
        )
        free = ({0: prompts, 1: points}, {0: prompts, 1: points}, None, None, [None] * len(parts))
        for head, file in ((One, ONE), (Several, SEVERAL)):
            given = ["points", "labels", "mask", "has_mask", *names]
            export_graph(head(network), example, given, ["logits", "ious", "presence"], free, folder / file)


def _require_small(network: Any, name: str) -> None:
    size = sum(parameter.numel() * 4 for parameter in network.parameters())
    if size > _LARGEST:
        raise UnavailableError(
            f"'{name}' has {size / 1e9:.1f} GB of weights, and an ONNX file takes 2 GB; export a smaller one"
        )


def _require(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UnavailableError(f"exporting needs {module}: run pip install 'tamis[hub]'")
