"""The public names and what can be done with them: a change is deliberate, or it is a mistake.

After a deliberate one: python -m tests.test_api_surface.
"""

import dataclasses
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tamis

SURFACE = Path(__file__).parent / "api_surface.json"


def surface() -> dict[str, Any]:
    return {name: _described(getattr(tamis, name)) for name in sorted(tamis.__all__) if name != "__version__"}


def _described(thing: Any) -> Any:
    if not inspect.isclass(thing):
        return _arguments(thing)
    if issubclass(thing, Exception):
        return {"bases": [base.__name__ for base in thing.__bases__]}
    fields = {field.name: "attribute" for field in dataclasses.fields(thing)} if dataclasses.is_dataclass(thing) else {}
    members = {name: _member(inspect.getattr_static(thing, name)) for name in dir(thing) if not name.startswith("_")}
    return {"made": _arguments(thing), "members": dict(sorted({**members, **fields}.items()))}


def _member(value: Any) -> str:
    function = getattr(value, "__func__", value)
    return _arguments(function) if inspect.isfunction(function) else "attribute"


def _arguments(function: Callable[..., Any]) -> str:
    """Names alone: how types are written differs from one version of Python and numpy to the next."""
    said = []
    for parameter in inspect.signature(function).parameters.values():
        mark = "*" if parameter.kind is parameter.KEYWORD_ONLY else ""
        optional = "" if parameter.default is parameter.empty else "="
        said.append(f"{mark}{parameter.name}{optional}")
    return f"({', '.join(said)})"


def test_the_public_api_is_as_recorded() -> None:
    assert surface() == json.loads(SURFACE.read_text(encoding="utf-8"))


def test_every_public_name_loads() -> None:
    for name in tamis.__all__:
        assert getattr(tamis, name) is not None
    assert set(tamis.__all__) <= set(dir(tamis))


if __name__ == "__main__":
    SURFACE.write_text(json.dumps(surface(), indent=1) + "\n", encoding="utf-8")
