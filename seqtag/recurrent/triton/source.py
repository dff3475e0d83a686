"""Generated modules, kept in the kernel cache beside compiled libraries.

Triton reads the source of a function from its file, so the module must be one. It runs the text
that has just been generated, never what a file contains: a file with other contents is replaced.
"""

import hashlib
from pathlib import Path
from types import ModuleType

from seqtag.files import atomic_file
from seqtag.recurrent.compiler.build import writable_kernel_folder


def load_module(source: str, name: str) -> ModuleType:
    """Return the module with this source; `name` is the prefix of its file name."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:20]
    path = writable_kernel_folder() / f"{name}_{digest}.py"
    if not _contains(path, source):
        with atomic_file(path) as file:
            file.write_text(source, encoding="utf-8")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def _contains(path: Path, source: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == source
    except (OSError, UnicodeDecodeError):
        return False
