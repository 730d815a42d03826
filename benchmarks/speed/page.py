"""docs/performance.md and its pictures, from what the programs took."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator

HEAD = """# Time and memory, beside other tools

Written by `python benchmarks/speed/run.py` on {machine}. Every
program reads the same simulated samples (20,000 genes, half of the samples after the infusion, BCR
and TCR contigs). The workflow goes from the files to the report; the scanpy + scirpy script does
as the tutorials do (Scrublet by sample, Harmony, Wilcoxon markers, clonotypes, one diversity) and
compares no repertoire across timepoints, has no statistics of pathways and writes no report;
scranpy and Seurat see neither doublets nor receptors, Seurat neither integration nor markers.

![Seconds of each step](images/performance.png)

`peak` is the most memory of one job or process, `agreement` the adjusted Rand index of the
clusters and the simulated subtypes, `load` the machine's when the program began: with other work
beside it the clock tells little and the seconds of CPU most. Compare within a size: sizes may have
been run on different days.

| cells | program | clock | of ours | CPU | of ours | peak | agreement | load |
|---|---|---|---|---|---|---|---|---|
"""
BESIDE = """
## Step by step, beside scranpy

Seconds of all jobs of the rules that scranpy has a counterpart for, added up, though jobs of
samples run two at a time; scranpy's are on the clock, in one process of two threads. Ours also
check the input, write the counts in a form that later rules read by gene, and take an exact
search of neighbours.

"""
COUNTERPARTS = {
    "read": ("load_sample",),
    "quality control": ("measure_qc",),
    "variable genes": ("summarise_genes", "select_genes"),
    "PCA": ("embed_cells",),
    "integration (MNN)": (),  # embed_cells has Harmony
    "neighbours, UMAP and clusters": ("build_graph", "lay_out_cells", "cluster_cells"),
    "markers": ("sum_pseudobulk",),
}
AGAIN = """
## One changed key

Seconds from command to new report, and their share of the full run.

| changed | {sizes} |
|---|{rule}
"""
START = """
## What a job costs before it computes

Seconds of CPU to start Python and import the script of a rule and all that it names (least of
three; `Python alone` is part of each). Snakemake adds 0.15 s a job. Libraries that only some
inputs need are imported where they are needed.

"""
GROWTH = """
## Growth

![Time and memory against cells](images/performance_growth.png)

Seconds of all jobs of a rule, and the most memory of one, fitted to `a × cells^b` over the sizes
above; `b` = 1 doubles with twice the cells. The floors and factors of memory and time in the rules
are fitted to the same runs: `python benchmarks/fit_resources.py FOLDER/*/own/run.yaml`.

| | exponent of time | seconds at {most:,} cells | exponent of memory | GB at {most:,} cells |
|---|---|---|---|---|
"""


def write_page(docs: Path, runs: list, own: str, machine: str, starts: dict[str, float]) -> None:
    """Write the page and the pictures below `docs`; `starts`: seconds to start each rule."""
    ours = {run.cells: run for run in runs if run.program == own}
    text = HEAD.format(machine=machine) + "".join(line(run, ours[run.cells], own) for run in runs)
    text += "\n## What each rule costs\n\nSeconds of all jobs of a rule, the longest job, and the "
    text += "most memory of one.\n\n" + rules(ours)
    text += "".join(beside(run, ours[run.cells]) for run in runs if run.program == "scranpy")
    text += again(ours) + START + started(starts)
    if len(ours) > 1:
        text += GROWTH.format(most=max(ours)) + grown(ours)
        growth_picture(docs / "images/performance_growth.png", ours)
    (docs / "performance.md").write_text(text, encoding="utf-8")
    sizes = [run.cells for run in runs]
    compared = [run for run in runs if sizes.count(run.cells) > 1]
    picture(docs / "images/performance.png", compared or runs)


def line(run, ours, own: str) -> str:
    """Return the table row of one program."""
    wall, cpu = run.wall / ours.wall, run.cpu / ours.cpu
    ratios = ["", ""] if run.program == own else [f"{wall:.1f} ×", f"{cpu:.1f} ×"]
    entries = [f"{run.cells:,}", run.program, f"{run.wall:.0f} s", ratios[0], f"{run.cpu:.0f} s"]
    entries += [ratios[1], f"{run.peak:.1f} GB", f"{run.agreement:.2f}", f"{run.load:.1f}"]
    return f"| {' | '.join(entries)} |\n"


def rules(ours: dict) -> str:
    """Return the table of the workflow's rules over the sizes, dearest first."""
    tables = {cells: run.steps.set_index("step") for cells, run in ours.items()}
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


