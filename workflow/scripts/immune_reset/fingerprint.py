"""Fingerprint of the shared code behind a script, so that an edited helper re-runs its rules."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "immune_reset"
MOST_LINES = 60
"""Lines over which an import may run."""


def code_hash(script: str, scripts: Path) -> str:
    """Return a hash of every module of the package that `script` imports, directly or not.

    Snakemake notices an edited script, but not what the script imports. As a parameter of the
    rule this hash re-runs it on an edit, and not on a mere touch or a move of the project.

    Parameters
    ----------
    script
        Stem of the script.
    scripts
        Folder of the scripts; the package lies below it.
    """
    todo, seen = [scripts / f"{script}.py"], {}
    while todo:
        for module in _modules(todo.pop(), scripts):
            if module not in seen:
                seen[module] = _look(module, _stamp(module))[0]
                todo.append(module)
    text = "".join(
        f"{path.relative_to(scripts)}:{digest};" for path, digest in sorted(seen.items())
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _modules(path: Path, scripts: Path) -> list[Path]:
    ours = [scripts / name.replace(".", "/") for name in _look(path, _stamp(path))[1]]
    files = [path.with_suffix(".py") for path in ours] + [path / "__init__.py" for path in ours]
    return [path for path in files if path.is_file()]


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


@cache
def _look(path: Path, stamp: tuple[int, int]) -> tuple[str, tuple[str, ...]]:
    """Return digest of a module and the names of ours that it imports; `stamp` is its state."""
    content = path.read_bytes()
    names: list[str] = []
    for node in imports(content.decode("utf-8")):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    ours = (name for name in names if name.split(".")[0] == PACKAGE)
    return hashlib.sha256(content).hexdigest(), tuple(dict.fromkeys(ours))


def imports(text: str) -> Iterator[ast.stmt]:
    """Give the import statements of a module, also those inside functions.

    Each is parsed alone, which takes a tenth of the time that the whole module does; every start
    of Snakemake, and so every job on a cluster, looks at all modules. A line that begins like an
    import and is none (a sentence of a docstring) does not parse, and is passed over.
    """
    lines = text.splitlines()
    for first, line in enumerate(lines):
        if line.lstrip().startswith(("import ", "from ")):
            longer = MOST_LINES if "(" in line or line.endswith("\\") else 1
            for last in range(first + 1, min(first + longer, len(lines)) + 1):
                try:
                    yield from ast.parse("\n".join(lines[first:last]).lstrip()).body
                except SyntaxError:
                    continue
                break
