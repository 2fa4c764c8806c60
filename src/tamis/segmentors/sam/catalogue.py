"""Which models of the SAM family there are: names, repositories, licences, pinned revisions and checksums.

A revision is a commit, which names every byte of a repository. It is pinned where independent public records agree on
it; so are the SHA-256 of the weights. What is not pinned stands empty: then the revision has to be given when the model
is fetched, and the checksum that the hub states for it is recorded with the files (`tamis.hub.folder`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tamis.errors import InputError
from tamis.hub.model import HubModel
from tamis.segmentors.sam.geometry import Geometry, Padded, Squashed

_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)
_HALF = (127.5, 127.5, 127.5)


@dataclass(frozen=True)
class Family:
    """Models of one architecture in several sizes.

    Attributes:
        name: as people write it.
        network: the class of transformers.
        fit: how an image comes to the square that the model sees.
        mean: of the channels, 0 to 255.
        std: of the channels, 0 to 255.
        needs: modules besides torch and transformers.
    """

    name: str
    network: str
    fit: type[Padded] | type[Squashed]
    mean: tuple[float, float, float] = _IMAGENET_MEAN
    std: tuple[float, float, float] = _IMAGENET_STD
    needs: tuple[str, ...] = ()

    def geometry(self, side: int) -> Geometry:
        """The geometry for a square of `side` pixels, which is the same for all released sizes but not for tests."""
        return self.fit(side, self.mean, self.std)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "sam": Family("SAM", "SamModel", Padded),
        "sam-hq": Family("SAM-HQ", "SamHQModel", Padded),
        "sam2.1": Family("SAM 2.1", "Sam2Model", Squashed),
        "edgetam": Family("EdgeTAM", "EdgeTamModel", Squashed, needs=("timm", "torchvision")),
        "sam3": Family("SAM 3 tracker", "Sam3TrackerModel", Squashed, _HALF, _HALF),
    }
)


MODELS = (
    HubModel("sam-vit-base", "sam", "facebook/sam-vit-base", 375, revision="70c1a07f894ebb5b307fd9eaaee97b9dfc16068f"),
    HubModel(
        "sam-vit-large", "sam", "facebook/sam-vit-large", 1250, revision="6851e0441005b0fb96f2cc4dfac472f3d1b14af1"
    ),
    HubModel("sam-vit-huge", "sam", "facebook/sam-vit-huge", 2564, revision="87aecf0df4ce6b30cd7de76e87673c49644bdf67"),
    HubModel("sam-hq-vit-base", "sam-hq", "syscv-community/sam-hq-vit-base", 380),
    HubModel("sam-hq-vit-large", "sam-hq", "syscv-community/sam-hq-vit-large", 1255),
    HubModel("sam-hq-vit-huge", "sam-hq", "syscv-community/sam-hq-vit-huge", 2570),
    HubModel(
        "sam2.1-tiny",
        "sam2.1",
        "facebook/sam2.1-hiera-tiny",
        155.9,
        revision="de431c4043854a71d8101e17995dfe596bf101a5",
        sha256="48c14467e5cf9e51870511feb72c89688e82dd74523142c0538b663e193ac2a7",
    ),
    HubModel(
        "sam2.1-small",
        "sam2.1",
        "facebook/sam2.1-hiera-small",
        184.3,
        revision="ee5bba1d82bb8749febdf90f45e84b687142ba03",
        sha256="0a4067b11ce1e23d5229203f11c718a823060d15a4b23fa2372a7d4b77cbbc60",
    ),
    HubModel(
        "sam2.1-base-plus",
        "sam2.1",
        "facebook/sam2.1-hiera-base-plus",
        323.5,
        revision="b7320756a13354e7530a63935656d35b2f91a290",
        sha256="2012733a0de5d03efd1bba550a2847c4551be9ef2e0d497c83074df66189f780",
    ),
    HubModel(
        "sam2.1-large",
        "sam2.1",
        "facebook/sam2.1-hiera-large",
        897.9,
        revision="665f8e2ad61cf5f53d65644ff27c8ee525124610",
        sha256="dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
    ),
    HubModel(
        "edgetam",
        "edgetam",
        "yonigozlan/EdgeTAM-hf",
        55.9,
        revision="c266ce53b3fc00f0f495b583f6a116c4e57f53bb",
        sha256="8858f8e4757b0b96dab8763f296ecffd845efbbbf698f64163cfa20a63d5fff4",
    ),
    HubModel(
        "sam3-tracker",
        "sam3",
        "facebook/sam3",
        3439.9,
        revision="3c879f39826c281e95690f02c7821c4de09afae7",
        sha256="6d06f0a5f84e435071fe6603e61d0b4cc7b40e0d39d487cfd4d67d8cc11cc14a",
        licence="SAM License (Meta's own, not Apache-2.0; read it on the model's page)",
        gated=True,
    ),
)


def find_hub_model(name: str) -> HubModel:
    """The model of a name.

    Raises:
        InputError: there is none.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise InputError(f"'{name}' is none of the models of the hub: {', '.join(model.name for model in MODELS)}")
