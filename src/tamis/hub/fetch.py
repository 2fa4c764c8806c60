"""Fetching the files of a model from the hub: at one revision, resumable, and verified before they are used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tamis.errors import InputError, OutputError, UnavailableError
from tamis.hub.folder import Record, folder_of, mismatch, read_record, verified, write_record
from tamis.hub.model import FILES, WEIGHTS, HubModel
from tamis.results.run import file_hash


@dataclass(frozen=True)
class Offer:
    """What the hub has of a model.

    Attributes:
        model: that was asked for.
        commit: that the revision stands for.
        bytes: of all files together.
        sha256: of the weights, as pinned or as the hub states it.
        folder: where the files go.
    """

    model: HubModel
    commit: str
    bytes: int
    sha256: str
    folder: Path


def offer_of(model: HubModel, revision: str | None = None, endpoint: str | None = None) -> Offer:
    """Ask the hub what it has; nothing is fetched.

    Args:
        model: of the catalogue.
        revision: a commit, or the name of a branch or tag; by default the pinned commit.
        endpoint: of another hub; by default that of huggingface_hub, which HF_ENDPOINT names.

    Raises:
        InputError: no revision is pinned and none given, the hub does not know it, has no weights that are free of
            code, or has others than those that are pinned.
        UnavailableError: there is no network, the licence has to be accepted first, or a package is missing.
    """
    revision = revision or model.revision
    if not revision:
        raise InputError(
            f"'{model.name}' has no pinned revision: give --revision with a commit of {model.repository} that you "
            "trust, or --revision main for its newest, which is then on record"
        )
    hub = _hub()
    errors = hub.errors
    try:
        info = hub.HfApi(endpoint=endpoint).model_info(model.repository, revision=revision, files_metadata=True)
    except errors.GatedRepoError:
        raise UnavailableError(
            f"{model.repository} is given only to those who accept its licence ({model.licence}): accept it on the "
            "model's page, log in with hf auth login, and run the same command again"
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(f"--revision {revision}: {model.repository} has no such revision; check it") from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"{model.repository}: the hub does not have it, or not for you: log in with hf auth login"
        ) from None
    except (errors.HTTPError, OSError) as error:
        raise _offline(model, error) from None
    files = {entry.rfilename: entry for entry in info.siblings or []}
    for name in FILES:
        if name not in files:
            raise InputError(
                f"{model.repository} has no {name} at revision {revision}; formats that can hold code are not read, "
                "so choose another --revision"
            )
    lfs = files[WEIGHTS].lfs
    stated = lfs.sha256 if lfs is not None else ""
    pinned = model.sha256 if revision == model.revision else ""
    if pinned and stated and stated != pinned:
        raise InputError(
            f"{model.repository}: the hub's {WEIGHTS} at revision {revision} has the SHA-256 {stated}, but {pinned} is "
            "pinned; nothing was fetched"
        )
    size = sum(int(files[name].size or 0) for name in FILES)
    return Offer(model, str(info.sha), size, pinned or stated, folder_of(model.name))


def fetch(offer: Offer, endpoint: str | None = None) -> Record:
    """Fetch what was offered; a transfer that was cut off goes on where it stopped.

    Args:
        offer: what to fetch.
        endpoint: as for `offer_of`.

    Raises:
        InputError: a file is not what it should be; nothing is deleted.
        UnavailableError: the network fails for good.
        OutputError: the folder cannot be written to.
    """
    hub = _hub()
    weights = offer.folder / WEIGHTS
    if offer.sha256 and weights.is_file():
        found = file_hash(weights)
        if found != offer.sha256:
            raise mismatch(weights, found, offer.sha256)
    # Written first: whatever happens later, files that are not these are refused when the model is loaded.
    expected = {WEIGHTS: {"sha256": offer.sha256}} if offer.sha256 else {}
    write_record(offer.folder, Record(offer.model.repository, offer.commit, expected))
    for name in FILES:
        if (offer.folder / name).is_file() and name == WEIGHTS and offer.sha256:
            continue
        try:
            hub.hf_hub_download(
                offer.model.repository, name, revision=offer.commit, local_dir=offer.folder, endpoint=endpoint
            )
        except PermissionError as error:
            raise OutputError(
                f"{offer.folder}: no permission to write here; set TAMIS_CACHE to another folder"
            ) from error
        except (hub.errors.HTTPError, OSError) as error:
            raise _offline(offer.model, error) from None
    verified(offer.folder, {WEIGHTS: offer.sha256} if offer.sha256 else {})
    return read_record(offer.folder)


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ModuleNotFoundError:
        raise UnavailableError("fetching models needs huggingface_hub: run pip install 'tamis[hub]'") from None
    return huggingface_hub


def _offline(model: HubModel, error: Exception) -> UnavailableError:
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return UnavailableError(
        f"{model.repository} cannot be fetched ({said}); run the same command again with a network, which continues "
        f"where it stopped, or put {' and '.join(FILES)} into {folder_of(model.name)} by hand"
    )
