"""docs/performance.md and its picture, from what the programs took."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HEAD = """# Time and memory, beside other tools

Written by `python benchmarks/speed/run.py` on {machine}; load {load:.1f} when it started. Every
program reads the same simulated samples (20,000 genes, half of the samples after the infusion, BCR
and TCR contigs). The workflow goes from the files to the report; the scanpy + scirpy script does
as the tutorials do (Scrublet by sample, Harmony, Wilcoxon markers, clonotypes, one diversity) and
compares no repertoire across timepoints, has no statistics of pathways and writes no report;
scranpy and Seurat see neither doublets nor receptors, Seurat neither integration nor markers.

![Seconds of each step](images/performance.png)

`peak` is the most memory of one job or process, `agreement` the adjusted Rand index of the
clusters and the simulated subtypes.

| cells | program | clock | of ours | CPU | peak | agreement |
|---|---|---|---|---|---|---|
"""


def write_page(docs: Path, runs: list, own: str, *, machine: str, load: float) -> None:
    """Write the page and the picture below `docs`."""
    text = HEAD.format(machine=machine, load=load)
    ours = {run.cells: run.wall for run in runs if run.program == own}
    for run in runs:
        ratio = "" if run.program == own else f"{run.wall / ours[run.cells]:.1f} ×"
        text += f"| {run.cells:,} | {run.program} | {run.wall:.0f} s | {ratio} | {run.cpu:.0f} s "
        text += f"| {run.peak:.1f} GB | {run.agreement:.2f} |\n"
    text += "\n## What each rule costs\n\nSeconds of all jobs of a rule, the longest job, and the "
    text += "most memory of one.\n\n" + rules(runs, own)
    (docs / "performance.md").write_text(text, encoding="utf-8")
    picture(docs / "images/performance.png", runs)


def rules(runs: list, own: str) -> str:
    """Return the table of the workflow's rules over the sizes, dearest first."""
    tables = {run.cells: run.steps.set_index("step") for run in runs if run.program == own}
    last = tables[max(tables)]
    lines = ["| rule | jobs | " + " | ".join(f"{cells:,} cells" for cells in tables) + " |"]
    lines.append("|---|---|" + "---|" * len(tables))
    for rule in last.sort_values("seconds", ascending=False).index:
        cells = [
            f"{t.loc[rule, 'seconds']:.0f} s, {t.loc[rule, 'longest']:.0f} s, "
            f"{t.loc[rule, 'peak']:.1f} GB" if rule in t.index else ""
            for t in tables.values()
        ]  # fmt: skip
        lines.append(f"| `{rule}` | {last.loc[rule, 'jobs']:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def picture(path: Path, runs: list, *, n_named: int = 7) -> None:
    """Draw the clock of each program, its dearest steps named."""
    figure, axes = plt.subplots(figsize=(9, 0.75 * len(runs) + 0.8), layout="constrained")
    top = max(run.wall for run in runs)
    for place, run in enumerate(runs):
        steps = run.steps.sort_values("seconds", ascending=False)
        shares = steps["seconds"] / steps["seconds"].sum() * run.wall
        left = 0.0
        for rank, (step, width) in enumerate(zip(steps["step"], shares, strict=True)):
            shade = 0.45 + 0.5 * min(rank, n_named) / n_named
            axes.barh(place, width, left=left, color=str(shade), edgecolor="white", linewidth=0.5)
            if width > 0.09 * top:
                axes.text(left + width / 2, place, f"{step}\n{width:.0f} s", ha="center",
                          va="center", fontsize=6.5)  # fmt: skip
            left += width
        axes.text(left + 0.01 * top, place, f"{run.wall:.0f} s", va="center", fontsize=8)
    axes.set_yticks(range(len(runs)), [f"{run.cells:,} cells\n{run.program}" for run in runs])
    axes.invert_yaxis()
    axes.set_xlim(0, top * 1.08)
    axes.set_xlabel("seconds on the clock")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
