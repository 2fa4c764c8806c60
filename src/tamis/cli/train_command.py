"""`tamis train`: make the weights of the model in the box; needs the extra `train`, except for `measure`."""

from itertools import pairwise
from pathlib import Path

import click

from tamis.cli import train_options as options
from tamis.cli.train_binary_command import command as binary
from tamis.cli.train_corrections_command import corrections, pixel_corrections
from tamis.cli.train_segnext_command import command as segnext
from tamis.errors import InputError


@click.group()
def command() -> None:
    """Train the model in the box by `embedding`, `edges`, `regions`, `corrections`, `pixel-corrections`, `export`.

    `segnext` trains by a recipe of its family, `binary` a network of one concept; `measure` tells the mIoU@1 of any
    segmentor.
    """


@command.command()
@options.data
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write, NAME.pack.")
@click.option("--size", default=384, show_default=True, help="Pixels on the long side.")
@click.option("--quality", default=75, show_default=True, help="WebP quality of the photographs.")
@click.option(
    "--most-mib", default=60.0, show_default=True, help="Largest size of a file; then NAME.2.pack is begun, and so on."
)
def pack(data: tuple[str, ...], out: Path, size: int, quality: int, most_mib: float) -> None:
    """Put all training data into a few small files, to carry it to another machine."""
    from tamis.training.packing import write_packs
    from tamis.training.sources import parse_source, read_source, validation_photographs

    sources = [parse_source(text) for text in data]
    if not sources:
        raise InputError("name at least one data set, as --data NAME=ROOT")
    training = {source.name: read_source(source, "training", size) for source in sources}
    validation = validation_photographs(sources, size)
    for file in write_packs(out, training, validation, quality, int(most_mib * 2**20)):
        click.echo(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")


@command.command()
@options.data
@options.pack
@options.out
@options.resume
@options.device
@options.minutes
@options.seconds
@options.steps
@options.seed
@options.threads
@click.option("--lr", default=2e-3, show_default=True, help="Peak learning rate.")
@click.option("--batch-factor", default=1, show_default=True, help="Multiplies batches: 24 suits a GPU of 80 GB.")
@click.option("--frozen-stages", default=0, show_default=True, help="Stages of the encoder that stay as they are.")
@click.option("--start", type=click.Path(path_type=Path), help="Weights of an earlier stage A, instead of ImageNet's.")
def embedding(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    out: Path,
    resume: bool,
    device: str,
    minutes: float,
    seconds: float | None,
    steps: int,
    seed: int,
    threads: int,
    lr: float,
    batch_factor: int,
    frozen_stages: int,
    start: Path | None,
) -> None:
    """Stage A: boundaries and embeddings of pixels."""
    options.require_torch()
    from tamis.training.embedding import EmbeddingOptions
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, train_embedding
    from tamis.training.sources import parse_source

    config = RunConfig(
        out=out,
        sources=tuple(parse_source(text) for text in data),
        packs=packs,
        device=device,
        resume=resume,
        loop=LoopOptions(seconds=seconds or 60 * minutes, steps=steps, lr=lr, seed=seed, threads=threads),
        embedding=EmbeddingOptions(batch_factor=batch_factor, frozen_stages=frozen_stages),
        pixel_weights=start,
    )
    click.echo(f"weights: {train_embedding(config)}")


@command.command()
@options.data
@options.pack
@options.out
@options.resume
@options.device
@options.minutes
@options.seconds
@options.steps
@options.seed
@options.threads
@click.option("--lr", default=2e-3, show_default=True, help="Peak learning rate.")
@click.option("--pixels", type=click.Path(path_type=Path), help="Weights of stage A, instead of the model's own.")
def edges(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    out: Path,
    resume: bool,
    device: str,
    minutes: float,
    seconds: float | None,
    steps: int,
    seed: int,
    threads: int,
    lr: float,
    pixels: Path | None,
) -> None:
    """Edges for a stage A that stays as it is: where people cut a whole image into its parts."""
    options.require_torch()
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, train_edges
    from tamis.training.sources import parse_source

    loop = LoopOptions(
        seconds=seconds or 60 * minutes,
        steps=steps,
        lr=lr,
        weight_decay=1e-3,
        seed=seed,
        threads=threads,
        warmup=50,
        clip=1.0,
        average=0.99,
        validate_minutes=10,
    )
    sources = tuple(parse_source(text) for text in data)
    config = RunConfig(
        out=out, sources=sources, packs=packs, device=device, resume=resume, loop=loop, pixel_weights=pixels
    )
    click.echo(f"weights: {train_edges(config)}")


@command.command()
@options.data
@options.pack
@options.out
@options.resume
@options.device
@options.minutes
@options.seconds
@options.steps
@options.seed
@options.threads
@click.option("--lr", default=1.2e-3, show_default=True, help="Peak learning rate.")
@click.option(
    "--pixels", type=click.Path(path_type=Path), help="Weights of stage A (its best.pt), instead of the model's own."
)
@click.option("--edges", type=click.Path(path_type=Path), help="Weights of the edges of that stage A.")
@click.option(
    "--looks", default=0, show_default=True, help="Further looks at each photograph: parts, turned, recoloured."
)
@click.option(
    "--loss",
    "losses",
    multiple=True,
    metavar="NAME=WEIGHT",
    help="Weights of the losses, instead of bce=1 and iou=2; may be repeated.",
)
@click.option(
    "--teacher", metavar="NAME", help="Teacher of a distillation: a model whose probabilities are learned too."
)
@click.option("--teacher-weight", default=1.0, show_default=True, help="Weight of the distillation loss.")
@click.option(
    "--start", type=click.Path(path_type=Path), help="Weights of an earlier stage B to start from, or embedded."
)
def regions(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    out: Path,
    resume: bool,
    device: str,
    minutes: float,
    seconds: float | None,
    steps: int,
    seed: int,
    threads: int,
    lr: float,
    pixels: Path | None,
    edges: Path | None,
    looks: int,
    losses: tuple[str, ...],
    teacher: str | None,
    teacher_weight: float,
    start: Path | None,
) -> None:
    """Stage B: which regions belong together."""
    options.require_torch()
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, train_regions
    from tamis.training.region_losses import parse_terms
    from tamis.training.regions import RegionOptions
    from tamis.training.sources import parse_source

    config = RunConfig(
        out=out,
        sources=tuple(parse_source(text) for text in data),
        packs=packs,
        device=device,
        resume=resume,
        loop=LoopOptions(
            seconds=seconds or 60 * minutes,
            steps=steps,
            lr=lr,
            seed=seed,
            threads=threads,
            warmup=60,
            validate_minutes=4,
        ),
        regions=RegionOptions(terms=parse_terms(losses), teacher_weight=teacher_weight),
        pixel_weights=pixels,
        edge_weights=edges,
        looks=looks,
        region_weights=start,
        teacher=teacher,
    )
    click.echo(f"weights: {train_regions(config)}")


@command.command()
@options.data
@options.pack
@click.option("--pixels", type=click.Path(path_type=Path), help="Weights of stage A, instead of the model's own.")
@click.option("--edges", type=click.Path(path_type=Path), help="Weights of the edges of that stage A.")
@click.option("--regions", required=True, type=click.Path(path_type=Path), help="Weights of stage B.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file of weights to write.")
def calibrate(
    data: tuple[str, ...],
    packs: tuple[Path, ...],
    pixels: Path | None,
    edges: Path | None,
    regions: Path,
    out: Path,
) -> None:
    """Set three numbers of stage B so that one half is the best threshold."""
    options.require_torch()
    from tamis.training.recipe import RunConfig, calibrate_regions
    from tamis.training.sources import parse_source

    sources = tuple(parse_source(text) for text in data)
    config = RunConfig(out=out.parent, sources=sources, packs=packs, pixel_weights=pixels, edge_weights=edges)
    found = calibrate_regions(config, regions, out)
    click.echo(f"shift {found.shift:g}, border {found.border:g}, edges {found.edges:g}")
    for name, before in found.before.items():
        click.echo(f"{name}: {before:.4f} to {found.after[name]:.4f}")


@command.command("round")
@options.data
@options.pack
@click.option("--pixel-corrections", required=True, type=click.Path(path_type=Path), help="Weights of stage D.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file of weights to write.")
@options.seed
def round_weights(
    data: tuple[str, ...], packs: tuple[Path, ...], pixel_corrections: Path, out: Path, seed: int
) -> None:
    """Round stage D to whole numbers, which take half the time; clicks on photographs show how large they get."""
    options.require_torch()
    from tamis.training.loop import LoopOptions
    from tamis.training.recipe import RunConfig, round_pixel_corrections
    from tamis.training.sources import parse_source

    sources = tuple(parse_source(text) for text in data)
    config = RunConfig(out=out.parent, sources=sources, packs=packs, loop=LoopOptions(seed=seed))
    click.echo(f"{out}: rounded by {round_pixel_corrections(config, pixel_corrections, out)} photographs")


@command.command()
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file, embedded_appearance.npz.")
@options.seed
def appearance(images: tuple[str, ...], out: Path, seed: int) -> None:
    """How the encoder's maps usually are, over photographs and noise: what images are compared by. Needs no torch."""
    from tamis.image import find_images, read_image
    from tamis.training.appearance import measure_standards, save_standards

    paths = find_images(images)
    save_standards(out, measure_standards((read_image(path) for path in paths), seed))
    click.echo(f"{out}: from {len(paths)} photographs")


@command.command()
@click.option("--pixels", type=click.Path(path_type=Path), help="Weights of stage A; they need --edges.")
@click.option(
    "--edges", type=click.Path(path_type=Path), help="Weights of the edges of that stage A, or of the model's own."
)
@click.option("--regions", type=click.Path(path_type=Path), help="Weights of stage B.")
@click.option("--corrections", type=click.Path(path_type=Path), help="Weights of stage C.")
@click.option("--pixel-corrections", type=click.Path(path_type=Path), help="Weights of stage D.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the ONNX files.")
@click.option(
    "--note", "notes", multiple=True, metavar="NAME=TEXT", help="Metadata to keep in the files; may be repeated."
)
def export(
    pixels: Path | None,
    edges: Path | None,
    regions: Path | None,
    corrections: Path | None,
    pixel_corrections: Path | None,
    out: Path,
    notes: tuple[str, ...],
) -> None:
    """Write trained weights as the ONNX files that `embedded` runs: those of all stages that are named."""
    options.require_torch()
    from tamis.training.recipe import export_weights

    said = dict(note.partition("=")[::2] for note in notes)
    for file in export_weights(pixels, edges, regions, corrections, pixel_corrections, out, said):
        click.echo(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


@command.command()
@options.data
@click.option("--model", "segmentor", default="embedded", show_default=True, help="A name from `tamis models`.")
@click.option("--repeats", default=3, show_default=True, help="Clicks per mask.")
@click.option("--seed", default=0, show_default=True, help="Random seed.")
def measure(data: tuple[str, ...], segmentor: str, repeats: int, seed: int) -> None:
    """mIoU@1 of a segmentor on held-out photographs: one random click per mask, threshold .5, original resolution."""
    import numpy as np

    from tamis.arrays import ImageArray
    from tamis.clicks import Click
    from tamis.segmentors.registry import load_segmentor
    from tamis.training.photographs import read_photographs
    from tamis.training.sources import parse_source
    from tamis.training.validate import SIDES, Answer, click_ious, interval, mask_sides

    model = load_segmentor(segmentor)

    def encode(image: ImageArray) -> Answer:
        encoded = model.encode(image)
        return lambda pixel: encoded.probability([Click.at_pixel(*pixel)])

    for source in (parse_source(text) for text in data):
        scores, sides = [], []
        for photograph in read_photographs(source.name, source.root, "held-out", 0):
            scores.append(click_ious(encode, photograph, repeats, seed))
            sides.append(mask_sides(photograph, repeats))
        mean, low, high = interval(scores)
        count = sum(map(len, scores)) // repeats
        click.echo(
            f"{source.name}: {mean:.4f} [{low:.4f}, {high:.4f}], {len(scores)} photographs, {count} masks × {repeats}"
        )
        every, side = np.concatenate(scores), np.concatenate(sides)
        parts = []
        for least, most in pairwise(SIDES):
            chosen = every[(side >= least) & (side < most)]
            if chosen.size:
                parts.append(f"{least:g}–{most:g} px {chosen.mean():.3f} ({chosen.size // repeats})")
        click.echo("  by the side of a square of the mask's area: " + ", ".join(parts))


@command.command()
@click.option(
    "--data", "data", multiple=True, required=True, metavar="NAME=ROOT", help="roxford, rparis, instances or uned."
)
@click.option("--method", default="regions", show_default=True, help="As of tamis personalize.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for presence.npz and scores.json.")
@click.option("--epochs", default=10, show_default=True, help="Epochs.")
@click.option("--samples", default=1000, show_default=True, help="Triplets in an epoch.")
@click.option("--steps", default=0, type=click.IntRange(0), help="Steps of 32 triplets instead of --epochs.")
@click.option("--margin", default=0.5, show_default=True, help="Margin of the triplet loss, in probability.")
@click.option(
    "--held-out", default=3, show_default=True, help="Hold out every N-th object to measure on; 0 trains on all."
)
@options.seed
def presence(
    data: tuple[str, ...],
    method: str,
    out: Path,
    epochs: int,
    samples: int,
    steps: int,
    margin: float,
    held_out: int,
    seed: int,
) -> None:
    """The head that tells whether an object is there, on triplets: the rest of the method stays as it is."""
    options.require_torch()
    from tamis.datasets.retrieval import open_collection
    from tamis.personal.methods import load_method
    from tamis.results.files import write_json
    from tamis.results.folder import result_folder
    from tamis.training.presence import PresenceOptions, train_presence

    pairs = [text.partition("=")[::2] for text in data]
    collections = [open_collection(name, Path(root)) for name, root in pairs]
    chosen = load_method(method)
    rules = PresenceOptions(epochs=epochs, samples=samples, margin=margin, seed=seed, steps=steps)
    settings = {"data": list(data), "method": method, "held_out": held_out, **vars(rules)}
    with result_folder(out, settings, chosen.weights_sha256):
        rounds = train_presence(collections, chosen, rules, held_out)  # type: ignore[arg-type]
        while True:
            try:
                epoch, loss = next(rounds)
            except StopIteration as end:
                head, scores = end.value
                break
            click.echo(f"epoch {epoch}: loss {loss:.4f}")
        head.save(out / "presence.npz")
        write_json(out / "scores.json", {**scores, "settings": settings})
    if scores:
        click.echo(f"held-out mAP {scores['map_before']:.4f} before, {scores['map_after']:.4f} after")
    click.echo(f"head: {out / 'presence.npz'}")


command.add_command(segnext)
command.add_command(binary)
command.add_command(corrections)
command.add_command(pixel_corrections)
