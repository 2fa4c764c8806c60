import json
import struct
import zlib

import numpy as np
import pytest

from tamis.clicks import Click
from tamis.errors import InputError
from tamis.regions.encoded import EncodedRegions
from tamis.regions.table import pack_answers, unpack_answers
from tamis.segmentors.classical.hierarchy import Hierarchy


@pytest.fixture(scope="module")
def encoded() -> EncodedRegions:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    image[10:40, 20:50] //= 4
    return Hierarchy().encode(image)


def test_the_table_gives_back_the_fine_map_and_the_answers(encoded: EncodedRegions) -> None:
    fine_map, answers, ratings = unpack_answers(pack_answers(encoded))
    np.testing.assert_array_equal(fine_map, encoded.fine_map)
    np.testing.assert_array_equal(answers, encoded.answers)
    np.testing.assert_array_equal(ratings, encoded.ratings)


def test_a_row_of_the_table_is_the_mask_of_a_click(encoded: EncodedRegions) -> None:
    fine_map, answers, _ = unpack_answers(pack_answers(encoded))
    click = Click(30, 20)
    inside = answers[0, fine_map[click.pixel]] > 127
    inside[fine_map[click.pixel]] = True
    np.testing.assert_array_equal(inside[fine_map], encoded.probability([click]) > 0.5)


def test_the_layout_is_the_documented_one(encoded: EncodedRegions) -> None:
    content = pack_answers(encoded)
    (length,) = struct.unpack("<I", content[4:8])
    header = json.loads(content[8 : 8 + length])
    payload = zlib.decompress(content[8 + length :])
    assert (header["height"], header["width"]) == encoded.shape
    assert len(payload) == 4 * header["runs"] + header["granularities"] * header["regions"] * (header["regions"] + 1)
    lengths = struct.unpack(f"<{header['runs']}H", payload[2 * header["runs"] : 4 * header["runs"]])
    assert sum(lengths) == 60 * 80
    assert max(lengths) <= 80


@pytest.mark.parametrize("damage", [b"", b"PNG1", b"TAM2", b"TAM2\x05\0\0\0hello"])
def test_something_else_is_refused(damage: bytes) -> None:
    with pytest.raises(InputError, match="table of answers"):
        unpack_answers(damage)


def test_a_cut_table_is_refused(encoded: EncodedRegions) -> None:
    with pytest.raises(InputError, match="damaged"):
        unpack_answers(pack_answers(encoded)[:-20])
