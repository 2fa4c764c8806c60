"""Which pre-trained backbones and networks there are by name: kind, repository, revision and licence.

A revision is pinned where independent public records agree on it, and so is the SHA-256 of the weights, as for models
of the SAM family. For the others `tamis semantic pull NAME --revision COMMIT` asks for one and keeps it, with the
SHA-256 that the hub states, beside the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tamis.errors import InputError, UnavailableError
from tamis.hub.folder import folder_of, is_here, refuse_pickles, verified
from tamis.hub.model import FILES, WEIGHTS, HubModel

Kind = Literal["swin", "convnext", "dinov2", "dinov3", "mask2former", "segformer"]

MIT = "MIT"
APACHE = "Apache-2.0"
DINOV3 = "DINOv3 License (Meta's own; read it on the model's page)"
NVIDIA = "NVIDIA Source Code License for SegFormer (research only)"
FAIR = "as stated on the model's page"


@dataclass(frozen=True)
class PretrainedNetwork:
    """A set of weights.

    Attributes:
        kind: which network of transformers.
        source: where it lies on the hub.
    """

    kind: Kind
    source: HubModel


REVISIONS: Mapping[str, str] = MappingProxyType(
    {
        "dinov2-s": "ed25f3a31f01632728cabb09d1542f84ab7b0056",
        "dinov2-b": "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
        "dinov2-l": "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c",
        "dinov2-g": "611a9d42f2335e0f921f1e313ad3c1b7178d206d",
        "dinov3-s": "114c1379950215c8b35dfcd4e90a5c251dde0d32",
        "dinov3-l": "ea8dc2863c51be0a264bab82070e3e8836b02d51",
    }
)
"""Pinned commits, by name."""
SHA256: Mapping[str, str] = MappingProxyType(
    {
        "dinov2-s": "ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1",
        "dinov2-l": "399fba97a95f22c36834418bc69373364a99af3a1153da1c0fb31db567c92e23",
    }
)
"""Of the weights at these commits, by name."""


def _entry(
    name: str, kind: Kind, repository: str, megabytes: float, licence: str, gated: bool = False
) -> tuple[str, PretrainedNetwork]:
    revision, sha256 = REVISIONS.get(name, ""), SHA256.get(name, "")
    return name, PretrainedNetwork(kind, HubModel(name, kind, repository, megabytes, revision, sha256, licence, gated))


PRETRAINED: Mapping[str, PretrainedNetwork] = MappingProxyType(
    dict(
        [
            _entry("swin-t", "swin", "microsoft/swin-tiny-patch4-window7-224", 113, MIT),
            _entry("swin-s", "swin", "microsoft/swin-small-patch4-window7-224", 199, MIT),
            _entry("swin-l", "swin", "microsoft/swin-large-patch4-window7-224-in22k", 916, MIT),
            _entry("convnext-t", "convnext", "facebook/convnext-tiny-224", 114, APACHE),
            _entry("dinov2-s", "dinov2", "facebook/dinov2-small", 88, APACHE),
            _entry("dinov2-b", "dinov2", "facebook/dinov2-base", 346, APACHE),
            _entry("dinov2-l", "dinov2", "facebook/dinov2-large", 1217, APACHE),
            _entry("dinov2-g", "dinov2", "facebook/dinov2-giant", 4546, APACHE),
            _entry("dinov3-s", "dinov3", "facebook/dinov3-vits16-pretrain-lvd1689m", 86, DINOV3, gated=True),
            _entry("dinov3-b", "dinov3", "facebook/dinov3-vitb16-pretrain-lvd1689m", 343, DINOV3, gated=True),
            _entry("dinov3-l", "dinov3", "facebook/dinov3-vitl16-pretrain-lvd1689m", 1213, DINOV3, gated=True),
            _entry("mask2former-swin-s-ade", "mask2former", "facebook/mask2former-swin-small-ade-semantic", 276, FAIR),
            _entry("mit-b0", "segformer", "nvidia/mit-b0", 14, NVIDIA),
            _entry("mit-b5", "segformer", "nvidia/mit-b5", 328, NVIDIA),
            _entry("segformer-b0-ade", "segformer", "nvidia/segformer-b0-finetuned-ade-512-512", 15, NVIDIA),
            _entry("segformer-b5-ade", "segformer", "nvidia/segformer-b5-finetuned-ade-640-640", 339, NVIDIA),
        ]
    )
)
"""By the name that recipes use."""


def find_pretrained(name: str) -> PretrainedNetwork:
    """The weights of a name.

    Raises:
        InputError: there are none.
    """
    if name not in PRETRAINED:
        raise InputError(f"'{name}' is none of the pre-trained networks: {', '.join(PRETRAINED)}")
    return PRETRAINED[name]


def require_weights(name: str) -> str:
    """The folder of pre-trained weights, as text.

    Raises:
        InputError: there are no such weights, only in a format that can hold code, or others than those on record.
        UnavailableError: they are not here; the message says how to get them, with and without a network.
    """
    source = find_pretrained(name).source
    folder = folder_of(name)
    if not is_here(source):
        refuse_pickles(folder)
        asked = "" if source.revision else " --revision COMMIT"
        known = f" at revision {source.revision}" if source.revision else ""
        raise UnavailableError(
            f"the pre-trained weights of '{name}' are not here: run tamis semantic pull {name}{asked}; "
            f"without a network put {' and '.join(FILES)} of {source.repository}{known} into {folder}; "
            "or begin from random weights with --override pretrained=false"
        )
    verified(folder, {WEIGHTS: source.sha256} if source.sha256 else {})
    return str(folder)
