"""What the tree of edges says of clicks."""

import numpy as np

from tamis.regions.colour_tree import colour_tree, node_mass
from tamis.regions.edge_tree import edge_logits, edge_nodes, edge_tree
from tamis.regions.tree import lowest_common_node
from tamis.segmentors.classical.hierarchy import Hierarchy

THIRDS = np.repeat(np.repeat(np.array([[0, 1, 2]], np.uint16), 32, 0), 16, 1)


def test_regions_without_an_edge_between_them_are_merged_first() -> None:
    edges = np.full((16, 24), -5.0, np.float32)
    edges[:, 15:17] = 3.0  # between the second and the third
    tree, shares = edge_tree(THIRDS, edges)
    assert tree.children.tolist() == [[0, 1], [2, 3]]
    np.testing.assert_allclose(shares, np.full(3, 1 / 3))


def test_what_an_edge_parts_belongs_together_less() -> None:
    edges = np.full((16, 24), -5.0, np.float32)
    edges[:, 15:17] = 3.0
    nodes = edge_nodes(THIRDS, edges)
    logits = edge_logits(nodes.parts, nodes.mass, nodes.mass[:3])
    assert logits[0, 1] > logits[0, 2]
    assert logits[0, 0] >= logits[0, 1]


def test_logits_are_the_answers_of_a_hierarchy_on_the_same_tree() -> None:
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (4, 6, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    encoded = Hierarchy().encode(image)
    tree, areas, _ = colour_tree(image, encoded.region_map)
    mass = np.maximum(node_mass(tree, areas), 1e-20).astype(np.float32)
    logits = edge_logits(lowest_common_node(tree), mass, mass[: tree.leaves])
    answers = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(answers, encoded.answers[0] / 255, atol=1 / 150)
