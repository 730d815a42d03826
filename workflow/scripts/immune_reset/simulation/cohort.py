"""A whole cohort, file by file: one sample is in memory at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from immune_reset.simulation import contigs, truth, writers
from immune_reset.simulation.chemistry import batch_name, measured_genes
from immune_reset.simulation.clinical import clinical_table
from immune_reset.simulation.clones import Pool, assign_receptors, build_pools
from immune_reset.simulation.course import (
    CohortSpec,
    is_handful,
    patient_name,
    rng_for,
    sample_name,
    validate,
)
from immune_reset.simulation.library import (
    Cells,
    count_umis,
    draw_cells,
    receptor_genes,
)
from immune_reset.simulation.panel import Panel, build_panel
from immune_reset.simulation.writers import Piece

MATRIX = "filtered_feature_bc_matrix.h5"
BCR = "vdj_b_filtered_contig_annotations.csv"
TCR = "vdj_t_filtered_contig_annotations.csv"


class Sample(NamedTuple):
    """One simulated library: droplets, counts, receptors and contigs, and its true cells."""

    name: str
    cells: Cells
    counts: object
    receptors: pd.DataFrame
    contigs: pd.DataFrame
    truth: pd.DataFrame


def sheets(spec: CohortSpec) -> dict[str, bytes]:
    """Return the cohort's sheets, samples.tsv and clinical.tsv; no cell is simulated for them."""
    spec = validate(spec)
    folder = f"{spec.folder}/" if spec.folder else ""
    rows = []
    for patient in range(spec.patients):
        for time, point in enumerate(spec.timepoints):
            name = sample_name(spec, patient, time)
            bcr = "" if is_handful(spec, patient, time) else f"{folder}{name}/{BCR}"
            rows.append({
                "sample": name,
                "patient": patient_name(spec, patient),
                "timepoint": point.name,
                "day": str(point.day),
                "batch": batch_name(spec, patient, time),
                "gex": f"{folder}{name}/{MATRIX}",
                "bcr": bcr,
                "tcr": f"{folder}{name}/{TCR}",
            })  # fmt: skip
    return {
        "samples.tsv": writers.tsv(pd.DataFrame(rows)),
        "clinical.tsv": writers.tsv(clinical_table(spec)),
    }


def simulate_sample(
    spec: CohortSpec, panel: Panel, pools: dict[str, Pool], *, patient: int, time: int
) -> Sample:
    """Simulate one library; the same whichever other samples are made, and in which order."""
    name = sample_name(spec, patient, time)
    cells = draw_cells(spec, patient, time)
    rng = rng_for(spec, 2, patient, time, 4)
    receptors = assign_receptors(
        rng, spec, patient=patient, time=time, kinds=cells.kind, pools=pools, sample=name
    )
    c_call = contigs.draw_classes(rng, cells.kind[receptors.index.to_numpy()], receptors)
    means = receptor_genes(panel, cells, receptors, c_call)
    counts = count_umis(spec, panel, patient=patient, time=time, cells=cells, receptor_means=means)
    table = contigs.draw_contigs(rng, cells, receptors, c_call)
    has_bcr = not is_handful(spec, patient, time)
    return Sample(
        name, cells, counts, receptors, table,
        truth.cell_table(name, cells, receptors, table, counts, has_bcr=has_bcr),
    )  # fmt: skip


def cohort_files(spec: CohortSpec, *, with_sheets: bool = True) -> Iterator[Piece]:
    """Yield every file of a cohort: the sheets, then each sample's, then the truth.

    Paths are relative to the cohort's folder; the truth tables grow patient by patient.
    """
    spec = validate(spec)
    folder = f"{spec.folder}/" if spec.folder else ""
    panel = build_panel(spec.genes)
    if with_sheets:
        for path, content in sheets(spec).items():
            yield Piece(path, content)
    yield Piece(f"{folder}truth/effects.tsv", writers.tsv(truth.effect_table(spec)))
    for patient in range(spec.patients):
        pools = build_pools(spec, patient)
        tally = truth.CloneTally(spec, patient, pools)
        for time in range(len(spec.timepoints)):
            sample = simulate_sample(spec, panel, pools, patient=patient, time=time)
            yield from _sample_files(spec, panel, sample, folder, patient, time)
            tally.add(time, sample)
        content = writers.tsv(tally.table(), header=patient == 0)
        yield Piece(f"{folder}truth/clones.tsv", content, append=True)


def _sample_files(
    spec: CohortSpec, panel: Panel, sample: Sample, folder: str, patient: int, time: int
) -> Iterator[Piece]:
    place = f"{folder}{sample.name}"
    genes = measured_genes(spec, panel, time)
    matrix = writers.matrix_h5(sample.counts, sample.cells.barcodes, panel, genes)
    yield Piece(f"{place}/{MATRIX}", matrix)
    if not is_handful(spec, patient, time):
        yield Piece(f"{place}/{BCR}", writers.csv(contigs.contig_table(sample.contigs, "BCR")))
    yield Piece(f"{place}/{TCR}", writers.csv(contigs.contig_table(sample.contigs, "TCR")))
    content = writers.tsv(sample.truth, header=patient == 0 and time == 0)
    yield Piece(f"{folder}truth/cells.tsv.gz", writers.gzipped(content), append=True)
