"""Tests of networks need torch and transformers; without them the rest of this room is still tested."""

from importlib.util import find_spec

OF_NETWORKS = (
    "test_backbones.py", "test_checkpoints.py", "test_evaluate.py", "test_from_transformers.py", "test_inference.py",
    "test_losses.py", "test_mmseg_checkpoints.py", "test_networks.py", "test_pixel_backbone.py", "test_predict.py",
    "test_recipes.py", "test_schedules.py", "test_train.py",
)  # fmt: skip

collect_ignore = [] if find_spec("torch") and find_spec("transformers") else list(OF_NETWORKS)
