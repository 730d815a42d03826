"""docs/performance.md and its pictures, from what the programs took."""

from pathlib import Path
from textwrap import fill

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
## Step by step

Of each step: seconds, in brackets how many times ours, seconds of CPU, and GB at the most. Ours
are all jobs of the rules added up, with the start of each, though jobs of samples run two at a
time; theirs are on the clock, without the start, in one process. Ours also check the input, write
the counts in a form that later rules read by gene, and search neighbours exactly.

"""
TASKS = {
    "read": ["load_sample"],
    "quality control": ["measure_qc", "call_cells"],
    "doublets": ["score_doublets"],
    "variable genes": ["summarise_genes", "select_genes"],
    "PCA, integration": ["embed_cells"],
    "neighbours, UMAP, clusters": ["build_graph", "lay_out_cells", "cluster_cells"],
    "markers": ["sum_pseudobulk", "list_clusters"],
    "clonotypes, diversity": ["read_receptors", "define_clonotypes", "measure_diversity"],
}
"""What at least one peer does too, and the rules that do it."""
STEPS = {
    "doublets (Scrublet)": "doublets",
    "PCA": "PCA, integration",
    "integration (Harmony)": "PCA, integration",
    "integration (MNN)": "PCA, integration",
    "neighbours": "neighbours, UMAP, clusters",
    "neighbours, UMAP and clusters": "neighbours, UMAP, clusters",
    "UMAP": "neighbours, UMAP, clusters",
    "clusters (Leiden)": "neighbours, UMAP, clusters",
    "clusters (Louvain)": "neighbours, UMAP, clusters",
    "markers (Wilcoxon)": "markers",
    "clonotypes and diversity (BCR)": "clonotypes, diversity",
    "clonotypes and diversity (TCR)": "clonotypes, diversity",
}
"""The task of a peer's step, where it has another name."""
COSTS = """
## What each rule costs

Seconds of all jobs of a rule, their seconds of CPU, the longest job, and the most memory of one.
CPU and memory are counted in the job itself (`benchmarks/speed/meter`): Snakemake's benchmark files
look at long jobs every 30 seconds, and saw 1.9 GB of 2.5. A dash: not counted at that size.

"""
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
    text += BESIDE + "".join(beside(runs, own, cells) for cells in ours)
    text += COSTS + rules(ours)
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
        cells = [cost(t.loc[rule]) if rule in t.index else "" for t in tables.values()]
        lines.append(f"| `{rule}` | {last.loc[rule, 'jobs']:.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def cost(rule: pd.Series) -> str:
    """Return the cell of one rule at one size."""
    seconds = (spoken(rule[name]) for name in ("seconds", "cpu", "longest"))
    return f"{', '.join(seconds)}, {rule['peak']:.1f} GB"


def spoken(seconds: float) -> str:
    """Return "12 s", or a dash where it was not counted."""
    return "–" if pd.isna(seconds) else f"{seconds:.0f} s"


def beside(runs: list, own: str, cells: int) -> str:
    """Return the table of what the programs took for each task at one size; none without peers."""
    programs = {run.program: tasks(run.steps) for run in runs if run.cells == cells}
    ours = programs.pop(own)
    if not programs:
        return ""
    lines = [f"{cells:,} cells:", "", f"| step | rules | ours | {' | '.join(programs)} |"]
    lines.append("|---" * (len(programs) + 3) + "|")
    for task, names in TASKS.items():
        rules = ", ".join(f"`{name}`" for name in names)
        found = [entry(peer.loc[task], ours.loc[task]) for peer in programs.values()]
        lines.append(f"| {task} | {rules} | {entry(ours.loc[task])} | {' | '.join(found)} |")
    sums = [peer["seconds"].sum() for peer in programs.values()]
    same = [ours.loc[peer["seconds"].notna(), "seconds"].sum() for peer in programs.values()]
    both = [f"{took:.0f} s; ours {mine:.0f} s" for took, mine in zip(sums, same, strict=True)]
    lines.append(f"| all that the program does | | | {' | '.join(both)} |")
    return "\n".join(lines) + "\n\n"


def tasks(steps: pd.DataFrame) -> pd.DataFrame:
    """Return seconds, cpu, peak of each task, NaN where the program does not do it."""
    task_of = STEPS | {rule: task for task, rules in TASKS.items() for rule in rules}
    tasks = steps["step"].map(lambda step: task_of.get(step, step))
    took = steps.groupby(tasks).agg({"seconds": "sum", "peak": "max"})
    took["cpu"] = steps["cpu"].astype(float).groupby(tasks).sum(min_count=1)
    return took.reindex(list(TASKS))


def entry(took: pd.Series, ours: pd.Series | None = None) -> str:
    """Return the cell of one task of one program."""
    if pd.isna(took["seconds"]):
        return "–"
    times = "" if ours is None else f" ({took['seconds'] / ours['seconds']:.1f} ×)"
    return f"{took['seconds']:.0f} s{times}, {spoken(took['cpu'])}, {took['peak']:.1f} GB"


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
                axes.text(left + width / 2, place, f"{fill(step, 12)}\n{width:.0f} s", ha="center",
                          va="center", fontsize=6.5, color=ink)  # fmt: skip
            left += width
        axes.text(left + 0.01 * top, place, f"{run.wall:.0f} s", va="center", fontsize=8)
    axes.set_yticks(range(len(runs)), [f"{run.cells:,} cells\n{run.program}" for run in runs])
    axes.invert_yaxis()
    axes.set_xlim(0, top * 1.08)
    axes.set_xlabel("seconds on the clock")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
