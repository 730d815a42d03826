"""Random sheets, configurations, contigs and matrices: read, or refused in words; never a crash.

The examples are fixed (`derandomize`); IMMUNE_RESET_FUZZ multiplies them (`make fuzz`).
"""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit import inputs_made as made

from immune_reset import contigs, text_files
from immune_reset.clinical_sheet import read_clinical
from immune_reset.errors import InputError
from immune_reset.heads import contig_barcodes
from immune_reset.matrices import read_matrix
from immune_reset.matrix_heads import read_head
from immune_reset.plan import schema
from immune_reset.settings import settings as read_settings
from immune_reset.sheets import read_samples

ROOT = Path(__file__).resolve().parents[2]
TIMES = int(os.environ.get("IMMUNE_RESET_FUZZ", "1"))
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def fuzz(n):
    return settings(max_examples=n * TIMES, derandomize=TIMES == 1, deadline=None,
                    suppress_health_check=SLOW, database=None)  # fmt: skip


def is_message(error: InputError) -> None:
    """Hold that a refusal is one line of place, finding and mend."""
    said = str(error)
    assert ": " in said and "\n" not in said and len(said) < 2500, said


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    made.cohort(folder)
    return folder


words = st.text(max_size=12)
names = st.sampled_from(["A", "B", "S1", "pre", "post", "-7", "1e3", "nan", "", " ", "../x", "=1"])
headers = st.lists(
    st.sampled_from(["sample", "patient", "timepoint", "gex", "bcr", "tcr", "day", "qc_min_genes",
                     "donor", "donors", "cellranger", "tissue", "group", "batch", "x"]),
    min_size=1, max_size=9,
)  # fmt: skip


@fuzz(200)
@given(headers, st.lists(st.lists(names | words, max_size=9), max_size=5), st.booleans())
def test_any_sheet_is_read_or_refused(place, header, rows, all_needed):
    header = ["sample", "patient", "timepoint", "gex", *header] if all_needed else header
    text = "\n".join("\t".join(row) for row in [header, *rows])
    path = place / "fuzz.tsv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_samples(path, schema("samples", ROOT))
        assert all({"sample", "patient", "timepoint"} <= row.keys() for row in found)
    except InputError as error:
        is_message(error)


@fuzz(100)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_sheet_that_crashes(place, content):
    path = place / "fuzz.tsv"
    path.write_bytes(content)
    for read in (lambda: read_samples(path, schema("samples", ROOT)),
                 lambda: read_clinical(path, schema("clinical", ROOT), {"P1"}),
                 lambda: text_files.table(path)):  # fmt: skip
        try:
            read()
        except InputError as error:
            is_message(error)


leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | words
    | st.lists(st.integers() | words)
)
SECTIONS = schema("config", ROOT)["properties"]
KEYS = sorted({key for rule in SECTIONS.values() for key in rule.get("properties", {})})
config_values = st.dictionaries(
    st.sampled_from(sorted(SECTIONS)) | words,
    leaf | st.dictionaries(st.sampled_from(KEYS) | words, leaf, max_size=3),
    max_size=4,
)


@fuzz(200)
@given(config_values)
def test_any_configuration_is_typed_or_refused(config):
    try:
        filled = read_settings(config, schema("config", ROOT))
    except InputError as error:
        is_message(error)
    else:
        assert set(filled) == set(SECTIONS)
        again = read_settings(yaml.safe_load(yaml.safe_dump(filled)), schema("config", ROOT))
        assert again == filled


COLUMN = {3: made.COLUMNS[3], 9: made.COLUMNS[9], 0: made.AIRR_10X}
cells = (
    st.sampled_from(["True", "None", "nan", "", "IGH", "TRB", "5", "-1", "1e309", "IGHV1-2*01"])
    | words
)


@fuzz(120)
@given(
    st.sampled_from(sorted(COLUMN)),
    st.lists(st.tuples(st.integers(0, 17), cells), max_size=4),
    st.sampled_from(["BCR", "TCR"]),
)
def test_any_contigs_are_parsed_or_refused(place, kind, changes, receptor):
    path = place / ("fuzz_contigs.tsv" if kind == 0 else "fuzz_contigs.csv")
    barcodes = made.barcodes(3)
    made.airr(path, barcodes) if kind == 0 else made.contigs(path, barcodes, version=kind)
    table = text_files.table(path)
    for number, (column, value) in enumerate(changes):
        table.iloc[number % len(table), column % len(table.columns)] = value
    try:
        chains, facts = contigs.parse(table, path="x.csv", receptor=receptor)
    except InputError as error:
        is_message(error)
    else:
        lost = sum(facts.values()) - facts["contigs"]
        assert len(chains) == facts["contigs"] - lost
        assert chains["locus"].isin(contigs.RECEPTOR_LOCI[receptor]).all()
        assert chains["sequence_id"].is_unique


@fuzz(60)
@given(st.data())
def test_damaged_contigs_are_read_or_refused(place, data):
    path = place / "damaged.csv"
    made.contigs(path, made.barcodes(6))
    damage(path, data)
    try:
        contig_barcodes(path, "bcr")
    except InputError as error:
        is_message(error)


def damage(path: Path, data) -> None:
    """Cut the file, or overwrite some of its bytes."""
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6)
    ):
        if content:
            content[at % len(content)] = byte
    path.write_bytes(bytes(content))


MATRICES = {
    "h5": lambda p: made.h5(p / "x.h5"),
    "folder": lambda p: made.triplet(p / "m", ending=""),
    "features": lambda p: made.triplet(p / "m", ending="").parent / "features.tsv",
    "barcodes gz": lambda p: made.triplet(p / "m").parent / "barcodes.tsv.gz",
    "gz": lambda p: made.triplet(p / "m"),
}


@pytest.mark.parametrize("form", MATRICES)
def test_damaged_matrices_are_read_or_refused(place, form):
    @fuzz(40)
    @given(st.data())
    def run(data):
        folder = place / "matrix"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = MATRICES[form](folder)
        damage(path, data)
        for read in (read_head, read_matrix):
            try:
                read(path if form == "h5" else path.parent)
            except InputError as error:
                is_message(error)

    run()
