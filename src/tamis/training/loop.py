"""The training loop that both stages share: schedule, checkpoints, metrics, validation."""

import contextlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from tensorboardX import SummaryWriter
from torch import Tensor, nn

from tamis.errors import InputError
from tamis.training.checkpoint import Average, Checkpoint, load_checkpoint, save_checkpoint
from tamis.training.tables import append_row, best_score, cut_after

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How long and how fast to train."""

    minutes: float = 60.0
    """Time allowed; the schedule runs over it."""
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

    def batch(self, rng: np.random.Generator, progress: float) -> Any:
        """Draw a batch; only `rng` may be used as a source of chance."""
        ...

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Named numbers, of which `loss` is minimised."""
        ...

    def validate(self, network: nn.Module, folder: Path) -> dict[str, float]:
        """Measure averaged weights on held-out photographs; pictures go to `folder`; `miou` decides which are best."""
        ...


def pick_device(name: str) -> torch.device:
    """`auto`: a GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and filters; none for norms, biases and single numbers."""
    decayed = [parameter for parameter in network.parameters() if parameter.ndim >= 2]
    free = [parameter for parameter in network.parameters() if parameter.ndim < 2]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


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
    last = out / "last.pt"
    if last.exists() and not resume:
        raise InputError(f"{out} already holds a run: resume it or choose another folder")
    (out / "config.json").write_text(json.dumps({**config, "loop": asdict(options)}, indent=2) + "\n")
    torch.manual_seed(options.seed)
    network = task.network
    parts = [torch.optim.AdamW(parameter_groups(network, options.weight_decay), lr=options.lr)]
    average = Average(network, options.average)
    step, seconds = 0, 0.0
    if resume:
        saved = load_checkpoint(last)
        step, seconds = saved.step, saved.seconds
        network.load_state_dict(saved.network)
        average.values = {name: value.to(average.values[name].device) for name, value in saved.average.items()}
        average.updates = step
        for part, state in zip(parts, saved.optimizers, strict=True):
            part.load_state_dict(state)
        torch.set_rng_state(saved.torch_rng)
        cut_after(out / "metrics.csv", step)

    def save() -> None:
        states = [part.state_dict() for part in parts]
        network_state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        save_checkpoint(
            last, Checkpoint(step, seconds, network_state, average.values, states, torch.get_rng_state(), dict(config))
        )

    def validate() -> None:
        kept = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(average.values)
        network.eval()
        with torch.no_grad():
            scores = task.validate(network, out)
        network.train()
        best = best_score(out / "validation.csv")
        append_row(out / "validation.csv", {"step": step, "seconds": round(seconds, 1), **scores})
        for name, score in scores.items():
            board.add_scalar(f"validation/{name}", score, step)
        if scores["miou"] >= best:
            torch.save(average.values, out / "best.pt")
        network.load_state_dict(kept)

    network.train()
    board = SummaryWriter(str(out / "tensorboard"))
    clock = time.monotonic()
    saved_at = validated_at = seconds
    sums: dict[str, float] = {}
    counted = 0
    while True:
        progress = step / options.steps if options.steps else seconds / (60 * options.minutes)
        if progress >= 1:
            break
        factor = min(1.0, (step + 1) / options.warmup) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))
        for part in parts:
            for group in part.param_groups:
                group["lr"] = options.lr * factor
        values = task.losses(task.batch(np.random.default_rng((options.seed, step)), progress))
        network.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        for part in parts:
            part.step()
        average.update(network)
        step += 1
        counted += 1
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        now = time.monotonic()
        seconds, clock = seconds + now - clock, now
        if counted == 20:
            means = {name: round(total / counted, 5) for name, total in sums.items()}
            append_row(out / "metrics.csv", {"step": step, "seconds": round(seconds, 1), **means})
            for name, mean in means.items():
                board.add_scalar(f"training/{name}", mean, step)
            sums, counted = {}, 0
        if seconds - saved_at > 60 * options.save_minutes:
            save()
            saved_at = seconds
        if seconds - validated_at > 60 * options.validate_minutes:
            validate()
            validated_at = seconds
            clock = time.monotonic()  # the time allowed is for training
    save()
    validate()
    board.close()
    return average.values
