"""Runs from data folders to weights: what `tamis train` calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tamis.arrays import ImageArray
from tamis.errors import InputError
from tamis.scale.executors import IN_PROCESS
from tamis.scale.running import Executor, in_order, none_lost
from tamis.segmentors import Segmentor, load_segmentor
from tamis.segmentors.embedded.model import Embedded
from tamis.segmentors.embedded.pixel_network import pixel_maps
from tamis.training.begun import CorrectionExample, closer_example, correction_example
from tamis.training.calibration import Calibration, calibrate
from tamis.training.checkpoint import save_weights
from tamis.training.correction_network import CorrectionNetwork
from tamis.training.corrections import CorrectionOptions, CorrectionTask
from tamis.training.edge_network import EdgeNetwork
from tamis.training.edges import EdgeOptions, EdgeTask
from tamis.training.embedding import EmbeddingOptions, EmbeddingTask
from tamis.training.encoders import LITE2, load_imagenet
from tamis.training.examples import Example, RunPixels, Taught, make_example, run_pixels, teach
from tamis.training.loop import LoopOptions, pick_device, placed, train
from tamis.training.networks import PixelNetwork
from tamis.training.packing import read_packs
from tamis.training.photographs import Photograph
from tamis.training.pixel_correction_network import PixelCorrectionNetwork
from tamis.training.pixel_corrections import PixelCorrectionOptions, PixelCorrectionTask
from tamis.training.pixel_examples import Clicking, PixelExample
from tamis.training.portions import (
    OTHERS,
    OTHERS_BY_REGION,
    PIXEL_SHARES,
    REGION_SHARES,
    for_corrections,
    for_pixels,
    for_regions,
    some,
)
from tamis.training.region_network import RegionNetwork
from tamis.training.regions import RegionOptions, RegionTask
from tamis.training.rounding import rounded_pixel_corrections, show
from tamis.training.shipped import shipped_pixels
from tamis.training.sources import Source, read_source, validation_photographs
from tamis.training.stored import (
    load_corrections,
    load_edges,
    load_pixel_corrections,
    load_pixels,
    load_regions,
    require_floating,
)
from tamis.training.varied import varied

ROUNDED_BY = 4
"""Photographs of each data set, at most, that show stage D what its bytes are to stretch over."""

CLOSE_SIZE = 768
"""Pixels on the long side of the photographs of stage C, which looks at parts of them too."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything a run is made of; saved as `config.json`."""

    out: Path
    sources: tuple[Source, ...] = ()
    packs: tuple[Path, ...] = ()
    """Files written by `write_packs`, instead of folders."""
    photograph_size: int = 384
    device: str = "auto"
    resume: bool = False
    loop: LoopOptions = field(default_factory=LoopOptions)
    embedding: EmbeddingOptions = field(default_factory=EmbeddingOptions)
    edges: EdgeOptions = field(default_factory=EdgeOptions)
    regions: RegionOptions = field(default_factory=RegionOptions)
    corrections: CorrectionOptions = field(default_factory=CorrectionOptions)
    pixel_corrections: PixelCorrectionOptions = field(default_factory=PixelCorrectionOptions)
    pixel_weights: Path | None = None
    """Of stage A: for edges and stage B, instead of those of the model in the box; for another stage A, to start from.
    """
    edge_weights: Path | None = None
    """Of the edges of that stage A, for stage B."""
    looks: int = 0
    """Further looks of stage B at each photograph, varied."""
    region_weights: Path | None = None
    """Of an earlier stage B, to start from."""
    correction_weights: Path | None = None
    """Of an earlier stage C, or D, to start from."""
    teacher: str | None = None
    """A segmentor by name, whose probabilities stage B learns too."""


@dataclass(frozen=True, slots=True)
class Data:
    """Photographs in memory."""

    training: dict[str, list[Photograph]]
    shares: dict[str, float]
    validation: list[Photograph]


