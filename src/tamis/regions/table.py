"""All answers of an image in one compressed piece, so that a browser computes the mask under its pointer itself.

Layout: the four bytes `TAM2`; the length of the header, uint32; the header, JSON in UTF-8 with `height`, `width`,
`regions`, `granularities`, `runs` and `corrects`, whether the segmentor corrects a mask better than its table does;
then, deflated (zlib): the region of each run (uint16 × runs), the pixels of each
run (uint16 × runs), the ratings (uint8 × G × R), and the answers (uint8 × G × R × R). Runs go through the rows of the
full-resolution region map from the top; none is longer than a row. Numbers are little-endian.
"""

import json
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from tamis.errors import InputError
from tamis.regions.protocol import AnswersByRegion

MAGIC = b"TAM2"


def pack_answers(encoded: AnswersByRegion, corrects: bool = False) -> bytes:
    """Everything that `unpack_answers` gives back; mostly under a megabyte.

    Args:
        encoded: the image.
        corrects: whether to ask the segmentor, and not the table, when a mask is to be corrected.

    Raises:
        InputError: the image is wider than 65,535 pixels.
    """
    fine_map = encoded.fine_map
    height, width = fine_map.shape
    if width > np.iinfo(np.uint16).max:
        raise InputError(f"an image {width} pixels wide has no table of answers: 65535 are the limit")
    change = np.ones(fine_map.shape, dtype=bool)
    np.not_equal(fine_map[:, 1:], fine_map[:, :-1], out=change[:, 1:])
    starts = np.flatnonzero(change)
    lengths = np.diff(starts, append=fine_map.size).astype("<u2")
    granularities, regions, _ = encoded.answers.shape
    header = {
        "height": height,
        "width": width,
        "regions": regions,
        "granularities": granularities,
        "runs": len(starts),
        "corrects": corrects,
    }
    text = json.dumps(header).encode()
    labels = fine_map.ravel()[starts].astype("<u2")
    parts = (labels, lengths, encoded.ratings, encoded.answers)
    payload = zlib.compress(b"".join(part.tobytes() for part in parts), 6)
    return MAGIC + struct.pack("<I", len(text)) + text + payload


def unpack_answers(content: bytes) -> tuple[NDArray[np.uint16], NDArray[np.uint8], NDArray[np.uint8]]:
    """The full-resolution region map (H, W) uint16, the answers (G, R, R) uint8 and their ratings (G, R) uint8.

    Raises:
        InputError: this is no table of answers, or it is damaged.
    """
    if content[:4] != MAGIC:
        raise InputError("this is no table of answers: it does not begin with TAM2")
    try:
        (length,) = struct.unpack_from("<I", content, 4)
        header = json.loads(content[8 : 8 + length])
        payload = zlib.decompress(content[8 + length :])
        runs, regions, granularities = header["runs"], header["regions"], header["granularities"]
        labels, lengths = np.frombuffer(payload, "<u2", 2 * runs).reshape(2, runs)
        told = np.frombuffer(payload, np.uint8, offset=4 * runs)
        ratings, answers = told[: granularities * regions], told[granularities * regions :]
        fine_map = np.repeat(labels, lengths).reshape(header["height"], header["width"])
        return (
            fine_map.astype(np.uint16),
            answers.reshape(granularities, regions, regions),
            ratings.reshape(granularities, regions),
        )
    except (struct.error, zlib.error, ValueError, KeyError) as error:
        raise InputError(f"the table of answers is damaged: {error}") from error
