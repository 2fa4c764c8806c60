"""Mask2Former (arXiv 2112.01527) and SegFormer (arXiv 2105.15203) as transformers implements them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
import transformers
from torch import Tensor

from tamis.errors import InputError
from tamis.hub.quiet import quiet_transformers
from tamis.semantic.data.dataset import IGNORE
from tamis.semantic.networks.backbones import ARCHITECTURES, make_backbone
from tamis.semantic.networks.catalogue import find_pretrained, require_weights
from tamis.semantic.networks.losses import Criterion, pixel_accuracy, resized
from tamis.semantic.networks.network import SemanticNetwork

SEGFORMERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "b0": {},
        "b5": {"depths": [3, 6, 40, 3], "hidden_sizes": [64, 128, 320, 512], "decoder_hidden_size": 768},
    }
)
"""Sizes by a part of the name, for random weights."""


class Mask2Former(SemanticNetwork):
    """Queries that each answer with a class and a mask; the score of a class is the sum of its queries' masks.

    Its loss is its own: classes and masks of the queries that a Hungarian assignment gave to the classes of the image.
    """

    backbone_prefix = "network.model.pixel_level_module.encoder."

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(B, classes, H, W): for every class Σ P(class | query) · P(pixel | query), which is not negative.

        The masks' logits are resized to the image before they become probabilities, as mmsegmentation does.
        """
        return _scores(self.network(images), (images.shape[-2], images.shape[-1]))

    def losses(self, images: Tensor, labels: Tensor, criterion: Criterion) -> dict[str, Tensor]:
        """Its own loss; `criterion` is not used."""
        masks, classes = _targets(labels)
        found = self.network(images, mask_labels=masks, class_labels=classes)
        with torch.no_grad():
            coarse = found.masks_queries_logits.shape[-2:]
            accuracy = pixel_accuracy(_scores(found, (coarse[0], coarse[1])), labels)
        return {"loss": found.loss.reshape(()), "accuracy": accuracy}


class SegFormer(SemanticNetwork):
    """A pyramid of transformer stages and a decoder of linear layers; logits at stride 4."""

    backbone_prefix = "network.segformer."

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(B, classes, H/4, W/4) logits."""
        logits: Tensor = self.network(images).logits
        return logits

    def losses(self, images: Tensor, labels: Tensor, criterion: Criterion) -> dict[str, Tensor]:
        """The loss of the logits."""
        logits = self(images)
        return {"loss": criterion(logits, labels), "accuracy": pixel_accuracy(logits, labels)}


def make_mask2former(
    backbone: str, classes: int, pretrained: bool, sizes: Mapping[str, Any] | None = None, **options: Any
) -> Mask2Former:
    """Mask2Former on a Swin.

    Args:
        backbone: `swin-t`, `swin-s` or `swin-l`, whose weights of image classification it begins with; or the name of a
            whole trained network, such as `mask2former-swin-s-ade`.
        classes: of the labels.
        pretrained: whether with weights.
        sizes: of the Swin, where it has random weights.
        options: of `Mask2FormerConfig`, to make small ones.

    Raises:
        InputError: there is no such backbone, or a whole network has other classes.
        UnavailableError: its weights are not here.
    """
    if backbone not in ARCHITECTURES:
        network = _whole("mask2former", backbone, classes, transformers.Mask2FormerForUniversalSegmentation)
        return Mask2Former(network)
    if find_pretrained(backbone).kind != "swin":
        raise InputError(f"Mask2Former stands on a Swin, not on '{backbone}': choose swin-t, swin-s or swin-l")
    swin = make_backbone(backbone, pretrained, drop_path=0.3, sizes=sizes)
    settings = swin.network.config  # type: ignore[union-attr]
    config = transformers.Mask2FormerConfig(backbone_config=settings, num_labels=classes, **options)
    network = transformers.Mask2FormerForUniversalSegmentation(config)
    encoder = network.model.pixel_level_module.encoder
    encoder.swin.layernorm = torch.nn.Identity()  # as in `backbones.Pyramid`
    encoder.load_state_dict(swin.network.state_dict())  # type: ignore[union-attr]
    return Mask2Former(network)


def make_segformer(name: str, classes: int, pretrained: bool, sizes: Mapping[str, Any] | None = None) -> SegFormer:
    """SegFormer: on an encoder of image classification (`mit-b0`), or trained as a whole (`segformer-b0-ade`).

    Args:
        name: which.
        classes: of the labels.
        pretrained: whether with weights; without, only the size counts.
        sizes: of random weights, if not those of the name.

    Raises:
        InputError: the trained network has other classes.
        UnavailableError: its weights are not here.
    """
    made = transformers.SegformerForSemanticSegmentation
    if pretrained and name.startswith("mit-"):
        folder = require_weights(name)
        with quiet_transformers():
            network = made.from_pretrained(
                folder, num_labels=classes, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
        return SegFormer(network)
    if pretrained:
        return SegFormer(_whole("segformer", name, classes, made))
    chosen = next((kept for part, kept in SEGFORMERS.items() if part in name), {})
    return SegFormer(made(transformers.SegformerConfig(num_labels=classes, **(sizes or chosen))))


def _whole(kind: str, name: str, classes: int, network_class: Any) -> Any:
    if find_pretrained(name).kind != kind:
        raise InputError(f"'{name}' is no {kind}: see tamis semantic recipes")
    folder = require_weights(name)
    found = len(transformers.AutoConfig.from_pretrained(folder).id2label)
    if found != classes:
        raise InputError(
            f"'{name}' knows {found} classes, but the data has {classes}: choose other data, or another backbone"
        )
    with quiet_transformers():
        return network_class.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)


def _scores(found: Any, size: tuple[int, int]) -> Tensor:
    classes = found.class_queries_logits.float().softmax(-1)[..., :-1]
    return torch.einsum("bqc,bqhw->bchw", classes, resized(found.masks_queries_logits, size).sigmoid())


def _targets(labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """For every image (N, H, W) float masks and (N,) classes of the N classes that it shows."""
    masks, classes = [], []
    for label in labels:
        present = torch.unique(label)
        present = present[present != IGNORE]
        masks.append((label[None] == present[:, None, None]).float())
        classes.append(present)
    return masks, classes
