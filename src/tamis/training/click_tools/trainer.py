"""Training SegNext by epochs: resumable to the same curve, on one device or several, kept epochs evaluated."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import nn
from torch.utils.data import DataLoader

from tamis.errors import InputError, UnavailableError
from tamis.results.files import replacing
from tamis.results.run import Run, alone_in, file_hash, fingerprint
from tamis.segmentors.checkpoints import read_peer
from tamis.segmentors.plain_vit.network import SHAPES, SegNext
from tamis.segmentors.plain_vit.weights import load_segnext, network_of, save_segnext, start_encoder
from tamis.training.click_tools.augment import Augmentation
from tamis.training.click_tools.batches import Counts, Drawing, NumberedSamples, Sample
from tamis.training.click_tools.epochs import EpochScore, measure_epoch
from tamis.training.click_tools.points import Clicking
from tamis.training.click_tools.recipe import Recipe
from tamis.training.click_tools.rounds import learn
from tamis.training.click_tools.sources import open_source
from tamis.training.devices import World, joined_world
from tamis.training.guard import Guard
from tamis.training.loop import half_precision
from tamis.training.tables import append_row, cut_after

FORMAT = 1
KEEP_STEPS = 100
"""Steps between two states that the guard can go back to."""
ROWS = 20
"""Steps whose mean is a row of metrics.csv, at most; an epoch ends with one."""
MAY_CHANGE = ("per_device", "keep_every", "keep_all_from", "epochs", "summary")
"""Fields that a resumed run may have otherwise."""

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class ClickJob:
    """What to train, on what, and where to.

    Attributes:
        recipe: with its changes.
        data: NAME=ROOT[:SPLIT] each.
        out: folder of the run.
        start: weights to begin with.
        evaluate: NAME=ROOT[:SPLIT] each, on which kept epochs are measured.
        limit: images of each of them; all by default.
        save_minutes: between two states to resume from, within an epoch.
    """

    recipe: Recipe
    data: Sequence[str]
    out: Path
    start: Path | None = None
    evaluate: Sequence[str] = ()
    limit: int | None = None
    device: str = "auto"
    workers: int = 0
    threads: int = 0
    resume: bool = False
    save_minutes: float = 10.0
    steps: int = 0
    """If above 0: so many steps instead of the recipe's epochs."""


