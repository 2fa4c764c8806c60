"""`tamis semantic recipes`: the recipes by name, or every field of one."""

from dataclasses import fields

import click

from tamis.cli.options import print_table
from tamis.cli.semantic.train import require_networks


@click.command(name="recipes")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the recipes, or all that one of them sets.

    \b
    tamis semantic recipes
    tamis semantic recipes knet-swin-l
    """
    require_networks()
    from tamis.semantic.recipes import RECIPES, find_recipe

    if name is None:
        print_table(
            (each.name, f"{each.head} on {each.backbone}, {each.steps:,} steps of {each.batch} images")
            for each in RECIPES.values()
        )
        return
    chosen = find_recipe(name)
    print_table((each.name, str(getattr(chosen, each.name))) for each in fields(chosen))
