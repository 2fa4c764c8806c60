import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tamis.training.export import example_inputs  # noqa: E402
from tamis.training.networks import PixelNetwork, PixelOutputs, click_logits, coordinate_channels  # noqa: E402
from tamis.training.region_network import SPREAD, RegionNetwork, RegionShape, node_logits  # noqa: E402
from tamis.training.regions import on_device  # noqa: E402
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
    outputs = PixelOutputs(empty, empty, empty, embedding, bias, empty, empty, empty)
    logits = click_logits(outputs, torch.tensor(2.0), torch.tensor([[0, 1]]))
    torch.testing.assert_close(logits, torch.tensor([[[2.5, 2 - 0.5 - 25], [2.5 - 25, 1.5]]]))


def test_coordinates_are_centred_and_of_a_fixed_scale() -> None:
    channels = coordinate_channels(torch.zeros(1, 1, 3, 45))
    assert channels[0, 0, 0, 0].item() == pytest.approx(-0.5)
    assert channels[0, 0, 0, -1].item() == pytest.approx(0.5)
    assert channels[0, 1, 1].abs().max().item() == 0


def region_batch(network: RegionNetwork, count: int) -> tuple[Any, ...]:
    return on_device(example_inputs(network.shape, count), torch.device("cpu"))


def test_some_rows_are_the_rows_of_all() -> None:
    torch.manual_seed(0)
    network = RegionNetwork(RegionShape(width=16, heads=2, layers=1)).eval()
    torch.nn.init.normal_(network.answer.weight)
    torch.nn.init.normal_(network.nodes.score[2].weight)
    batch = region_batch(network, 9)
    rows = torch.tensor([7, 0, 7])
    every, some = network(*batch), network(*batch, rows=rows)
    assert every.answers.shape == (3, 9, 9)
    # Sums of other shapes are added up in another order.
    torch.testing.assert_close(some.answers, every.answers[:, rows], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(some.by_tree, every.by_tree[rows], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(some.ratings, every.ratings[:, rows], rtol=1e-4, atol=1e-4)


def test_answers_do_not_depend_on_the_numbering_of_regions() -> None:
    network = RegionNetwork(RegionShape(width=16, heads=2, layers=2)).eval()
    torch.nn.init.normal_(network.answer.weight)
    torch.nn.init.normal_(network.nodes.score[2].weight)
    given = example_inputs(network.shape, 8)
    shuffle = np.random.default_rng(0).permutation(8)  # the new numbers' old ones
    leaves = np.concatenate([shuffle, np.arange(8, 15)])
    back = np.argsort(leaves)
    turned = replace(
        given,
        tokens=given.tokens[shuffle],
        pairs=given.pairs[:, shuffle][:, :, shuffle],
        nodes=given.nodes[leaves],
        order=np.argsort(shuffle),
        ranges=given.ranges[leaves],
        parents=given.parents[leaves],  # inner nodes keep their numbers
        common=back[given.common[shuffle][:, shuffle]].astype(np.int32),
    )
    expected = network(*on_device(given, torch.device("cpu")))
    found = network(*on_device(turned, torch.device("cpu")))
    torch.testing.assert_close(found[0], expected[0][:, shuffle][:, :, shuffle], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[1], expected[1][shuffle][:, shuffle], rtol=1e-4, atol=1e-4)


def test_training_begins_with_the_embedding_the_tree_and_the_border_between() -> None:
    network = RegionNetwork().eval()
    batch = region_batch(network, 5)
    told = network(*batch)
    expected = batch[1][1] * 4 - batch[1][0] * 3 + told.by_tree
    for answer, ahead in zip(told.answers, (-SPREAD, 0, SPREAD), strict=True):
        torch.testing.assert_close(answer, expected + ahead, rtol=1e-4, atol=1e-4)


def test_ratings_begin_with_how_alike_masks_drawn_from_the_answers_are() -> None:
    network = RegionNetwork().eval()
    batch = region_batch(network, 5)
    told = network(*batch)
    probabilities = torch.sigmoid(told.answers).detach().numpy()
    one, other = np.random.default_rng(0).random((2, 4000, *probabilities.shape)) < probabilities
    shared, covered = (one & other).mean(axis=(0, 3)), (one | other).mean(axis=(0, 3))  # regions of equal area
    np.testing.assert_allclose(torch.sigmoid(told.ratings).detach().numpy(), shared / covered, atol=0.02)


def test_the_answers_of_the_tree_are_sums_over_the_nodes_around_both() -> None:
    """Four regions, 0 and 1 merged first, then 2, then 3; nodes weigh 1, 2, 3 … 7."""
    given = example_inputs(RegionShape(), 4)
    network = RegionNetwork().eval()
    weights = torch.arange(1.0, 8.0)
    network.nodes.score.register_forward_hook(lambda *_: weights.log()[:, None])
    mass = network.nodes(torch.zeros(4, 96), *on_device(given, torch.device("cpu"))[2:7])
    assert mass.tolist() == pytest.approx([1 + 5 + 6 + 7, 2 + 5 + 6 + 7, 3 + 6 + 7, 4 + 7, 5 + 6 + 7, 6 + 7, 7])
    logits = node_logits(mass[torch.from_numpy(given.common[:1])], mass[:1])
    probabilities = [1 / (1 + math.exp(-each)) for each in logits[0].tolist()]
    assert probabilities == pytest.approx([1, 18 / 19, 13 / 19, 7 / 19], abs=1e-3)


def test_a_node_is_scored_by_the_mean_of_its_regions() -> None:
    given = example_inputs(RegionShape(), 6)
    network = RegionNetwork().eval()
    seen: list[Any] = []
    network.nodes.score.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    tokens = torch.randn(6, 96, generator=torch.Generator().manual_seed(0))
    areas = torch.tensor([0.1, 0.2, 0.05, 0.3, 0.15, 0.2])
    _, _, _, *tree = on_device(given, torch.device("cpu"))
    network.nodes(tokens, areas, *tree[:4])
    third = (network.nodes.project(tokens[:3]) * areas[:3, None]).sum(0) / areas[:3].sum()
    torch.testing.assert_close(seen[0][7, :32], third, rtol=1e-4, atol=1e-5)
