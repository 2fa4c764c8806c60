"""docs/intelligent-annotation.md, from the cells of the study that are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.sets import ROOT
from tamis.render import chart

PAGE = ROOT / "docs" / "intelligent-annotation.md"

Row = Mapping[str, Any]

PICTURE = ROOT / "docs" / "images" / "annotation-clicks.svg"
SHOWN, WINDOW = 26, 5
"""Images that the picture shows, and that each of its points is the mean of."""

FIRST, WARM = 1, 18
"""Numbers of images between which clicks are told: MultiverSeg has five on the second, about one from the 18th on."""


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    return "\n".join([_HEAD, *answer(rows), _METHOD, weights_line(rows), *seconds(rows), *clicks(rows), _WHY])


def answer(rows: Sequence[Row]) -> list[str]:
    """The answer in sentences, with the numbers that it stands on."""
    sets = _sets(rows, "seconds")
    if not sets:
        return ["No cell of the study is kept yet."]
    lines = ["## The answer", "", _ANSWER, ""]
    for name in sets:
        best, scratch = _best(rows, name), _mean(rows, name, "seconds", "scratch")
        if best is None or scratch is None:
            continue
        share = 100 * best["seconds"] / scratch["seconds"]
        before = f"from scratch {scratch['seconds'] / 60:.1f} minutes, {scratch['clicks']:.2f} clicks an image"
        after = f"`{best['policy']}` {best['seconds'] / 60:.1f} minutes ({share:.0f} %), {best['clicks']:.2f} clicks"
        lines.append(f"- **{name}**: {before}; at best {after}. IoU {scratch['iou']:.3f} and {best['iou']:.3f}.")
    counted = _sets(rows, "multiverseg")
    halved = sum(_share(rows, name) <= 50 for name in sets)
    known = {name: clicks for name in counted if (clicks := _warm(rows, name)) is not None}
    warm, many = [name for name, clicks in known.items() if clicks <= 1.5], len(known)
    named = f": {', '.join(warm)}" if warm else ""
    lines += [
        "",
        f"Half of the seconds or less: {halved} of {len(sets)} sets. At most 1.5 clicks an image from the 18th on, by",
        f"MultiverSeg's protocol: {len(warm)} of the {many} sets that have so many images{named}.",
    ]
    return lines


def seconds(rows: Sequence[Row]) -> list[str]:
    """The table of seconds."""
    lines = [
        "## Seconds until IoU .9",
        "",
        "| set | images | seeds | policy | minutes | of scratch | clicks an image | accepted | by brush | IoU |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in _sets(rows, "seconds"):
        base = _mean(rows, name, "seconds", "scratch")
        for policy in _policies(rows, name, "seconds"):
            each = _mean(rows, name, "seconds", policy)
            assert each is not None
            share = "–" if base is None else f"{100 * each['seconds'] / base['seconds']:.0f} %"
            cells = (
                name,
                str(each["images"]),
                str(each["seeds"]),
                f"`{policy}`",
                f"{each['seconds'] / 60:.1f}",
                share,
                f"{each['clicks']:.2f}",
                f"{100 * each['accepted']:.0f} %",
                f"{100 * each['drawn']:.0f} %",
                f"{each['iou']:.3f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def clicks(rows: Sequence[Row]) -> list[str]:
    """The table of MultiverSeg's protocol."""
    lines = [
        "## Clicks until Dice .9, as MultiverSeg counts them",
        "",
        "| set | images | seeds | context | clicks an image | on the 2nd to 5th | from the 18th on | IoU |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in _sets(rows, "multiverseg"):
        for policy, context in (("scratch", "none"), ("assistant", "the masks so far")):
            each = _mean(rows, name, "multiverseg", policy)
            if each is None:
                continue
            numbers = each["by_number"]
            warm = f"{np.mean(numbers[WARM - 1 :]):.2f}" if len(numbers) >= WARM else "–"
            cells = (
                name,
                str(each["images"]),
                str(each["seeds"]),
                context,
                f"{each['clicks']:.2f}",
                f"{np.mean(numbers[FIRST : FIRST + 4]):.2f}",
                warm,
                f"{each['iou']:.3f}",
            )
            lines.append(f"| {' | '.join(cells)} |")
    picture = "![Clicks an image against its number, with context and without](images/annotation-clicks.svg)"
    said = "MultiverSeg's own figures, on twelve biomedical sets: 5.2 without context, 3.3 with it."
    return [*lines, "", said, "", picture, ""]


def picture(rows: Sequence[Row]) -> str:
    """An SVG file: clicks an image against its number, the mean of five images and of all sets that have so many."""
    lines = {}
    for policy, context in (("scratch", "without context"), ("assistant", "with the masks so far")):
        curves = [_mean(rows, name, "multiverseg", policy) for name in _sets(rows, "multiverseg")]
        long = [each["by_number"] for each in curves if each is not None and len(each["by_number"]) >= SHOWN]
        if long:
            mean = np.mean([curve[:SHOWN] for curve in long], axis=0)
            sums = np.cumsum([0.0, *mean])
            first = np.maximum(0, np.arange(1, SHOWN + 1) - WINDOW)
            means = (sums[1:] - sums[first]) / (np.arange(1, SHOWN + 1) - first)
            lines[context] = [(float(number), float(value)) for number, value in enumerate(means, 1)]
    most = max((y for points in lines.values() for _, y in points), default=1.0)
    drawn = chart.curves(lines, "image", "clicks to Dice .9", (0.0, max(1.0, most)))
    alone = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return alone.replace('style="max-width:100%"', 'style="background:#fff"', 1)


def _sets(rows: Sequence[Row], protocol: str) -> list[str]:
    return list(dict.fromkeys(row["set"] for row in rows if row["protocol"] == protocol))


def _policies(rows: Sequence[Row], name: str, protocol: str) -> list[str]:
    return list(dict.fromkeys(row["policy"] for row in rows if (row["set"], row["protocol"]) == (name, protocol)))


def _mean(rows: Sequence[Row], name: str, protocol: str, policy: str) -> dict[str, Any] | None:
    """Over seeds."""
    those = [row for row in rows if (row["set"], row["protocol"], row["policy"]) == (name, protocol, policy)]
    if not those:
        return None
    numbers = ("seconds", "clicks", "accepted", "drawn", "iou")
    means = {key: float(np.mean([row[key] for row in those])) for key in numbers}
    curves = [row["by_number"] for row in those]
    shortest = min(map(len, curves))
    by_number = np.mean([curve[:shortest] for curve in curves], axis=0)
    return {"policy": policy, "images": those[0]["images"], "seeds": len(those), **means, "by_number": by_number}


def _best(rows: Sequence[Row], name: str) -> dict[str, Any] | None:
    """The quickest of the policies that were tried with the most seeds."""
    means = [_mean(rows, name, "seconds", policy) for policy in _policies(rows, name, "seconds") if policy != "scratch"]
    found = [each for each in means if each is not None]
    most = max((each["seeds"] for each in found), default=0)
    tried = [each for each in found if each["seeds"] == most]
    return min(tried, key=lambda each: float(each["seconds"]), default=None)


def _share(rows: Sequence[Row], name: str) -> float:
    best, scratch = _best(rows, name), _mean(rows, name, "seconds", "scratch")
    return float("inf") if best is None or scratch is None else 100 * float(best["seconds"] / scratch["seconds"])


def _warm(rows: Sequence[Row], name: str) -> float | None:
    each = _mean(rows, name, "multiverseg", "assistant")
    return None if each is None or len(each["by_number"]) < WARM else float(np.mean(each["by_number"][WARM - 1 :]))


def weights_line(rows: Sequence[Row]) -> str:
    """Which weights and version the cells are of."""
    known = sorted({(str(row["version"]), str(row["weights"])[:12], row["seed"]) for row in rows})
    kinds = sorted({(version, weights) for version, weights, _ in known})
    said = "; ".join(f"version {version}, weights {weights}…" for version, weights in kinds)
    return f"The model in the box: {said}.\n"


_HEAD = """# Intelligent annotation: what saves a person's time on a whole dataset

Generated from `benchmarks/annotation/study.json` by `python -m benchmarks.annotation`; do not edit.

How do a click tool and a model of the current concept work together so that a binary dataset is annotated in the least
human time? A simulated annotator of stated prices annotates the same images in several ways; `tamis simulate` runs it
on yours.
"""

_ANSWER = """Let the assistant learn from every mask, look at its proposals side by side once they are mostly right,
click where one is wrong, and accept the page by one key. Where there is a concept and the tool is good, that takes two
thirds of the time of clicks from scratch on the first twenty images, and half or less on some hundred; what is left is
looking, which no proposal saves. Where objects only have in common that they stand out a fifth is saved, and nothing
where they are thinner than what the tool sees."""

_METHOD = """
## How it is measured

The annotator knows the mask that is wanted: all masks of an image together. They look at an image (1 s to get there,
1.5 s to look), click into the middle of the largest error (1.75 s), take back a click that made the mask worse (.8
s), and stop when IoU .9 is reached (.8 s to accept). After two clicks in a row that gain less than .01 they take the
brush: 11 s for a stroke as long as the image's diagonal, until drawing the object anew (33 s) would be quicker. A
proposal below IoU .6 is rejected and begun anew. [Where the costs are from](simulate.md#what-things-cost): a click
and a polygon are measured, the others assumed, since no study was found that measured looking, accepting or
rejecting; `tamis simulate --fit-costs` measures your own.

Images are those that the model in the box was not trained on (`val10` is every tenth of a set); of the sets without a
split in their name it was trained on nine tenths, so that clicks and proposals are both better there than on new
images. Images come in their order with one seed, shuffled with the others.
`camvid test car` is one class of eleven. [What the policies do](simulate.md). NDD20 is read and fetched by tamis, and
SBD is read; neither was at hand.
"""

_WHY = """## Why, and where it does not help

- **The look cannot be saved.** Of the 5.05 s for an image that the tool does with one click, 3.3 s are for getting
  there, looking and accepting; with a perfect proposal these stay. So proposals alone save a third where the tool is
  good. Only review side by side, which saves the change of image, comes below one half: 2.3 s for a right proposal
  that is accepted by a key, 1.5 s where one key accepts all of a page. A wrong one costs 2.3 s to reject and 3.3 s
  more when it comes again (`review-others`: horses 50 %); clicked where it is shown it costs its clicks alone
  (`review-corrected`: 43 %).
- **Where a thing ends is told by others of its kind.** Proposals were made of regions, which with every region labelled
  rightly have mean IoU .94 on horses, .97 on butterflies, .86 on nuclei, .82 on seedlings and .43 on cracks. Ridge
  regression on the model's features of every pixel knows more: eight in ten proposals of horses have IoU .9 now (six
  before), and seedlings, of which every outline had to be mended by the brush, take half of the time.
- **Little concept, little help.** The objects of `duts` and of `davis` have nothing in common but that they stand out.
- **Where the tool cannot reach the target, proposals cannot either**: cracks are thinner than what it sees. By
  MultiverSeg's protocol seedlings show nothing of what is gained: what twenty clicks do not reach is left as it is, and
  teaches as it is.
- **A model of the whole dataset is not much better.** On the 16 butterflies, a light head taught with the 144 others
  (`tamis train binary --model regions`, test IoU .923) took 61 s as `given`, corrected by clicks; from scratch 97 s,
  the assistant, which begins with nothing, 75 s (weights of earlier, less able to correct). The look is what remains.
- **What was tried and is not used:** putting the answer of a click in the place of a proposal (nothing gained on
  horses and butterflies, much lost where there are several objects); telling touching objects apart by single clicks
  (F1 .88 to .93 instead of .93); another strength of the ridge (.1 to 3, constant or growing with the images: IoU
  within .003); a closer look at the proposal, one encoding more (IoU .888 to .893 on horses, .911 to .916 on
  butterflies).

## Again, and on your data

```
python -m benchmarks.annotation                # every set below TAMIS_DATA; cells that are kept are not done again
python -m benchmarks.annotation --only davis --seeds 3
tamis simulate --dataset ndd20 --root NDD20 --policy scratch --policy review-pages --seeds 3 --out runs/dolphins
tamis simulate --dataset ndd20 --root NDD20 --protocol multiverseg --seeds 3 --out runs/dolphins-clicks
tamis compare runs/dolphins runs/dolphins-clicks --out comparison.html
```
"""
