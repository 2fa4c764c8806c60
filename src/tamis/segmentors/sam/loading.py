"""From the files of a model to a segmentor: by torch with its weights, or by onnxruntime with its export."""

from pathlib import Path

from tamis.errors import UnavailableError
from tamis.hub.folder import folder_of, require_files, verified
from tamis.hub.model import WEIGHTS, HubModel
from tamis.segmentors.sam.catalogue import FAMILIES, find_hub_model
from tamis.segmentors.sam.exported import EXPORTED
from tamis.segmentors.sam.promptable import EncodedPresence, EncodedPrompts, Promptable


def load(name: str) -> Promptable:
    """Load a model of the catalogue, or its export where the name ends with -onnx.

    Raises:
        InputError: there is none of this name, or its files are not what they should be.
        UnavailableError: its files or a package are missing; the message says how to get them.
    """
    if name.endswith(EXPORTED):
        from tamis.segmentors.sam.onnx_model import load_export

        find_hub_model(name.removesuffix(EXPORTED))
        return load_export(name, folder_of(name))
    model = find_hub_model(name)
    return load_weights(model, folder_of(name))


def load_weights(model: HubModel, folder: Path, device: str | None = None) -> Promptable:
    """Load a model from a folder, verified.

    Args:
        model: what it is; one of your own makes any weights of a known family usable.
        folder: with config.json and model.safetensors.
        device: of torch; the graphics card by default where there is one.

    Raises:
        InputError: a file is not what it should be: other bytes than on record, another model's weights, a pickle.
        UnavailableError: the files or a package are missing; the message says how to get them.
    """
    require_files(model, folder)
    try:
        from tamis.segmentors.sam import torch_model
    except ModuleNotFoundError as error:
        raise UnavailableError(
            f"the segmentor '{model.name}' needs {error.name}: run pip install 'tamis[hub]'"
        ) from error
    digest = verified(folder, {WEIGHTS: model.sha256} if model.sha256 else {})
    family = FAMILIES[model.family]
    loaded = torch_model.load(family, folder, device)
    geometry = family.geometry(loaded.side)
    return Promptable(
        model.name,
        loaded,
        geometry,
        EncodedPresence if loaded.says_presence else EncodedPrompts,
        digest,
        f"{type(geometry).__name__} {geometry.side} {loaded.precision}",
    )
