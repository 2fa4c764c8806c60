"""MATLAB files, whose many ways of being damaged become one sentence."""

import struct
import zlib
from pathlib import Path
from typing import Any

from tamis.errors import InputError


def read_matlab(path: Path, name: str) -> Any:
    """Read one variable of a .mat file, structures as arrays of records.

    Raises:
        InputError: the file is missing, damaged, of another kind, or does not hold the variable.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path, variable_names=[name], appendmat=False)[name]
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the name") from None
    except KeyError:
        raise InputError(f"{path}: holds no {name}; it belongs to another dataset") from None
    except NotImplementedError:
        raise InputError(f"{path}: is a file of MATLAB 7.3; save it as version 7") from None
    except (OSError, ValueError, TypeError, IndexError, EOFError, zlib.error, struct.error, MatReadError) as error:
        raise InputError(f"{path}: the file is damaged or cut off ({error}); copy or download it again") from error


def unexpected(path: Path, name: str) -> InputError:
    """What to raise where a variable is not built as expected."""
    return InputError(f"{path}: its {name} is not built as in the release; copy or download it again")
