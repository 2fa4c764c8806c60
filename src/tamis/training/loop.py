"""The training loop that both stages share: schedule, checkpoints, metrics, validation."""

import contextlib
import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.training.checkpoint import Average, Checkpoint, load_checkpoint, save_checkpoint, save_weights
from tamis.training.guard import Guard
from tamis.training.tables import append_row, best_score, cut_after

Network = TypeVar("Network", bound=nn.Module)


WINDOW = 20
"""Steps that a row of metrics is the mean of; a run is saved and validated between such windows only, so that a resumed
one writes the same rows."""


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How long and how fast to train."""

    seconds: float = 3600.0
    """Time allowed, with validation and saving; the schedule runs over it."""
    steps: int = 0
    """If above 0: so many steps instead, whatever time they take."""
    lr: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 200
    """Steps of linear rise."""
    clip: float = 5.0
    """Largest norm of the gradient."""
    average: float = 0.998
    """Decay of the moving average."""
    seed: int = 0
    threads: int = 0
    """CPU threads; 0: torch decides."""
    save_minutes: float = 5.0
    """Time between checkpoints."""
    validate_minutes: float = 15.0
    """Time between validations."""
    half: bool = True
    """Mixed precision (bfloat16)."""


class Task(Protocol):
    """What differs between the stages."""

    @property
    def network(self) -> nn.Module:
        """The network that is trained."""
        ...

    def rate(self, name: str) -> float:
        """How fast a parameter learns, relative to `LoopOptions.lr`."""
        ...

    def largest_batches(self) -> Iterable[Any]:
        """A batch of every size, if some have sizes of their own: the first of each costs a GPU ten seconds."""
        ...

    def batch(self, rng: np.random.Generator, progress: float) -> Any:
        """Draw a batch; only `rng` may be used as a source of chance."""
        ...

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Named numbers, of which `loss` is minimised."""
        ...

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """Measure averaged weights on held-out photographs; pictures go to `folder`; the first number ranks weights."""
        ...


def pick_device(name: str) -> torch.device:
    """`auto`: a GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def parameter_groups(task: Task, options: LoopOptions) -> list[dict[str, Any]]:
    """Weight decay for matrices and filters, none for norms, biases and single numbers; each at its task's rate."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in task.network.named_parameters():
        if parameter.requires_grad:
            decay = options.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((task.rate(name), decay), []).append(parameter)
    return [{"params": those, "rate": rate, "weight_decay": decay} for (rate, decay), those in groups.items()]


def placed(network: Network, device: torch.device) -> Network:
    """The network on a device, filters laid out channels last."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def half_precision(device: torch.device, enabled: bool) -> contextlib.AbstractContextManager[Any]:
    """The bfloat16 autocast of a device: twice as fast as float32 on CPUs with bfloat16 instructions too."""
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


def train(
    task: Task, options: LoopOptions, out: Path, config: Mapping[str, Any], resume: bool = False
) -> dict[str, Tensor]:
    """Train a task and return the averaged weights.

    Every step draws from its own generator, seeded with (seed, step), so a resumed run sees the batches that the killed
    one would have seen. Files in `out`: `config.json`, `last.pt` (checkpoint), `best.pt` (weights), `metrics.csv`,
    `validation.csv`, pictures, and both tables again in `tensorboard/`.

    Raises:
        InputError: there is nothing to resume, or `out` holds a run and `resume` is false.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    out.mkdir(parents=True, exist_ok=True)
    if (out / "last.pt").exists() and not resume:
        raise InputError(f"{out} already holds a run: resume it or choose another folder")
    (out / "config.json").write_text(json.dumps({**config, "loop": asdict(options)}, indent=2) + "\n")
    torch.manual_seed(options.seed)
    run = _Run(task, options, out, config)
    if resume:
        run.resume()
    run.to_the_end()
    return run.average.values


