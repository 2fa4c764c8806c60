"""Options that several sub-commands of `tamis retrieve` share."""

from pathlib import Path

import click

from tamis.datasets.retrieval import OPENERS
from tamis.personal.methods import DEFAULT, METHODS

encoder_option = click.option(
    "--encoder",
    metavar="NAME",
    default="embedded",
    show_default=True,
    help="Image encoder: embedded, efficientnet-lite2, dinov2-small, dinov2-base, siglip-base, siglip2-base, or "
    "onnx:FILE.",
)
adaptation_option = click.option(
    "--adaptation", metavar="FILE", type=click.Path(path_type=Path), help="A linear layer behind the encoder."
)
store_option = click.option(
    "--store",
    "--index",
    "store",
    metavar="DIR|URL",
    required=True,
    help="The folder of the vectors, or postgresql://... with pgvector.",
)
dataset_option = click.option(
    "--dataset", type=click.Choice(list(OPENERS)), required=True, help="The dataset: its layout and its protocol."
)
root_option = click.option(
    "--root", metavar="PATH", required=True, type=click.Path(path_type=Path), help="The dataset's folder."
)
out_option = click.option(
    "--out", metavar="DIR", required=True, type=click.Path(path_type=Path), help="The folder for results."
)
method_option = click.option(
    "--method", type=click.Choice(METHODS), default=DEFAULT, show_default=True, help="As of tamis personalize."
)
presence_option = click.option(
    "--presence",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Presence head for the method, from `tamis train presence`.",
)
top_option = click.option(
    "--top",
    metavar="N",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Length of the part of each ranking that the second stage re-ranks.",
)
weight_option = click.option(
    "--weight",
    metavar="W",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Weight of the second stage's scores beside the first's.",
)
k_option = click.option(
    "--k", metavar="K", type=click.IntRange(min=1), default=1000, show_default=True, help="Length of a ranking."
)
