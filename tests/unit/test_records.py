"""Records kept beside the results: what is put back, what is not, and what is said of it."""

import json
import os

import pytest
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

from immune_reset.records import LOST, STORE, keep, mend


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two files with Snakemake's record of each, as after a run; `own` reads them anew."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    for name in ("out/a", "out/b"):
        (tmp_path / name).write_text(name)
        record = MetadataRecord(
            params=["1"], record_format_version=6, endtime=(tmp_path / name).stat().st_mtime
        )
        own()._write_record(name, record)
    return tmp_path


def own():
    return FilePersistence(nolock=True)


FILES = ["out/a", "out/b", "out/never_made"]


def lose(place, *names):
    for name in names:
        assert own()._delete_record(name)


def test_records_are_put_back_as_they_were(place):
    before = own()._read_record("out/a")
    keep(FILES, "out", own())
    lose(place, "out/a")
    mended = mend(FILES, "out", own())
    assert (mended.restored, mended.unknown) == (["out/a"], [])
    assert own()._read_record("out/a") == before
    assert mend(FILES, "out", own()).said("out/x") == []


def test_another_file_than_the_recorded_one_is_not_taken_for_it(place):
    keep(FILES, "out", own())
    lose(place, "out/a", "out/b")
    then = (place / "out/b").stat().st_mtime + 3
    os.utime(place / "out/b", (then, then))
    mended = mend(FILES, "out", own())
    assert (mended.restored, mended.unknown) == (["out/a"], ["out/b"])
    assert own()._read_record("out/b").params == [repr(LOST)]
    assert "1 files cannot be shown to be current" in mended.said("out/x")[1]
    assert mend(FILES, "out", own()).unknown == ["out/b"]  # said until it is made again
    keep(FILES, "out", own())
    assert json.loads((place / "out" / STORE).read_text())["out/b"]["params"] == ["1"]


def test_what_a_stopped_job_left_is_snakemakes_own_matter(place):
    lose(place, "out/a")
    own()._mark_incomplete("out/a", None)
    assert mend(FILES, "out", own()).unknown == []


def test_a_file_that_is_gone_is_forgotten(place):
    keep(FILES, "out", own())
    (place / "out/a").unlink()
    keep(FILES, "out", own())
    assert set(json.loads((place / "out" / STORE).read_text())) == {"out/b"}


def test_the_copy_is_written_only_where_it_differs(place):
    keep(FILES, "out", own())
    before = (place / "out" / STORE).stat().st_mtime_ns
    keep(FILES, "out", own())
    assert (place / "out" / STORE).stat().st_mtime_ns == before
