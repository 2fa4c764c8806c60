import hashlib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tamis.errors import InputError, UnavailableError  # noqa: E402
from tamis.training import encoders  # noqa: E402
from tamis.training.encoders import LITE2, EfficientNetLite, load_imagenet  # noqa: E402
from tests.training.scenes import TINY  # noqa: E402


def test_there_is_a_map_at_every_stride() -> None:
    encoder = EfficientNetLite(TINY.stages, TINY.stem)
    maps = encoder(torch.rand(2, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (2, channels, 64 // stride, 96 // stride)
        for channels, stride in zip(encoder.channels, encoders.STRIDES, strict=True)
    ]


def test_lite2_has_as_many_weights_as_published() -> None:
    """6.1 million with the classifier's 1,280 channels, 1.4 million, and its 1,000 classes, 1.3 million … less both."""
    count = sum(parameter.numel() for parameter in EfficientNetLite().parameters())
    head = 352 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert count + head == pytest.approx(6.09e6, rel=2e-3)


def test_imagenet_weights_know_a_cat_from_an_espresso() -> None:
    """The classifier's two layers are laid over the encoder: the names and the preprocessing are right."""
    data = pytest.importorskip("skimage.data")
    functional = torch.nn.functional
    encoder = load_imagenet(EfficientNetLite()).eval()
    weights = torch.load(encoders._installed(), map_location="cpu", weights_only=True)

    def label(picture: object) -> int:
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
        x = encoder(functional.interpolate(pixels, size=(256, 256), mode="bilinear", antialias=True))[-1]
        x = functional.conv2d(x, weights["_conv_head.weight"])
        norm = [weights[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = functional.relu6(functional.batch_norm(x, *norm, eps=1e-3)).mean(dim=(2, 3))
        return int((x @ weights["_fc.weight"].T + weights["_fc.bias"]).argmax())

    with torch.no_grad():
        assert label(data.chelsea()) in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
        assert label(data.coffee()) == 967  # espresso


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "some.pth").write_bytes(b"something")
    with pytest.raises(InputError, match=hashlib.sha256(b"something").hexdigest()):
        load_imagenet(EfficientNetLite(), tmp_path / "some.pth")


def test_the_way_out_is_named_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "PACKAGE", "no_such_package")
    with pytest.raises(UnavailableError, match=r"tamis\[train\]"):
        load_imagenet(EfficientNetLite())


def test_frozen_stages_neither_learn_nor_forget() -> None:
    encoder = EfficientNetLite(TINY.stages, TINY.stem)
    encoder.freeze(2)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.train()
    optimizer = torch.optim.SGD([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    encoder(torch.rand(2, 3, 64, 64))[-1].square().mean().backward()
    optimizer.step()
    moved = {name for name, value in encoder.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert not [name for name in moved if name.startswith(("stem.", "stages.0.", "stages.1."))]
    assert len(LITE2) == len(encoder.stages)
