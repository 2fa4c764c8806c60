"""Mask2Former and SegFormer, small and with random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from tamis.errors import InputError, UnavailableError
from tamis.semantic.networks.from_transformers import make_mask2former, make_segformer
from tamis.semantic.networks.losses import cross_entropy
from tamis.semantic.schedules import Rates, parameter_groups

SWIN = {"embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1], "window_size": 4}
QUERIES = {
    "feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "encoder_feedforward_dim": 16, "encoder_layers": 1,
    "decoder_layers": 2, "num_attention_heads": 2, "dim_feedforward": 16, "num_queries": 7, "train_num_points": 64,
}  # fmt: skip
MIT = {
    "depths": [1, 1, 1, 1],
    "hidden_sizes": [8, 8, 16, 16],
    "decoder_hidden_size": 16,
    "num_attention_heads": [1] * 4,
}
IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def test_the_score_of_a_class_is_the_sum_over_queries() -> None:
    torch.manual_seed(0)
    network = make_mask2former("swin-t", 5, pretrained=False, sizes=SWIN, **QUERIES).eval()
    with torch.no_grad():
        scores, raw = network(IMAGES).numpy(), network.network(IMAGES)
    classes = np.exp(raw.class_queries_logits.numpy())
    shares = (classes / classes.sum(-1, keepdims=True))[..., :5]
    wide = torch.nn.functional.interpolate(raw.masks_queries_logits, (64, 96), mode="bilinear", align_corners=False)
    masks = 1 / (1 + np.exp(-wide.numpy()))
    assert scores.shape == (2, 5, 64, 96)
    by_hand = sum(shares[1, query, 3] * masks[1, query] for query in range(7))
    np.testing.assert_allclose(scores[1, 3], by_hand, atol=1e-5)


def test_mask2former_learns_from_labels_and_from_none() -> None:
    torch.manual_seed(0)
    network = make_mask2former("swin-t", 5, pretrained=False, sizes=SWIN, **QUERIES)
    labels = torch.randint(0, 5, (2, 64, 96))
    labels[1] = 255
    found = network.losses(IMAGES, labels, cross_entropy)
    found["loss"].backward()  # type: ignore[no-untyped-call]
    assert found["loss"].ndim == 0
    blank = network.losses(IMAGES, torch.full_like(labels, 255), cross_entropy)
    assert bool(torch.isfinite(blank["loss"]))


def test_its_backbone_learns_at_a_tenth_and_its_queries_are_not_decayed() -> None:
    network = make_mask2former("swin-t", 5, pretrained=False, sizes=SWIN, **QUERIES)
    of = {id(each): group for group in parameter_groups(network, Rates(1e-4, 0.05, backbone=0.1))
          for each in group["params"]}  # fmt: skip
    for name, parameter in network.named_parameters():
        wanted = 1e-5 if ".encoder.swin." in name or "hidden_states_norms" in name else 1e-4
        assert of[id(parameter)]["base"] == pytest.approx(wanted), name
        if "queries" in name or "level_embed" in name:
            assert of[id(parameter)]["weight_decay"] == 0, name


def test_segformer_has_logits_at_stride_four() -> None:
    network = make_segformer("segformer-b0-ade", 5, pretrained=False, sizes=MIT)
    assert network(IMAGES).shape == (2, 5, 16, 24)
    labels = torch.randint(0, 5, (2, 64, 96))
    found = network.losses(IMAGES, labels, cross_entropy)
    torch.testing.assert_close(found["loss"], cross_entropy(network(IMAGES), labels), atol=0.3, rtol=0)
    of = {id(each): group["base"] for group in parameter_groups(network, Rates(6e-5, 0.01, head=10))
          for each in group["params"]}  # fmt: skip
    assert of[id(network.network.decode_head.classifier.weight)] == pytest.approx(6e-4)
    assert min(of.values()) == pytest.approx(6e-5)


def test_a_whole_network_of_other_classes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_CACHE", str(tmp_path))
    with pytest.raises(UnavailableError, match="weights of 'segformer-b0-ade' are not here"):
        make_segformer("segformer-b0-ade", 5, pretrained=True)
    saved = transformers.SegformerForSemanticSegmentation(transformers.SegformerConfig(num_labels=5, **MIT))
    saved.save_pretrained(tmp_path / "models" / "segformer-b0-ade")
    with pytest.raises(InputError, match="'segformer-b0-ade' knows 5 classes, but the data has 11"):
        make_segformer("segformer-b0-ade", 11, pretrained=True)
    loaded = make_segformer("segformer-b0-ade", 5, pretrained=True).eval()
    with torch.no_grad():
        torch.testing.assert_close(loaded(IMAGES), saved.eval()(IMAGES).logits)
    saved.segformer.save_pretrained(tmp_path / "models" / "mit-b0")
    anew = make_segformer("mit-b0", 11, pretrained=True).eval()
    assert anew(IMAGES).shape[1] == 11
    first = "segformer.stages.0.patch_embeddings.proj.weight"
    assert torch.equal(anew.network.state_dict()[first], saved.state_dict()[first])
    with pytest.raises(InputError, match="Mask2Former stands on a Swin, not on 'dinov2-b'"):
        make_mask2former("dinov2-b", 5, pretrained=False)