class _Run:
    """A task being trained: where it stands, and what it writes."""

    def __init__(self, task: Task, options: LoopOptions, out: Path, config: Mapping[str, Any]) -> None:
        self.task, self.options, self.out, self.config = task, options, out, config
        self.network = task.network
        self.on_gpu = next(self.network.parameters()).device.type == "cuda"
        self.optimizer = torch.optim.AdamW(parameter_groups(task, options), lr=options.lr, fused=self.on_gpu)
        self.average = Average(self.network, options.average)
        self.guard = Guard(self.network, self.average, self.optimizer)
        self.step, self.seconds = 0, 0.0
        self.sums: dict[str, Tensor] = {}
        self.counted = 0
        self.board = SummaryWriter(str(out / "tensorboard"))

    def resume(self) -> None:
        """Stand where the last checkpoint was written; rows of the tables after it are dropped.

        Raises:
            InputError: there is none.
        """
        saved = load_checkpoint(self.out / "last.pt")
        self.step, self.seconds = saved.step, saved.seconds
        self.network.load_state_dict(saved.network)
        values = self.average.values
        self.average.values = {name: value.to(values[name].device) for name, value in saved.average.items()}
        self.average.updates = saved.step
        self.optimizer.load_state_dict(saved.optimizers[0])
        self.guard.skipped, self.guard.rate = saved.skipped, saved.rate
        torch.set_rng_state(saved.torch_rng)
        cut_after(self.out / "metrics.csv", saved.step)
        cut_after(self.out / "validation.csv", saved.step)

    def to_the_end(self) -> None:
        """Learn until steps or time are over; save and validate now and then, and at the end."""
        options = self.options
        self.network.train()
        clock, started = time.monotonic(), self.seconds
        if self.on_gpu:
            warm_up(self.task)
        self.guard.keep()
        saved_at = validated_at = self.seconds
        while (progress := self.progress) < 1:
            self.learn(progress)
            self.seconds = started + time.monotonic() - clock
            if self.step % WINDOW == 0:
                self.guard.keep()
                self.write_metrics()
                if self.seconds - saved_at > 60 * options.save_minutes:
                    self.save()
                    saved_at = self.seconds
                if self.seconds - validated_at > 60 * options.validate_minutes:
                    self.validate()
                    validated_at = self.seconds
        self.save()
        self.validate()
        self.board.close()

    @property
    def progress(self) -> float:
        """The share of the run that is done."""
        options = self.options
        return self.step / options.steps if options.steps else self.seconds / options.seconds

    def learn(self, progress: float) -> None:
        """One step; one that is not finite is left out."""
        options = self.options
        rise = min(1.0, (self.step + 1) / options.warmup)
        factor = rise * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))
        for group in self.optimizer.param_groups:
            group["lr"] = options.lr * factor * group["rate"] * self.guard.rate
        values = self.task.losses(self.task.batch(np.random.default_rng((options.seed, self.step)), progress))
        self.network.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        gradient = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip)
        self.step += 1
        if self.guard.accepts(float(values["loss"].detach()), float(gradient)):
            self.optimizer.step()
            self.average.update(self.network)
            self.counted += 1
            for name, value in values.items():
                self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value.detach()

    def write_metrics(self) -> None:
        """A row with the means over the steps since the last one."""
        means = {name: round(float(total) / self.counted, 5) for name, total in self.sums.items()}
        row = {"step": self.step, "seconds": round(self.seconds, 1), **means, "skipped": self.guard.skipped}
        if self.counted:
            append_row(self.out / "metrics.csv", row)
        for name, mean in means.items():
            self.board.add_scalar(f"training/{name}", mean, self.step)
        self.sums, self.counted = {}, 0

    def save(self) -> None:
        """Write the checkpoint that a later run resumes from."""
        weights = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        states, chance = [self.optimizer.state_dict()], torch.get_rng_state()
        checkpoint = Checkpoint(
            self.step, self.seconds, weights, self.average.values, states, chance, dict(self.config)
        )
        checkpoint.skipped, checkpoint.rate = self.guard.skipped, self.guard.rate
        save_checkpoint(self.out / "last.pt", checkpoint)

    def validate(self) -> None:
        """Measure the averaged weights, and keep them if none were better."""
        kept = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.values)
        self.network.eval()
        with torch.no_grad():
            scores = self.task.validate(self.network, self.out)
        self.network.train()
        ranked, score = next(iter(scores.items()))
        if score >= best_score(self.out / "validation.csv", ranked):
            save_weights(self.out / "best.pt", self.average.values)  # before its score: a score says there are weights
        row = {"step": self.step, "seconds": round(self.seconds, 1), **scores}
        append_row(self.out / "validation.csv", row)
        for name, score in scores.items():
            self.board.add_scalar(f"validation/{name}", score, self.step)
        self.network.load_state_dict(kept)


def warm_up(task: Task) -> None:
    """Run every size of batch once, without learning anything: a GPU plans each the first time it sees it."""
    state = {name: value.detach().clone() for name, value in task.network.state_dict().items()}
    for batch in task.largest_batches():
        task.losses(batch)["loss"].backward()  # type: ignore[no-untyped-call]
    task.network.zero_grad(set_to_none=True)
    task.network.load_state_dict(state)
