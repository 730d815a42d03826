"""docs/reruns.py as a module, and what its page says."""

import importlib.util

from conftest import ROOT


def _load():
    spec = importlib.util.spec_from_file_location("reruns", ROOT / "docs" / "reruns.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reruns = _load()
KEYS, CASES = reruns.read_page((ROOT / reruns.PAGE).read_text("utf-8"))
