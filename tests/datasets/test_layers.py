import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tamis.datasets import open_dataset
from tamis.datasets.layers import read_layers, read_pickle
from tamis.datasets.synthetic import write_synthetic
from tamis.errors import InputError


class Code:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def save(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.arange(12, dtype=">i4"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 2), np.int64),
        np.array([True, False]),
    ],
)
def test_arrays_of_numbers_come_back(array: np.ndarray[Any, Any], protocol: int, tmp_path: Path) -> None:
    found = read_pickle(save(tmp_path / "a.pickle", {"array": [array], "number": np.int64(7), "x": 2.5}, protocol))
    np.testing.assert_array_equal(found["array"][0], array)
    assert found["array"][0].dtype == array.dtype
    assert found["number"] == 7
    assert found["x"] == 2.5


def test_names_of_old_and_new_numpy_are_known(tmp_path: Path) -> None:
    content = pickle.dumps(np.arange(3, dtype=np.uint8), protocol=2)
    assert b"numpy._core.multiarray" in content
    old = tmp_path / "old.pickle"
    old.write_bytes(content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    np.testing.assert_array_equal(read_pickle(old), [0, 1, 2])


@pytest.mark.parametrize(
    "value",
    [
        lambda mark: Code(os.system, f"touch {mark}"),
        lambda mark: Code(eval, f"open({str(mark)!r}, 'w')"),
        lambda mark: Code(Path.touch, mark),
        lambda mark: [np.zeros(3), {"deep": (Code(os.mkdir, str(mark)),)}],
        lambda mark: Code(getattr, Path, "cwd"),
    ],
)
def test_code_is_refused_and_not_run(value: Any, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = save(tmp_path / "evil.pickle", value(mark))
    with pytest.raises(InputError, match=r"evil\.pickle: the pickle asks to run .* was not read"):
        read_pickle(path)
    assert not mark.exists()


def test_code_in_a_dataset_is_refused_and_not_run(tmp_path: Path) -> None:
    root, mark = tmp_path / "set", tmp_path / "ran"
    write_synthetic("cocolvis", root, "val", scenes=2)
    samples = open_dataset("cocolvis", root).samples
    save(root / "val" / "masks" / f"{samples[0].name}.pickle", Code(os.mkdir, str(mark)))
    with pytest.raises(InputError, match="asks to run"):
        list(samples[0].targets())
    assert list(samples[1].targets())
    save(root / "val" / "hannotation.pickle", {"x": Code(os.mkdir, str(mark))})
    with pytest.raises(InputError, match="asks to run"):
        open_dataset("cocolvis", root)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["dtype", "ndarray", "_reconstruct"])
def test_stand_ins_cannot_be_abused(name: str, tmp_path: Path) -> None:
    values = {
        "dtype": np.array([os.path.join("a", "b"), None], dtype=object),
        "ndarray": Code(np.ndarray, (10**12,)),
        "_reconstruct": np.array(["text"]),
    }
    path = save(tmp_path / "odd.pickle", values[name], protocol=2)
    with pytest.raises(InputError, match="damaged"):
        read_pickle(path)


def test_damaged_pickles_say_so(tmp_path: Path) -> None:
    whole = pickle.dumps(([cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1]], [(0, 1)]))
    path = tmp_path / "cut.pickle"
    places = [place for _, _, place in pickletools.genops(whole) if place]
    for end in [0, *places[:: max(1, len(places) // 20)]]:
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match="damaged or cut off"):
            read_layers(path)
    path.write_bytes(whole)
    assert read_layers(path).mapping == ((0, 1),)
    with pytest.raises(InputError, match="no such file"):
        read_layers(tmp_path / "none.pickle")


@pytest.mark.parametrize(
    "content",
    [
        "text",
        ([b"no picture"], [(0, 1)]),
        ([cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1]], [(1, 1)]),
        ([cv2.imencode(".png", np.zeros((4, n), np.uint8))[1] for n in (4, 5)], [(0, 1)]),
        ([], [3]),
    ],
)
def test_other_contents_say_so(content: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="get it again"):
        read_layers(save(tmp_path / "a.pickle", content))


def test_layers_as_bytes_and_mappings_as_dictionaries(tmp_path: Path) -> None:
    layer = np.array([[0, 1], [2, 2]], np.uint8)
    encoded = cv2.imencode(".png", layer)[1].tobytes()
    layers = read_layers(save(tmp_path / "a.pickle", ([encoded], {1: (0, 2), 0: (np.int64(0), np.uint8(1))})))
    np.testing.assert_array_equal(layers.mask(0), layer == 1)
    np.testing.assert_array_equal(layers.mask(1), layer == 2)
