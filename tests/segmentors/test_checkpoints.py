"""Checkpoints are opened without running anything in them."""

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from tamis.cli.main import cli
from tamis.errors import InputError, UnavailableError
from tamis.segmentors import load_segmentor
from tamis.segmentors.checkpoints import Stub, load_state, read_peer
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import save_segnext

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.zeros(2, dtype=torch.float16)}
CONFIG = {"class": "isegm.model.thing.Thing", "params": {"width": {"type": "builtin", "value": 18, "specified": True}}}


class Trap:
    """An object that does something when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("trap-has-sprung",)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_and_options_are_read_from_new_and_old_files(zipped: bool, tmp_path: Path) -> None:
    torch.save({"state_dict": STATE, "config": CONFIG}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    peer = read_peer(tmp_path / "a.pth")
    assert (peer.name, peer.options) == ("Thing", {"width": 18})
    assert torch.equal(peer.state["a.weight"], STATE["a.weight"])
    assert peer.state["a.bias"].dtype == torch.float16


def test_a_live_object_becomes_a_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SimpleClick's configuration holds its loss."""
    made = types.ModuleType("isegm_of_a_test")

    class CrossEntropyLoss(nn.Module):
        ran = False

        def __setstate__(self, state: Any) -> None:
            type(self).ran = True
            super().__setstate__(state)  # type: ignore[no-untyped-call]

    CrossEntropyLoss.__module__, CrossEntropyLoss.__qualname__ = "isegm_of_a_test", "CrossEntropyLoss"
    made.CrossEntropyLoss = CrossEntropyLoss  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "isegm_of_a_test", made)
    params = {"head_params": {"value": {"loss_decode": CrossEntropyLoss(), "channels": 256}}}
    torch.save({"state_dict": STATE, "config": {"class": "x.Y", "params": params}}, tmp_path / "a.pth")
    options = read_peer(tmp_path / "a.pth").options
    assert isinstance(options["head_params"]["loss_decode"], Stub)
    assert options["head_params"]["channels"] == 256
    assert not CrossEntropyLoss.ran


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_and_not_run(zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": STATE, "config": Trap()}, "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"asks to run '(posix|nt)\.mkdir'"):
        read_peer(Path("a.pth"))
    assert not Path("trap-has-sprung").exists()


def test_a_download_that_was_cut_off_is_told(tmp_path: Path) -> None:
    torch.save({"state_dict": STATE}, tmp_path / "a.pth")
    content = (tmp_path / "a.pth").read_bytes()
    (tmp_path / "a.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="cut off"):
        read_peer(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"model": STATE}, "an encoder alone"),
        ([{"state_dict": STATE}, {"state_dict": STATE}], "holds 2 networks"),
        ({"state_dict": {}}, "no state of a network"),
        (3, "no state of a network"),
    ],
)
def test_other_files_are_refused(content: Any, said: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match=said):
        read_peer(tmp_path / "a.pth")


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("<html>sign in</html>")
    with pytest.raises(InputError, match="no checkpoint of torch"):
        read_peer(tmp_path / "a.pth")


def test_the_first_names_that_differ_are_told(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    state = {
        "0.weight": torch.zeros(2, 3),
        "0.bias": torch.zeros(2),
        "1.weight": torch.zeros(1, 5),
        "extra": torch.zeros(1),
    }
    with pytest.raises(InputError, match=r"lacks 1.bias; has extra; 1.weight is \(1, 5\) instead of \(1, 2\)"):
        load_state(network, state, tmp_path / "a.pth")


def test_segmentors_are_loaded_by_family_and_file(tmp_path: Path) -> None:
    file = tmp_path / "000.pth"
    save_segnext(file, SegNext(SHAPES["tiny"]))
    assert load_segmentor(f"segnext:{file}").name == "segnext"
    shown = CliRunner().invoke(cli, ["models", "show", f"segnext:{file}"]).output
    assert "names that nothing reads: backbone.fc_norm.bias, backbone.fc_norm.weight" in shown
    assert "shown at 64 pixels" in shown
    smaller: Any = load_segmentor(f"segnext:{file}@32")
    assert smaller.runner.side == 32
    for name, said in {
        "segnext": "say which checkpoint",
        "ritm:nowhere.pth": "no such checkpoint",
        f"ritm:{file}": "is a checkpoint of segnext; ask for",
        f"segnext:{file}@33": "no multiple",
        f"segnext:{tmp_path}": "holds no export.json",
    }.items():
        with pytest.raises((InputError, UnavailableError), match=said):
            load_segmentor(name)
