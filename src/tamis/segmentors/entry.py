"""What the registry knows of a segmentor without loading it."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class ModelEntry:
    """What the registry knows of a segmentor without loading it.

    Attributes:
        name: what `load_segmentor` and --model take.
        factory: "package.module:callable", called with the argument if there is one.
        summary: one line.
        abilities: what it can be asked for besides clicks.
        licence: of code and weights.
        megabytes: of weights.
        needs: modules that must be importable.
        install: the command that makes it available where `needs` are missing.
        card: its model card, "package:file".
        argument: of the factory.
        missing: the command that fetches its weights, where they are not here.
    """

    name: str
    factory: str
    summary: str
    abilities: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    megabytes: float = 0.0
    needs: tuple[str, ...] = ()
    install: str = ""
    card: str = ""
    argument: str = ""
    missing: str = ""

    @property
    def installed(self) -> bool:
        """Whether all modules that it needs are here."""
        return all(find_spec(module) is not None for module in self.needs)

    @property
    def available(self) -> bool:
        """Whether it can be loaded here."""
        return self.installed and not self.missing
