from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.semantic.score_tables import Score, cells_of, number_in, read_metafile, read_readme

# As K-Net's README has it in version 1: pipes escaped by a backslash, a column for the device.
FIRST_SHAPE = r"""# K-Net

| not | a result table |
|---|---|
| a | 1 |

## Results and models

### ADE20K

| Method          | Backbone | Crop Size | Lr schd | Mem (GB) | Inf time (fps) | Device |  mIoU | mIoU(ms+flip) | config                        | download                                 |
| --------------- | -------- | --------- | ------: | -------- | -------------- | ------ | ----: | ------------: | ----------------------------- | :--------------------------------------: |
| KNet + FCN      | R-50-D8  | 512x512   |   80000 | 7.01     | 19.24          | V100   |  43.60 |         45.12 | [config](a/b/knet_fcn.py)     | [model](x.pth) \| [log](x.log.json)      |
| KNet + UperNet  | Swin-L   | 512x512   |   80000 | 13.5     | 8.29           | V100   | **52.05** |      53.24 | [config](a/b/knet_swin-l.py)  | [model](y.pth) \| [log](y.log.json)      |
| KNet \| UperNet | Swin-L   | 640x640   |   80000 | 13.54    | 8.29           | V100   |  52.21* |          - | [config](a/b/knet_swin-l_640.py) | [model](z.pth) \| [log](z.log.json)   |
| KNet + PSPNet   | R-50-D8  | 512x512   |   80000 | 6.98     | 20.04          | V100   |     - |             - | [config](a/b/knet_psp.py)     | [model]() \| [log]()                     |

Note:

- All experiments were done with 8 V100.

### Cityscapes

| Method | Backbone | mIoU | config |
| ------ | -------- | ---: | ------ |
| KNet   | R-50-D8  | 79.1 | [config](c.py) |
"""  # noqa: E501

# As Swin's README has it in version 0: more columns, empty cells, the pipe as an entity.
SECOND_SHAPE = """## Results and models

### ADE20k

| Method | Backbone | Crop Size | pretrain | pretrain img size | Batch Size | Lr schd | Mem (GB) | Inf time (fps) | mIoU | mIoU(ms+flip) | config | download |
| ------ | -------- | --------- | -------- | ----------------- | ---------- | ------- | -------- | -------------- | ----- | ------------: | ------ | -------- |
| UperNet | Swin-T | 512x512 | ImageNet-1K | 224x224 | 16 | 160000 |  |  | 44.41 |  | [config](u/swin-t.py) | [model](t.pth) &#124; [log](t.json) |
| UperNet | Swin-S | 512x512 | ImageNet-1K | 224x224 | 16 | 160000 | 6.1 | 14 | 47.72 | 49.24 | [config](u/swin-s.py) | [model](s.pth) &#124; [log](s.json) |
"""  # noqa: E501

# SegFormer's second table measures the same models under other conditions.
SECOND_TABLE = """### ADE20K

| Method | Backbone | Crop Size | Lr schd | mIoU | mIoU(ms+flip) | config |
| ------ | -------- | --------- | ------: | ---: | ------------- | ------ |
| Segformer | MIT-B0 | 512x512 | 160000 | 37.41 | 38.34 | [config](b0.py) |

Evaluation with AlignedResize:

| Method | Backbone | Crop Size | Lr schd | mIoU | mIoU(ms+flip) |
| ------ | -------- | --------- | ------: | ---: | ------------- |
| Segformer | MIT-B0 | 512x512 | 160000 | 38.1 | 38.57 |
"""

METAFILE = """Collections:
- Name: KNet
Models:
- Name: knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512
  In Collection: KNet
  Results:
    Task: Semantic Segmentation
    Dataset: ADE20K
    Metrics:
      mIoU: 52.05
      mIoU(ms+flip): 53.24
  Config: configs/knet/knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512.py
  Metadata:
    Architecture:
    - Swin-L
    - KNet
    - UperNet
- Name: two_sets
  In Collection: Both
  Results:
  - Task: Semantic Segmentation
    Dataset: ADE20K
    Metrics:
      mIoU: 40.0
  - Task: Semantic Segmentation
    Dataset: Cityscapes
    Metrics:
      mIoU: 80
- Name: without_a_figure
  Results:
    Dataset: ADE20K
    Metrics: {}
- Name: without_results
"""


@pytest.fixture
def first(tmp_path: Path) -> list[Score]:
    return read_readme(written(tmp_path / "README.md", FIRST_SHAPE))


def test_the_first_shape(first: list[Score], tmp_path: Path) -> None:
    assert first[1] == Score(
        dataset="ADE20K",
        method="KNet + UperNet",
        backbone="Swin-L",
        crop="512x512",
        schedule="80000",
        miou=52.05,
        miou_ms=53.24,
        config="knet_swin-l",
        source=str(tmp_path / "README.md"),
    )


def test_an_escaped_pipe_belongs_to_its_cell(first: list[Score]) -> None:
    assert (first[2].method, first[2].backbone, first[2].miou) == ("KNet | UperNet", "Swin-L", 52.21)


def test_starred_and_bold_numbers_are_numbers_and_dashes_are_none(first: list[Score]) -> None:
    assert [score.miou for score in first if score.dataset == "ADE20K"] == [43.6, 52.05, 52.21]
    assert [score.miou_ms for score in first if score.dataset == "ADE20K"] == [45.12, 53.24, None]


