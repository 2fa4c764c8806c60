from collections.abc import Callable

import pytest

from tamis.cli.main import main

Result = tuple[int, str, str]


@pytest.fixture
def tamis(capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process: tamis("click", path, ...) → exit code, output, complaints."""

    def run(*arguments: object) -> Result:
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(end.value.code or 0), out, err

    return run
