"""The page of a run: how loss and mIoU went, and what the network now says."""

from html import escape
from pathlib import Path

from tamis.render.chart import curves
from tamis.render.page import figure, write_page
from tamis.training.tables import read_rows


def write_train_page(out: Path, recipe: str, data: str) -> None:
    """Write `index.html` into the folder of a run, from its tables.

    Raises:
        OutputError: it cannot be written.
    """
    rows, scores = read_rows(out / "metrics.csv"), read_rows(out / "validation.csv")
    losses = [name for name in (rows[0] if rows else {}) if name == "loss" or name.startswith(("stage", "auxiliary"))]
    highest = max((row[name] for row in rows for name in losses), default=1.0)
    loss_chart = curves(
        {name: [(row["step"], row[name]) for row in rows] for name in losses}, "step", "loss", (0.0, highest or 1.0)
    )
    shares = {name: [(row["step"], row[name]) for row in scores] for name in ("miou", "macc", "aacc")}
    shares["accuracy in training"] = [(row["step"], row["accuracy"]) for row in rows if "accuracy" in row]
    body = [
        f"<p class=quiet>recipe {escape(recipe)}, measured on {escape(data)}</p>",
        f"<h2>Loss</h2>{loss_chart}",
        f"<h2>Measures</h2>{curves(shares, 'step', 'share')}",
        "<h2>Predictions <small>image, labels, prediction</small></h2>",
        figure("validation.jpg", f"{data} after {int(scores[-1]['step']) if scores else 0} steps"),
    ]
    write_page(out / "index.html", f"Training {recipe}", "\n".join(body))
