rule plot_diversity:
    """Draw clonotype diversity at equal numbers of cells."""
    input:
        **words(),
        diversity=f"{TABLES}/diversity.tsv",
        change=f"{TABLES}/diversity_change.tsv",
        curves=f"{COHORT}/diversity_curves.parquet",
    output:
        **pictures("diversity"),
    log:
        f"{LOGS}/plot_diversity.log",
    benchmark:
        f"{BENCHMARKS}/plot_diversity.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10, 600),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_diversity"),
    script:
        "../scripts/plot_diversity.py"


rule plot_clones:
    """Draw clones over time and their fates."""
    input:
        **words(),
        clones=f"{TABLES}/clones.tsv",
        fates=f"{TABLES}/clone_fates.tsv",
        baseline=f"{TABLES}/baseline_clones.tsv",
    output:
        **pictures("clones"),
    log:
        f"{LOGS}/plot_clones.log",
    benchmark:
        f"{BENCHMARKS}/plot_clones.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_clones"),
    script:
        "../scripts/plot_clones.py"


rule plot_repertoire:
    """Draw V genes, CDR3 lengths and expansion classes."""
    input:
        **words(),
        usage=f"{TABLES}/gene_usage.tsv",
        usage_change=f"{TABLES}/gene_usage_change.tsv",
        expansion=f"{TABLES}/expansion.tsv",
        lengths=f"{COHORT}/junction_lengths.parquet",
    output:
        **pictures("repertoire"),
    log:
        f"{LOGS}/plot_repertoire.log",
    benchmark:
        f"{BENCHMARKS}/plot_repertoire.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10, 650),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_repertoire"),
    script:
        "../scripts/plot_repertoire.py"


rule plot_clinical:
    """Draw the clinical course with the samples in it."""
    input:
        **words(),
        clinical=f"{TABLES}/clinical.tsv",
    output:
        **pictures("clinical"),
    log:
        f"{LOGS}/plot_clinical.log",
    benchmark:
        f"{BENCHMARKS}/plot_clinical.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_clinical"),
    script:
        "../scripts/plot_clinical.py"


rule plot_patient:
    """Draw one patient's course: clinical measures and cells on one axis of days."""
    input:
        unpack(course_inputs),
        **words(),
    output:
        **course(),
    log:
        f"{LOGS}/plot_patient/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/plot_patient/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=shown_patient,
        code=code_of("plot_patient"),
    script:
        "../scripts/plot_patient.py"
