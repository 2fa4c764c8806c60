"""Which way of annotating a dataset takes the least time? `python -m benchmarks.annotation [--only FOLDER] [--pages]`.

Datasets as one concept each, annotated by somebody simulated until IoU .9 (`tamis simulate`), and by MultiverSeg's
protocol. Each cell (set, protocol, policy, seed) is a row of benchmarks/annotation/study.json and study.csv, written as
soon as it is known: cells of the same weights, version and images are not done again. docs/intelligent-annotation.md is
written from them at the end. Images of the parts that the model was never trained on, where a set has enough of them.
"""

import argparse
import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.annotation_page import PAGE, PICTURE, page, picture
from benchmarks.sets import ROOT
from tamis import __version__
from tamis.annotation.simulate.costs import costs_as_json
from tamis.annotation.simulate.run import Settings, multiverseg, simulate
from tamis.datasets import open_dataset
from tamis.datasets.concept import of_concept
from tamis.datasets.protocol import Dataset
from tamis.results.files import write_bytes
from tamis.results.run import file_hash, fingerprint
from tamis.segmentors import load_segmentor, weights_of

KEPT = ROOT / "benchmarks" / "annotation"


@dataclass(frozen=True)
class Concept:
    """What is annotated: a dataset below TAMIS_DATA, its split, and one class of it where it has several."""

    dataset: str
    folder: str
    split: str
    concept: str = ""

    @property
    def name(self) -> str:
        """As the table calls it."""
        return " ".join(filter(None, (self.folder, self.split, self.concept)))


CONCEPTS = (
    Concept("weizmann-horses", "weizmann_horses", "val10"),
    Concept("leeds-butterflies", "leeds_butterflies", "val10"),
    Concept("duts", "duts", "val10"),
    Concept("dsb2018", "dsb2018", "val10"),
    Concept("cwfid", "cwfid", ""),
    Concept("crackforest", "crackforest", "val10"),
    Concept("davis", "davis", "2016/dev"),
    Concept("camvid", "camvid", "test", "car"),
    Concept("weizmann-horses", "weizmann_horses", ""),
    Concept("leeds-butterflies", "leeds_butterflies", ""),
)
POLICIES = (
    *("scratch", "propagate", "retrained", "assistant", "assistant-easy", "review", "review-pages"),
    *("review-others", "review-corrected"),
)
CLICKED = ("scratch", "assistant")
"""Policies of MultiverSeg's protocol: without context and with."""

COLUMNS = (
    *("set", "images", "protocol", "policy", "seed", "seconds", "seconds_per_image", "clicks", "clicks_warm"),
    *("accepted", "drawn", "iou", "area", "seconds_to_most", "weights", "version", "fingerprint"),
)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.annotation", description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--only", metavar="FOLDER", action="append", help="a set, or its folder; may be repeated")
    parser.add_argument("--policy", action="append", help="one of the policies; may be repeated")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, default=45, help="images of a set")
    parser.add_argument("--pages", action="store_true", help="only write the page from what is kept")
    given = parser.parse_args()
    if not given.pages:
        if not os.environ.get("TAMIS_DATA"):
            sys.exit("set TAMIS_DATA to the folder that holds the datasets")
        study(Path(os.environ["TAMIS_DATA"]), given)
    PAGE.write_text(page(kept_rows()), encoding="utf-8")
    PICTURE.write_text(picture(kept_rows()), encoding="utf-8")
    return 0


def study(data: Path, given: argparse.Namespace) -> None:
    """Do every cell that is not kept yet."""
    model = load_segmentor(given.model)
    for concept in (each for each in CONCEPTS if not given.only or {each.folder, each.name} & set(given.only)):
        dataset = opened(concept, data, given.limit)
        images = fingerprint(file_hash(sample.image_path) for sample in dataset.samples)
        for protocol, policy, seed in cells(given.policy or POLICIES, given.seeds):
            cell = {"set": concept.name, "protocol": protocol, "policy": policy, "seed": seed, "fingerprint": images}
            cell |= {"weights": weights_of(model), "version": __version__}
            rows = kept_rows()
            if any(all(row[key] == value for key, value in cell.items()) for row in rows):
                continue
            settings = multiverseg((policy,)) if protocol == "multiverseg" else Settings((policy,))
            told = simulated(model, shuffled(dataset, seed), settings, seed)
            figures = told["policies"][policy]
            row = cell | {"images": told["images"], "by_number": told["by_number"][policy], "costs": _costs(settings)}
            row |= {key: figures[key] for key in COLUMNS if key in figures}
            keep([*(each for each in rows if not _same_cell(each, row)), row])
            print(
                f"{concept.name} {protocol} {policy} {seed}: {figures['seconds']:.0f} s, {figures['clicks']:.2f} clicks"
            )


def cells(policies: tuple[str, ...], seeds: int) -> Iterator[tuple[str, str, int]]:
    """Protocol, policy and seed of each cell of a set."""
    for seed in range(seeds):
        for policy in policies:
            yield "seconds", policy, seed
        for policy in (each for each in CLICKED if each in policies):
            yield "multiverseg", policy, seed


def opened(concept: Concept, data: Path, limit: int) -> Dataset:
    """The first images of a set, of its class if it has one."""
    dataset = open_dataset(concept.dataset, data / concept.folder, concept.split)
    if concept.concept:
        dataset = of_concept(dataset, concept.concept, limit)
    return replace(dataset, samples=dataset.samples[:limit])


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """Another order of the images for every seed but 0."""
    if not seed:
        return dataset
    order = np.random.default_rng(seed).permutation(len(dataset.samples))
    return replace(dataset, samples=tuple(dataset.samples[number] for number in order))


def simulated(model: Any, dataset: Dataset, settings: Settings, seed: int) -> dict[str, Any]:
    """The `simulation.json` of a run."""
    with tempfile.TemporaryDirectory() as out:
        for _ in simulate(model, dataset, settings, Path(out), seed):
            pass
        told: dict[str, Any] = json.loads((Path(out) / "simulation.json").read_bytes())
    return told


def kept_rows() -> list[dict[str, Any]]:
    """The cells that are kept."""
    place = KEPT / "study.json"
    return list(json.loads(place.read_bytes())["cells"]) if place.exists() else []


def keep(rows: list[dict[str, Any]]) -> None:
    """Write all cells, whole or not at all."""
    KEPT.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    head = json.dumps("python -m benchmarks.annotation")
    write_bytes(KEPT / "study.json", f'{{"command": {head}, "cells": [\n{lines}\n]}}\n'.encode())
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(KEPT / "study.csv", text.getvalue().encode())


def _costs(settings: Settings) -> Mapping[str, object]:
    return {key: value for key, value in costs_as_json(settings.costs).items() if key != "sources"}


def _same_cell(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(row[key] == other[key] for key in ("set", "protocol", "policy", "seed"))


if __name__ == "__main__":
    sys.exit(main())
