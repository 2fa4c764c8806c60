"""What every network for label maps can do, and the common kind: a backbone and one or two decoders."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tamis.semantic.networks.backbone import Backbone
from tamis.semantic.networks.losses import AUXILIARY_WEIGHT, Criterion, pixel_accuracy

GROUPS = 32
"""At most, where batch norms are replaced by group norms (Wu and He, arXiv 1803.08494)."""
LEAST_CHANNELS = 8
"""Of a group: UPerNet's coarsest pool has one pixel, so that a group of one channel would have no statistics."""


class SemanticNetwork(nn.Module):
    """From images to the logits of classes.

    Attributes:
        backbone_prefix: what the names of the backbone's parameters begin with.
    """

    backbone_prefix = "backbone."

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images to (B, classes, h, w) logits at the network's own resolution."""
        raise NotImplementedError

    def losses(self, images: Tensor, labels: Tensor, criterion: Criterion) -> dict[str, Tensor]:
        """Named numbers of which `loss` is minimised; labels are (B, H, W) int64, 255 where ignored."""
        raise NotImplementedError


class Decoded(SemanticNetwork):
    """A backbone and a decoder; every map of logits of the decoder is learned from with weight 1."""

    def __init__(self, backbone: Backbone, head: nn.Module, auxiliary: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.decode_head = head
        self.auxiliary_head = auxiliary

    def forward(self, images: Tensor) -> Tensor:
        """The decoder's last logits."""
        found: Sequence[Tensor] = self.decode_head(self.backbone(images))
        return found[-1]

    def losses(self, images: Tensor, labels: Tensor, criterion: Criterion) -> dict[str, Tensor]:
        """The loss of every map, their weighted sum `loss`, and `accuracy` of the answer."""
        maps = self.backbone(images)
        answers: Sequence[Tensor] = self.decode_head(maps)
        found = {f"stage{i}": criterion(logits, labels) for i, logits in enumerate(answers)}
        total = sum(found.values(), labels.new_zeros((), dtype=answers[-1].dtype))
        if self.auxiliary_head is not None:
            found["auxiliary"] = AUXILIARY_WEIGHT * criterion(self.auxiliary_head(maps)[-1], labels)
            total = total + found["auxiliary"]
        return {"loss": total, **(found if len(found) > 1 else {}), "accuracy": pixel_accuracy(answers[-1], labels)}


def has_batch_norm(network: nn.Module) -> bool:
    """Whether any part that is learned normalises by the statistics of its batch."""
    return any(isinstance(module, _BatchNorm) and _learned(module) for module in network.modules())


def freeze_statistics(network: nn.Module) -> None:
    """Let batch norms use the statistics that they have and never change them; their scale is still learned."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def with_group_norms(network: nn.Module) -> nn.Module:
    """The network with every batch norm replaced, in place, by a group norm that keeps its scale and offset.

    A group norm looks at one image alone, so that the size of the batch no longer matters; what was learned with
    batch statistics has to be learned again.
    """
    for name, module in list(network.named_children()):
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
            most = max(1, min(GROUPS, module.num_features // LEAST_CHANNELS))
            groups = next(count for count in range(most, 0, -1) if module.num_features % count == 0)
            norm = nn.GroupNorm(groups, module.num_features)
            if module.affine:
                norm.weight, norm.bias = module.weight, module.bias
            setattr(network, name, norm)
        else:
            with_group_norms(module)
    return network


def _learned(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