def load_data(
    config: RunConfig, choose: Callable[[str, Sequence[Any]], Sequence[Any]] = lambda name, photographs: photographs
) -> Data:
    """Read the photographs of a run, from folders or from a pack.

    Args:
        config: of the run.
        choose: those of a data set by name that are trained on.

    Raises:
        InputError: there is nothing to train on.
    """
    if config.packs:
        packed, validation = read_packs(config.packs)
        training = {name: list(choose(name, photographs)) for name, photographs in packed.items()}
        shares = {name: PIXEL_SHARES.get(name, OTHERS) for name in training}
    else:
        training = {
            source.name: list(read_source(source, "training", config.photograph_size, partial(choose, source.name)))
            for source in config.sources
        }
        shares = {source.name: source.share for source in config.sources}
        validation = validation_photographs(config.sources, config.photograph_size)
    training = {name: photographs for name, photographs in training.items() if photographs}
    if not training:
        raise InputError("name at least one data set, as NAME=ROOT, or a pack")
    return Data(training, shares, validation)


def train_embedding(config: RunConfig) -> Path:
    """Stage A; returns the file of the best weights."""
    device = pick_device(config.device)
    if config.loop.threads:
        torch.set_num_threads(config.loop.threads)
    data = load_data(config, for_pixels)
    torch.manual_seed(config.loop.seed)
    task = EmbeddingTask(data.training, data.shares, data.validation, config.embedding, device, config.loop.half)
    if config.pixel_weights is not None:
        load_pixels(config.pixel_weights, task.pixels).train()
    elif config.embedding.shape.stages == LITE2:
        load_imagenet(task.pixels.encoder)
    train(task, config.loop, config.out, as_json(config), config.resume)
    return config.out / "best.pt"


def stage_a(config: RunConfig, device: torch.device) -> RunPixels:
    """Stage A as it reads photographs for stage B: with the weights that are named, or as the model in the box has it.

    Raises:
        InputError: the weights are of another network.
    """
    if config.pixel_weights is None:
        return pixel_maps
    shape = config.embedding.shape
    edges = load_edges(require_edges(config.edge_weights), EdgeNetwork(shape))
    network = placed(load_pixels(config.pixel_weights, PixelNetwork(shape)), device)
    return partial(run_pixels, network, placed(edges, device), device=device, half=True)


def require_edges(weights: Path | None) -> Path:
    """The weights of the edges of a stage A of one's own.

    Raises:
        InputError: there are none.
    """
    if weights is None:
        raise InputError("weights of stage A need edges of their own: run tamis train edges, and name them by --edges")
    return weights


def train_edges(config: RunConfig) -> Path:
    """The edges of a stage A, which stays as it is; returns the file of the best weights.

    Raises:
        InputError: the weights are of another network, or no photograph has all its parts drawn.
    """
    device = pick_device(config.device)
    if config.loop.threads:
        torch.set_num_threads(config.loop.threads)
    data = load_data(replace(config, photograph_size=CLOSE_SIZE))
    start, shape = config.pixel_weights, config.embedding.shape
    pixels = shipped_pixels() if start is None else load_pixels(start, PixelNetwork(shape))
    torch.manual_seed(config.loop.seed)
    task = EdgeTask(data.training, data.shares, data.validation, placed(pixels, device), config.edges, device)
    train(task, config.loop, config.out, as_json(config), config.resume)
    return config.out / "best.pt"


def prepare_examples(data: Data, pixels: RunPixels, config: RunConfig) -> list[Example]:
    """Run the photographs of stage B, and `looks` at each, through stage A, and past the teacher if there is one."""
    teaching = None
    if config.teacher is not None:
        teacher, rng = load_segmentor(config.teacher), np.random.default_rng(config.loop.seed)

        def teaching(image: ImageArray, region_map: NDArray[np.uint16]) -> Taught:
            return teach(teacher, image, region_map, config.regions.taught_clicks, rng)

    examples = []
    for number, photograph in enumerate(each for those in data.training.values() for each in those):
        examples.append(make_example(photograph, pixels, teaching=teaching))
        for look in range(config.looks):
            chance = np.random.default_rng((config.loop.seed, number, look))
            examples.append(make_example(varied(photograph, chance), pixels, teaching=teaching))
    return examples


