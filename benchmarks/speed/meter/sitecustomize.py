"""Note what each job of the workflow took, exactly: Python imports this before a job's script.

Snakemake's benchmark files look at a job every half a second, after 15 seconds every 30, and miss
what lies between. Where this folder is on PYTHONPATH, every job that ends appends a line to the
file METER: its script, seconds of CPU, and GB at the most (Linux).
"""

import atexit
import json
import os
import sys
import time
from pathlib import Path


def note() -> None:
    """Append the line of this process, if it is a job's."""
    script = Path(sys.argv[0])
    if script.parent.name == "scripts" and script.parent.parent.name == ".snakemake":
        status = Path("/proc/self/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
        line = {
            "step": script.stem.rpartition(".")[2],
            "cpu": time.process_time(),
            "peak": int(peak) * 1024 / 1e9,
        }
        with Path(os.environ["METER"]).open("a") as file:
            file.write(json.dumps(line) + "\n")


if "METER" in os.environ:
    atexit.register(note)
