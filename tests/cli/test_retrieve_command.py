import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.personal.scenes import scene

pytest.importorskip("pyarrow")

Tamis = Callable[..., tuple[int, str, str]]


def picture(path: Path, kind: str, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(kind, seed, (60 + 20 * seed % 90, 110, 90))[0]).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for kind in ("ball", "box", "nothing"):
        for seed in (1, 2):
            picture(tmp_path / "photos" / kind / f"{seed}.png", kind, seed)
    return tmp_path / "photos"


def test_a_store_grows_forgets_and_is_searched(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    store, query = tmp_path / "store", picture(tmp_path / "query.png", "ball", 7)
    code, said, err = tamis("retrieve", "precompute", photos, "--store", store)
    assert (code, said, err) == (0, f"6 vectors computed; 0 were there; in {store}\n", "")
    assert "0 vectors computed; 6 were there" in tamis("retrieve", "precompute", photos, "--store", store)[1]
    code, said, _ = tamis("retrieve", "search", query, "--store", store, "--k", 3)
    assert (code, [line.split()[1].split("/")[0] for line in said.splitlines()[1:]][:2]) == (0, ["ball", "ball"])
    assert tamis("retrieve", "delete", store, "ball/1.png")[1] == "1 removed; 5 left\n"
    found = json.loads(tamis("retrieve", "search", query, "--store", store, "--k", 9, "--json")[1])
    assert "ball/1.png" not in [name for name, _ in next(iter(found.values()))]
    found = json.loads(
        tamis("retrieve", "search", query, "--store", store, "--folder", "box", "--since", "2000-01-01", "--json")[1]
    )
    assert sorted(name for name, _ in next(iter(found.values()))) == ["box/1.png", "box/2.png"]
    picture(photos / "box" / "1.png", "nothing", 9)
    changed = json.loads(tamis("retrieve", "precompute", photos, "--store", store, "--json")[1])
    assert (changed["new"], changed["changed"]) == (2, ["box/1.png"])
    assert tamis("retrieve", "list", store)[1].startswith("6 vectors of 352 numbers, by embedded\n")


def test_tars_and_tables_are_sources_too(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    files = {"one.png": (photos / "box" / "1.png").read_bytes(), "two.png": (photos / "ball" / "1.png").read_bytes()}
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for name, content in {**files, "two.json": b"{}"}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    table = arrow.table({"name": list(files), "image": [{"bytes": content} for content in files.values()]})
    parquet.write_table(table, tmp_path / "table.parquet")
    stores = []
    for source in ("shard.tar", "table.parquet"):
        store = tmp_path / f"store-{source}"
        assert tamis("retrieve", "precompute", tmp_path / source, "--store", store, "--half")[0] == 0
        stores.append(np.load(store / "000000.npy"))
    np.testing.assert_array_equal(*stores)
    assert stores[0].dtype == np.float16


def test_all_steps_for_a_folder_of_objects(tamis: Tamis, tmp_path: Path) -> None:
    root, out = tmp_path / "objects", tmp_path / "run"
    for kind in ("ball", "box"):
        for seed in range(2):
            picture(root / "images" / kind / f"{seed}.png", kind, seed)
        mask = root / "masks" / kind / "0.png"
        mask.parent.mkdir(parents=True)
        Image.fromarray(scene(kind, 0)[1].astype(np.uint8) * 255).save(mask)
    code, said, err = tamis("retrieve", "run", "instances", "--root", root, "--out", out, "--top", 2)
    assert (code, err) == (0, "")
    assert "first stage: map 1.0000" in said
    assert "reranked: map 1.0000, recall@1 1.0000" in said
    scores = json.loads((out / "scores.json").read_text())
    assert scores["settings"]["encoder"] == "embedded"
    assert (out / "reranked.parquet").exists()
    arguments = ["--dataset", "instances", "--root", root, "--ranking", out / "ranking.parquet"]
    assert json.loads(tamis("retrieve", "evaluate", *arguments, "--json")[1])["queries"] == 2
    weighted = tamis("retrieve", "rerank", *arguments, "--top", 2, "--weight", 1, "--out", out)
    assert "reranked: map 1.0000" in weighted[1]
    elsewhere = tmp_path / "two"
    assert tamis("retrieve", "rerank", *arguments, "--top", 2, "--workers", 2, "--out", elsewhere)[0] == 0
    again = tamis("retrieve", "rerank", *arguments, "--top", 2, "--out", out)
    assert again[0] == 0
    assert (elsewhere / "reranked.parquet").read_bytes() == (out / "reranked.parquet").read_bytes()


def test_what_cannot_be_done_is_said(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for arguments, sentence in (
        (["precompute", tmp_path / "none", "--store", store], "there is no such folder, .tar or .parquet"),
        (["precompute", photos, "--store", store, "--encoder", "resnet"], "--encoder resnet: there is none"),
        (
            ["precompute", photos, "--store", store, "--encoder", "dinov2-small"],
            "the weights of 'dinov2-small' are not",
        ),
        (["search", photos / "box" / "1.png", "--store", store], "holds no vectors"),
        (["evaluate", "--dataset", "ilias", "--root", photos, "--ranking", "r.parquet"], "ilias_core"),
    ):
        code, _, err = tamis("retrieve", *arguments)
        assert (code, sentence in err) == (2, True), err


def test_several_processes_make_the_same_store(tamis: Tamis, photos: Path, tmp_path: Path) -> None:
    for number in range(8):
        picture(photos / "more" / f"{number:02d}.png", "ball", number)
    (photos / "more" / "07.png").write_text("no photograph")
    vectors, names = [], []
    for workers in (1, 2):
        store = tmp_path / str(workers)
        code, said, err = tamis("retrieve", "precompute", photos, "--store", store, "--workers", workers)
        assert (code, said) == (1, f"13 vectors computed; 0 were there; in {store}\n")
        assert "more/07.png: cannot be read as an image" in err
        vectors.append(np.load(store / "000000.npy"))
        names.append((store / "000000.parquet").read_bytes())
    np.testing.assert_array_equal(*vectors)
    assert names[0] == names[1]
