"""IgBLAST on a tiny germline made here: the command with a stand-in, the numbers where installed.

The stand-in compares without gaps and writes igblastn's columns. Where igblastn itself is on the
PATH the same test runs on it.
"""

import os
import shutil
import stat
import sys

import numpy as np
import pandas as pd
import pytest
from unit import repertoire_data as made

import assign_germline as script
import read_receptors
from immune_reset import igblast, tables
from immune_reset.errors import InputError
from immune_reset.named_files import check_named_files, header_of

STAND_IN = """#!{python}
import sys
words = [word for word in sys.argv[1:] if word != "-parse_seqids"]
given = dict(zip(words[::2], words[1::2]))
records = lambda path: [(r.split("\\n")[0], "".join(r.split("\\n")[1:]))
                        for r in open(path).read().split(">")[1:]]
if sys.argv[0].endswith("makeblastdb"):
    open(given["-out"] + ".nsq", "w").write("made")
    sys.exit()
assert open(given["-germline_db_J"] + ".nsq").read() == "made"
names = ("sequence_id", "v_call", "v_identity", "v_sequence_start", "v_sequence_end")
lines = ["\\t".join(names)]
for name, contig in records(given["-query"]):
    best = ("", "")
    for gene, v in records(given["-germline_db_V"] + ".fasta"):
        for shift in range(len(contig) - len(v) + 1):
            same = sum(a == b for a, b in zip(contig[shift:], v)) / len(v)
            if same > 0.7:
                best = max(best, (f"{{100 * same:.3f}}", gene))
    lines.append("\\t".join((name, best[1], best[0], "1", "294")))
open(given["-out"], "w").write("\\n".join(lines) + "\\n")
"""
INSTALLED = all(map(shutil.which, igblast.PROGRAMS))
V_ENDS = {"fwr1": (1, 75), "cdr1": (76, 99), "fwr2": (100, 150), "cdr2": (151, 174)}


def letters(rng, n):
    return "".join(rng.choice(list("ACGT"), n))


@pytest.fixture(params=["stand-in", *(["igblastn"] if INSTALLED else [])])
def programs(request, tmp_path, monkeypatch):
    """igblastn and makeblastdb on the PATH: the stand-in, or those of the machine."""
    if request.param == "stand-in":
        place = tmp_path / "bin"
        place.mkdir()
        for name in igblast.PROGRAMS:
            (place / name).write_text(STAND_IN.format(python=sys.executable))
            (place / name).chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return request.param


@pytest.fixture
def germline(tmp_path):
    """A folder of two V, one D and two J genes, in IMGT's form, with IgBLAST's own data."""
    rng = np.random.default_rng(11)
    v = {name: letters(rng, 285) + "TGTGCGAGA" for name in ("IGHV3-23*01", "IGHV4-34*01")}
    folder = tmp_path / "germline"
    own = folder / "internal_data" / "human"
    own.mkdir(parents=True)
    texts = {
        "V": "".join(f">X1|{n}|F\n{s[:24]}...{s[24:].lower()}\n" for n, s in v.items()),
        "D": f">X2|IGHD3-3*01|Homo sapiens|F\n{letters(rng, 31)}\n",
        "J": "".join(f">X3|IGHJ{i}*01|F\n{letters(rng, 12)}TGGGGCCAAGGAACC{letters(rng, 21)}\n"
                     for i in (4, 6)),
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.fasta").write_text(text)
    bounds = "\t".join(str(end) for pair in V_ENDS.values() for end in pair)
    lines = [f"{name}\t{bounds}\t175\t285\tVH\t0" for name in v]
    (own / "human.ndm.imgt").write_text("\n".join(lines) + "\n")
    (own / "human_V.fasta").write_text("".join(f">{n}\n{s}\n" for n, s in v.items()))
    return folder, v


def own_database(folder):
    """Make the database that igblastn looks for among its own data."""
    import subprocess

    base = folder / "internal_data/human/human_V"
    call = ["makeblastdb", "-parse_seqids", "-dbtype", "nucl", "-in", f"{base}.fasta"]
    subprocess.run([*call, "-out", str(base)], check=True, capture_output=True)


def contig(v, j_fasta, places, seed=2):
    """A leader, a V with mutations at `places`, an insert, a J and a constant gene."""
    rng = np.random.default_rng(seed)
    mutated = list(v)
    for place in places:
        mutated[place] = "ACGT"[("ACGT".index(v[place]) + 2) % 4]
    j = j_fasta.split(">")[1].split("\n")[1]
    return letters(rng, 60) + "".join(mutated) + "CCGGTA" + j + letters(rng, 40)


def assigned(tmp_path, folder, inputs):
    outputs = {"germline": tmp_path / "germline.parquet"}
    genes = {name: str(folder / f"{name}.fasta") for name in igblast.GENES}
    cfg = {
        "receptors.igblast_germline": str(folder), "receptors.igblast_organism": "human",
    }  # fmt: skip
    script.main(made.job({**inputs, **genes}, outputs, cfg=cfg))
    return tables.read(outputs["germline"])


def test_identity_of_known_mutations_by_hand(programs, germline, tmp_path):
    folder, v = germline
    if programs == "igblastn":
        own_database(folder)
    j = (folder / "J.fasta").read_text()
    places = range(10, 270, 29)  # nine of 294
    table = pd.DataFrame({
        "sequence_id": ["a", "b", "c"],
        "sequence": [
            contig(v["IGHV3-23*01"], j, []), contig(v["IGHV4-34*01"], j, places),
            letters(np.random.default_rng(9), 400),
        ],
    })  # fmt: skip
    table.to_csv(tmp_path / "airr.tsv", sep="\t", index=False)
    found = assigned(tmp_path, folder, {"bcr": str(tmp_path / "airr.tsv")})
    found = found.set_index("sequence_id")
    assert list(found.index) == ["a", "b"]  # random letters are no V gene
    assert found.loc["a", "v_call"] == "IGHV3-23*01"
    assert found.loc["a", "v_identity"] == 1
    assert found.loc["b", "v_call"] == "IGHV4-34*01"
    assert found.loc["b", "v_identity"] == pytest.approx(1 - 9 / 294, abs=3e-4)


def test_sequences_beside_cell_rangers_table(programs, germline, tmp_path):
    folder, v = germline
    if programs == "igblastn":
        own_database(folder)
    beside = igblast.fasta_beside(tmp_path / "x_filtered_contig_annotations.csv.gz")
    assert beside == str(tmp_path / "x_filtered_contig.fasta")
    text = f">A-1_contig_1\n{contig(v['IGHV3-23*01'], (folder / 'J.fasta').read_text(), [40])}\n"
    (tmp_path / "x_filtered_contig.fasta").write_text(text)
    found = assigned(tmp_path, folder, {"bcr": "not read", "fasta": beside})
    assert found["sequence_id"].tolist() == ["A-1_contig_1"]
    assert found["v_identity"][0] == pytest.approx(293 / 294, abs=1e-5)


def test_a_short_hit_is_no_measurement():
    table = pd.DataFrame({
        "sequence_id": ["0", "1", "2"], "v_call": ["IGHV1*01", "IGHV1*01", ""],
        "v_identity": ["97", "99", ""], "v_sequence_start": ["11", "11", ""],
        "v_sequence_end": ["110", "109", ""],
    })  # fmt: skip
    found = igblast.assignments(table, ["a", "b", "c"])
    assert found["sequence_id"].tolist() == ["a"]
    assert found["v_identity"].tolist() == [0.97]


def test_an_empty_library_needs_no_program(germline, tmp_path):
    (tmp_path / "airr.tsv").write_text("sequence_id\tsequence\n")
    found = assigned(tmp_path, germline[0], {"bcr": str(tmp_path / "airr.tsv")})
    assert found.empty
    assert dict(found.dtypes.astype(str)) == igblast.TYPES


def test_a_program_that_fails_is_named(germline, tmp_path, monkeypatch):
    (tmp_path / "makeblastdb").write_text("#!/bin/sh\necho no room >&2\nexit 3\n")
    (tmp_path / "makeblastdb").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "airr.tsv").write_text("sequence_id\tsequence\na\tACGT\n")
    with pytest.raises(RuntimeError, match="makeblastdb ended with 3: no room"):
        assigned(tmp_path, germline[0], {"bcr": str(tmp_path / "airr.tsv")})


