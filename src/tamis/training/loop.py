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
        """Measure averaged weights on held-out photographs; pictures go to `folder`; `miou` decides which are best."""
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
    last = out / "last.pt"
    if last.exists() and not resume:
        raise InputError(f"{out} already holds a run: resume it or choose another folder")
    (out / "config.json").write_text(json.dumps({**config, "loop": asdict(options)}, indent=2) + "\n")
    torch.manual_seed(options.seed)
    network = task.network
    on_gpu = next(network.parameters()).device.type == "cuda"
    optimizer = torch.optim.AdamW(parameter_groups(task, options), lr=options.lr, fused=on_gpu)
    average = Average(network, options.average)
    guard = Guard(network, average, optimizer)
    step, seconds = 0, 0.0
    if resume:
        saved = load_checkpoint(last)
        step, seconds = saved.step, saved.seconds
        network.load_state_dict(saved.network)
        average.values = {name: value.to(average.values[name].device) for name, value in saved.average.items()}
        average.updates = step
        optimizer.load_state_dict(saved.optimizers[0])
        guard.skipped, guard.rate = saved.skipped, saved.rate
        torch.set_rng_state(saved.torch_rng)
        cut_after(out / "metrics.csv", step)
        cut_after(out / "validation.csv", step)

    def save() -> None:
        weights = {name: value.detach().clone() for name, value in network.state_dict().items()}
        states, chance = [optimizer.state_dict()], torch.get_rng_state()
        checkpoint = Checkpoint(step, seconds, weights, average.values, states, chance, dict(config))
        checkpoint.skipped, checkpoint.rate = guard.skipped, guard.rate
        save_checkpoint(last, checkpoint)

    def validate() -> None:
        kept = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(average.values)
        network.eval()
        with torch.no_grad():
            scores = task.validate(network, out)
        network.train()
        if scores["miou"] >= best_score(out / "validation.csv"):
            save_weights(out / "best.pt", average.values)  # before its score: a score says that there are weights
        append_row(out / "validation.csv", {"step": step, "seconds": round(seconds, 1), **scores})
        for name, score in scores.items():
            board.add_scalar(f"validation/{name}", score, step)
        network.load_state_dict(kept)

    network.train()
    board = SummaryWriter(str(out / "tensorboard"))
    clock = time.monotonic()
    started = seconds
    if on_gpu:
        warm_up(task)
    guard.keep()
    saved_at = validated_at = seconds
    sums: dict[str, Tensor] = {}
    counted = 0
    while True:
        progress = step / options.steps if options.steps else seconds / options.seconds
        if progress >= 1:
            break
        factor = min(1.0, (step + 1) / options.warmup) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = options.lr * factor * group["rate"] * guard.rate
        values = task.losses(task.batch(np.random.default_rng((options.seed, step)), progress))
        network.zero_grad(set_to_none=True)
        values["loss"].backward()  # type: ignore[no-untyped-call]
        gradient = nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        step += 1
        if guard.accepts(float(values["loss"].detach()), float(gradient)):
            optimizer.step()
            average.update(network)
            counted += 1
            for name, value in values.items():
                sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach()
        seconds = started + time.monotonic() - clock
        if step % WINDOW == 0:
            guard.keep()
            means = {name: round(float(total) / counted, 5) for name, total in sums.items()}
            row = {"step": step, "seconds": round(seconds, 1), **means, "skipped": guard.skipped}
            if counted:
                append_row(out / "metrics.csv", row)
            for name, mean in means.items():
                board.add_scalar(f"training/{name}", mean, step)
            sums, counted = {}, 0
            if seconds - saved_at > 60 * options.save_minutes:
                save()
                saved_at = seconds
            if seconds - validated_at > 60 * options.validate_minutes:
                validate()
                validated_at = seconds
    save()
    validate()
    board.close()
    return average.values


def warm_up(task: Task) -> None:
    """Run every size of batch once, without learning anything: a GPU plans each the first time it sees it."""
    state = {name: value.detach().clone() for name, value in task.network.state_dict().items()}
    for batch in task.largest_batches():
        task.losses(batch)["loss"].backward()  # type: ignore[no-untyped-call]
    task.network.zero_grad(set_to_none=True)
    task.network.load_state_dict(state)