def beside(peer, ours) -> str:
    """Return the table of scranpy's steps and the rules that do the same."""
    taken, own = peer.steps.set_index("step")["seconds"], ours.steps.set_index("step")["seconds"]
    lines = [f"{peer.cells:,} cells:", "", "| scranpy | s | rules | s |", "|---|---|---|---|"]
    total = 0.0
    for step, names in COUNTERPARTS.items():
        cost = float(own.reindex(list(names)).fillna(0).sum())
        total += cost
        named = ", ".join(f"`{name}`" for name in names) or "(in `embed_cells`)"
        lines.append(f"| {step} | {taken[step]:.0f} | {named} | {cost:.0f} |")
    lines.append(f"| all | {taken[list(COUNTERPARTS)].sum():.0f} | | {total:.0f} |")
    return BESIDE + "\n".join(lines) + "\n"


def again(ours: dict) -> str:
    """Return the section on what a changed key takes, by size."""
    runs = {cells: run for cells, run in ours.items() if run.reruns}
    if not runs:
        return ""
    text = AGAIN.format(
        sizes=" | ".join(f"{cells:,} cells" for cells in runs), rule="---|" * len(runs)
    )
    for key in next(iter(runs.values())).reruns:
        shares = [f"{r.reruns[key]:.0f} s, {r.reruns[key] / r.wall:.0%}" for r in runs.values()]
        text += f"| {key} | {' | '.join(shares)} |\n"
    return text


def started(starts: dict[str, float]) -> str:
    """Return the rules by what their start costs, dearest first."""
    order = sorted(starts.items(), key=lambda entry: -entry[1])
    named = [f"`{rule}` {cost:.2f}" if rule else f"Python alone {cost:.2f}" for rule, cost in order]
    return ", ".join(named) + ".\n"


def grown(ours: dict) -> str:
    """Return the table of exponents, of the whole and of the dearest rules."""
    steps = pd.concat([run.steps.assign(cells=cells) for cells, run in ours.items()])
    most = max(ours)
    dearest = steps[steps["cells"] == most].nlargest(12, "seconds")["step"]
    whole = pd.DataFrame(
        [(cells, run.cpu, run.peak) for cells, run in ours.items()],
        columns=["cells", "seconds", "peak"],
    )
    lines = [grown_line("all (CPU; largest job)", whole, most)]
    lines += [grown_line(f"`{rule}`", steps[steps["step"] == rule], most) for rule in dearest]
    return "\n".join(lines) + "\n"


def grown_line(name: str, part: pd.DataFrame, most: int) -> str:
    """Return a table row of the fitted exponents of one rule."""
    row = [name]
    for column, digits in (("seconds", 0), ("peak", 1)):
        known = part[part[column] > 0]
        power = np.polyfit(np.log(known["cells"]), np.log(known[column]), 1)[0]
        at = known.loc[known["cells"] == most, column].iloc[0]
        row += [f"{power:.2f}", f"{at:.{digits}f}"]
    return f"| {' | '.join(row)} |"


def growth_picture(path: Path, ours: dict, *, n_named: int = 8) -> None:
    """Draw seconds and memory of the dearest rules against cells, on logarithmic axes."""
    steps = pd.concat([run.steps.assign(cells=cells) for cells, run in ours.items()])
    dearest = steps[steps["cells"] == max(ours)].nlargest(n_named, "seconds")["step"]
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for ax, column, label in zip(axes, ("seconds", "peak"), ("seconds", "GB"), strict=True):
        for rule, marker in zip(dearest, "os^DvP<>", strict=False):
            part = steps[steps["step"] == rule].sort_values("cells")
            ax.loglog(part["cells"], part[column], marker=marker, ms=4, lw=1, label=rule)
        ax.set_xticks(sorted(ours), [f"{cells:,}" for cells in sorted(ours)])
        ax.minorticks_off()
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.set_xlabel("cells")
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=150)


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
                ink = "white" if shade < 0.6 else "black"
                axes.text(left + width / 2, place, f"{step}\n{width:.0f} s", ha="center",
                          va="center", fontsize=6.5, color=ink)  # fmt: skip
            left += width
        axes.text(left + 0.01 * top, place, f"{run.wall:.0f} s", va="center", fontsize=8)
    axes.set_yticks(range(len(runs)), [f"{run.cells:,} cells\n{run.program}" for run in runs])
    axes.invert_yaxis()
    axes.set_xlim(0, top * 1.08)
    axes.set_xlabel("seconds on the clock")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
