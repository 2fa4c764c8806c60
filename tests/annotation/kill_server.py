"""A server that is started again and again: everything is imported once, and each line read forks a child that serves.

Usage: kill_server.py FOLDER PORT. For each line of input a child serves the project until it is killed; its process id
is printed once it answers requests.
"""

import os
import sys
from pathlib import Path

from tamis.annotation import open_project
from tamis.annotation.service import ProjectService
from tamis.server.app import make_app
from tamis.server.serve import bound_socket, serve


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    for _ in sys.stdin:
        if os.fork() == 0:
            project = open_project(folder, labels=["cat"])
            app = make_app(ProjectService(project, "grabcut"))
            serve(app, bound_socket("127.0.0.1", port), lambda: print(os.getpid(), flush=True))
            return
        os.wait()
        print("gone", flush=True)


if __name__ == "__main__":
    main()
