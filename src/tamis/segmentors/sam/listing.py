"""What the registry says of the models of the hub, and of those that were exported here."""

from collections.abc import Iterator

from tamis.hub.folder import folder_of, is_here
from tamis.hub.model import HubModel
from tamis.segmentors.entry import ModelEntry
from tamis.segmentors.sam.catalogue import FAMILIES, MODELS
from tamis.segmentors.sam.exported import EXPORTED, is_exported

FACTORY = "tamis.segmentors.sam.loading:load"
HUB_MODULES = ("torch", "transformers")
_PRESENCE = ("sam2.1", "edgetam", "sam3")


def hub_entries() -> Iterator[ModelEntry]:
    """An entry for every model of the catalogue, and one for every export that lies beside them."""
    for model in MODELS:
        family = FAMILIES[model.family]
        install = " ".join(["pip install 'tamis[hub]'", *family.needs])
        yield ModelEntry(
            name=model.name,
            factory=FACTORY,
            argument=model.name,
            summary=f"{family.name}, of {model.repository}",
            abilities=_abilities(model),
            licence=model.licence,
            megabytes=model.megabytes,
            needs=(*HUB_MODULES, *family.needs),
            install=install,
            missing="" if is_here(model) else f"tamis models pull {model.name}",
        )
        name = model.name + EXPORTED
        if is_exported(folder_of(name)):
            yield ModelEntry(
                name=name,
                factory=FACTORY,
                argument=name,
                summary=f"{family.name}, of {model.repository}, exported for onnxruntime",
                abilities=_abilities(model),
                licence=model.licence,
                megabytes=model.megabytes,
            )


def _abilities(model: HubModel) -> tuple[str, ...]:
    presence = ("presence",) if model.family in _PRESENCE else ()
    return ("several clicks at once", "boxes", "masks", "choices", "scores", *presence)
