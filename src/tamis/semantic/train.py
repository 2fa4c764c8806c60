"""Training a network for label maps: one device or several, resumable, stopping where numbers are no longer numbers."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import Tensor, nn

from tamis.errors import InputError, TamisError
from tamis.image import write_image
from tamis.results.run import Run, alone_in, file_hash, fingerprint
from tamis.semantic.data.batches import Batch, Shares, Stream, ready_batches, share_out
from tamis.semantic.data.dataset import BrokenFiles, open_semantic
from tamis.semantic.measuring import measure, picture_of_predictions
from tamis.semantic.metrics import Confusion, Measures, measures
from tamis.semantic.networks.building import chosen_norm, make_network, placed_on, with_norm
from tamis.semantic.networks.checkpoints import (
    SemanticCheckpoint,
    load_trained,
    load_weights,
    read,
    recipe_record,
    require_classes,
    save,
)
from tamis.semantic.networks.losses import CRITERIA
from tamis.semantic.networks.network import SemanticNetwork, freeze_statistics
from tamis.semantic.recipes import Recipe
from tamis.semantic.schedules import parameter_groups, rate_at, set_rates
from tamis.semantic.train_page import write_train_page
from tamis.training.devices import World, joined_world
from tamis.training.loop import half_precision
from tamis.training.tables import append_row, best_score, cut_after

ROW_EVERY = 20
"""Steps whose mean makes a row of `metrics.csv`."""
MAY_CHANGE = ("per_device", "validate_every", "save_every", "mode", "stride", "divisor")
"""Fields of a recipe that a resumed run may have otherwise: they do not change what is learned."""


class DivergedError(TamisError):
    """A loss or a gradient that is no number; nothing of that step was kept."""


@dataclass(frozen=True)
class TrainJob:
    """What to train, on what, and where to."""

    recipe: Recipe
    data: Path
    out: Path
    layout: str = "auto"
    split: str = "train"
    validation: str = "val"
    start: Path | None = None
    """Weights to begin with."""
    device: str = "auto"
    workers: int = 0
    threads: int = 0
    """Of the processor; 0 leaves it to torch."""
    resume: bool = False


def train(
    job: TrainJob,
    say: Callable[[str], None] = lambda sentence: None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> Path:
    """Train, and return the folder of the run.

    It holds `run.json`, `metrics.csv`, `validation.csv`, `tensorboard/`, `validation.jpg`, `index.html`, `last.pt`
    to go on from and `best.pt`, the weights with the best mIoU on the validation split.

    Args:
        job: what to do.
        say: is told what a person should know.
        on_step: is called with the number of finished steps and the loss.

    Raises:
        InputError: recipe, data or folder cannot be used as they are.
        DivergedError: the loss became infinite or no number; the last checkpoint is untouched.
    """
    if job.threads:
        torch.set_num_threads(job.threads)
    with joined_world(job.device) as world, alone_in(job.out, job.out / f".lock{world.rank or ''}"):
        _Run(job, world, say if world.leads else lambda sentence: None, on_step).go()
    return job.out


class _Run:
    """The state of a run."""

    def __init__(
        self, job: TrainJob, world: World, say: Callable[[str], None], on_step: Callable[[int, float], None]
    ) -> None:
        self.job, self.world, self.say, self.on_step = job, world, say, on_step
        self.recipe = recipe = job.recipe
        self.last, self.best = job.out / "last.pt", job.out / "best.pt"
        self.dataset = open_semantic(job.data, job.split, job.layout)
        self.held_out = open_semantic(job.data, job.validation, job.layout)
        require_classes(job.data / job.split, len(self.dataset.classes), self.dataset.classes, self.held_out.classes,
                        self.held_out.name)  # fmt: skip
        self.shares: Shares = share_out(recipe.batch, world.size, recipe.per_device)
        if recipe.loss not in CRITERIA:
            raise InputError(f"--override loss={recipe.loss}: choose one of {', '.join(CRITERIA)}")
        self.criterion = CRITERIA[recipe.loss]
        rate_at(recipe.course, 1.0, 0)  # refuses a schedule that does not fit its run
        if self.last.exists() and not job.resume:
            raise InputError(f"{job.out} already holds a run: continue it with --resume, or choose another folder")
        saved = read(self.last) if job.resume else None
        self.stream = Stream(self.dataset, recipe.transform, recipe.seed)
        torch.manual_seed(recipe.seed)
        self.network, self.norm = self._network(saved)
        self.optimizer = self._optimizer()
        self.step, self.seconds, self.unlabelled = 0, 0.0, 0
        self.left_out = BrokenFiles()
        if saved is not None:
            self._go_on_from(saved)

    def _network(self, saved: SemanticCheckpoint | None) -> tuple[SemanticNetwork, str]:
        recipe, world = self.recipe, self.world
        classes = len(self.dataset.classes)
        anew = saved is None and self.job.start is None
        network = make_network(recipe, classes, pretrained=None if anew else False)
        synced = world.size > 1 and world.device.type == "cuda"
        norm, sentence = chosen_norm(recipe, network, self.shares.per_device * (world.size if synced else 1))
        if saved is not None:
            norm = saved.norm
        elif self.job.start is not None:
            started = load_trained(self.job.start, recipe.name)
            require_classes(self.job.start, started.count, started.classes, self.dataset.classes, self.dataset.name)
            if started.norm == "group":
                norm, sentence = "group", f"norms: group norms, as in {self.job.start}"
                with_norm(network, norm)
            self._take(network, started.network)
        elif recipe.backbone == "embedded" and recipe.pretrained:
            from tamis.semantic.networks.pixel_backbone import CALIBRATION, PixelBackbone, unfold

            backbone = network.backbone
            assert isinstance(backbone, PixelBackbone)
            unfold(backbone, self.stream.batch(range(CALIBRATION)).images)
        with_norm(network, norm)
        if norm == "batch" and synced:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        self.say(sentence)
        return placed_on(network, world.device), norm

    def _take(self, network: SemanticNetwork, other: SemanticNetwork) -> None:
        try:
            network.load_state_dict(other.state_dict())
        except RuntimeError as error:
            raise InputError(f"{self.job.start} is of another network than the recipe {self.recipe.name}") from error

    def _optimizer(self) -> torch.optim.Optimizer:
        groups = parameter_groups(self.network, self.recipe.rates)
        if self.recipe.optimiser == "sgd":
            return torch.optim.SGD(groups, momentum=0.9)
        return torch.optim.AdamW(groups, betas=(0.9, 0.999))

    def _go_on_from(self, saved: SemanticCheckpoint) -> None:
        record = recipe_record(self.recipe)
        differ = [key for key in record if key not in MAY_CHANGE and record[key] != saved.recipe.get(key)]
        if differ:
            told = ", ".join(f"{key} {saved.recipe.get(key)}" for key in differ)
            raise InputError(f"{self.last} was trained with {told}: resume it with the same recipe and overrides")
        require_classes(
            self.last, len(saved.classes), saved.classes, self.dataset.classes, self.dataset.name
        )  # fmt: skip
        load_weights(self.network, saved, self.last)
        assert saved.optimizer is not None
        self.optimizer.load_state_dict(saved.optimizer)
        self.step, self.seconds = saved.step, saved.seconds
        self.unlabelled = saved.counts.get("unlabelled_crops", 0)
        if self.world.leads:
            cut_after(self.job.out / "metrics.csv", self.step)
            cut_after(self.job.out / "validation.csv", self.step)
        self.say(f"continues after {self.step} of {self.recipe.steps} steps")

    def go(self) -> None:
        """Train to the end."""
        job, recipe = self.job, self.recipe
        self.say(self.shares.sentence())
        record = self._record()
        if self.world.leads:
            record.save(finished=False)
        board = SummaryWriter(str(job.out / "tensorboard")) if self.world.leads else None
        clock = time.monotonic()
        sums: dict[str, float] = {}
        counted = 0
        self._learn()
        with ready_batches(self.stream, self._wanted(), job.workers) as batches:
            while self.step < recipe.steps:
                values = self._one_step(batches)
                self.step += 1
                counted += 1
                for name, value in values.items():
                    sums[name] = sums.get(name, 0.0) + value
                now = time.monotonic()
                self.seconds, clock = self.seconds + now - clock, now
                at_end = self.step == recipe.steps
                saves = self.step % recipe.save_every == 0 or at_end
                if board is not None and (self.step % ROW_EVERY == 0 or saves):
                    means = {name: total / counted for name, total in sums.items()}
                    self._row(board, means)
                    sums, counted = {}, 0
                self.on_step(self.step, values["loss"])
                if self.step % recipe.validate_every == 0 or at_end:  # before the state: a kill between makes it again
                    self._validate(board)
                    clock = time.monotonic()
                if saves and self.world.leads:
                    save(self.last, self._checkpoint(self.optimizer.state_dict()))
        if board is not None:
            board.close()
            record.save(finished=True)
        self._say_what_was_passed_over()

    def _record(self) -> Run:
        job, files = self.job, (*self.dataset.images, *self.dataset.labels)
        settings = {
            "recipe": recipe_record(self.recipe),
            "norm": self.norm,
            "data": str(job.data),
            "dataset": self.dataset.name,
            "dataset_fingerprint_of": "names and sizes of the files",
            "devices": self.world.size,
            "seed": self.recipe.seed,
        }
        return Run(
            job.out,
            settings,
            weights=file_hash(job.start) if job.start is not None else None,
            dataset=fingerprint(f"{path.name} {path.stat().st_size}" for path in files if path.exists()),
        )

    def _learn(self) -> None:
        self.network.train()
        if self.norm == "frozen":
            freeze_statistics(self.network)

    def _wanted(self) -> Iterator[range]:
        for step in range(self.step, self.recipe.steps):
            for part in range(self.shares.parts):
                yield self.shares.positions(step, part, self.world.rank)

    def _one_step(self, batches: Iterator[Batch]) -> dict[str, float]:
        recipe, world, parts = self.recipe, self.world, self.shares.parts
        # A step draws from its own generator, so that a resumed run leaves out the channels that the killed one would.
        torch.manual_seed(int(np.random.SeedSequence((recipe.seed, self.step, world.rank)).generate_state(1)[0]))
        set_rates(self.optimizer.param_groups, recipe.course, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        seen: list[Batch] = []
        for _ in range(parts):
            batch = next(batches)
            self.unlabelled += batch.unlabelled
            with half_precision(world.device, recipe.half):
                values = self.network.losses(
                    batch.images.to(world.device), batch.labels.to(world.device), self.criterion
                )
            (values["loss"] / parts).backward()  # type: ignore[no-untyped-call]
            for name, value in values.items():
                sums[name] = sums.get(name, torch.zeros((), device=world.device)) + value.detach().float() / parts
            if not math.isfinite(float(values["loss"].detach())):
                seen.append(batch)
        world.average_gradients(self.network)
        means = world.average(torch.stack(list(sums.values()))).tolist()
        found = dict(zip(sums, means, strict=True))
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip or math.inf))
        if not math.isfinite(found["loss"]) or not math.isfinite(norm):
            raise self._diverged(found["loss"], seen)
        self.optimizer.step()
        return {"lr": max(group["lr"] for group in self.optimizer.param_groups), "gradient": norm, **found}

    def _diverged(self, loss: float, seen: list[Batch]) -> DivergedError:
        what = "the gradient" if math.isfinite(loss) else f"the loss ({loss})"
        where = ""
        if seen:
            part = first_not_finite(self.network, seen[0].images.to(self.world.device))
            where = (
                f", for {', '.join(seen[0].names)}, first in {part}" if part else f", for {', '.join(seen[0].names)}"
            )
        kept = (
            f"the checkpoint of an earlier step, {self.last}, is as it was: resume" if self.last.exists() else "begin"
        )
        return DivergedError(
            f"{what} is not finite at step {self.step + 1} of {self.recipe.steps}{where}; nothing of this step was "
            f"kept, and {kept} with a lower --override lr=, or without --override half=true"
        )

    def _row(self, board: SummaryWriter, means: dict[str, float]) -> None:
        append_row(
            self.job.out / "metrics.csv",
            {"step": self.step, "seconds": round(self.seconds, 1), **{k: float(f"{v:.6g}") for k, v in means.items()}},
        )
        for name, mean in means.items():
            board.add_scalar(f"training/{name}", mean, self.step)

    def _checkpoint(self, optimizer: dict[str, Any] | None, miou: float | None = None) -> SemanticCheckpoint:
        weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        return SemanticCheckpoint(
            recipe=recipe_record(self.recipe),
            classes=list(self.dataset.classes),
            palette=self.dataset.palette.tolist(),
            norm=self.norm,
            step=self.step,
            network=weights,
            seconds=self.seconds,
            miou=miou,
            optimizer=optimizer,
            counts={"unlabelled_crops": self.unlabelled, "broken_files": len(self.stream.broken.reasons)},
        )

    def _validate(self, board: SummaryWriter | None) -> None:
        self.network.eval()
        found = measures(self._measured())
        if board is not None:
            self._keep(board, found)
        self.world.wait()
        self._learn()

    def _measured(self) -> Confusion:
        world, settings = self.world, self.recipe.inference
        indices = range(world.rank, len(self.held_out), world.size)
        total = measure(self.network, self.held_out, settings, world.device, indices, self.left_out)
        if world.size == 1:
            return total
        counts = torch.from_numpy(total.counts).to(world.device).double()
        return Confusion((world.average(counts) * world.size).round().long().cpu().numpy())

    def _keep(self, board: SummaryWriter, found: Measures) -> None:
        out = self.job.out
        before = best_score(out / "validation.csv", "miou")
        scores = {"miou": found.miou, "macc": found.macc, "aacc": found.aacc}
        if found.miou >= before:  # before its score: a kill between the two leaves no score without weights
            save(self.best, self._checkpoint(None, found.miou))
        append_row(out / "validation.csv", {"step": self.step, "seconds": round(self.seconds, 1), **scores})
        for name, score in scores.items():
            board.add_scalar(f"validation/{name}", score, self.step)
        sheet = picture_of_predictions(self.network, self.held_out, self.recipe.inference, self.world.device)
        write_image(out / "validation.jpg", sheet)
        write_train_page(out, self.recipe.name, self.held_out.name)
        self.say(
            f"step {self.step}: mIoU {100 * found.miou:.2f}, mAcc {100 * found.macc:.2f}, aAcc {100 * found.aacc:.2f} "
            f"on {self.held_out.name}, {self.seconds / 60:.1f} min"
        )

    def _say_what_was_passed_over(self) -> None:
        for reason in self.stream.broken.reasons.values():
            self.say(f"passed over: {reason}")
        for reason in self.left_out.reasons.values():
            self.say(f"left out of the validation: {reason}")
        if self.unlabelled:
            self.say(f"{self.unlabelled} crops had no labelled pixel and taught nothing")


@torch.no_grad()
def first_not_finite(network: SemanticNetwork, images: Tensor) -> str:
    """The name of the first part whose output is not finite; empty where all are."""
    found: list[str] = []
    hooks = []
    for name, module in network.named_modules():
        if name and not list(module.children()):

            def look(part: nn.Module, given: Any, output: Any, name: str = name) -> None:
                if isinstance(output, Tensor) and not bool(torch.isfinite(output).all()):
                    found.append(name)

            hooks.append(module.register_forward_hook(look))
    network(images)
    for hook in hooks:
        hook.remove()
    return found[0] if found else ""
