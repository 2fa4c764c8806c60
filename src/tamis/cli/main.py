"""`tamis`: finds the sub-command, loads only that, and turns every problem into one sentence."""

import sys
import warnings
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn

import click

import tamis
from tamis.cli.lazy import LazyGroup
from tamis.errors import TamisError

COMMANDS = {
    "annotate": "Draw masks on a folder of images, in a browser.",
    "export": "Write a project's masks for other programs.",
    "import": "Add masks of other programs to a project.",
    "segment": "Generate the masks of whole images automatically.",
    "personalize": "Find the object of a reference image in other images.",
    "retrieve": "Instance retrieval: rank a collection by an object.",
    "partition": "Partition an image into any number of segments.",
    "click": "Segment what is under one or more clicks, or in a box.",
    "demo": "Make a page of masks from sample photographs and your own.",
    "evaluate": "Measure how good a model is, by published protocols.",
    "simulate": "Estimate how long a dataset takes to annotate.",
    "compare": "Compare evaluations of models, with confidence intervals.",
    "mosaic": "Compose texture mosaics, and show how they are segmented.",
    "datasets": "List the datasets that can be read, check one, or make one.",
    "semantic": "Semantic segmentation by published protocols.",
    "train": "Train the model in the box, or SegNext by a recipe.",
    "research": "Rerun the experiments of the research notes.",
    "models": "List the models and what each can do.",
    "doctor": "Show what this computer has, and how fast tamis runs on it.",
}
"""Each is `command` in the module tamis.cli.NAME_command; its help stands here so that nothing need be loaded."""

INTERRUPTED = 130


@click.group(
    cls=LazyGroup,
    parts=COMMANDS,
    module="tamis.cli.{}_command",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(tamis.__version__, prog_name="tamis")
def cli() -> None:
    """Masks from clicks, on your own computer."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 some images failed, 2 unusable input, 130 interrupted."""
    # What Pillow remarks about metadata is no concern of whoever wants masks.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show, or that is no text at all, is no reason to fail.
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(args=arguments, prog_name="tamis", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "tamis"
        _fail(f"{error.format_message().rstrip('.')}; see `{command} --help`", 2)
    except (click.ClickException, TamisError) as error:
        _fail(error.format_message() if isinstance(error, click.ClickException) else str(error), 2)
    except (KeyboardInterrupt, click.Abort):
        _fail("interrupted; what was finished is saved, and the same command continues from there", INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe has left, as `head` does; closing stderr keeps the interpreter from complaining at exit.
        sys.stderr.close()
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"tamis: {message}", err=True)
    sys.exit(code)
