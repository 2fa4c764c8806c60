"""Opening an exported network."""

import os
from pathlib import Path
from typing import Any

from tamis.errors import InputError


def session_options() -> Any:
    """How networks are run: as many threads as a process may have, which sleep when there is nothing to do.

    onnxruntime does not read OMP_NUM_THREADS, by which people and clusters say how many that is. Its threads would wait
    for more by spinning, in the way of whatever is reckoned in between: on two cores a correction took 59 ms, not 26,
    and an encoding 390, not 280.
    """
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    if allowed.isdecimal():
        options.intra_op_num_threads = int(allowed)
    return options


def session(path: Path) -> Any:
    """Open a graph, on a graphics card where onnxruntime knows one.

    Raises:
        InputError: the file is none that it can read.
    """
    import onnxruntime
    from onnxruntime.capi.onnxruntime_pybind11_state import (  # type: ignore[import-untyped]
        Fail,
        InvalidArgument,
        InvalidGraph,
        InvalidProtobuf,
    )

    try:
        return onnxruntime.InferenceSession(path, session_options(), providers=_providers())
    except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
        said = str(error).splitlines()[0]
        raise InputError(f"{path}: onnxruntime cannot read it ({said}); export it again") from None


def _providers() -> list[str]:
    import onnxruntime

    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return [provider for provider in wanted if provider in onnxruntime.get_available_providers()]
