"""Registries: parts of this package, parts of installed packages, and errors."""

from __future__ import annotations

import sys

import pytest

from seqtag.errors import InputError
from seqtag.registry import Registry


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Return the registry of a package with one module, to which an installed package adds."""
    own = tmp_path / "own_parts"
    own.mkdir()
    (own / "__init__.py").write_text(
        "from seqtag.registry import Registry\nPARTS = Registry('part', 'test.parts', __name__)\n"
    )
    (own / "one.py").write_text(
        "from own_parts import PARTS\n"
        "@PARTS.register('one')\n"
        "@PARTS.register('two', size=2)\n"
        "class One:\n"
        "    def __init__(self, size=1):\n"
        "        self.size = size\n"
    )
    (tmp_path / "other_parts.py").write_text(
        "class Three:\n    pass\nclass Seven:\n    pass\nfrom own_parts import PARTS\n"
        "PARTS.register('four')(Three)\nPARTS.register('sieben')(Seven)\n"
    )
    info = tmp_path / "other_dist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-dist\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[test.parts]\nthree = other_parts:Three\nfour = other_parts\nfive = other_parts\n"
        "six = missing_module\nseven = other_parts:Seven\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__("own_parts").PARTS
    for name in ("own_parts", "own_parts.one", "other_parts"):
        sys.modules.pop(name, None)


def test_names_are_listed_without_importing_installed_packages(parts):
    assert parts.names() == ["one", "two", "three", "four", "five", "six", "seven"]
    assert "three" in parts
    assert "eight" not in parts
    assert "other_parts" not in sys.modules


def test_a_name_implies_a_class_and_options(parts):
    assert parts["one"].make().size == 1
    assert parts["two"].make().size == 2
    assert parts["two"].make(size=3).size == 3
    assert parts.distribution("one") is None


@pytest.mark.parametrize("name", ["three", "four"])
def test_an_entry_point_is_a_class_or_a_module_that_registers_it(name, parts):
    assert type(parts[name].make()).__name__ == "Three"
    assert parts.distribution(name) == "other-dist"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tow", r"unknown part 'tow' \(did you mean 'two'\?\); known: one, two, three"),
        ("tow", "; a part of an installed package needs an entry point in test.parts"),
        ("five", "part 'five' of the package other-dist: the module other_parts does not register"),
        ("five", "does not register that name, but 'four', 'sieben'"),
        ("seven", "part 'seven' .*: its class other_parts:Seven is registered as 'sieben': give"),
        ("six", "part 'six' of the package other-dist cannot be imported.*ModuleNotFoundError"),
    ],
)
def test_error_messages(name, message, parts):
    with pytest.raises(InputError, match=message):
        parts[name]


def test_two_classes_cannot_have_one_name():
    registry = Registry("part", "test.none", "seqtag.metrics")

    def define(qualname):
        return type("Part", (), {"__qualname__": qualname})

    registry.register("mine")(define("A"))
    registry.register("mine")(define("A"))  # defined again, as in a notebook
    with pytest.raises(InputError, match="registered twice"):
        registry.register("mine")(define("B"))
