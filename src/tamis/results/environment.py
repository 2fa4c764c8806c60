"""What this computer is and has."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import tamis

PACKAGES = ("numpy", "pillow", "opencv-python-headless", "scikit-image", "scipy")
"""Packages whose versions can change a result."""


def facts() -> dict[str, Any]:
    """Versions, processor, memory and graphics card; the part of `run.json` that says where a result was made."""
    return {
        "tamis": tamis.__version__,
        "python": platform.python_version(),
        "packages": {name: version_of(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "memory_gb": memory_gb(),
        "gpu": gpu(),
    }


def version_of(package: str) -> str | None:
    """The installed version of a package, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def extras() -> dict[str, bool]:
    """The optional parts of tamis, and whether all that each needs is installed."""
    found: dict[str, bool] = {}
    for requirement in importlib.metadata.requires("tamis") or []:
        match = re.match(r"([A-Za-z0-9._-]+).*extra == ['\"]([a-z0-9]+)['\"]", requirement)
        if match:
            package, extra = match.groups()
            found[extra] = found.get(extra, True) and version_of(package) is not None
    return found


def unused_gpu() -> list[str]:
    """Why a graphics card that is here is not used, each with the command that mends it; empty where all is well."""
    if gpu() is None:
        return []
    found = []
    plain, with_gpu, torch = (version_of(name) for name in ("onnxruntime", "onnxruntime-gpu", "torch"))
    if plain and with_gpu:
        found.append(
            "onnxruntime and onnxruntime-gpu are both installed, and the first hides the second: run "
            "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
        )
    elif plain:
        found.append(
            "onnxruntime is the build for processors, so exported models do not use the graphics card: run "
            "pip uninstall -y onnxruntime && pip install onnxruntime-gpu"
        )
    if torch and torch.endswith("+cpu"):
        found.append(
            "torch is the build for processors, so neither the SAM family nor training uses the graphics card: run "
            f"pip install --force-reinstall torch=={torch.removesuffix('+cpu')}"
        )
    return found


def processor() -> str:
    """The processor's name as its maker writes it, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gb() -> float | None:
    """The machine's memory in GB, None where the system does not tell."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def gpu() -> str | None:
    """The names of NVIDIA graphics cards, None where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ", ".join(answer.stdout.split("\n")[:-1]) if answer.returncode == 0 and answer.stdout else None
