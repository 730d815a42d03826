"""The house rules: how rules and scripts are written, walked over every one of them."""

import ast
import re
from pathlib import Path

import jobs_api
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
HELPERS = {"common.smk", "outputs.smk", "inputs.smk"}
PROGRAMS = {"check_inputs", "clean_removed", "compare_runs", "preview"}  # no rule runs them
SOURCES = sorted(SCRIPTS.glob("*.py"))
PACKAGE = sorted((SCRIPTS / "immune_reset").rglob("*.py"))


@pytest.fixture(scope="module")
def rules():
    return [rule for rule in jobs_api.rules(ROOT) if rule.name != "all"]


def _functions(path: Path):
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _length(node) -> int:
    return node.end_lineno - node.lineno + 1


def test_the_snakefile_fits_one_screen():
    text = (ROOT / "Snakefile").read_text("utf-8")
    assert len(text.splitlines()) <= 60
    assert "final_outputs()" in text and "min_version" in text


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_rule_files_are_short_and_hold_no_functions(path):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= (250 if path.name in HELPERS else 150)
    defines = [line for line in lines if re.match(r"\s*def ", line)]
    assert bool(defines) == (path.name in HELPERS)
    assert not any(re.match(r"\s*(run:|shadow:|checkpoint )", line) for line in lines)


def test_every_rule_has_one_name_in_all_places(rules):
    for rule in rules:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", rule.name), rule.name
        assert rule.script == f"../scripts/{rule.name}.py"
        assert (SCRIPTS / f"{rule.name}.py").is_file()
        for files in (rule.log, [rule.benchmark]):
            assert all(f"/{rule.name}" in str(file) for file in files), rule.name


def test_every_script_is_run_by_a_rule(rules):
    stems = {path.stem for path in SOURCES}
    assert stems - PROGRAMS == {rule.name for rule in rules} | ({"read_labels"} & stems)


def test_every_rule_says_what_it_is_and_what_it_takes(rules):
    for rule in rules:
        assert rule.docstring, rule.name
        assert len(rule.log) == 1 and rule.benchmark, rule.name
        assert rule.conda_env, rule.name
        assert {"mem_mb", "runtime", "_cores"} <= set(rule.resources), rule.name


def test_the_exports_wait_for_the_report(rules):
    late = {rule.name for rule in rules if not rule.priority}
    assert late == {"export_cohort", "export_cells", "export_receptors"}


def test_inputs_and_outputs_have_names(rules):
    for rule in rules:
        for files in (rule.input, rule.output):
            named = sum(
                1 if stop is None else stop - start
                for start, stop in dict(files._get_names()).values()
            )
            if len(files) > 1 and rule.name != "simulate_cohort":
                unpacked = sum("<function" in str(file) for file in files)
                assert named + unpacked >= len(files), rule.name


def test_params_are_one_sorted_dictionary_of_leaves(rules):
    known = {"cfg", "code", "row", "rows", "design", "settings", "versions"}
    known |= {"history", "benchmarks"}
    for rule in rules:
        names = set(dict(rule.params._get_names()))
        assert names <= known and {"cfg", "code"} <= names, rule.name
        settings = rule.params.cfg
        assert list(settings) == sorted(settings), rule.name
        for value in settings.values():
            assert isinstance(value, str | int | float | bool | list | None), rule.name


def test_scripts_read_the_settings_that_their_rule_gives(rules):
    """The language is read by `immune_reset.runtime`, for all that draw or write the report."""
    for rule in rules:
        text = (SCRIPTS / f"{rule.name}.py").read_text("utf-8")
        read = set(re.findall(r'cfg\["([a-z0-9_.]+)"\]', text))
        read |= {"report.language"} if re.search(r"figures\.save|language\.", text) else set()
        assert read == set(rule.params.cfg), rule.name


def test_english_figures_read_neither_catalogue_nor_fonts(rules):
    for rule in rules:
        if rule.name.startswith("plot_"):
            assert not {"languages", "fonts"} & set(dict(rule.input._get_names())), rule.name


def test_scripts_read_every_parameter_that_their_rule_gives(rules):
    for rule in rules:
        text = (SCRIPTS / f"{rule.name}.py").read_text("utf-8")
        for name in set(dict(rule.params._get_names())) - {"cfg", "code"}:
            if (rule.name, name) == ("write_provenance", "versions"):
                continue  # it asks the environment; the parameter makes a new version run it
            assert re.search(rf"params\.{name}\b", text), f"{rule.name} does not read {name}"


@pytest.mark.parametrize("path", [*SOURCES, *PACKAGE], ids=lambda path: path.stem)
def test_no_script_reads_the_configuration_behind_the_rule(path):
    text = path.read_text("utf-8")
    assert not re.search(r"(snakemake|smk)\.config\b", text)
    assert 'filterwarnings("ignore")' not in text
    assert not re.search(r"^\s*print\(", text, re.M)
    assert not re.search(r"\beval\(", text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_scripts_have_the_house_shape(path):
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    assert len(text.splitlines()) <= 200
    functions = _functions(path)
    main = [node for node in functions if node.name == "main"]
    assert len(main) == 1 and _length(main[0]) <= 30
    assert all(_length(node) <= 50 for node in functions)
    if path.stem not in PROGRAMS:
        assert text.rstrip().endswith("main(snakemake)") or "argparse" in text
        assert "start(smk)" in text


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.stem)
def test_shared_modules_are_small(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert len(path.read_text("utf-8").splitlines()) <= 300
    assert all(_length(node) <= 50 for node in _functions(path))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_outputs_are_written_whole_or_not_at_all(path):
    if path.stem in PROGRAMS:
        return
    text = path.read_text("utf-8")
    for call in re.findall(r"\w*(?:write_|to_|save)\w*\([^\n]*\bout(?:put)?\.", text):
        assert re.match(r"(write|write_text|write_json|save|save_note)\(", call), call
    assert not re.search(r"Path\([^)]*\bout(?:put)?\.[^)]*\)\.write", text)


OPENERS = {
    "open", "read_text", "write_text", "read_bytes", "write_bytes", "read_csv", "read_parquet",
    "to_csv", "to_parquet", "read_h5ad", "write_h5ad", "read_10x_h5", "read_10x_mtx", "savefig",
    "save_npz", "load_npz", "mmread",
}  # fmt: skip
FILES_ARE_ITS_TRADE = {
    "tables", "sheets", "heads", "plan", "fingerprint", "runtime", "counts", "matrices", "figures",
    "writers", "named_files", "faults", "records", "dry_run", "igblast", "text_files", "triplets",
    "looked",
}  # fmt: skip


@pytest.mark.parametrize("path", [*SOURCES, *PACKAGE], ids=lambda path: path.stem)
def test_no_file_is_opened_outside_main(path):
    if path.stem in FILES_ARE_ITS_TRADE or path.stem in PROGRAMS:
        return
    for node in _functions(path):
        if node.name == "main":
            continue
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            owner = getattr(getattr(call.func, "value", None), "id", "")
            in_memory = owner == "Image"
            opens = name in OPENERS and not in_memory
            assert not opens, f"{path.name}:{call.lineno} opens a file in {node.name}"
            assert (owner, name) not in {
                ("tables", "read"), ("tables", "write"), ("tables", "read_many"),
                ("tables", "read_json"), ("tables", "write_json"),
            }, f"{path.name}:{call.lineno} reads or writes a table in {node.name}"  # fmt: skip