def test_its_identity_takes_the_place_of_the_tables():
    table = made.contigs(made.contig("A", 1, "IGH", "TGTGCA"), made.contig("B", 1, "IGH", "TGTGCC"))
    found = pd.DataFrame({"sequence_id": ["A_contig_1"], "v_call": ["x"], "v_identity": [0.93]})
    chains, receptors, facts = read_receptors.build_receptors(
        {"BCR": (table, "b.csv"), "TCR": (made.contigs(), "t.csv")}, sample="S",
        min_umis=1, productive_only=True, high_confidence_only=True, germline=found,
    )  # fmt: skip
    own = chains.set_index("cell_id")["v_identity"]
    assert own["S:A"] == 0.93
    assert np.isnan(own["S:B"])
    assert receptors.set_index("cell_id").loc["S:A", "VDJ_1_v_identity"] == 0.93
    assert facts["BCR"]["v_identity"]


def test_what_lacks_is_refused_before_any_job(germline, tmp_path):
    folder, _ = germline
    with pytest.raises(InputError, match=r"no folder .*nowhere\. Check the path"):
        igblast.check_germline(tmp_path / "nowhere", "human")
    with pytest.raises(InputError, match=r"internal_data/mouse\. Copy internal_data of IgBLAST"):
        igblast.check_germline(folder, "mouse")
    with pytest.raises(InputError, match=r"igblastn not found\. Install"):
        igblast.check_programs({"igblastn": None, "makeblastdb": "/usr/bin/makeblastdb"})
    (folder / "J.fasta").unlink()
    with pytest.raises(InputError, match=r"no J\.fasta in .*Give V\.fasta and J\.fasta"):
        igblast.check_germline(folder, "human")


def test_a_table_without_sequences_is_refused(germline, tmp_path, root):
    from immune_reset.plan import schema
    from immune_reset.settings import settings

    path = tmp_path / "filtered_contig_annotations.csv"
    made.contigs(made.contig("A", 1, "IGH", "TGTGCA")).to_csv(path, index=False)
    assert header_of(path)[:2] == ["barcode", "is_cell"]
    chosen = settings({"receptors": {"igblast_germline": str(germline[0])}}, schema("config", root))
    rows = [{"sample": "S", "patient": "P", "timepoint": "t", "bcr": str(path)}]
    with pytest.raises(InputError, match=r"no column 'sequence', and no file .*contig\.fasta"):
        check_named_files(chosen, rows, root)
    (tmp_path / "filtered_contig.fasta").write_text(">A_contig_1\nACGT\n")
    check_named_files(chosen, rows, root)
