"""Models that turn an image into one that answers clicks."""

from tamis.segmentors.protocol import (
    AnswersAlone,
    AnswersByRegion,
    AnswersInTurn,
    EncodedImage,
    GivesChoices,
    HasWeights,
    LooksCloser,
    ScoresMasks,
    ScoresPresence,
    Segmentor,
    TakesBoxes,
    TakesMask,
    weights_of,
)
from tamis.segmentors.registry import DEFAULT, ModelEntry, find_model, list_models, load_segmentor

__all__ = [
    "DEFAULT",
    "AnswersAlone",
    "AnswersByRegion",
    "AnswersInTurn",
    "EncodedImage",
    "GivesChoices",
    "HasWeights",
    "LooksCloser",
    "ModelEntry",
    "ScoresMasks",
    "ScoresPresence",
    "Segmentor",
    "TakesBoxes",
    "TakesMask",
    "find_model",
    "list_models",
    "load_segmentor",
    "weights_of",
]
