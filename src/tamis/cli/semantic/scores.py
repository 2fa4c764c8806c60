"""`tamis semantic scores`: published figures and own ones in one table."""

from pathlib import Path

import click

from tamis.errors import InputError
from tamis.semantic.scores import PUBLISHED, find_sources, ranked, read_scores, write_scores


@click.command(name="scores")
@click.argument("files", metavar="[FILES...]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", metavar="FILE.md", required=True, type=click.Path(path_type=Path), help="The table to write.")
@click.option("--dataset", metavar="NAME", default="ADE20K", show_default=True, help="Dataset of the figures.")
@click.option(
    "--runs",
    metavar="PATH",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A result of `tamis semantic evaluate`, or a folder of them; several may be given.",
)
def command(files: tuple[Path, ...], out: Path, dataset: str, runs: tuple[Path, ...]) -> None:
    """Collect the published figures of README files and metafiles in one table, sorted by mIoU, own runs in bold.

    FILES are README.md and metafile.yaml files of mmsegmentation, and folders of them; without any the 176 figures on
    ADE20K that come with tamis are taken.

    \b
    tamis semantic scores --runs runs/ --out ade20_scores.md
    tamis semantic scores mmsegmentation/configs --out ade20_scores.md
    """
    sources = find_sources([*(files or [PUBLISHED]), *runs])
    found = [score for path in sources for score in read_scores(path)]
    scores = ranked(found, dataset)
    if not scores:
        names = sorted({score.dataset for score in found})
        raise InputError(f"--dataset {dataset}: none of {len(found)} figures is of it; there are {', '.join(names)}")
    write_scores(out, scores, dataset)
    best = scores[0]
    click.echo(f"{len(scores)} figures of {len(sources)} files, {sum(score.own for score in scores)} of them our own")
    click.echo(f"best: {best.method} {best.backbone} {best.miou:.2f}; in {out}")
