"""Writing a network of torch as ONNX."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPSET = 18


def export_graph(module: Any, example: Any, given: list[str], made: list[str], free: Any, file: Path) -> None:
    """Write a module as ONNX.

    Args:
        module: in evaluation mode.
        example: its inputs.
        given: their names.
        made: names of its outputs.
        free: which of their dimensions may vary, as torch.export has it.
        file: to write.
    """
    import torch

    torch.onnx.export(
        module,
        example,
        file,
        input_names=given,
        output_names=made,
        dynamic_shapes=free,
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Without the exporters' remarks about their own insides."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "root")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
