"""Files that passed are read once, and again as soon as anything about them is another."""

import os
import shutil

import pytest

from immune_reset import heads, looked
from immune_reset.errors import InputError
from immune_reset.plan import make_plan


def test_a_changed_file_has_another_state_even_with_its_time_set_back(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    before, stat = looked.state_of([path], "words"), path.stat()
    assert looked.state_of([path], "words") == before
    assert looked.state_of([path], "other words") != before
    path.write_text("a,c\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert looked.state_of([path], "words") != before
    path.unlink()
    assert looked.state_of([path], "words") != before


def test_the_note_holds_the_states_of_late(tmp_path):
    note = tmp_path / "folder/note.json"
    assert not looked.passed("0", note)
    for number in range(looked.KEPT + 1):
        looked.remember(str(number), note)
    looked.remember("1", note)
    assert not looked.passed("0", note) and looked.passed("1", note)
    looked.remember("new", note)
    assert looked.passed("1", note) and not looked.passed("2", note)
    assert [path.name for path in note.parent.iterdir()] == ["note.json"]


def test_a_place_that_takes_no_note_is_no_fault(tmp_path):
    (tmp_path / "file").touch()
    looked.remember("0", tmp_path / "file/note.json")


@pytest.mark.parametrize("text", ["{", "{}", "3"])
def test_a_broken_note_says_nothing(tmp_path, text):
    note = tmp_path / "note.json"
    note.write_text(text)
    assert not looked.passed("0", note)
    looked.remember("0", note)
    assert looked.passed("0", note)


def test_the_heads_are_read_once(tiny_cohort, tmp_path, root, monkeypatch):
    cohort = shutil.copytree(tiny_cohort, tmp_path / "cohort")
    read, real = [], heads.check_heads
    monkeypatch.setattr(heads, "check_heads", lambda *a, **k: (read.append(1), real(*a, **k)))

    def times(note=tmp_path / "note.json", **config):
        read.clear()
        plan = make_plan({"samples": str(cohort / "samples.tsv"), **config}, root)
        heads.check_files(plan, set(), root, note=note)
        return len(read)

    assert (times(), times(), times(seed=3)) == (1, 0, 0)
    assert times(note=None) == 1  # make check
    assert times(genes={"join_by": "symbol"}) == 1
    contigs = cohort / "LN02_month_3/vdj_t_filtered_contig_annotations.csv"
    contigs.write_text(contigs.read_text() + "\n")
    assert (times(), times()) == (1, 0)
    contigs.write_text(contigs.read_text()[:-40])
    for _ in range(2):  # what was refused is refused again
        with pytest.raises(InputError, match="cut"):
            times()
    assert len(read) == 1
