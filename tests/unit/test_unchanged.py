"""A job does not pass off what it made of one file as made of another."""

import os

import pytest

from immune_reset import tables, unchanged
from immune_reset.errors import InputError


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "contigs.csv"
    path.write_text("barcode\n")
    unchanged.watch([path, tmp_path / "absent"])
    yield path
    unchanged.watch([])


def write(tmp_path):
    tables.write_text("made", tmp_path / "made.txt")


def test_untouched_inputs_let_the_output_be_written(source, tmp_path):
    write(tmp_path)
    assert (tmp_path / "made.txt").read_text() == "made"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contigs.csv", "made.txt"]


def test_the_same_size_at_another_time_is_a_change(source, tmp_path):
    os.utime(source, ns=(1, 1))
    with pytest.raises(InputError, match=r"contigs\.csv: was changed while it was read"):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["contigs.csv"]


def test_a_file_that_is_gone_is_named(source, tmp_path):
    source.unlink()
    with pytest.raises(InputError, match=r"contigs\.csv: vanished"):
        write(tmp_path)


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "made.txt").write_text("before")
    with pytest.raises(OSError, match="full"), tables.whole(tmp_path / "made.txt") as partial:
        partial.write_text("ha")
        raise OSError("full")
    assert (tmp_path / "made.txt").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_job_left_goes_and_a_late_one_puts_nothing_in_place(tmp_path):
    other = tmp_path / ".partial.0a1b2c3d.more-made.txt"
    other.write_text("of another file")
    late = tables.whole(tmp_path / "made.txt")
    late.__enter__().write_text("late")
    with tables.whole(tmp_path / "made.txt") as partial:
        partial.write_text("half")
        with pytest.raises(FileNotFoundError):
            late.__exit__(None, None, None)
        assert not (tmp_path / "made.txt").exists()
        partial.write_text("whole")
    assert (tmp_path / "made.txt").read_text() == "whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([other.name, "made.txt"])
