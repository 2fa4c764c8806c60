"""Encoders of the hub, small and with random weights; ONNX files; linear layers behind them."""

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import transformers
from onnx import TensorProto, helper

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.hub.folder import folder_of
from tamis.personal.retrieval.encoders import FAMILIES, OfTransformers, load_encoder
from tamis.segmentors.embedded import Embedded
from tests.personal.scenes import scene


@pytest.fixture(scope="module")
def image() -> ImageArray:
    return np.ascontiguousarray(scene("ball", 0)[0][:150])


def test_a_store_outlives_new_weights_of_networks_that_vectors_do_not_see() -> None:
    """The hash by hand: the network over pixels, the standards, the size."""
    weights = files("tamis.weights")
    parts = [weights.joinpath(name).read_bytes() for name in ("embedded_pixels.onnx", "embedded_appearance.npz")]
    expected = hashlib.sha256(b"".join([*parts, str(Embedded().size).encode()])).hexdigest()
    assert load_encoder("embedded").weights_sha256 == expected


@pytest.mark.parametrize("name", ["dinov2-small", "siglip-base"])
def test_vectors_are_the_networks_own(
    name: str, image: ImageArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 224}
    torch.manual_seed(0)
    network: torch.nn.Module
    if name.startswith("dinov2"):
        network = transformers.Dinov2Model(transformers.Dinov2Config(**small, patch_size=14))
    else:
        config = transformers.SiglipVisionConfig(**small, intermediate_size=64, patch_size=16)
        network = transformers.SiglipVisionModel(config)
    network.eval().save_pretrained(folder_of(name))  # type: ignore[operator]
    encoder = load_encoder(name)
    assert len(encoder.weights_sha256) == 64
    found = encoder.encode([image, image[:, ::-1].copy()])
    assert isinstance(encoder, OfTransformers)
    with torch.inference_mode():
        theirs = network(pixel_values=torch.from_numpy(encoder.prepared(image))[None])
    vector = theirs.last_hidden_state[0, 0] if name.startswith("dinov2") else theirs.pooler_output[0]
    np.testing.assert_allclose(found[0], vector / vector.norm(), atol=1e-5)
    assert np.abs(found[0] - found[1]).max() > 1e-4


def test_preparation_is_dinov2s_own_preset(image: ImageArray) -> None:
    """The same by transformers' processor."""
    encoder = OfTransformers("x", FAMILIES["dinov2"], Path(), "")
    processor = transformers.BitImageProcessorPil(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224})
    processor.image_mean, processor.image_std = FAMILIES["dinov2"].mean, FAMILIES["dinov2"].deviation
    image = image[:110]  # whose margins can be halved: about the others the two disagree by a pixel
    theirs = processor(image, return_tensors="np")["pixel_values"][0]
    ours = encoder.prepared(image)
    assert ours.shape == theirs.shape == (3, 224, 224)
    assert np.abs(ours - theirs).mean() < 0.02


def test_onnx_files_and_adaptations(image: ImageArray, tmp_path: Path) -> None:
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, 64, 64])
    vector_out = helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "toy", [pixels], [vector_out]), opset_imports=[helper.make_opsetid("", 18)]
    )
    model.ir_version = 9
    file = tmp_path / "toy.onnx"
    onnx.save(model, str(file))
    encoder = load_encoder(f"onnx:{file}")
    vector = encoder.encode([image])[0]
    assert (encoder.name, vector.shape) == ("onnx:toy.onnx", (3,))
    weight, bias = np.random.default_rng(0).normal(size=(4, 3)), np.arange(4.0)
    np.savez(tmp_path / "layer.npz", weight=weight, bias=bias)
    adapted = load_encoder(f"onnx:{file}", tmp_path / "layer.npz")
    expected = weight @ vector + bias
    np.testing.assert_allclose(adapted.encode([image])[0], expected / np.linalg.norm(expected), atol=1e-5)
    assert adapted.name == "onnx:toy.onnx+layer.npz"
    torch.save({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)}, tmp_path / "layer.pth")
    again = load_encoder(f"onnx:{file}", tmp_path / "layer.pth")
    np.testing.assert_allclose(again.encode([image]), adapted.encode([image]), atol=1e-5)
    np.save(tmp_path / "other.npy", weight[:, :2])
    with pytest.raises(InputError, match=r"is for vectors of 2 numbers, and onnx:toy\.onnx gives 3"):
        load_encoder(f"onnx:{file}", tmp_path / "other.npy").encode([image])
    with pytest.raises(InputError, match="there is no such file"):
        load_encoder("onnx:none.onnx")
