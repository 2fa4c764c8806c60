"""Opening an exported network."""

from pathlib import Path
from typing import Any

from tamis.errors import InputError


def session(path: Path) -> Any:
    """Open a graph, on a graphics card where onnxruntime knows one.

    Raises:
        InputError: the file is none that it can read.
    """
    import onnxruntime  # type: ignore[import-untyped]
    from onnxruntime.capi.onnxruntime_pybind11_state import (  # type: ignore[import-untyped]
        Fail,
        InvalidArgument,
        InvalidGraph,
        InvalidProtobuf,
    )

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=_providers())
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{path}: onnxruntime cannot read it ({said}); export it again") from None


def _providers() -> list[str]:
    import onnxruntime

    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return [provider for provider in wanted if provider in onnxruntime.get_available_providers()]
