"""Stop a job at the worst moment: its output is written beside its place and not yet renamed."""

import os
import subprocess
import sys
import time
from pathlib import Path

HOOK = """
import os, pathlib, sys, time

rule, place = os.environ.get("HOLD_RULE"), os.environ.get("HOLD_PLACE")
if rule and any(word.endswith(f".{rule}.py") for word in sys.orig_argv):
    rename = pathlib.Path.replace

    def held(self, target):
        try:
            os.close(os.open(f"{place}/pid", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return rename(self, target)
        pathlib.Path(place, "pid.part").write_text(f"{os.getpid()} {target}")
        rename(pathlib.Path(place, "pid.part"), pathlib.Path(place, "held"))
        while not pathlib.Path(place, "go").exists():
            time.sleep(0.02)
        return rename(self, target)

    pathlib.Path.replace = held
"""


class Held:
    """A run of Snakemake of which one job waits before its first output gets its name."""

    def __init__(self, project: Path, place: Path, rule: str, *arguments: str) -> None:
        place.mkdir(parents=True)
        (place / "sitecustomize.py").write_text(HOOK)
        self.place = place
        names = {"HOLD_RULE": rule, "HOLD_PLACE": str(place), "PYTHONPATH": str(place)}
        self.log = (place / "log").open("w+")
        self.run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "1", *arguments],
            cwd=project,
            env=os.environ | names,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        self.pid, self.target = self._wait()

    def _wait(self) -> tuple[int, Path]:
        until = time.time() + 300
        while not (self.place / "held").exists():
            assert self.run.poll() is None, self.said()
            assert time.time() < until, self.said()
            time.sleep(0.05)
        pid, _, target = (self.place / "held").read_text().partition(" ")
        return int(pid), Path(target)

    def go(self) -> int:
        """Let the job go on; return how the run ended."""
        (self.place / "go").touch()
        return self.run.wait(300)

    def said(self) -> str:
        """Return what the run printed."""
        return (self.place / "log").read_text(encoding="utf-8")

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *error: object) -> None:
        (self.place / "go").touch()
        if self.run.poll() is None:
            self.run.kill()
        self.run.wait(60)
        self.log.close()
