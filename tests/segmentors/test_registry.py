from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tamis.errors import InputError, UnavailableError
from tamis.segmentors import DEFAULT, ModelEntry, Segmentor, list_models, load_segmentor, registry
from tamis.segmentors.classical.hierarchy import Hierarchy


def test_built_in_names_load_and_call_themselves_so() -> None:
    for model in registry.BUILT_IN:
        segmentor = load_segmentor(model.name)
        assert isinstance(segmentor, Segmentor)
        assert segmentor.name == model.name
    assert load_segmentor().name == DEFAULT


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="no segmentor 'hierachy'; did you mean 'hierarchy'"):
        load_segmentor("hierachy")
    with pytest.raises(InputError, match="see `tamis models`"):
        load_segmentor("zzz")


def test_a_factory_can_be_named_outright() -> None:
    assert load_segmentor("tamis.segmentors.classical.hierarchy:Hierarchy") == Hierarchy()
    for place, message in {
        "no_such_package.module:make": "there is no module 'no_such_package'",
        "tamis.clicks:nothing": "found no such factory",
        "tamis.segmentors.registry:DEFAULT": "not callable",
        "builtins:dict": "returned no segmentor",
        "numpy:array": r"its factory fails without arguments \(array\(\) missing",
        ".hierarchy:Hierarchy": "expected package.module:factory",
        ":Hierarchy": "expected package.module:factory",
        "tamis.clicks:": "found no such factory",
    }.items():
        with pytest.raises(InputError, match=message):
            load_segmentor(place)


def test_what_goes_wrong_inside_a_module_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "its_own_bug.py").write_text("None.no_such_attribute")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AttributeError, match="no_such_attribute"):
        load_segmentor("its_own_bug:make")


def test_other_packages_offer_segmentors_but_take_no_built_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "tamis.segmentors.classical.hierarchy:Hierarchy"
    offered = [EntryPoint(name, place, registry.ENTRY_POINTS) for name in ("theirs", "grabcut")]
    monkeypatch.setattr(registry, "entry_points", lambda group: offered)
    assert [model.name for model in list_models()].count("grabcut") == 1
    assert load_segmentor("theirs") == Hierarchy()
    assert load_segmentor("grabcut") != Hierarchy()


def test_what_is_not_installed_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ModelEntry("far", "far.away:Model", "", needs=("no_such_module",), install="pip install 'tamis[far]'")
    monkeypatch.setattr(registry, "BUILT_IN", (absent,))
    assert not absent.available
    with pytest.raises(UnavailableError, match=r"'far' needs more than is installed: run pip install 'tamis\[far\]'"):
        load_segmentor("far")
