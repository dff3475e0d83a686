"""Generated modules in the kernel cache."""

from seqtag.recurrent.triton.source import load_module

SOURCE = "VALUE = 1\n"


def test_a_module_is_kept_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path))
    module = load_module(SOURCE, "mine")
    (file,) = (tmp_path / "kernels").iterdir()
    assert module.VALUE == 1
    assert module.__file__ == str(file)
    written = file.stat().st_mtime_ns
    load_module(SOURCE, "mine")
    assert file.stat().st_mtime_ns == written


def test_other_contents_are_replaced_and_never_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path))
    file = load_module(SOURCE, "mine").__file__
    for damage in (b"VALUE = 2\n", b"\xff", b""):
        with open(file, "wb") as to:
            to.write(damage)
        assert load_module(SOURCE, "mine").VALUE == 1
        with open(file) as repaired:
            assert repaired.read() == SOURCE


def test_without_a_usable_cache_it_is_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("SEQTAG_CACHE", str(tmp_path / "file" / "cache"))
    (tmp_path / "file").touch()
    module = load_module(SOURCE, "mine")
    assert module.VALUE == 1
    assert not module.__file__.startswith(str(tmp_path))
