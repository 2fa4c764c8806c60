"""Networks take the threads that a process may have, and leave processors alone between one and the next."""

import pytest

from tamis.segmentors.embedded.weights import session
from tamis.segmentors.onnx_session import session_options


def test_threads_sleep_when_there_is_nothing_to_do() -> None:
    assert session_options().get_session_config_entry("session.intra_op.allow_spinning") == "0"
    used = session("corrections").get_session_options()
    assert used.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("", 0), ("many", 0)])
def test_as_many_threads_as_a_process_may_have(said: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 stands for all."""
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert session_options().intra_op_num_threads == threads