def train_regions(config: RunConfig) -> Path:
    """Stage B; returns the file of the best weights.

    Raises:
        InputError: weights that are named are of another network.
    """
    device = pick_device(config.device)
    if config.loop.threads:
        torch.set_num_threads(config.loop.threads)
    data, pixels = load_data(config, for_regions), stage_a(config, device)
    examples = prepare_examples(data, pixels, config)
    torch.manual_seed(config.loop.seed)
    shares = {name: REGION_SHARES.get(name, OTHERS_BY_REGION) for name in data.shares}
    task = RegionTask(examples, shares, data.validation, pixels, config.regions, device, config.loop.half)
    if config.region_weights is not None:
        load_regions(config.region_weights, task.regions).train()
    train(task, config.loop, config.out, as_json(config), config.resume)
    return config.out / "best.pt"


def train_corrections(config: RunConfig, segmentor: Segmentor) -> Path:
    """Stage C, over the regions of a segmentor; returns the file of the best weights.

    Raises:
        InputError: the segmentor has no regions.
    """
    device = pick_device(config.device)
    if config.loop.threads:
        torch.set_num_threads(config.loop.threads)
    data = load_data(replace(config, photograph_size=CLOSE_SIZE), for_corrections)
    chance = np.random.default_rng(config.loop.seed)
    photographs = [photograph for each in data.training.values() for photograph in each]
    examples = list(looked_at(photographs, segmentor, 2, chance))
    held_out = [
        replace(each, dataset=f"{each.dataset}, closer") if each.starts else each
        for each in looked_at(data.validation, segmentor, 1, chance)
    ]
    torch.manual_seed(config.loop.seed)
    shares = {name: REGION_SHARES.get(name, OTHERS_BY_REGION) for name in data.shares}
    task = CorrectionTask(examples, shares, held_out, config.corrections, device, config.loop.half)
    if config.correction_weights is not None:
        load_corrections(config.correction_weights, task.corrections).train()
    train(task, config.loop, config.out, as_json(config), config.resume)
    return config.out / "best.pt"


def looked_at(
    photographs: Sequence[Photograph], segmentor: Segmentor, every: int, rng: np.random.Generator
) -> Iterator[CorrectionExample]:
    """Photographs for stage C, and of every so many the part around an object besides."""
    for number, photograph in enumerate(photographs):
        whole = correction_example(photograph, segmentor)
        yield whole
        closer = closer_example(photograph, whole, segmentor, rng) if number % every == 0 else None
        if closer is not None:
            yield closer


MASKS = 2
"""Of a photograph that are clicked on for stage D."""


def train_pixel_corrections(
    config: RunConfig,
    executor: Executor = IN_PROCESS,
    clicked: Callable[[int, int], None] = lambda done, photographs: None,
) -> Path:
    """Stage D, over the answers of the model in the box as it is; returns the file of the best weights.

    Args:
        config: of the run.
        executor: who clicks on the photographs.
        clicked: called after each, with how many are done, and of how many.
    """
    device = pick_device(config.device)
    if config.loop.threads:
        torch.set_num_threads(config.loop.threads)
    data = load_data(replace(config, photograph_size=CLOSE_SIZE), for_corrections)

    def examples(photographs: Sequence[Photograph], masks: int, seed: int) -> list[PixelExample]:
        clicking = Clicking(Embedded(), masks, seed)
        done = in_order(clicking, list(enumerate(photographs)), executor)
        found = []
        for (number, _), those in none_lost(done, lambda item: f"photograph {item[0]} of {item[1].dataset}"):
            found += those
            clicked(number + 1, len(photographs))
        return found

    shares = {name: REGION_SHARES.get(name, OTHERS_BY_REGION) for name in data.shares}
    seed = config.loop.seed
    torch.manual_seed(seed)
    fresh, start = PixelCorrectionNetwork(config.pixel_corrections.shape), config.correction_weights
    network = fresh if start is None else require_floating(load_pixel_corrections(start, fresh), start)
    task = PixelCorrectionTask(
        examples([those for each in data.training.values() for those in each], MASKS, 2 * seed),
        shares,
        examples(data.validation, 1, 2 * seed + 1),
        config.pixel_corrections,
        placed(network.train(), device),
        config.loop.half,
    )
    train(task, config.loop, config.out, as_json(config), config.resume)
    return config.out / "best.pt"


