"""`tamis semantic recipes`: the recipes by name, or every field of one."""

from dataclasses import fields

import click

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
        for recipe in RECIPES.values():
            click.echo(
                f"{recipe.name:<30} {recipe.head} on {recipe.backbone}, {recipe.steps:,} steps of {recipe.batch} images"
            )
        return
    chosen = find_recipe(name)
    for each in fields(chosen):
        click.echo(f"{each.name:<16} {getattr(chosen, each.name)}")
