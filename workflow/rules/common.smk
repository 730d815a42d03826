import os
import re
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod


def project_root():
    """Where the project lies; of one that Snakemake fetched, where it keeps the files."""
    if os.path.isdir(str(workflow.current_basedir)):
        return Path(workflow.current_basedir).parents[1]
    names = Path(workflow.source_path("../files.txt"))
    for name in names.read_text(encoding="utf-8").split():
        workflow.source_path(f"../../{name}")
    return names.parents[1]


FETCHED = not os.path.isdir(str(workflow.current_basedir))
ROOT = project_root()
SCRIPTS = ROOT / "workflow" / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from immune_reset import igblast
from immune_reset.errors import InputError
from immune_reset.expected import expected_mb
from immune_reset.fingerprint import code_hash
from immune_reset.heads import check_files
from immune_reset.looked import NOTE
from immune_reset.plan import make_plan
from immune_reset.planning import patient_design, patients
from immune_reset.pseudonyms import KEY
from immune_reset.settings import check_keys, leaves
from immune_reset.sheets import files_made_for
from immune_reset.triplets import matrix_files

PACKAGES = (
    "snakemake scanpy anndata scirpy harmonypy igraph faiss-cpu scranpy pydeseq2 decoupler gseapy "
    "scipy numpy pandas matplotlib plotly"
).split()


def shipped(name):
    """Path of a file of the project, relative, so that a moved project stays up to date."""
    return workflow.source_path(f"../../{name}") if FETCHED else os.path.relpath(ROOT / name)


SHIPPED_SETS = {
    "gene_sets": shipped("resources/gene_sets/gene_sets.tsv"),
    "progeny": shipped("resources/gene_sets/progeny_jak_stat.tsv"),
}


def demo_files():
    """Every file that `simulate_cohort` writes."""
    return sorted(files_made_for(ROOT))


def check_igblast(plan):
    """Refuse a run that asks for IgBLAST where there is none; conda brings its own."""
    methods = workflow.deployment_settings.deployment_method
    wanted = plan.settings["receptors"]["igblast_germline"]
    if wanted and DeploymentMethod.CONDA not in methods:
        igblast.check_programs({name: shutil.which(name) for name in igblast.PROGRAMS})


def checked_plan():
    """The plan of this run; bad input stops here with one message."""
    made = set(demo_files())
    try:
        if workflow.is_main_process:
            for path in workflow.configfiles:
                check_keys(Path(path).read_text("utf-8"), path)
        plan = make_plan(config, ROOT, made)
        if workflow.is_main_process:
            check_files(plan, made, ROOT, note=NOTE)
            check_igblast(plan)
        return plan
    except InputError as error:
        raise WorkflowError(str(error)) from None


STARTED = time.time()
PLAN = checked_plan()
SETTINGS = leaves(PLAN.settings)
DESIGN = PLAN.design
SHOWN = DESIGN | ({KEY: PLAN.pseudonyms} if PLAN.pseudonyms else {})
SAMPLES = list(PLAN.rows)
PATIENTS = patients(DESIGN)
IN_COHORT = list(dict.fromkeys(r["patient"] for r in DESIGN["samples"] if r["in_cohort"]))
OUT = PLAN.settings["outdir"].rstrip("/")
SAMPLE, PATIENT = f"{OUT}/samples/{{sample}}", f"{OUT}/patients/{{patient}}"
COHORT, TABLES, PLOTS = f"{OUT}/cohort", f"{OUT}/tables", f"{OUT}/figures"
LOGS, BENCHMARKS = f"{OUT}/logs", f"{OUT}/benchmarks"
OWN_LABELS = SETTINGS["annotation.labels"]
GROUPS = f"{COHORT}/own_labels.parquet" if OWN_LABELS else f"{COHORT}/clusters.parquet"
VERSIONS = {name: version(name) for name in PACKAGES}
MATRICES = {sample: row.get("gex", "") for sample, row in PLAN.rows.items()}
SETS = ["shipped", *(["own"] if SETTINGS["pathways.gene_sets"] else [])]
MARKERS = SETTINGS["annotation.markers"] or shipped("resources/markers/pbmc.tsv")


wildcard_constraints:
    sample="|".join(map(re.escape, SAMPLES)),
    patient="|".join(map(re.escape, PATIENTS)),
    sets="shipped|own",


def cfg(*keys):
    """The settings that a script reads, and no others: a change of one re-runs its rule."""
    return {key: SETTINGS[key] for key in sorted(keys)}


def words():
    """The catalogue and the fonts of the report's language; English needs none."""
    code = SETTINGS["report.language"]
    if code == "en":
        return {}
    fonts = ["NotoSansSC-Regular.ttf.base64", "NotoSansSC-Bold.ttf.base64"]
    return {
        "languages": shipped(f"workflow/report/languages/{code}.yaml"),
        "fonts": [shipped(f"resources/fonts/{name}") for name in fonts],
    }


def code_of(script):
    """Hash of the shared modules that a script imports; see `immune_reset.fingerprint`."""
    return code_hash(script, SCRIPTS)


def mem(factor=0, floor=500):
    """Memory in MB: `floor`, and `factor` for each MB of input, times the attempt.

    Fitted by benchmarks/fit_resources.py; a cluster's own two Snakemakes (250 MB) are in `floor`.
    """
    return lambda wildcards, input, attempt: int(floor + factor * input_mb(input)) * attempt


def minutes(factor=0, floor=10):
    """Time in minutes: `floor`, and `factor` for each MB of input, times the attempt."""
    return lambda wildcards, input, attempt: int(floor + factor * input_mb(input)) * attempt


def input_mb(files):
    """Size of a job's inputs in MB; what an earlier job of its group will make is estimated."""
    return expected_mb(files, MATRICES)


def part_of_sets(wildcards):
    """The gene sets of one part; the shipped ones do not hang on which the user adds."""
    own = [f"{COHORT}/gene_sets.parquet"]
    return {"gene_sets": own if wildcards.sets == "own" else list(SHIPPED_SETS.values())}


def of_sets(name):
    """The same file of the cohort for every part of the gene sets."""
    return expand(f"{COHORT}/{name}", sets=SETS)