def train_segnext(
    job: ClickJob,
    say: Callable[[str], None] = lambda sentence: None,
    on_step: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> Path:
    """Train, and return the folder of checkpoints, `NNN.pth` by epoch from 0.

    The folder of the run also holds `run.json`, `metrics.csv`, `epochs.csv` with the evaluations, `tensorboard/`, and
    `last.pt` to resume from.

    Args:
        job: what to do.
        say: is told what a person should know.
        on_step: is called with the steps done, all steps and the loss.

    Raises:
        InputError: recipe, data, start or folder cannot be used, or the loss is not finite again and again.
        UnavailableError: the memory does not suffice for a single sample.
    """
    if job.threads:
        torch.set_num_threads(job.threads)
    with joined_world(job.device) as world, alone_in(job.out, job.out / f".lock{world.rank or ''}"):
        run = _Run(job, world, say if world.leads else lambda sentence: None, on_step)
        run.go()
    return job.out / CHECKPOINTS


def started_network(recipe: Recipe, start: Path | None) -> tuple[SegNext, str]:
    """The network that a recipe begins with, and a sentence about it; refused where its weights would be random.

    Raises:
        InputError: the recipe wants a start and none is given, or the file does not fill what it has to.
    """
    if recipe.network not in SHAPES:
        raise InputError(f"--set network={recipe.network}: choose one of {', '.join(SHAPES)}")
    if recipe.start == "none":
        if start is not None:
            raise InputError(
                f"the recipe {recipe.name} begins with random weights: leave out --start, or --set start=encoder"
            )
        torch.manual_seed(recipe.seed)
        return SegNext(SHAPES[recipe.network].at(recipe.size)), "starts from random weights"
    if start is None:
        what = "an encoder's weights, of MAE or timm" if recipe.start == "encoder" else "a whole network"
        raise InputError(
            f"the recipe {recipe.name} starts from {what}: name the file with --start; from random weights it would "
            "lose tens of points (--set start=none if that is what you want)"
        )
    torch.manual_seed(recipe.seed)
    if recipe.start == "network":
        network = load_segnext(start, recipe.size)
        return network, f"starts from all {len(network.state_dict())} parameters of {start.name}"
    network = SegNext(SHAPES[recipe.network].at(recipe.size))
    count = start_encoder(network, start)
    return network, f"starts from {start.name}, which fills all {count} parameters of the encoder"


def drawing_of(recipe: Recipe, data: Sequence[str]) -> Drawing:
    """How a recipe draws its samples.

    Raises:
        InputError: a dataset cannot be opened.
    """
    return Drawing(
        tuple(open_source(text, recipe.stuff) for text in data),
        recipe.size,
        recipe.least_area,
        recipe.background,
        Clicking(single=recipe.single, negative=recipe.negative),
        replace(Augmentation(), turns=recipe.turns),
        any(name == "level" for name, _ in recipe.terms),
        recipe.seed,
    )


class _Run:
    """The state of a run."""

    def __init__(
        self,
        job: ClickJob,
        world: World,
        say: Callable[[str], None],
        on_step: Callable[[int, int, float], None],
    ) -> None:
        self.job, self.world, self.say, self.on_step = job, world, say, on_step
        self.recipe, self.last = job.recipe, job.out / "last.pt"
        if self.recipe.batch % world.size:
            raise InputError(f"--set batch={self.recipe.batch}: is no multiple of the {world.size} devices")
        if self.last.exists() and not job.resume:
            raise InputError(f"{job.out} already holds a run: continue it with --resume, or choose another folder")
        if job.resume and not self.last.exists():
            raise InputError(f"{job.out} holds no run to resume: leave out --resume, or choose its folder")
        self.drawing = drawing_of(self.recipe, job.data)
        for source in self.drawing.sources:
            if source.unmatched:
                self.say(f"{source.name}: {source.unmatched:,} files without a partner are left out")
        saved = torch.load(self.last, map_location="cpu", weights_only=True) if job.resume else None
        if saved is not None:
            self._require_same(saved)
            network = network_of(read_peer(self.last))
            self.say(f"continues after {saved['step']:,} steps")
        else:
            network, sentence = started_network(self.recipe, job.start)
            self.say(sentence)
        self.network = network.to(world.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.recipe.lr)
        self.guard = Guard(self.network, None, self.optimizer)
        self.counts = Counts()
        self.step, self.seconds = 0, 0.0
        self.per_device = min(self.recipe.per_device, self.recipe.batch // world.size)
        if saved is not None:
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.seconds = int(saved["step"]), float(saved["seconds"])
            self.guard.skipped, self.guard.rate = int(saved["skipped"]), float(saved["rate"])
            self.counts.without = int(saved["without"])
            if world.leads:
                cut_after(job.out / "metrics.csv", self.step)

    def _require_same(self, saved: dict[str, Any]) -> None:
        if saved.get("format") != FORMAT:
            raise InputError(f"{self.last}: is of another version of tamis; begin in another folder")
        mine, theirs = {**self.recipe.record(), "data": list(self.job.data)}, saved["recipe"]
        differ = [name for name in mine if name not in MAY_CHANGE and mine[name] != theirs.get(name)]
        if differ:
            told = ", ".join(f"{name}={theirs.get(name)}" for name in differ)
            raise InputError(f"{self.last}: was trained with {told}; resume it with the same recipe and data")

    def go(self) -> None:
        """Train to the end."""
        recipe, job = self.recipe, self.job
        record = self._record()
        if self.world.leads:
            record.save(finished=False)
        board = SummaryWriter(str(job.out / "tensorboard")) if self.world.leads else None
        steps = job.steps or recipe.epochs * recipe.steps_per_epoch
        clock = saved_at = time.monotonic()
        sums: list[tuple[float, float]] = []
        self.network.train()
        self.guard.keep()
        batches = self._batches(range(self.step, steps))
        while self.step < steps:
            epoch = self.step // recipe.steps_per_epoch
            loss, iou = self._one_step(next(batches), recipe.rate(epoch))
            self.step += 1
            if np.isfinite(loss):
                sums.append((loss, iou))
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            at_end = self.step == steps
            ended = self.step % recipe.steps_per_epoch == 0 or at_end
            if self.step % KEEP_STEPS == 0:
                self.guard.keep()
            if board is not None and (self.step % ROWS == 0 or ended):
                self._row(board, sums, recipe.rate(epoch))
            if self.step % ROWS == 0 or ended:
                sums = []
            # Between rows only, so that a resumed run writes the same ones.
            due = self.step % ROWS == 0 and now - saved_at > 60 * job.save_minutes
            if ended and (at_end or recipe.keeps(epoch)):  # before the state: a kill between the two makes it once more
                self._keep(epoch, board)
                clock = time.monotonic()
            if self.world.leads and (ended or due):
                self._save()
                saved_at = now
            self.on_step(self.step, steps, loss)
        if board is not None:
            board.close()
            record.save(finished=True)
        self._say_what_was_left_out()

    def _batches(self, steps: range) -> Iterator[list[Sample]]:
        share = self.recipe.batch // self.world.size
        numbered: Any = NumberedSamples(self.drawing, steps, self.recipe.batch, share, self.world.rank)
        loader: Any = DataLoader(
            numbered, batch_size=share, shuffle=False, num_workers=self.job.workers, collate_fn=list
        )
        return iter(loader)

    def _one_step(self, samples: list[Sample], rate: float) -> tuple[float, float]:
        """Loss and IoU of a step, after which the network has learned unless something was not finite."""
        for sample in samples:
            self.counts.add(sample)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * self.guard.rate
        while True:
            try:
                loss, iou = self._gradients(samples)
                break
            except torch.OutOfMemoryError as error:
                self._smaller(error)
        self.world.average_gradients(self.network)
        means = self.world.average(torch.tensor([loss, iou], dtype=torch.float64, device=self.world.device))
        loss, iou = (float(mean) for mean in means)
        gradient = nn.utils.clip_grad_norm_(self.network.parameters(), float("inf"))
        if self.guard.accepts(loss, float(gradient)):
            self.optimizer.step()
        return loss, iou

    def _gradients(self, samples: list[Sample]) -> tuple[float, float]:
        """Gradients of the mean loss of this process's samples, some at a time."""
        recipe = self.recipe
        # What a step draws depends on seed, step and process alone, so that a resumed run draws the same.
        drawn = np.random.default_rng((recipe.seed, 1, self.step))
        rounds = int(drawn.integers(recipe.rounds + 1))
        torch.manual_seed(int(np.random.SeedSequence((recipe.seed, self.step, self.world.rank)).generate_state(1)[0]))
        rng = np.random.default_rng((recipe.seed, 2, self.step, self.world.rank))
        self.optimizer.zero_grad(set_to_none=True)
        loss, iou = 0.0, 0.0
        for first in range(0, len(samples), self.per_device):
            part = samples[first : first + self.per_device]
            with half_precision(self.world.device, recipe.half):
                learned = learn(self.network, part, rounds, recipe.terms, rng)
            share = len(part) / len(samples)
            (learned.loss * share).backward()  # type: ignore[no-untyped-call]
            loss, iou = loss + share * float(learned.loss.detach()), iou + share * learned.iou
        return loss, iou

    def _smaller(self, error: Exception) -> None:
        """Half as many samples at once, of a batch that stays as it is."""
        if self.per_device == 1:
            raise UnavailableError(
                "the graphics card's memory does not suffice for one sample; end other programs that use the card, or "
                "change the recipe: --set half=true, then --set size=512, then a smaller --set network="
            ) from error
        self.per_device = (self.per_device + 1) // 2
        self.optimizer.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        self.say(f"the memory did not suffice: {self.per_device} samples at once from here on, batches as before")

    def _row(self, board: SummaryWriter, sums: list[tuple[float, float]], rate: float) -> None:
        loss, iou = np.mean(sums, axis=0) if sums else (float("nan"), float("nan"))
        row = {
            "step": self.step,
            "epoch": (self.step - 1) // self.recipe.steps_per_epoch,
            "seconds": round(self.seconds, 1),
            "lr": rate * self.guard.rate,
            "loss": float(f"{loss:.6g}"),
            "iou": float(f"{iou:.4f}"),
            "skipped": self.guard.skipped,
            "without_objects": self.counts.without,
        }
        append_row(self.job.out / "metrics.csv", row)
        for name in ("loss", "iou", "lr"):
            board.add_scalar(f"training/{name}", row[name], self.step)

    def _save(self) -> None:
        from tamis.segmentors.plain_vit.weights import config_of_shape

        weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        state = {
            "format": FORMAT,
            "state_dict": weights,
            "config": config_of_shape(self.network.shape),
            "optimizer": self.optimizer.state_dict(),
            "recipe": {**self.recipe.record(), "data": list(self.job.data)},
            "step": self.step,
            "seconds": self.seconds,
            "skipped": self.guard.skipped,
            "rate": self.guard.rate,
            "without": self.counts.without,
        }
        with replacing(self.last) as stream:
            torch.save(state, stream)

    def _keep(self, epoch: int, board: SummaryWriter | None) -> None:
        """Write the checkpoint of an epoch, and measure it."""
        if self.world.leads:
            file = self.job.out / CHECKPOINTS / f"{epoch:03d}.pth"
            save_segnext(file, self.network)
            for place in self.job.evaluate:
                measured = measure_epoch(self.job.out, epoch, file, place, self.job.limit, self.recipe.seed)
                self._tell(measured, board)
        self.world.wait()

    def _tell(self, measured: EpochScore, board: SummaryWriter | None) -> None:
        self.say(
            f"epoch {measured.epoch}: mIoU@1 {100 * measured.miou:.2f} on {measured.dataset} "
            f"({measured.masks} masks of {measured.images} images), {self.seconds / 60:.1f} min"
        )
        if board is not None:
            board.add_scalar(f"miou@1/{measured.dataset}", measured.miou, self.step)

    def _record(self) -> Run:
        names = [f"{source.name} {name}" for source in self.drawing.sources for name in source.names]
        settings = {
            "recipe": self.recipe.record(),
            "data": list(self.job.data),
            "images": len(names),
            "dataset_fingerprint_of": "names of the images",
            "devices": self.world.size,
            "seed": self.recipe.seed,
            "evaluate": list(self.job.evaluate),
            "limit": self.job.limit,
        }
        start = file_hash(self.job.start) if self.job.start is not None else None
        return Run(self.job.out, settings, weights=start, dataset=fingerprint(names))

    def _say_what_was_left_out(self) -> None:
        if self.counts.without:
            self.say(f"{self.counts.without:,} draws were of images without an object that is large enough")
        for message, count in self.counts.unreadable.most_common(5):
            self.say(f"passed over {count} times: {message}")
        if self.guard.skipped:
            self.say(f"{self.guard.skipped} steps were left out, since their numbers were not finite")
