"""LVIS JSON: COCO's with what its API and challenge need besides."""

from pathlib import Path

from tamis.formats.coco_file import FILE, described, read
from tamis.formats.record import Dataset
from tamis.results.files import write_json

__all__ = ["read", "write"]


def write(dataset: Dataset, out: Path, tolerance: float = 0.0) -> None:
    """Write `annotations.json`.

    On an image that somebody has called done every label counts as looked for: those that it has not are its negative
    categories. On any other nothing is known to be absent, and what is there may not be all.
    """
    content = described(dataset)
    everything = [category["id"] for category in content["categories"]]
    present: dict[int, set[int]] = {image["id"]: set() for image in content["images"]}
    counts = dict.fromkeys(everything, 0)
    for annotation in content["annotations"]:
        del annotation["iscrowd"]
        present[annotation["image_id"]].add(annotation["category_id"])
        counts[annotation["category_id"]] += 1
    for image, record in zip(content["images"], dataset.images, strict=True):
        there = present[image["id"]]
        image["coco_url"] = image["file_name"]
        image["neg_category_ids"] = [number for number in everything if number not in there] if record.complete else []
        image["not_exhaustive_category_ids"] = [] if record.complete else sorted(there)
    for category in content["categories"]:
        images = sum(category["id"] in found for found in present.values())
        frequency = "r" if images <= 10 else "c" if images <= 100 else "f"
        category.update(
            synset=f"{category['name']}.n.01",
            synonyms=[category["name"]],
            **{"def": ""},
            image_count=images,
            instance_count=counts[category["id"]],
            frequency=frequency,
        )
    write_json(out / FILE, content, indent=None)
