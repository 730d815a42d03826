import ast
import os

import pytest

from immune_reset.fingerprint import code_hash, imports


@pytest.fixture
def scripts(tmp_path):
    package = tmp_path / "immune_reset"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from immune_reset.b import f\n")
    (package / "b.py").write_text("f = 1\n")
    (package / "c.py").write_text("g = 1\n")
    (tmp_path / "step.py").write_text("from immune_reset import a\n")
    return tmp_path


def test_an_edit_behind_an_import_is_seen(scripts):
    before = code_hash("step", scripts)
    (scripts / "immune_reset/b.py").write_text("f = 2\n")
    assert code_hash("step", scripts) != before


def test_a_touch_a_move_and_other_modules_are_not_seen(scripts, tmp_path_factory):
    before = code_hash("step", scripts)
    os.utime(scripts / "immune_reset/b.py", (1, 1))
    (scripts / "immune_reset/c.py").write_text("g = 2\n")
    assert code_hash("step", scripts) == before
    moved = tmp_path_factory.mktemp("moved") / "scripts"
    scripts.rename(moved)
    assert code_hash("step", moved) == before


def by_the_whole(text):
    """The same by parsing the whole module."""
    kinds = (ast.Import, ast.ImportFrom)
    return {ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}


def test_imports_are_those_of_the_whole_module(root):
    paths = list(root.glob("workflow/scripts/**/*.py"))
    assert len(paths) > 150
    for path in paths:
        text = path.read_text("utf-8")
        assert {ast.unparse(node) for node in imports(text)} == by_the_whole(text), path


def test_imports_over_several_lines_are_read_to_their_end():
    text = (
        '"""Take\nfrom the (sheet\nimport nothing.\n"""\n'
        "from a import (  # first\n    b,  # of two )\n    c as d,\n)\nfrom e import f, \\\n    g\n"
        "\ndef h():\n    import i.j as k  # late\n"
    )
    wanted = {"from a import b, c as d", "from e import f, g", "import i.j as k"}
    assert {ast.unparse(node) for node in imports(text)} == wanted == by_the_whole(text)
