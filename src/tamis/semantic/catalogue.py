"""Which pre-trained backbones and networks there are by name: kind, repository and licence.

No revision is pinned here, since no independent record of one is at hand: `tamis semantic pull NAME --revision COMMIT`
asks for it and keeps it, with the SHA-256 that the hub states, beside the files (as for models of the SAM family).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from tamis.errors import InputError, UnavailableError
from tamis.segmentors.hub.catalogue import FILES, HubModel
from tamis.segmentors.hub.folder import folder_of, is_here, refuse_pickles

Kind = Literal["swin", "convnext", "dinov2", "dinov3", "mask2former", "segformer"]

MIT = "MIT"
APACHE = "Apache-2.0"
DINOV3 = "DINOv3 License (Meta's own; read it on the model's page)"
NVIDIA = "NVIDIA Source Code License for SegFormer (research only)"
FAIR = "as stated on the model's page"


@dataclass(frozen=True)
class Pretrained:
    """A set of weights.

    Attributes:
        kind: which network of transformers.
        source: where it lies on the hub.
    """

    kind: Kind
    source: HubModel


def _entry(
    name: str, kind: Kind, repository: str, megabytes: float, licence: str, gated: bool = False
) -> tuple[str, Pretrained]:
    return name, Pretrained(kind, HubModel(name, kind, repository, megabytes, licence=licence, gated=gated))


PRETRAINED: Mapping[str, Pretrained] = MappingProxyType(
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
            _entry("segformer-b0-ade", "segformer", "nvidia/segformer-b0-finetuned-ade-512-512", 15, NVIDIA),
            _entry("segformer-b5-ade", "segformer", "nvidia/segformer-b5-finetuned-ade-640-640", 339, NVIDIA),
        ]
    )
)
"""By the name that recipes use."""


def find_pretrained(name: str) -> Pretrained:
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
        InputError: there are no such weights, or only in a format that can hold code.
        UnavailableError: they are not here; the message says how to get them, with and without a network.
    """
    source = find_pretrained(name).source
    folder = folder_of(name)
    if not is_here(source):
        refuse_pickles(folder)
        raise UnavailableError(
            f"the pre-trained weights of '{name}' are not here: run tamis semantic pull {name} --revision COMMIT; "
            f"without a network put {' and '.join(FILES)} of {source.repository} into {folder}; "
            "or begin from random weights with --override pretrained=false"
        )
    return str(folder)
