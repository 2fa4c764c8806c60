"""Run the benchmarks, or write or check the page made of their results."""

import argparse
import os
import sys
from importlib import import_module

# One core each: most peers use no more, and the comparison should not depend on the number of cores.
THREADS = 1
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)

NAMES = ["corrective_click", "evaluator", "mask_iou", "mask_nms", "rle"]
ON_REQUEST = ["sam_family", "sam_vit_b", "segment", "semantic"]  # needs more than the tests install


def main() -> int:
    """Returns the exit code: 0, or 1 where the page is stale."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="name",
        help=f"which to run: {', '.join(NAMES)} (all by default), {', '.join(ON_REQUEST)}",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the workload")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md from the results on record")
    parser.add_argument("--check-docs", action="store_true", help="fail where docs/benchmarks.md is stale")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {*NAMES, *ON_REQUEST}
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(NAMES + ON_REQUEST)}")

    from benchmarks import report

    if arguments.check_docs:
        fresh = report.PAGE.exists() and report.PAGE.read_text(encoding="utf-8") == report.page()
        print("docs/benchmarks.md is up to date" if fresh else "stale: run `python -m benchmarks --write-docs`")
        return 0 if fresh else 1
    if arguments.names or not arguments.write_docs:
        import cv2

        cv2.setNumThreads(THREADS)
        for name in arguments.names or NAMES:
            finding = import_module(f"benchmarks.{name}").run(arguments.seed)
            for found in finding.measures:
                print(f"{name}: {found.what}: {found.ratio:.1f} times as fast as {found.peer} (floor {found.floor:g})")
            report.record(finding, THREADS)
    report.PAGE.write_text(report.page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
