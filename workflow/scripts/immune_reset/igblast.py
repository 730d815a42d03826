"""IgBLAST on the contigs of one sample: where the sequences are, what is run, what is read of it.

Off unless `receptors.igblast_germline` names a folder with the user's germline references, as
FASTA: `V.fasta` and `J.fasta`, optionally `D.fasta` (headers of IMGT, or the allele alone; IMGT's
gaps are taken out), and IgBLAST's own `internal_data/<organism>/`, which it asks for.
"""

import logging
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pandas as pd

from immune_reset.errors import InputError, at

logger = logging.getLogger(__name__)

PROGRAMS = ("igblastn", "makeblastdb")
NEEDED, GENES = ("V", "J"), ("V", "D", "J")
MIN_ALIGNED = 100  # positions of the V gene
COLUMNS = ("sequence_id", "v_call", "v_identity", "v_sequence_start", "v_sequence_end")
TYPES = {"sequence_id": "string", "v_call": "string", "v_identity": "float64"}
ANNOTATIONS = re.compile(r"_contig_annotations\.csv(\.gz)?$")


def check_germline(folder: str | Path, organism: str) -> None:
    """Refuse a germline folder without what IgBLAST asks for."""
    folder = Path(folder)
    key = "configuration, receptors.igblast_germline"
    if not folder.is_dir():
        raise at(key, f"no folder {folder}", "Check the path, or leave the key out")
    for name in NEEDED:
        if not (folder / f"{name}.fasta").is_file():
            mend = "Give V.fasta and J.fasta (and D.fasta) of your organism, as IMGT offers them"
            raise at(key, f"no {name}.fasta in {folder}", mend)
    own = folder / "internal_data" / organism
    if not own.is_dir():
        mend = "Copy internal_data of IgBLAST's own distribution there, or correct igblast_organism"
        raise at(key, f"no folder {own}", mend)


def check_programs(found: dict[str, str | None]) -> None:
    """Refuse to start without IgBLAST's programs; `found` maps each to its path."""
    missing = [name for name in PROGRAMS if not found.get(name)]
    if missing:
        raise InputError(
            f"configuration, receptors.igblast_germline: {' and '.join(missing)} not found. "
            "Install IgBLAST and put it on the PATH, run with `--sdm conda`, or leave the key out."
        )


def fasta_beside(path: str | Path) -> str | None:
    """Return the FASTA that Cell Ranger writes beside its contig annotations; None for another."""
    path = Path(path)
    if not ANNOTATIONS.search(path.name):
        return None
    return str(path.with_name(ANNOTATIONS.sub("_contig.fasta", path.name)))


def check_sequences(path: str | Path, header: list[str]) -> None:
    """Refuse a contig table whose sequences are nowhere; `header`: its column names."""
    if "sequence" in header:
        return
    beside = fasta_beside(path)
    if beside is None or not Path(beside).is_file():
        found = f"no column 'sequence', and no file {beside or 'filtered_contig.fasta'} beside it"
        mend = "Put Cell Ranger's filtered_contig.fasta there, or unset receptors.igblast_germline"
        raise at(path, found, mend)


def queries(table: pd.DataFrame) -> str:
    """Return the sequences of an AIRR table as FASTA, named by their row number from 0."""
    rows = enumerate(table["sequence"].fillna(""))
    return "".join(f">{i}\n{sequence}\n" for i, sequence in rows if sequence)


def references(text: str) -> str:
    """Return germline FASTA with the allele alone as the name, without IMGT's gaps."""
    records = []
    for record in text.split(">")[1:]:
        header, _, sequence = record.partition("\n")
        parts = header.split("|")
        name = (parts[1] if len(parts) > 1 else parts[0]).split()[0]
        records.append(f">{name}\n{''.join(sequence.split()).replace('.', '').upper()}\n")
    return "".join(records)


def align(query: Path, germline: dict[str, Path], *, data: Path, organism: str) -> pd.DataFrame:
    """Return IgBLAST's AIRR table of the sequences of a FASTA file, all columns text.

    Parameters
    ----------
    query
        FASTA of the contigs; may be empty.
    germline
        FASTA of the germline genes: V and J, optionally D.
    data
        Folder that holds `internal_data`.
    organism
        Folder of `internal_data`, such as human.

    Raises
    ------
    RuntimeError
        If igblastn or makeblastdb fails.
    """
    if not query.stat().st_size:
        return pd.DataFrame(columns=list(COLUMNS), dtype=str)
    with tempfile.TemporaryDirectory() as folder:
        out, call = Path(folder) / "airr.tsv", ["igblastn", "-outfmt", "19", "-ig_seqtype", "Ig"]
        for name, source in germline.items():
            base = Path(folder) / name
            base.with_suffix(".fasta").write_text(references(source.read_text("utf-8")), "utf-8")
            make = ["makeblastdb", "-parse_seqids", "-dbtype", "nucl", "-out", str(base)]
            _call([*make, "-in", f"{base}.fasta"], folder, data)
            call += [f"-germline_db_{name}", str(base)]
        call += ["-organism", organism, "-domain_system", "imgt", "-num_threads", "1"]
        _call([*call, "-query", str(query.resolve()), "-out", str(out)], folder, data)
        return pd.read_csv(out, sep="\t", dtype=str, keep_default_na=False)


def _call(command: list[str], folder: str, data: Path) -> None:
    own = {**os.environ, "IGDATA": str(data.resolve())}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    logger.info("%s: %s", command[0], said[-2000:])
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said[-500:]}")


def assignments(table: pd.DataFrame, names: list[str] | None = None) -> pd.DataFrame:
    """Return sequence_id, v_call and v_identity (share of 1) of an IgBLAST table, hits alone.

    A hit has `MIN_ALIGNED` positions or more: any sequence has a few in common with some gene.
    `names`: the contigs in the order of `queries`, where the queries were numbered.
    """
    start, end, identity = (
        pd.to_numeric(table[name], errors="coerce")
        for name in ("v_sequence_start", "v_sequence_end", "v_identity")
    )
    found = table.assign(v_identity=identity / 100)[list(TYPES)]
    found = found[identity.notna() & (end - start + 1 >= MIN_ALIGNED) & (found["v_call"] != "")]
    if names is not None:
        found = found.assign(sequence_id=[names[int(i)] for i in found["sequence_id"]])
    return found.drop_duplicates("sequence_id").astype(TYPES).reset_index(drop=True)


def join_identity(chains: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return `chains` with the V identity that IgBLAST found; the others keep their own."""
    own = (
        chains["sequence_id"]
        .astype(object)
        .map(found.set_index(found["sequence_id"].astype(object))["v_identity"])
    )
    return chains.assign(v_identity=own.astype(float).fillna(chains["v_identity"]))
