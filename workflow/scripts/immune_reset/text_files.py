"""Text of input files, line by line: gzip told from the content, broken files refused in words."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from immune_reset.errors import at

GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
MAX_LINE = 1 << 20
"""Bytes of the longest line; the longest contig with all its columns is a tenth of it."""

MAX_EXPANSION = 100
"""How many times a gzip may expand; matrices and contigs expand 3 to 20 times."""

FREE = 16 << 20
"""Bytes that any file may expand to."""

PIECE = 1 << 20
COPY = "Copy the file again; it is cut or damaged"
BROKEN = (OSError, EOFError, zlib.error)


def lines(path: str | Path, n: int | None = None) -> list[str]:
    """Return the first `n` lines of a text file (all if None), without line ends.

    UTF-8, plain or gzipped, with a byte-order mark or not, with line ends of any system.

    Raises
    ------
    InputError
        If the file is cut, damaged, not UTF-8, binary, or expands beyond what text does.
    """
    return list(islice(iter_lines(path), n))


def iter_lines(path: str | Path) -> Iterator[str]:
    """Yield the lines of a text file, as `lines` returns them."""
    path = Path(path)
    try:
        with open_binary(path) as stream:
            limit, read = expansion_limit(path), 0
            while raw := stream.readline(MAX_LINE + 1):
                if read == 0:
                    raw = _without_mark(raw, path)
                read += len(raw)
                _check_piece(raw, read, limit, path)
                yield from _decoded(raw, path).rstrip("\n").removesuffix("\r").split("\r")
    except BROKEN as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> Exception:
    packed = isinstance(error, (gzip.BadGzipFile, EOFError, zlib.error))
    found = "it cannot be read to its end"
    found += f": the compressed file is broken ({short(error)})" if packed else f" ({short(error)})"
    return at(path, found, COPY)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading bytes, decompressed where its content (not its name) is gzip."""
    with path.open("rb") as stream:
        head = stream.read(2)
    if path.suffix == ".gz" and head and head != GZIP:
        found = "the compressed file is broken (its name says gzip, its content does not)"
        raise at(path, found, "Rename it, or compress it")
    return gzip.open(path, "rb") if head == GZIP else path.open("rb")


def check_whole(path: str | Path) -> None:
    """Read a text to its end, so that a gzip that is cut, or NUL bytes, are refused.

    A download that broke off may leave NUL bytes, and SciPy's reader of MatrixMarket files crashes
    on one in the place of a line end.
    """
    path = Path(path)
    try:
        with open_binary(path) as stream:
            limit, read = expansion_limit(path), 0
            while piece := stream.read(PIECE):
                if not read:
                    _without_mark(piece, path)
                read += len(piece)
                if read > limit:
                    raise _too_large(path)
                if b"\0" in piece:
                    raise _no_text(path)
    except BROKEN as error:
        raise _broken(path, error) from None


def expansion_limit(path: Path) -> int:
    """Return the bytes beyond which the file's text is refused."""
    return max(FREE, MAX_EXPANSION * path.stat().st_size)


def _too_large(path: Path) -> Exception:
    found = f"the compressed file expands more than {MAX_EXPANSION} times"
    return at(path, found, "Give the table as it was written; this is no text")


def _no_text(path: Path) -> Exception:
    found = "this is no table: it holds NUL bytes"
    return at(path, found, "Give the table as text; if it was downloaded, do it again")


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith(UTF_16):
        raise at(path, "it is UTF-16 text", "Save it as UTF-8")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _check_piece(raw: bytes, read: int, limit: int, path: Path) -> None:
    if read > limit:
        raise _too_large(path)
    if b"\0" in raw:
        raise _no_text(path)
    if len(raw) > MAX_LINE:
        found = "a line is longer than a megabyte, so it is no table"
        raise at(path, found, "Give the table as it was written")


def _decoded(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise at(
            path, f"this is no table: not UTF-8 ({error.reason})", "Save it as UTF-8"
        ) from None


def table(path: str | Path, n: int | None = None) -> pd.DataFrame:
    """Return a table with a header as text, `n` lines of it; leading lines with # are left out.

    Tab-separated where its header has more tabs than commas, else comma-separated. Short rows
    are filled with ""; only a last row that ends within the file's last line is a cut file.

    Raises
    ------
    InputError
        As `lines`; for a file without a header, a column that stands twice, or a row with more
        cells than the header.
    """
    found = lines(path, n)
    start = next((i for i, line in enumerate(found) if line.strip() and line[0] != "#"), None)
    if start is None:
        mend = "Give a table; one without rows still has its header"
        raise at(path, "the file is empty, without even a header", mend)
    head = found[start]
    if head.lstrip()[:1] in "[{":
        raise at(path, "it is JSON, not a table", "Give the .csv or .tsv that lies beside it")
    delimiter = "\t" if head.count("\t") > head.count(",") else ","
    try:
        header, *rows = csv.reader(found[start:], delimiter=delimiter)
    except csv.Error as error:
        raise at(path, f"this is no table ({short(error)})", COPY) from None
    header = [name.strip() for name in header]
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        mend = "Keep one of them; if the table has no header, write it"
        raise at(path, f"the column {twice!r} stands twice", mend)
    if rows and all(len(row) == len(header) + 1 for row in rows if row):
        mend = "Write the table without row names (in R: row.names = FALSE)"
        raise at(path, f"every row has one cell more than the header's {len(header)}", mend)
    for number, row in enumerate(rows, start=start + 2):
        if len(row) > len(header):
            found_here = f"{len(row)} cells under {len(header)} columns"
            raise at(f"{path}, line {number}", found_here, COPY)
    whole = n is None or len(found) < n
    if rows and whole and 0 < len(rows[-1]) < len(header) and not _ends_a_line(Path(path)):
        cut = f"{len(rows[-1])} cells under {len(header)} columns, and the file ends there"
        raise at(f"{path}, line {start + 1 + len(rows)}", cut, COPY)
    filled = [row + [""] * (len(header) - len(row)) for row in rows if row]
    return pd.DataFrame(filled, columns=header, dtype=str)


def plain_table(path: str | Path) -> pd.DataFrame:
    """Return a table as `table` does, its cells without spaces at their ends."""
    return table(path).apply(lambda column: column.str.strip())


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        if stream.read(2) == GZIP:
            return True  # its checksum tells
        stream.seek(-1, 2)
        return stream.read(1) in b"\r\n"


def digest(path: str | Path) -> str:
    """Return a digest of the file's first hundred lines."""
    return hashlib.sha256("\n".join(lines(path, 100)).encode()).hexdigest()


def short(error: Exception) -> str:
    """Return the first words of an error, or its kind."""
    return str(error).split("\n")[0][:120] or type(error).__name__
