"""Compiling and the cache: its key, concurrent processes, broken compilers, unsafe folders."""

import hashlib
import logging
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqtag.recurrent.compiler import build as building
from seqtag.recurrent.compiler import library_cache
from seqtag.recurrent.compiler.build import BuildError, build

# Processes are forked: they need not import torch again.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
SOURCE = 'extern "C" int answer() { return %d; }\n'


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.fixture(autouse=True)
def _clear_caches():
    """Clear the caches of compiler and folder before and after a test."""
    functions = (building.compiler, building._version, building.private_folder)
    for cached in functions:
        cached.cache_clear()
    yield
    for cached in functions:
        cached.cache_clear()


@pytest.fixture
def fake_compiler(tmp_path, monkeypatch):
    """Return a function that replaces the compiler by a script."""

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
    """Return the libraries of a folder, which must hold only them and their digests."""
    files = sorted(folder.iterdir())
    compiled = [path for path in files if path.suffix == ".so"]
    assert files == sorted([*compiled, *(path.with_suffix(".so.sha256") for path in compiled)])
    return compiled


def test_a_library_is_compiled_once_and_cached(cache, monkeypatch, caplog):
    with caplog.at_level(logging.INFO, logger="seqtag"):
        assert build(SOURCE % 42, "first").answer() == 42
        monkeypatch.setattr(building, "_compile", None)  # a second compilation would fail
        assert build(SOURCE % 42, "first").answer() == 42
    (library,) = libraries(cache)
    assert library.name.startswith("first_")
    assert library.suffix == ".so"
    assert [record.getMessage().split(" in ")[0] for record in caplog.records] == [
        f"compiling kernel {library}",
        f"compiled kernel {library}",
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
def test_the_folder_of_compiled_kernels(variables, expected, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(building.kernel_folder()) == expected


def test_cxx_selects_the_compiler(monkeypatch, fake_compiler):
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
        ("exit 0", "did not compile"),  # succeeds without writing a file
        (
            '[ "$1" = --version ] && exit; while [ "$1" != -o ]; do shift; done; echo no >"$2"',
            "did not compile",
        ),
    ],
)
def test_a_broken_compiler_gives_one_error_that_names_it(cache, fake_compiler, script, message):
    path = fake_compiler(script)
    with pytest.raises(BuildError, match=message) as caught:
        build(SOURCE % 5, "broken")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_compiler_that_hangs_is_stopped(cache, fake_compiler, monkeypatch):
    fake_compiler('[ "$1" = --version ] || exec sleep 60')
    monkeypatch.setattr(building, "LIMIT_S", 0.5)
    with pytest.raises(BuildError, match="timed out"):
        build(SOURCE % 5, "slow")
    assert not [path for path in cache.iterdir() if path.suffix == ".so"]


def test_source_that_does_not_compile(cache):
    with pytest.raises(BuildError, match=r"failed on the kernel wrong_.*error"):
        build("this is no C++", "wrong")
    assert libraries(cache) == []  # no temporary file is left


