import json
from pathlib import Path

import pytest

from tamis.errors import InputError
from tamis.semantic.score_tables import Score, read_readme
from tamis.semantic.scores import (
    PUBLISHED,
    find_sources,
    markdown,
    ranked,
    read_own,
    read_scores,
    write_scores,
)


def score(method: str, miou: float, config: str = "", dataset: str = "ADE20K", own: bool = False) -> Score:
    return Score(dataset, method, "Swin-T", "512x512", "160000", miou, None, config, "README.md", own)


def test_the_best_comes_first_and_other_datasets_are_left_out() -> None:
    scores = [score("A", 40), score("B", 50), score("C", 80, dataset="Cityscapes"), score("D", 45, dataset="ADE20k")]
    assert [found.method for found in ranked(scores, "ade20k")] == ["B", "D", "A"]


def test_a_model_in_a_readme_and_in_a_metafile_is_listed_once() -> None:
    scores = [score("UperNet", 44.41, "upernet_swin-t"), score("UPerNet", 44.41, "upernet_swin-t")]
    assert [found.method for found in ranked(scores, "ADE20K")] == ["UperNet"]
    without_names = [score("A", 44.41), score("A", 44.41)]
    assert len(ranked(without_names, "ADE20K")) == 2


def test_own_runs_are_inserted_and_marked(tmp_path: Path) -> None:
    result = {"dataset": "ade20k val", "model": "upernet-swin-t", "miou": 0.445, "macc": 0.5, "aacc": 0.8}
    (tmp_path / "semantic.json").write_text(json.dumps(result))
    scores = ranked([score("A", 44), score("B", 45), *read_own(tmp_path / "semantic.json")], "ADE20K")
    assert [(found.method, found.own) for found in scores] == [("B", False), ("upernet-swin-t", True), ("A", False)]
    lines = markdown(scores, "ADE20K").splitlines()
    assert lines[7] == "| 2 | **upernet-swin-t** |  |  |  | **44.50** |  | **tamis** |"
    assert "3 figures, 1 of them measured by tamis" in lines[2]


def test_two_own_runs_of_one_figure_are_two() -> None:
    assert len(ranked([score("A", 44, "A", "ade20k val", own=True)] * 2, "ADE20K")) == 2


def test_the_table_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    scores = ranked([score("A | B", 44.4, "ab"), score("C", 50.25)], "ADE20K")
    write_scores(tmp_path / "scores.md", scores, "ADE20K")
    content = json.loads((tmp_path / "scores.json").read_text())
    assert [found["miou"] for found in content["scores"]] == [50.25, 44.4]
    assert "| 2 | A \\| B | Swin-T | 512x512 | 160000 | 44.40 |  | ab |" in (tmp_path / "scores.md").read_text()


def test_folders_are_searched_all_through(tmp_path: Path) -> None:
    for name in ("a/README.md", "a/b/metafile.yaml", "c/semantic.json", "c/other.md", "c/run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = find_sources([tmp_path, tmp_path / "a" / "README.md"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a/README.md",
        "a/b/metafile.yaml",
        "c/semantic.json",
    ]


def test_what_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no README\.md, metafile\.yaml or semantic\.json in this folder"):
        find_sources([tmp_path])
    with pytest.raises(InputError, match="no such file"):
        find_sources([tmp_path / "none.md"])
    with pytest.raises(InputError, match="name one of these"):
        read_scores(tmp_path / "scores.csv")
    for text in ("{", "[]", "{}", '{"dataset": "a", "model": "b", "miou": null}'):
        (tmp_path / "semantic.json").write_text(text)
        with pytest.raises(InputError, match="is no result of `tamis semantic evaluate`"):
            read_own(tmp_path / "semantic.json")


def test_a_table_needs_its_ending(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end the name in \.md"):
        write_scores(tmp_path / "scores.csv", [], "ADE20K")


def test_the_published_figures_that_come_with_tamis() -> None:
    scores = ranked(read_readme(PUBLISHED), "ADE20K")
    assert len(scores) == 176
    assert (scores[0].method, scores[0].backbone, scores[0].miou) == ("UPerNet", "BEiT-L", 56.33)
    by_config = {found.config: (found.miou, found.miou_ms) for found in scores}
    assert by_config["knet-s3_swin-l_upernet_8xb2-adamw-80k_ade20k-512x512"] == (52.05, 53.24)
    assert by_config["mask2former_swin-s_8xb2-160k_ade20k-512x512"] == (51.24, None)