def test_a_model_without_a_figure_is_left_out(first: list[Score]) -> None:
    assert "knet_psp" not in [score.config for score in first]


def test_the_last_heading_is_the_dataset(first: list[Score]) -> None:
    assert [score.dataset for score in first] == ["ADE20K"] * 3 + ["Cityscapes"]


def test_the_second_shape(tmp_path: Path) -> None:
    small, other = read_readme(written(tmp_path / "README.md", SECOND_SHAPE))
    assert (small.dataset, small.backbone, small.schedule, small.config) == ("ADE20k", "Swin-T", "160000", "swin-t")
    assert (small.miou, small.miou_ms) == (44.41, None)
    assert (other.miou, other.miou_ms) == (47.72, 49.24)


def test_models_measured_again_are_not_counted_twice(tmp_path: Path) -> None:
    assert [score.miou for score in read_readme(written(tmp_path / "README.md", SECOND_TABLE))] == [37.41]


def test_columns_are_found_by_their_names(tmp_path: Path) -> None:
    text = "### ADE20K\n\n| config | mIoU(ms+flip) | mIoU | Method |\n|:-:|:-:|:-:|:-:|\n| [c](c.py) | 2 | 1 | A |\n"
    (score,) = read_readme(written(tmp_path / "README.md", text))
    assert (score.method, score.backbone, score.miou, score.miou_ms) == ("A", "", 1.0, 2.0)


def test_mean_iou_of_several_scales_alone_is_no_figure(tmp_path: Path) -> None:
    text = "### ADE20K\n\n| Method | mIoU(ms+flip) | config |\n|---|---|---|\n| A | 50 | [c](c.py) |\n"
    assert read_readme(written(tmp_path / "README.md", text)) == []


def test_a_table_ends_at_the_first_line_without_a_pipe(tmp_path: Path) -> None:
    text = "### ADE20K\n\n| Method | mIoU | config |\n|---|---|---|\n| A | 50 | c |\nremark\n| B | 60 | d |\n"
    assert [score.method for score in read_readme(written(tmp_path / "README.md", text))] == ["A"]


def test_tables_in_code_are_examples(tmp_path: Path) -> None:
    text = "### ADE20K\n\n```\n| Method | mIoU | config |\n|---|---|---|\n| A | 50 | c |\n### Other\n```\n"
    rest = "| Method | mIoU | config |\n|---|---|---|\n| B | 60 | d |\n"
    (score,) = read_readme(written(tmp_path / "README.md", text + rest))
    assert (score.dataset, score.method) == ("ADE20K", "B")


def test_a_heading_above_ends_a_dataset_and_one_below_does_not(tmp_path: Path) -> None:
    table = "| Method | mIoU | config |\n|---|---|---|\n| A | 50 | c |\n\n"
    text = f"### ADE20K\n\n#### Notes\n\n{table}## Other results\n\n{table}"
    assert [score.dataset for score in read_readme(written(tmp_path / "README.md", text))] == ["ADE20K", ""]


def test_a_row_that_is_too_short_has_empty_cells(tmp_path: Path) -> None:
    text = "### ADE20K\n\n| Method | mIoU | config |\n|---|---|---|\n| A | 50 |\n| B |\n"
    (score,) = read_readme(written(tmp_path / "README.md", text))
    assert (score.method, score.config) == ("A", "")


def test_metafiles(tmp_path: Path) -> None:
    knet, ade, cityscapes = read_metafile(written(tmp_path / "metafile.yaml", METAFILE))
    assert (knet.method, knet.backbone, knet.crop, knet.schedule) == ("KNet + UperNet", "Swin-L", "512x512", "80000")
    assert (knet.dataset, knet.miou, knet.miou_ms) == ("ADE20K", 52.05, 53.24)
    assert knet.config == "knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512"
    assert (ade.method, ade.dataset, ade.miou, ade.miou_ms, ade.config) == ("Both", "ADE20K", 40.0, None, "two_sets")
    assert (cityscapes.dataset, cityscapes.miou) == ("Cityscapes", 80.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML"),
        ("- just\n- a list\n", "has no list of Models"),
        ("Models: 3\n", "has no list of Models"),
        ("Models: [3]\n", "has no list of Models"),
        ("Models: [{Results: 3}]\n", "has no list of Models"),
        ("Models: [{Results: {Metrics: [1]}}]\n", "has no list of Models"),
        ("Models: [{Results: {Metrics: {mIoU: 3}}, Metadata: 5}]\n", "has no list of Models"),
    ],
)
def test_what_is_no_metafile(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"metafile\.yaml: {message}"):
        read_metafile(written(tmp_path / "metafile.yaml", text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"README\.md: cannot be read"):
        read_readme(tmp_path / "README.md")


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("52.05", 52.05),
        ("**52.05**", 52.05),
        ("52.05*", 52.05),
        ("52.05\\*", 52.05),
        ("__52__", 52.0),
        ("`52.05`", 52.05),
        ("52.05%", 52.05),
        ("", None),
        ("-", None),
        ("–", None),
        ("N/A", None),
        ("8x2", None),
        ("1.2.3", None),
    ],
)
def test_numbers_in_cells(cell: str, number: float | None) -> None:
    assert number_in(cell) == number


def test_cells() -> None:
    assert cells_of(r"| a | b \| c |  | d |") == ["a", r"b \| c", "", "d"]
    assert cells_of("| a | b") == ["a", "b"]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
