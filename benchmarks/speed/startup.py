"""What a job costs before it computes: the start of Python and the imports of each rule's script.

`python benchmarks/speed/startup.py` prints seconds of CPU, the least of several starts, rule by
rule, dearest first; `seconds` is what the page of benchmarks/speed/run.py asks for.
"""

import resource
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
STARTS = 3


def cpu_of(code: str) -> float:
    """Return the seconds of CPU that a Python takes for `code`, the least of `STARTS`."""
    taken = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def seconds() -> dict[str, float]:
    """Return {rule: seconds of CPU to import its script}, and that of Python alone as ""."""
    scripts = sorted(
        path.stem for path in SCRIPTS.glob("*.py") if "main(snakemake)" in path.read_text("utf-8")
    )
    return {"": cpu_of("pass")} | {name: cpu_of(f"import {name}") for name in scripts}


if __name__ == "__main__":
    for rule, cost in sorted(seconds().items(), key=lambda entry: -entry[1]):
        sys.stdout.write(f"{cost:6.2f} s  {rule or '(Python alone)'}\n")
