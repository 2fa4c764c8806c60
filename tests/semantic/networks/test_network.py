"""The parts that networks are put together from."""

import pytest
import torch
from torch import Tensor, nn

from tamis.semantic.networks.backbone import Backbone
from tamis.semantic.networks.backbones import frozen
from tamis.semantic.networks.heads import ConvNormRelu, ConvolutionalHead, FCNHead, LinearHead
from tamis.semantic.networks.losses import cross_entropy
from tamis.semantic.networks.network import Decoded, freeze_statistics, has_batch_norm, with_group_norms


class Maps(Backbone):
    """Two maps of an image: one at stride 2, one at stride 4."""

    channels = (4, 6)
    depth = 1

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4))
        self.second = nn.Conv2d(4, 6, 3, 2, 1)

    def maps(self, images: Tensor) -> list[Tensor]:
        fine = self.first(images)
        return [fine, self.second(fine)]


IMAGES = torch.randn(3, 3, 20, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "head", [LinearHead((4, 6), 5), ConvolutionalHead((4, 6), 8, 5), FCNHead(4, 8, 5, level=0, layers=2)]
)
def test_a_head_answers_at_the_resolution_of_its_finest_map(head: nn.Module) -> None:
    network = Decoded(Maps(), head)
    assert network(IMAGES).shape == (3, 5, 10, 14)


def test_a_linear_head_is_a_norm_and_one_filter_on_all_maps_together() -> None:
    head = LinearHead((4, 6), 5).eval()
    fine, coarse = Maps()(IMAGES)
    wide = nn.functional.interpolate(coarse, (10, 14), mode="bilinear", align_corners=False)
    joined = torch.cat([fine, wide], dim=1) / (1 + 1e-5) ** 0.5
    wanted = torch.einsum("oc,bchw->bohw", head.conv_seg.weight[:, :, 0, 0], joined)
    torch.testing.assert_close(head([fine, coarse])[0], wanted)
    assert sum(parameter.numel() for parameter in head.parameters()) == 2 * 10 + 10 * 5 + 5


def test_the_auxiliary_loss_weighs_four_tenths() -> None:
    network = Decoded(Maps(), LinearHead((4, 6), 5), FCNHead(6, 8, 5, level=1)).eval()
    labels = torch.randint(0, 5, (3, 20, 28), generator=torch.Generator().manual_seed(1))
    found = network.losses(IMAGES, labels, cross_entropy)
    maps = network.backbone(IMAGES)
    assert network.auxiliary_head is not None
    main = cross_entropy(network.decode_head(maps)[0], labels)
    auxiliary = cross_entropy(network.auxiliary_head(maps)[0], labels)
    torch.testing.assert_close(found["loss"], main + 0.4 * auxiliary)
    assert 0 <= float(found["accuracy"]) <= 1


def test_a_frozen_backbone_learns_nothing_and_keeps_its_statistics() -> None:
    network = Decoded(frozen(Maps()), LinearHead((4, 6), 5)).train()
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    assert not network.backbone.training
    assert network.decode_head.training
    network(IMAGES).sum().backward()
    assert all(parameter.grad is None for parameter in network.backbone.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.backbone.state_dict().items())


def test_group_norms_take_the_place_of_batch_norms_and_see_one_image_alone() -> None:
    network = Decoded(Maps(), ConvolutionalHead((4, 6), 48, 5)).train()
    assert has_batch_norm(network)
    assert not has_batch_norm(Decoded(frozen(Maps()), nn.Identity()))
    norm = network.decode_head.convs[0].bn  # type: ignore[index, union-attr]
    with torch.no_grad():
        norm.weight.fill_(2.0)
    with_group_norms(network)
    assert not has_batch_norm(network)
    replaced = network.decode_head.convs[0].bn  # type: ignore[index, union-attr]
    assert isinstance(replaced, nn.GroupNorm)
    assert (replaced.num_groups, replaced.weight[0].item()) == (6, 2.0)
    network.decode_head.dropout.eval()  # type: ignore[union-attr]
    torch.testing.assert_close(network(IMAGES)[:1], network(IMAGES[:1]), atol=1e-5, rtol=1e-4)


def test_frozen_statistics_stay_while_the_scale_is_learned() -> None:
    part = ConvNormRelu(3, 4).train()
    freeze_statistics(part)
    part(IMAGES).sum().backward()
    assert not part.bn.running_mean.any()  # type: ignore[union-attr]
    assert part.bn.weight.grad is not None
