import pytest

from tamis.results import environment


def said(monkeypatch: pytest.MonkeyPatch, gpu: str | None, **installed: str) -> list[str]:
    monkeypatch.setattr(environment, "gpu", lambda: gpu)
    monkeypatch.setattr(environment, "version_of", lambda name: installed.get(name.replace("-", "_")))
    return environment.unused_gpu()


def test_without_a_graphics_card_nothing_is_amiss(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, None, onnxruntime="1.22", torch="2.13.0+cpu") == []


def test_a_card_that_is_used_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, "H100", onnxruntime_gpu="1.22", torch="2.13.0") == []
    assert said(monkeypatch, "H100", onnxruntime_gpu="1.22", torch="2.13.0+cu130") == []


def test_two_builds_of_onnxruntime_hide_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = said(monkeypatch, "H100", onnxruntime="1.22", onnxruntime_gpu="1.22")
    assert line.endswith("pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu")


def test_builds_for_processors_leave_the_card_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = said(monkeypatch, "H100", onnxruntime="1.22", torch="2.13.0+cpu")
    assert first.endswith("pip uninstall -y onnxruntime && pip install onnxruntime-gpu")
    assert second.endswith("pip install --force-reinstall torch==2.13.0")
