"""What stopped a run is read from the logs of its jobs."""

import logging
import os
import sys

from immune_reset.errors import InputError
from immune_reset.faults import faults
from immune_reset.runtime import setup_logging


def fail(path, error):
    path.parent.mkdir(parents=True, exist_ok=True)
    hook = sys.excepthook
    setup_logging(path)
    try:
        raise error
    except type(error):
        sys.excepthook(*sys.exc_info())
    finally:
        sys.excepthook = hook
        logging.basicConfig(force=True)
        logging.captureWarnings(False)


def test_a_refused_input_gives_its_message_and_any_other_error_its_log(tmp_path):
    fail(tmp_path / "load" / "a.log", InputError("a.h5: cut. Copy it again."))
    fail(tmp_path / "load" / "b.log", InputError("a.h5: cut. Copy it again."))
    fail(tmp_path / "plot.log", KeyError("x"))
    (tmp_path / "fine.log").write_text("2026 INFO load: all is well\n")
    said = faults(tmp_path, 0)
    assert said == ["a.h5: cut. Copy it again.", f"{tmp_path / 'plot.log'}: uncaught exception"]


def test_logs_of_earlier_runs_are_not_read(tmp_path):
    fail(tmp_path / "old.log", InputError("old"))
    os.utime(tmp_path / "old.log", (1, 1))
    assert faults(tmp_path, 2) == []
    assert faults(tmp_path / "none", 2) == []
