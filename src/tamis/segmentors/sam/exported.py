"""What an exported model is made of, and how it is called."""

from pathlib import Path

EXPORTED = "-onnx"
"""What the names of exported models end with."""

EXPORT_FILES = ("encoder.onnx", "one.onnx", "several.onnx", "export.json")
"""What makes up an exported model."""


def is_exported(folder: Path) -> bool:
    """Whether a folder holds an exported model."""
    return all((folder / name).is_file() for name in EXPORT_FILES)
