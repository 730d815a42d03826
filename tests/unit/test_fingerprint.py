import os

import pytest

from immune_reset.fingerprint import code_hash


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
