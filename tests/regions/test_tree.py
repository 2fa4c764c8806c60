import numpy as np
import pytest
from scipy.cluster import hierarchy

from tamis.arrays import ImageArray, MaskArray
from tamis.regions.tree import (
    RegionGraph,
    average_linkage,
    lowest_common_node,
    merge,
    node_sums,
    oversegment,
    region_graph,
)


def complete_graph(points: np.ndarray) -> RegionGraph:
    """All pairs of points are neighbours, by their distance and with borders of length 1."""
    first, second = np.triu_indices(len(points), 1)
    edges = np.stack([first, second], axis=1).astype(np.int64)
    return RegionGraph(edges, np.linalg.norm(points[first] - points[second], axis=1), np.ones(len(edges)))


def test_on_a_complete_graph_it_is_average_linkage_of_scipy() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    tree = average_linkage(complete_graph(points), np.ones(30))
    expected = hierarchy.linkage(points, "average")
    assert tree.heights == pytest.approx(expected[:, 2])
    ultrametric = np.concatenate([np.zeros(30), tree.heights])[lowest_common_node(tree)]
    pairs = np.triu_indices(30, 1)
    assert ultrametric[pairs] == pytest.approx(hierarchy.cophenet(expected))


def test_merging_all_that_can_be_at_once_is_merging_the_cheapest_one_after_the_other() -> None:
    rng = np.random.default_rng(2)
    regions = np.repeat(np.repeat(np.arange(80, dtype=np.uint16).reshape(8, 10), 4, 0), 4, 1)
    graph, sizes = region_graph(regions, rng.random(regions.shape)), rng.uniform(1, 9, 80)
    size = [*sizes.tolist(), *[0.0] * 79]

    def join(a: int, b: int, node: int) -> None:
        size[node] = size[a] + size[b]

    def cost(a: int, b: int, border: float) -> float:
        return border * float((size[a] * size[b] / (size[a] + size[b])) ** 0.2)

    slowly, at_once = merge(80, graph, cost, join), average_linkage(graph, sizes, crumbs=0.2)
    assert at_once.heights == pytest.approx(slowly.heights)
    heights = [np.concatenate([np.zeros(80), tree.heights])[lowest_common_node(tree)] for tree in (slowly, at_once)]
    np.testing.assert_allclose(heights[0], heights[1])


def test_borders_by_hand() -> None:
    regions = np.array([[0, 0, 1], [0, 2, 1]], dtype=np.uint16)
    boundary = np.array([[0.0, 0.2, 0.4], [0.0, 0.8, 0.0]])
    graph = region_graph(regions, boundary)
    assert graph.edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert graph.lengths.tolist() == [1, 2, 1]
    assert graph.weights == pytest.approx([0.4, 0.8, 0.8])


def test_nodes_hold_the_leaves_that_were_merged_into_them() -> None:
    points = np.random.default_rng(1).normal(size=(12, 2))
    tree = average_linkage(complete_graph(points), np.ones(12))
    members = [{leaf} for leaf in range(12)]
    for a, b in tree.children:
        members.append(members[a] | members[b])
    for node, (start, stop) in enumerate(tree.ranges):
        assert set(tree.order[start:stop].tolist()) == members[node]
    values = np.arange(12.0)
    assert node_sums(tree, values) == pytest.approx([values[list(leaves)].sum() for leaves in members])
    common = lowest_common_node(tree)
    for a in range(12):
        for b in range(12):
            holders = [node for node in range(23) if {a, b} <= members[node]]
            assert common[a, b] == min(holders, key=lambda node: len(members[node]))


def test_parts_that_do_not_touch_are_joined_last() -> None:
    graph = RegionGraph(np.array([[0, 1], [2, 3]]), np.array([1.0, 2.0]), np.ones(2))
    tree = average_linkage(graph, np.ones(4))
    assert tree.children.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert (np.diff(tree.heights) >= 0).all()


def test_one_region_is_a_tree_without_merges() -> None:
    empty = RegionGraph(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0))
    tree = average_linkage(empty, np.ones(1))
    assert lowest_common_node(tree).tolist() == [[0]]


def test_regions_follow_the_edges_of_the_image(scene: tuple[ImageArray, MaskArray]) -> None:
    image, disc = scene
    regions = oversegment(image)
    inside = np.bincount(regions[disc], minlength=regions.max() + 1)
    total = np.bincount(regions.ravel())
    wrong = np.minimum(inside, total - inside).sum()
    assert wrong < 0.02 * disc.sum()


def test_noise_does_not_make_more_regions_than_a_matrix_holds() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    assert oversegment(noise, min_size=20).max() < 4096
