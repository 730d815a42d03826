"""The preview: times added up by hand, and the words for what would run."""

import pytest

import preview
from immune_reset.dry_run import FOLLOWS, Job
from immune_reset.errors import InputError


def job(rule, inputs=(), outputs=(), who="", why=FOLLOWS):
    wildcards = (("sample", who),) if who else ()
    return Job(rule, wildcards, why, tuple(inputs), tuple(outputs), f"b/{rule}/{who}.tsv")


# two loads of 4 s and 2 s, a gather of 3 s that waits for both, a plot of 1 s that waits for one
JOBS = [
    job("load", outputs=["a"], who="A", why="its settings changed"),
    job("load", outputs=["b"], who="B"),
    job("gather", ["a", "b"], ["out/tables/qc.tsv"]),
    job("plot", ["b"], ["out/figures/qc.png", "out/figures/qc.pdf"]),
]
TIMES = {
    "b/load/A.tsv": (4.0, 5.0),
    "b/load/B.tsv": (2.0, 2.5),
    "b/gather/.tsv": (3.0, 3.0),
    "b/plot/.tsv": (1.0, 1.0),
}


@pytest.mark.parametrize(("cores", "seconds"), [(1, 10), (2, 7), (3, 7), (8, 7)])
def test_the_clock_on_some_cores(cores, seconds):
    """By hand. One core: 4 + 2 + 3 + 1. Two: the core that is free at 2 is kept for the gather,
    which runs from 4 to 7; the plot takes the other from 4 to 5. Three: the same, 4 + 3."""
    known = preview.filled(JOBS, TIMES)
    assert preview.wall(JOBS, known, cores) == seconds


def test_a_job_that_never_ran_takes_the_median_of_its_rule():
    new = job("load", outputs=["c"], who="C")
    stranger = job("match", outputs=["d"])
    known = preview.filled([*JOBS, new, stranger], TIMES)
    assert known[new] == (3.0, 3.75)
    assert stranger not in known


def test_a_new_job_alone_takes_the_median_of_other_jobs_of_its_rule(tmp_path, monkeypatch):
    """As of gene sets of one's own: their rule has run, for the shipped sets."""
    monkeypatch.chdir(tmp_path)
    new = job("load", outputs=["c"], who="C")
    for path, (clock, cpu) in TIMES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"s\tcpu_time\n{clock}\t{cpu}\n")
    assert preview.filled([new], preview.read_times([new])) == {new: (3.0, 3.75)}


def test_the_words():
    text = "\n".join(preview.lines(JOBS, TIMES, cores=1))
    assert "load                      2      8 s   its settings changed" in text
    assert "3 rules with 4 jobs would run." in text
    assert "They took 12 s of CPU last time: about 10 s on 1 core." in text
    assert "New tables: qc." in text and "New figures: qc." in text
    assert "The report stays as it is. Nothing was run." in text


def test_without_times_and_without_jobs():
    text = "\n".join(preview.lines(JOBS, {}, cores=2))
    assert "4 jobs of rules that never ran here." in text and "CPU last time" not in text
    assert preview.lines([], {}, cores=2) == ["Nothing would run: all results are up to date."]


def test_changes_are_read_as_yaml():
    found = preview.changes(["a.b=1 a.c=[0,1]", "t='My title' e=null"])
    assert found == {"a": {"b": 1, "c": [0, 1]}, "t": "My title", "e": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.b", "'a.b' is no change of a key. Write key=value"),
        ("seed = 4", "'seed' is no change of a key"),
        ("a..b=3", "is no change of a key"),
        ("report.title=My title", "'title' is no change of a key.*in quotes"),
        ("report.title='My title", "a quotation mark is not closed"),
        ("genes.keep=[a", "'genes.keep=.a': the value cannot be read"),
        ("clusters=1 clusters.resolution=2", "'clusters' is given a value, and so is"),
    ],
)
def test_what_is_no_change_is_refused_with_the_form(text, said):
    with pytest.raises(InputError, match=said):
        preview.changes([text])


def test_what_is_due_without_the_change_is_told_apart():
    edited = job("gather", ["a", "b"], ["out/tables/qc.tsv"], why="its script was edited")
    text = "\n".join(preview.lines(JOBS, TIMES, cores=1, anyway=[edited]))
    assert "Without the change too: 1 job (gather: its script was edited)." in text
    assert "Without" not in "\n".join(preview.lines(JOBS, TIMES, cores=1))


def test_without_a_configuration_file(tmp_path, capsys):
    assert preview.main(["--config", str(tmp_path / "mine.yaml"), "seed=3"]) == 1
    assert "mine.yaml: there is no such file" in capsys.readouterr().err


def test_times_are_those_of_the_benchmark_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b/load").mkdir(parents=True)
    head = "s\th:m:s\tmax_rss\tcpu_time\n"
    (tmp_path / "b/load/A.tsv").write_text(f"{head}4.0\t0:00:04\t10\t5.0\n")
    (tmp_path / "b/load/B.tsv").write_text(f"{head}0.1\t0:00:00\tNA\tNA\n")
    assert preview.read_times(JOBS) == {"b/load/A.tsv": (4.0, 5.0)}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (150, "2 min"), (7200, "2.0 h")]
)
def test_durations(seconds, text):
    assert preview.spoken(seconds) == text
