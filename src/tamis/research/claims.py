"""All experiments by name, and the record of one."""

import difflib
from dataclasses import replace
from typing import Any

import tamis
from tamis.errors import InputError
from tamis.research import combining, masks, one_click, trained
from tamis.research.study import Finding, Setting, Study
from tamis.results.files import write_json
from tamis.results.run import Run, file_hash, fingerprint
from tamis.segmentors import weights_of

STUDIES = (
    Study("random-or-centre", "a random click is worth less than the centre click of the benchmarks",
          one_click.random_or_centre),
    Study("threshold", "a threshold of .5 instead of .49 changes next to nothing", one_click.threshold),
    Study("repeats", "mIoU@1 depends on the clicks: sample many", one_click.repeats),
    Study("tta", "test-time geometry does not help, since models are not equivariant", one_click.geometry),
    Study("resolution", "half of the resolution does no harm to large objects", one_click.resolution),
    Study("recall", "mean recall over all thresholds is mIoU", masks.recall),
    Study("zero-against-one", "mIoU@1 goes with mIoU without a click, image by image", masks.zero_against_one),
    Study("nms", "suppression by masks is better than by boxes", masks.suppression),
    Study("superpixels", "masks made of superpixels are better", masks.superpixels),
    Study("ensembles", "ten or a hundred further clicks do not make an answer better, however they are joined",
          combining.ensembles),
    Study("triangulation", "asking through a further point always smooths an answer", combining.triangulation),
    Study("one-or-many", "one click in training is better for one click than many", trained.one_or_many, True),
    Study("training-size", "half of the size in training does no harm", trained.training_size, True),
    Study("losses", "losses nearer to IoU are better: Lovász, soft IoU, level lines", trained.losses, True),
    Study("distillation", "a network can be taught by the masks of another", trained.distillation, True),
    Study("pseudo-labels", "a network does not get better by its own confident masks", trained.pseudo_labels, True),
)  # fmt: skip


def find_study(name: str) -> Study:
    """The experiment of a name.

    Raises:
        InputError: there is none.
    """
    for study in STUDIES:
        if study.name == name:
            return study
    near = difflib.get_close_matches(name, [study.name for study in STUDIES], n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(study.name for study in STUDIES)}"
    raise InputError(f"there is no experiment '{name}'; {hint}")


def run_study(study: Study, setting: Setting, limit: int | None = None) -> Finding:
    """Run an experiment, and write `NAME.json` and `run.json` into its folder.

    Raises:
        InputError: something that it needs is missing.
        OutputError: a result cannot be written.
    """
    dataset = setting.dataset.first(limit)
    setting = replace(setting, dataset=dataset)
    record = Run(
        setting.out,
        {
            "experiment": study.name,
            "segmentor": setting.segmentor.name,
            "dataset": dataset.name,
            "split": dataset.split,
            "limit": limit,
            "seed": setting.seed,
            "samples": setting.samples if study.trains else None,
            "train": list(setting.training),
            "start": str(setting.start) if setting.start else None,
        },
        weights=weights_of(setting.segmentor),
        dataset=fingerprint(sample.name for sample in dataset.samples),
    )
    record.save(finished=False)
    finding = study.run(setting)
    write_json(setting.out / f"{study.name}.json", {**_told(study, setting), "rows": list(finding.rows),
                                                    "said": list(finding.said)})  # fmt: skip
    record.save(finished=True)
    return finding


def _told(study: Study, setting: Setting) -> dict[str, Any]:
    return {
        "experiment": study.name,
        "claim": study.claim,
        "version": tamis.__version__,
        "segmentor": setting.segmentor.name,
        "weights_sha256": weights_of(setting.segmentor),
        "start_sha256": file_hash(setting.start) if study.trains and setting.start is not None else None,
        "dataset": setting.dataset.name,
        "split": setting.dataset.split,
        "images": len(setting.dataset.samples),
        "dataset_fingerprint": fingerprint(sample.name for sample in setting.dataset.samples),
        "seed": setting.seed,
    }
