from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tamis.training.networks import PixelNetwork, PixelOutputs, click_logits, coordinate_channels  # noqa: E402
from tamis.training.region_network import RegionNetwork, RegionShape  # noqa: E402
from tests.training.scenes import TINY  # noqa: E402


def test_outputs_have_the_strides_they_name() -> None:
    outputs = PixelNetwork(TINY)(torch.rand(2, 3, 64, 96))
    assert outputs.boundary.shape == (2, 1, 32, 48)
    assert outputs.boundary4.shape == (2, 1, 16, 24)
    assert outputs.boundary8.shape == (2, 1, 8, 12)
    assert outputs.embedding.shape == (2, 6, 16, 24)
    assert outputs.bias.shape == (2, 1, 16, 24)
    assert outputs.features.shape == (2, 8, 16, 24)
    assert (outputs.features >= 0).all()


def test_click_logits_are_margin_plus_bias_minus_squared_distance() -> None:
    embedding = torch.tensor([[[[0.0, 3.0]], [[0.0, 4.0]]]])
    bias = torch.tensor([[[[0.5, -0.5]]]])
    empty = torch.zeros(0)
    outputs = PixelOutputs(empty, empty, empty, embedding, bias, empty)
    logits = click_logits(outputs, torch.tensor(2.0), torch.tensor([[0, 1]]))
    torch.testing.assert_close(logits, torch.tensor([[[2.5, 2 - 0.5 - 25], [2.5 - 25, 1.5]]]))


def test_coordinates_are_centred_and_of_a_fixed_scale() -> None:
    channels = coordinate_channels(torch.zeros(1, 1, 3, 45))
    assert channels[0, 0, 0, 0].item() == pytest.approx(-0.5)
    assert channels[0, 0, 0, -1].item() == pytest.approx(0.5)
    assert channels[0, 1, 1].abs().max().item() == 0


def region_batch(network: RegionNetwork, count: int) -> Any:
    generator = torch.Generator().manual_seed(1)
    areas = torch.rand(count, generator=generator) + 0.1
    tokens = torch.randn(count, network.shape.tokens, generator=generator)
    pairs = torch.randn(network.pair.in_features, count, count, generator=generator)
    return tokens, pairs, areas / areas.sum()


def test_some_rows_are_the_rows_of_all() -> None:
    network = RegionNetwork(RegionShape(width=16, heads=2, layers=1)).eval()
    torch.nn.init.normal_(network.answer.weight)
    batch = region_batch(network, 9)
    rows = torch.tensor([7, 0, 7])
    everything = network(*batch)
    assert everything.shape == (1, 9, 9)
    torch.testing.assert_close(network(*batch, rows=rows), everything[:, rows])


def test_answers_do_not_depend_on_the_numbering_of_regions() -> None:
    network = RegionNetwork(RegionShape(width=16, heads=2, layers=2)).eval()
    torch.nn.init.normal_(network.answer.weight)
    tokens, pairs, areas = region_batch(network, 8)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    shuffled = network(tokens[order], pairs[:, order][:, :, order], areas[order])
    torch.testing.assert_close(shuffled, network(tokens, pairs, areas)[:, order][:, :, order], rtol=1e-4, atol=1e-4)


def test_training_begins_with_the_embedding_and_the_border_between() -> None:
    network = RegionNetwork().eval()
    tokens, pairs, areas = region_batch(network, 5)
    torch.testing.assert_close(network(tokens, pairs, areas)[0], pairs[1] * 4 - pairs[0] * 3)
