from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner  # noqa: E402

from tamis.cli.train_command import command  # noqa: E402
from tamis.errors import InputError  # noqa: E402
from tamis.training.crops import vary_colours  # noqa: E402
from tamis.training.networks import PixelNetwork  # noqa: E402
from tamis.training.portions import PIXEL_SHARES  # noqa: E402
from tamis.training.recipe import Data, RunConfig, load_data, prepare_examples, stage_a  # noqa: E402
from tamis.training.sources import parse_source, validation_photographs  # noqa: E402
from tamis.training.stored import load_pixels  # noqa: E402
from tamis.training.validate import interval, measure  # noqa: E402
from tests.training.scenes import scenes  # noqa: E402


def write_duts(root: Path, count: int) -> None:
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for i, scene in enumerate(scenes(count, side=64)):
        cv2.imwrite(str(root / "images" / f"{i:02}.png"), scene.image)
        cv2.imwrite(str(root / "masks" / f"{i:02}.png"), (scene.maps[0] == 2).astype(np.uint8))


def test_a_source_names_set_folder_and_share() -> None:
    assert parse_source("duts=/data/duts:.5").share == 0.5
    assert parse_source("duts=/data/duts").share == PIXEL_SHARES["duts"]
    assert parse_source("duts=C:/data").root == Path("C:/data")
    for wrong in ("duts", "duts=", "nothing=/data"):
        with pytest.raises(InputError):
            parse_source(wrong)


def test_validation_looks_at_held_out_photographs_only(tmp_path: Path) -> None:
    write_duts(tmp_path / "duts", 21)
    held = validation_photographs([parse_source(f"duts={tmp_path / 'duts'}")], 0)
    assert [photograph.name for photograph in held] == ["00", "10", "20"]


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one data set"):
        load_data(RunConfig(out=tmp_path))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="no weights of this pixel network"):
        load_pixels(tmp_path / "other.pt", PixelNetwork())


def test_stage_b_needs_no_weights_of_stage_a_and_looks_again(tmp_path: Path) -> None:
    data = Data({"scenes": scenes(2, side=96)}, {"scenes": 1.0}, [])
    config = RunConfig(out=tmp_path, looks=2)
    pixels = stage_a(config, torch.device("cpu"))
    examples = prepare_examples(data, pixels, config)
    again = prepare_examples(data, pixels, config)
    assert len(examples) == 2 * (1 + 2)
    sizes = [len(example.summary.areas) for example in examples]
    assert sizes == [len(example.summary.areas) for example in again]
    assert len({examples[k].summary.colour.tobytes() for k in range(6)}) == 6


def test_the_interval_holds_the_mean_and_narrows_with_photographs() -> None:
    rng = np.random.default_rng(0)
    few = [rng.random(3) for _ in range(5)]
    many = [rng.random(3) for _ in range(500)]
    mean, low, high = interval(few)
    assert mean == pytest.approx(np.concatenate(few).mean())
    assert low < mean < high
    assert interval(many)[2] - interval(many)[1] < (high - low) / 3


def test_measuring_a_perfect_and_an_empty_answer() -> None:
    photographs = scenes(2)
    truths = {photograph.image.tobytes(): photograph.maps[0] for photograph in photographs}

    def perfect(image):  # type: ignore[no-untyped-def]
        labels = truths[image.tobytes()]
        return lambda pixel: (labels == labels[pixel]).astype(np.float32)

    def nothing(image):  # type: ignore[no-untyped-def]
        return lambda pixel: np.zeros(image.shape[:2], np.float32)

    assert measure(perfect, photographs)["miou"] == 1
    assert measure(nothing, photographs)["scenes"] == 0


def test_colours_vary_within_range_and_by_the_generator_alone() -> None:
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first = vary_colours(images, torch.Generator().manual_seed(1))
    torch.testing.assert_close(first, vary_colours(images, torch.Generator().manual_seed(1)))
    assert first.min() >= 0
    assert first.max() <= 1
    assert not torch.equal(first, images)


def test_the_command_packs_and_explains_itself(tmp_path: Path) -> None:
    write_duts(tmp_path / "duts", 11)
    runner = CliRunner()
    packed = runner.invoke(command, ["pack", "--data", f"duts={tmp_path / 'duts'}", "--out", str(tmp_path / "pack")])
    assert packed.exit_code == 0
    assert "MiB" in packed.output
    data = load_data(RunConfig(out=tmp_path, packs=(tmp_path / "pack",)))
    assert {name: len(each) for name, each in data.training.items()} == {"duts": 9}
    assert len(data.validation) == 2
    assert "Stage A" in runner.invoke(command, ["--help"]).output
