"""What the server answers, described for the OpenAPI document; tests hold real answers against it.

Answers are made as plain dictionaries and not checked on their way out: a list of a thousand images is polled each
second.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["todo", "progress", "done", "rejected", "reviewed", "skipped"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Error(_Answer):
    """What every refusal says: one sentence."""

    error: str


class Label(_Answer):
    """What a mask can be called."""

    id: str
    name: str
    color: str = Field(pattern="^#[0-9a-f]{6}$")
    key: str = Field(max_length=1)
    attributes: dict[str, Any]


class Labels(_Answer):
    """The labels, in order."""

    labels: list[Label]


class Format(_Answer):
    """A format of exports."""

    name: str
    title: str


class Project(_Answer):
    """What the page shows around the images."""

    name: str
    folder_name: str
    version: str
    readonly: bool
    segmentor: str
    user: str
    named: bool
    another_reviews: bool
    labels: list[Label]
    tags: list[str]
    people: list[str]
    formats: list[Format]


class Image(_Answer):
    """An image in the list; seconds are those of work, the size is null until it is known."""

    id: int
    name: str
    width: int | None
    height: int | None
    state: State
    encoded: Literal["waiting", "ready", "failed", "none"]
    problem: str | None
    masks: int
    seconds: float
    clicks: int
    changed: bool
    missing: bool
    editor: str | None
    seq: int
    labels: list[str]
    smallest: int | None
    largest: int | None
    note: bool
    tags: list[str]
    reason: str
    comments: int
    rejected: list[str]
    at: int | None
    assigned: str


class Images(_Answer):
    """The list, or what has changed of it; `labels` grows whenever the labels, or what else the project has, change.

    `problem` says why nothing can be saved at the moment.
    """

    version: int
    labels: int
    problem: str | None
    images: list[Image]


class Rle(_Answer):
    """COCO's compressed run lengths; size is height and width."""

    size: tuple[int, int]
    counts: str


class Mask(_Answer):
    """An answer, and the IoU to expect of it."""

    rle: Rle
    score: float = Field(ge=0, le=1)


class Proposals(_Answer):
    """Those that tell most of the image first."""

    proposals: list[Mask]


class Waiting(_Answer):
    """The answers are being made; ask again."""

    encoded: Literal["waiting"]


class Event(_Answer):
    """One thing that a person did."""

    seq: int
    uuid: str
    kind: str
    body: dict[str, Any]
    user: str
    at: str
    active_ms: int
    clicks: int


class Holder(_Answer):
    """Who is at work on an image."""

    editor: str
    client: str


class History(_Answer):
    """Everything that was done to an image."""

    seq: int
    events: list[Event]
    lease: Holder | None


class EventCount(_Answer):
    """How many events the image has now; they are on the disk."""

    seq: int


class Stale(Error):
    """The image has events that the sender does not know."""

    seq: int
    events: list[Event]


class LeaseConflict(Error):
    """Somebody else may change the image, or nobody (null) until a lease is taken."""

    editor: str | None


class Lease(_Answer):
    """The right to change an image, for so many seconds."""

    lease: str
    expires_in: float


class NextLease(_Answer):
    """The next image and the right to change it; both null if none waits."""

    image: int | None
    lease: str | None
    expires_in: float


class LeaseRelease(_Answer):
    """The right was given back."""

    lease: None


class FileAcceptance(_Answer):
    """The masks belong to the file that is there now."""

    changed: Literal[False]


AssistantState = Literal["off", "starting", "untaught", "learning", "ready", "complete"]


class AssistantRating(_Answer):
    """What the assistant thinks of an image that waits; `empty`: it has no proposal; `rejected`: nobody wants it."""

    id: int
    confidence: float = Field(ge=0, le=1)
    distance: float = Field(ge=0)
    empty: bool
    rejected: bool


class AssistantAgreement(_Answer):
    """The IoU of a finished image's mask with what all others would propose there."""

    id: int
    agreement: float = Field(ge=0, le=1)


class AssistantOverview(_Answer):
    """How it stands with a label; both lists are null if nothing has changed since the version that was asked for.

    `sure` is the confidence from which on six in ten earlier proposals had IoU .8, null while that is not known.
    """

    state: AssistantState
    why: str
    learned: int
    version: int
    sure: float | None = Field(ge=0, le=1)
    images: list[AssistantRating] | None
    agreements: list[AssistantAgreement] | None


class AssistantMask(_Answer):
    """A mask that the assistant proposes, its objects where there are several, and the IoU to expect of it."""

    rle: Rle
    parts: list[Rle]
    confidence: float = Field(ge=0, le=1)


class AssistantProposal(_Answer):
    """What the assistant proposes for an image, null for nothing."""

    state: AssistantState
    why: str
    learned: int
    proposal: AssistantMask | None


class Detection(_Answer):
    """The object of another image's mask: how sure it is that it is here, and its mask, null for nothing."""

    presence: float = Field(ge=0, le=1)
    rle: Rle | None


class ImageSums(_Answer):
    """Of one image."""

    id: int
    image: str
    state: State
    masks: int
    seconds: float
    clicks: int
    seconds_per_mask: float | None


class LabelSums(_Answer):
    """Of one label; means are over masks that were made on the page."""

    id: str
    label: str
    masks: int
    images: int
    seconds_per_mask: float | None
    clicks_per_mask: float | None


class ToolSums(_Answer):
    """Of masks by the tool that began them."""

    tool: str
    masks: int
    seconds_per_mask: float | None
    clicks_per_mask: float | None


class PersonSums(_Answer):
    """Of one person."""

    user: str
    images: int
    masks: int
    events: int
    seconds: float
    clicks: int
    seconds_per_mask: float | None
    clicks_per_mask: float | None


class Pairs(_Answer):
    """How well two annotations of the same images agree: `iou` is the mean over pairs, `f1` over masks of both."""

    label: str
    first: int
    second: int
    pairs: int
    iou: float | None
    f1: float | None


class Agreement(_Answer):
    """Of a second, blind annotation with the first."""

    images: int
    first: int
    second: int
    pairs: int
    iou: float | None
    f1: float | None
    per_label: list[Pairs]


class Statistics(_Answer):
    """Sums over the project; `seconds_left` is an estimate."""

    images: int
    states: dict[State, int]
    masks: int
    seconds: float
    clicks: int
    seconds_per_image: float | None
    seconds_per_mask: float | None
    seconds_left: float | None
    seconds_left_assisted: float | None
    per_image: list[ImageSums]
    per_label: list[LabelSums]
    per_tool: list[ToolSums]
    per_user: list[PersonSums]
    agreement: Agreement | None
