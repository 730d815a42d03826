import pytest

from immune_reset.clinical_sheet import read_clinical
from immune_reset.errors import InputError
from immune_reset.plan import make_plan, schema
from immune_reset.sheets import read_samples


@pytest.fixture(scope="module")
def rows_schema(root):
    return schema("samples", root)


def write(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


GOOD = (
    "sample\tpatient\ttimepoint\tday\tgex\tbcr\n"
    "A\tP1\tpre\t-7\ta.h5\tb.csv\n"
    "NA\tP1\tpost\t90\tc.h5\t\n"
)


def test_ids_are_text_and_paths_follow_the_sheet(tmp_path, rows_schema):
    rows = read_samples(write(tmp_path / "s.tsv", GOOD), rows_schema)
    assert [row["sample"] for row in rows] == ["A", "NA"]
    assert rows[0]["gex"] == str(tmp_path / "a.h5")
    assert rows[0]["day"] == -7.0
    assert "bcr" not in rows[1]


def test_byte_order_mark_and_windows_lines_are_the_same_sheet(tmp_path, rows_schema):
    plain = read_samples(write(tmp_path / "s.tsv", GOOD), rows_schema)
    dos = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert read_samples(write(tmp_path / "s.tsv", dos), rows_schema) == plain


BAD = [
    ("", ["empty", "header"]),
    ("sample\tpatient\ttimepoint\n", ["no row"]),
    ("sample,patient,timepoint\nA,B,C\n", ["'sample'", "tabs"]),
    ("sample\tpatient\nA\tP\n", ["timepoint", "Add the column"]),
    ("sample\tsample\tpatient\ttimepoint\n", ["'sample' stands twice"]),
    (
        "sample\tpatient\ttimepoint\tgex\nA\tP\tt\tx.h5\nA\tP\tu\ty.h5\n",
        ["'A'", "line 2", "line 3"],
    ),
    ("sample\tpatient\ttimepoint\tgex\n<b>\tP\tt\tx.h5\n", ["<b>", "line 2", "'sample'"]),
    ("sample\tpatient\ttimepoint\tgex\n../A\tP\tt\tx.h5\n", ["../A"]),
    ("sample\tpatient\ttimepoint\tgex\n\tP\tt\tx.h5\n", ["'sample' is empty", "line 2"]),
    ("sample\tpatient\ttimepoint\tgex\tday\nA\tP\tt\tx.h5\tsoon\n", ["soon", "'day'", "number"]),
    ("sample\tpatient\ttimepoint\tgex\tday\nA\tP\tt\tx.h5\tnan\n", ["nan", "finite"]),
    ("sample\tpatient\ttimepoint\tgex\tqc_min_gene\nA\tP\tt\tx.h5\t3\n", ["qc_min_gene"]),
    ("sample\tpatient\ttimepoint\tgex\nA\tP\tt\t\n", ["neither gex"]),
    (
        "sample\tpatient\ttimepoint\tgex\ttcr\nA\tP\tt\tx.h5\t\nB\tP\tu\t\ty.csv\n",
        ["'B'", "no count matrix"],
    ),
    ("sample\tpatient\ttimepoint\tgex\nA\tP\tt\tx.h5\textra\n", ["5 cells under 4 columns"]),
    (b"sample\tpatient\ttimepoint\tgex\nA\xff\tP\tt\tx.h5\n", ["UTF-8"]),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[" ".join(words) for _, words in BAD])
def test_a_broken_sheet_is_refused_by_place_and_mend(tmp_path, rows_schema, text, words):
    path = write(tmp_path / "s.tsv", text)
    with pytest.raises(InputError) as error:
        read_samples(path, rows_schema)
    assert str(path) in str(error.value)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_missing_files_are_named_with_their_sample(tmp_path, root):
    sheet = write(tmp_path / "s.tsv", GOOD)
    with pytest.raises(InputError, match=r"sample 'A', column 'gex'.*a\.h5"):
        make_plan({"samples": str(sheet)}, root)


def test_the_clinical_table_is_held_against_the_sheet(tmp_path, root):
    rules = schema("clinical", root)
    head = "patient\tday\tkind\tmeasure\tvalue\tunit\n"
    good = write(
        tmp_path / "c.tsv", head + "P1\t-3\tmeasure\tC3\t0.6\tg/L\nP1\t4\tevent\tCRS\t\t\n"
    )
    assert len(read_clinical(good, rules, {"P1"})) == 2
    for line, words in [
        ("P9\t1\tmeasure\tC3\t1\tg/L", "P9"),
        ("P1\t1\tmeasure\tC3\thigh\tg/L", "high"),
        ("P1\t1\tmesure\tC3\t1\tg/L", "mesure"),
    ]:
        with pytest.raises(InputError, match=words):
            read_clinical(write(tmp_path / "b.tsv", head + line + "\n"), rules, {"P1"})
