"""The supervised baseline: one concept, one network, by the recipe of the research's notes."""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tamis
from tamis.datasets.protocol import Dataset
from tamis.errors import InputError
from tamis.image import write_image
from tamis.results.files import replacing, write_bytes, write_json
from tamis.results.folder import result_folder
from tamis.results.run import file_hash, fingerprint
from tamis.training.binary.data import batches
from tamis.training.binary.measure import focal_loss, means, table
from tamis.training.binary.network import BinaryNetwork, load_start
from tamis.training.loop import pick_device

MODELS = ("deeplabv3-mobilenet",)
WEIGHTS, LAST = "weights.pt", "last.pt"


@dataclass(frozen=True)
class BinaryJob:
    """What is trained.

    Attributes:
        train: images to learn from.
        test: images to measure on.
        out: the folder of the run.
        start: torchvision's COCO weights; None begins with random ones.
        epochs: times that every image is seen.
        size: pixels of the square that images are squashed into.
        batch: images of a step; what is left over is dropped.
        lr: rate of Adam.
        seed: of everything drawn.
        device: auto, cpu or cuda.
        resume: go on from the last epoch in `out`.
        steps: if above 0, so many steps instead of the epochs; the last epoch may be a part of one.
    """

    train: Dataset
    test: Dataset
    out: Path
    start: Path | None = None
    epochs: int = 10
    size: int = 256
    batch: int = 42
    lr: float = 1e-3
    seed: int = 0
    device: str = "auto"
    resume: bool = False
    steps: int = 0


def train_binary(job: BinaryJob) -> Iterator[str]:
    """Train, measure, and write `weights.pt`, `metrics.csv`, `test.json`, `masks/NAME.png` and `run.json`.

    Adam, the mean of the sigmoid focal loss with torchvision's defaults, shuffled, the last batch dropped. The masks of
    the test images are what `tamis simulate --masks` corrects.

    Yields:
        A sentence after every epoch, and in the end.

    Raises:
        InputError: fewer images than a batch, a start that is none, or nothing to resume from.
    """
    if len(job.train.samples) < job.batch:
        raise InputError(
            f"{len(job.train.samples)} images are fewer than a batch of {job.batch}, and a batch that is not full is "
            f"dropped: give --batch {len(job.train.samples)} or less"
        )
    settings: dict[str, Any] = {
        key: value for key, value in asdict(job).items() if isinstance(value, str | int | float)
    }
    settings |= {"start": None if job.start is None else file_hash(job.start), "model": MODELS[0]}
    settings |= {"data": [_said(job.train), _said(job.test)], "images": [len(job.train.samples), len(job.test.samples)]}
    images = fingerprint(file_hash(sample.image_path) for sample in (*job.train.samples, *job.test.samples))
    with result_folder(job.out, settings, dataset=images) as run:
        device = pick_device(job.device)
        torch.manual_seed(job.seed)
        network = BinaryNetwork()
        if job.start is not None:
            load_start(network, job.start)
        network = network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=job.lr)
        begun, losses = _resumed(job, network, optimizer) if job.resume else (0, [])
        per_epoch = len(job.train.samples) // job.batch
        epochs = math.ceil(job.steps / per_epoch) if job.steps else job.epochs
        for epoch in range(begun, epochs):
            most = job.steps - epoch * per_epoch if job.steps else per_epoch
            losses.append(_epoch(job, network, optimizer, device, epoch, most))
            _write_losses(job.out / "metrics.csv", losses)
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "losses": losses}
            with replacing(job.out / LAST) as file:
                torch.save(state, file)
            yield f"epoch {epoch + 1} of {epochs}: loss {losses[-1]:.5f}"
        network.eval()
        with replacing(job.out / WEIGHTS) as file:
            torch.save({name: value.cpu() for name, value in network.state_dict().items()}, file)
        run.weights = file_hash(job.out / WEIGHTS)
        rows = []
        for row in table(
            lambda seen: network(seen.to(device)).cpu(),
            job.test.samples,
            job.size,
            lambda name, mask: write_image(job.out / "masks" / f"{name}.png", mask),
        ):
            rows.append(row)
        told = {"version": tamis.__version__, "weights": run.weights, "images": len(rows), "mean": means(rows)}
        write_json(job.out / "test.json", {**told, "rows": rows})
        yield f"weights: {job.out / WEIGHTS}"


def _epoch(
    job: BinaryJob,
    network: BinaryNetwork,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    epoch: int,
    most: int,
) -> float:
    """The mean loss of an epoch of at most so many steps, whose order depends on the seed and its number alone."""
    network.train()
    torch.manual_seed(job.seed + epoch)
    losses = []
    drawn = batches(job.train.samples, job.size, job.batch, np.random.default_rng((job.seed, epoch)))
    for seen, wanted in islice(drawn, most):
        loss = focal_loss(network(seen.to(device)), wanted.to(device))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _resumed(job: BinaryJob, network: BinaryNetwork, optimizer: torch.optim.Optimizer) -> tuple[int, list[float]]:
    place = job.out / LAST
    if not place.is_file():
        raise InputError(f"--resume: {place} is not there; leave out --resume to begin")
    state: Mapping[str, Any] = torch.load(place, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return len(state["losses"]), list(state["losses"])


def _write_losses(path: Path, losses: list[float]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("epoch", "loss"))
    writer.writerows((number, f"{loss:.6f}") for number, loss in enumerate(losses, 1))
    write_bytes(path, text.getvalue().encode())


def _said(dataset: Dataset) -> str:
    return f"{dataset.name} {dataset.split}".strip()
