"""Take size and SHA-256 of every file that the user gave; the record of the run names them."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from immune_reset import tables
from immune_reset.runtime import start

logger = logging.getLogger("digest_inputs")

CHUNK = 1 << 20


def digest(stream: BinaryIO) -> tuple[int, str]:
    """Return size in bytes and SHA-256 of a stream, read in pieces of a megabyte."""
    size, sha = 0, hashlib.sha256()
    while piece := stream.read(CHUNK):
        size += len(piece)
        sha.update(piece)
    return size, sha.hexdigest()


def files_of(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files behind `paths`, folders (10x matrices) walked, each once, sorted."""
    found: set[Path] = set()
    for path in map(Path, paths):
        found.update(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else found.add(
            path
        )
    return sorted(found)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    inputs = []
    for path in files_of(smk.input.sources):
        with path.open("rb") as stream:
            size, sha = digest(stream)
        inputs.append({"path": path.as_posix(), "bytes": size, "sha256": sha})
    logger.info("%d input files, %d bytes", len(inputs), sum(i["bytes"] for i in inputs))
    tables.write_json(inputs, smk.output.inputs)


if __name__ == "__main__":
    main(snakemake)