def round_pixel_corrections(config: RunConfig, weights: Path, out: Path) -> int:
    """Round weights of stage D and write them to `out`; returns on how many photographs it was shown clicks.

    Raises:
        InputError: the weights are of another network, or rounded already.
    """
    fresh = PixelCorrectionNetwork(config.pixel_corrections.shape)
    network = rounded_pixel_corrections(require_floating(load_pixel_corrections(weights, fresh), weights))
    data = load_data(replace(config, photograph_size=CLOSE_SIZE), for_corrections)
    photographs = [each for those in data.training.values() for each in some(those, ROUNDED_BY)]
    clicking = Clicking(Embedded(), 1, config.loop.seed)
    show(network, (each for those in map(clicking, enumerate(photographs)) for each in those))
    save_weights(out, network.state_dict())
    return len(photographs)


CALIBRATION_PHOTOGRAPHS = {"bsds500": 30, "duts": 40, "coco_mval": 30, "feral_cats": 20, "weizmann_horses": 20}
"""How many training photographs the calibration looks at; stage B has not seen them, but for those of bsds500."""


def calibrate_regions(config: RunConfig, regions: Path, out: Path) -> Calibration:
    """Calibrate the weights of stage B and write them to `out`.

    Raises:
        InputError: weights are of another network.
    """
    data, pixels = load_data(config), stage_a(config, torch.device("cpu"))
    network = load_regions(regions, RegionNetwork(config.regions.shape))
    examples = []
    for name, photographs in data.training.items():
        seen = {id(photograph) for photograph in for_regions(name, photographs)}
        fresh = [photograph for photograph in photographs if id(photograph) not in seen] or photographs
        count = CALIBRATION_PHOTOGRAPHS.get(name, 0)
        if count:
            examples += [make_example(photograph, pixels) for photograph in some(fresh, count)]
    found = calibrate(network, examples)
    save_weights(out, network.state_dict())
    return found


def export_weights(
    pixels: Path | None,
    edges: Path | None,
    regions: Path | None,
    corrections: Path | None,
    pixel_corrections: Path | None,
    out: Path,
    notes: Mapping[str, str],
) -> list[Path]:
    """Write the networks whose weights are named as ONNX into `out` and return the files.

    Edges alone go with the stage A of the model in the box.

    Raises:
        InputError: the weights are of other networks, or none are named.
    """
    from tamis.training.export import export_corrections, export_pixel_corrections, export_pixels, export_regions

    if not any((pixels, edges, regions, corrections, pixel_corrections)):
        raise InputError("name weights to export: --pixels, --edges, --regions, --corrections or --pixel-corrections")
    files = []
    if pixels is not None or edges is not None:
        network = shipped_pixels() if pixels is None else load_pixels(pixels, PixelNetwork())
        files.append(out / "embedded_pixels.onnx")
        export_pixels(network, load_edges(require_edges(edges), EdgeNetwork()), files[-1], notes)
    if regions is not None:
        files += export_regions(load_regions(regions, RegionNetwork()), out, notes)
    if corrections is not None:
        files += export_corrections(load_corrections(corrections, CorrectionNetwork()), out, notes)
    if pixel_corrections is not None:
        files += export_pixel_corrections(
            load_pixel_corrections(pixel_corrections, PixelCorrectionNetwork()), out, notes
        )
    return files


def as_json(config: RunConfig) -> dict[str, Any]:
    """A configuration as plain values."""

    def plain(value: object) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return str(value) if isinstance(value, Path) else value

    content: dict[str, Any] = plain(asdict(config))
    return content
