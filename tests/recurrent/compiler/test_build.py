"""Building: the cache, its key, two at once, compilers and folders that do not serve."""

import logging
import multiprocessing
import os
import stat

import pytest
import torch

from seqtag.recurrent.compiler import build as building
from seqtag.recurrent.compiler.build import BuildError, build

SOURCE = 'extern "C" int answer() { return %d; }\n'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.fixture(autouse=True)
def _forget():
    """Look for a compiler and a folder anew, before and after."""
    found = (building.compiler, building._version, building._own_folder)
    for cached in found:
        cached.cache_clear()
    yield
    for cached in found:
        cached.cache_clear()


@pytest.fixture
def fake_compiler(tmp_path, monkeypatch):
    """Return a function that puts a script in the compiler's place."""

    def put(script):
        path = tmp_path / "fake-c++"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("CXX", str(path))
        building.compiler.cache_clear()
        building._version.cache_clear()
        return path

    return put


def libraries(folder):
    return sorted(folder.iterdir())


def test_built_once_and_kept(cache, monkeypatch, caplog):
    with caplog.at_level(logging.INFO, logger="seqtag"):
        assert build(SOURCE % 42, "first").answer() == 42
        monkeypatch.setattr(building, "_compile", None)  # it would not be found again
        assert build(SOURCE % 42, "first").answer() == 42
    (library,) = libraries(cache)
    assert library.name.startswith("first_")
    assert library.suffix == ".so"
    assert [record.getMessage().split(" in ")[0] for record in caplog.records] == [
        f"built {library}"
    ]


def test_key_holds_source_compiler_version_and_flags(cache, monkeypatch, fake_compiler):
    build(SOURCE % 1, "k")
    build(SOURCE % 2, "k")
    assert len(libraries(cache)) == 2
    best = torch.backends.cpu.get_cpu_capability()
    other = "DEFAULT" if best in building.INSTRUCTIONS else "AVX2"
    for change in (
        lambda: monkeypatch.setattr(building, "FLAGS", (*building.FLAGS, "-O1")),
        lambda: monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: other),
        lambda: fake_compiler('if [ "$1" = --version ]; then echo 1; else exec g++ "$@"; fi'),
        lambda: fake_compiler('if [ "$1" = --version ]; then echo 2; else exec g++ "$@"; fi'),
    ):
        before = libraries(cache)
        change()
        assert build(SOURCE % 1, "k").answer() == 1
        assert len(libraries(cache)) == len(before) + 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SEQTAG_CACHE": "/a"}, "/a/kernels"),
        ({"SEQTAG_CACHE": "", "XDG_CACHE_HOME": "/b"}, "/b/seqtag/kernels"),
        ({"SEQTAG_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/seqtag/kernels"),
        ({"SEQTAG_CACHE": "~/d", "HOME": "/c"}, "/c/d/kernels"),
    ],
)
def test_where_kernels_are_kept(variables, expected, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(building.cache_folder()) == expected


def test_compiler_is_the_one_asked_for(monkeypatch, fake_compiler):
    path = fake_compiler("exit 1")
    assert building.compiler() == str(path)
    monkeypatch.setenv("CXX", "no-such-compiler")
    building.compiler.cache_clear()
    assert building.compiler() is None
    with pytest.raises(BuildError, match="no C\\+\\+ compiler found"):
        build(SOURCE % 1, "k")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "exit code 1"),
        ('[ "$1" = --version ] || { echo "no licence" >&2; exit 3; }', "no licence"),
        ("exit 0", "did not build"),  # says that all is well, and leaves nothing
        (
            '[ "$1" = --version ] && exit; while [ "$1" != -o ]; do shift; done; echo no >"$2"',
            "did not build",
        ),
    ],
)
def test_a_broken_compiler_is_one_error_that_names_it(cache, fake_compiler, script, message):
    path = fake_compiler(script)
    with pytest.raises(BuildError, match=message) as caught:
        build(SOURCE % 5, "broken")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_compiler_that_hangs_is_given_up(cache, fake_compiler, monkeypatch):
    fake_compiler('[ "$1" = --version ] || exec sleep 60')
    monkeypatch.setattr(building, "LIMIT_S", 0.5)
    with pytest.raises(BuildError, match="timed out"):
        build(SOURCE % 5, "slow")
    assert not [path for path in cache.iterdir() if path.suffix == ".so"]


def test_source_that_does_not_compile(cache):
    with pytest.raises(BuildError, match=r"failed on the kernel wrong_.*error"):
        build("this is no C++", "wrong")
    assert libraries(cache) == []  # nothing is left lying about


def test_a_cache_that_is_no_folder_or_cannot_be_written(tmp_path, monkeypatch, caplog):
    """A kernel is then built in a folder of the process's own, and one line says so."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "file"))
    assert build(SOURCE % 7, "homeless").answer() == 7
    assert "kernels are not kept" in caplog.text
    caplog.clear()
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "shut"))
    monkeypatch.setattr(os, "access", lambda path, mode: "shut" not in str(path))
    assert build(SOURCE % 8, "homeless").answer() == 8
    assert "cannot be written" in caplog.text
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert list((tmp_path / "shut" / "kernels").iterdir()) == []


def _build_at_once(start, results):
    start.wait()
    results.put(build(SOURCE % 11, "both").answer())


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_build_at_once_do_no_harm(cache):
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_build_at_once, args=(start, results)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [11, 11, 11]
    for process in processes:
        process.join()
    assert len(libraries(cache)) == 1


def test_a_damaged_library_is_built_again(cache, tmp_path, monkeypatch, caplog):
    build(SOURCE % 13, "torn")
    (library,) = libraries(cache)
    other = tmp_path / "other" / "kernels"  # what was loaded once from a path stays loaded
    other.mkdir(parents=True)
    (other / library.name).write_bytes(library.read_bytes()[:100])
    monkeypatch.setenv("SEQTAG_CACHE", str(other.parent))
    loaded = build(SOURCE % 13, "torn")
    assert "built again, as it cannot be loaded" in caplog.text
    assert loaded.answer() == 13
    assert (other / library.name).stat().st_size == library.stat().st_size


def test_a_closed_cache_that_has_the_kernel_is_used(cache, monkeypatch, caplog):
    build(SOURCE % 14, "there")
    monkeypatch.setattr(building.os, "access", lambda *_: False)
    assert build(SOURCE % 14, "there").answer() == 14
    assert not caplog.text