def test_a_cache_that_is_not_a_folder_or_not_writable(tmp_path, monkeypatch, caplog):
    """A kernel is then compiled in a temporary folder, with one warning."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "file"))
    assert build(SOURCE % 7, "homeless").answer() == 7
    assert "compiled kernels are not cached" in caplog.text
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


def test_processes_can_compile_at_the_same_time(cache):
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_build_at_once, args=(start, results)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [results.get(timeout=60) for _ in processes] == [11, 11, 11]
    for process in processes:
        process.join()
    assert len(libraries(cache)) == 1


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "empty": lambda path: path.write_bytes(b""),
    "a byte": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x07"),
    "no digest": lambda path: path.with_suffix(".so.sha256").unlink(),
    "other digest": lambda path: path.with_suffix(".so.sha256").write_text("0" * 64),
    "noise for a digest": lambda path: path.with_suffix(".so.sha256").write_bytes(b"\xff" * 9),
    "writable": lambda path: path.chmod(0o777),
    "writable digest": lambda path: path.with_suffix(".so.sha256").chmod(0o666),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "link to nothing": lambda path: (path.unlink(), path.symlink_to("nothing")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_untrusted_library_is_compiled_again(cache, damage, caplog):
    source, name = SOURCE % 13, "torn"
    build_in_another_process(source, name)
    (library,) = libraries(cache)
    DAMAGE[damage](library)
    assert build(source, name).answer() == 13
    assert f"{library} is compiled again: " in caplog.text
    assert libraries(cache) == [library]
    caplog.clear()
    assert build(source, name).answer() == 13
    assert not caplog.text


def build_in_another_process(source, name):
    """Compile in another process, because a library stays loaded in a process that loaded it."""
    context = multiprocessing.get_context("fork")
    process = context.Process(target=build, args=(source, name))
    process.start()
    process.join()
    assert process.exitcode == 0


def test_a_library_without_the_symbol_is_compiled_again(cache, caplog):
    build_in_another_process(SOURCE % 15, "other")
    (library,) = libraries(cache)
    data = library.read_bytes().replace(b"answer", b"ansver")
    library.write_bytes(data)
    library.with_suffix(".so.sha256").write_text(hashlib.sha256(data).hexdigest())
    assert build(SOURCE % 15, "other", ["answer"]).answer() == 15
    assert "it has no answer" in caplog.text
    with pytest.raises(BuildError, match="it has no question"):
        build(SOURCE % 16, "other", ["question"])


@pytest.mark.parametrize("owned_by_other", ["library", "digest", "folder", "root"])
def test_files_of_another_user_are_not_loaded(cache, owned_by_other, caplog, monkeypatch):
    """Loading it would run its code. The library is compiled where no other user can write."""
    build_in_another_process(SOURCE % 17, "foreign")
    (library,) = libraries(cache)
    paths = {"library": library, "folder": cache, "root": cache.parent}
    foreign = paths.get(owned_by_other, library.with_suffix(".so.sha256")).stat().st_ino
    real = library_cache._require_owner

    def require(path, status):
        if status.st_ino == foreign:
            status = os.stat_result([*status[:4], os.getuid() + 1, *status[5:]])
        real(path, status)

    monkeypatch.setattr(library_cache, "_require_owner", require)
    loaded = build(SOURCE % 17, "foreign")
    assert loaded.answer() == 17
    assert "belongs to another user" in caplog.text
    if owned_by_other in ("folder", "root"):
        assert not Path(loaded._name).is_relative_to(cache.parent)
        assert stat.S_IMODE(Path(loaded._name).parent.stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files")
def test_a_folder_given_to_another_user_is_not_used(cache, caplog):
    cache.mkdir(parents=True)
    os.chown(cache, 12345, 12345)
    loaded = build(SOURCE % 18, "given")
    assert loaded.answer() == 18
    assert "compiled kernels are not cached" in caplog.text
    assert list(cache.iterdir()) == []


def test_no_other_user_can_write_whatever_the_umask(cache, caplog):
    old = os.umask(0)
    try:
        build(SOURCE % 19, "open")
    finally:
        os.umask(old)
    assert not caplog.text
    for path in (cache.parent, cache, *cache.iterdir()):
        assert not path.stat().st_mode & 0o022, path


def test_write_permissions_of_others_are_removed(cache, caplog):
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    cache.parent.chmod(0o775)
    build(SOURCE % 20, "closed")
    assert caplog.text.count("removed the write permission of other users from") == 2
    assert [path.stat().st_mode & 0o777 for path in (cache, cache.parent)] == [0o755, 0o755]
    assert len(libraries(cache)) == 1


@pytest.mark.slow
def test_the_private_folder_is_removed_at_the_end(tmp_path):
    module = "seqtag.recurrent.compiler.library_cache"
    code = f"from {module} import private_folder; print(private_folder())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not Path(done.stdout.strip()).exists()


def test_a_read_only_cache_that_has_the_kernel_is_used(cache, monkeypatch, caplog):
    build(SOURCE % 14, "there")
    monkeypatch.setattr(building.os, "access", lambda *_: False)
    assert build(SOURCE % 14, "there").answer() == 14
    assert not caplog.text
