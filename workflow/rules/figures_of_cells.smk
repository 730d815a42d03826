rule plot_qc:
    """Draw what each sample lost, and why."""
    input:
        **words(),
        qc=f"{TABLES}/qc.tsv",
        cells=of_samples("cells.parquet"),
    output:
        **pictures("qc"),
    log:
        f"{LOGS}/plot_qc.log",
    benchmark:
        f"{BENCHMARKS}/plot_qc.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(25, 600),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design={KEY: SHOWN[KEY]} if KEY in SHOWN else {},
        code=code_of("plot_qc"),
    script:
        "../scripts/plot_qc.py"


rule plot_cells:
    """Draw the cells by type, timepoint, patient and interferon score."""
    input:
        **words(),
        umap=f"{COHORT}/umap.parquet",
        labels=f"{COHORT}/labels.parquet",
        scores=of_samples("cell_scores_shipped.parquet"),
    output:
        **pictures("cells"),
    log:
        f"{LOGS}/plot_cells.log",
    benchmark:
        f"{BENCHMARKS}/plot_cells.tsv"
    # of large cohorts the longest of the figures
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(25, 700),
        runtime=minutes(),
    params:
        cfg=cfg("report.language", "seed"),
        design=SHOWN,
        code=code_of("plot_cells"),
    script:
        "../scripts/plot_cells.py"


rule plot_composition:
    """Draw the shares of cell types and their change."""
    input:
        **words(),
        composition=f"{TABLES}/composition.tsv",
        change=f"{TABLES}/composition_change.tsv",
    output:
        **pictures("composition"),
    log:
        f"{LOGS}/plot_composition.log",
    benchmark:
        f"{BENCHMARKS}/plot_composition.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_composition"),
    script:
        "../scripts/plot_composition.py"


rule plot_isotypes:
    """Draw isotypes and somatic hypermutation over time."""
    input:
        **words(),
        isotypes=f"{TABLES}/isotypes.tsv",
    output:
        **pictures("isotypes"),
    log:
        f"{LOGS}/plot_isotypes.log",
    benchmark:
        f"{BENCHMARKS}/plot_isotypes.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_isotypes"),
    script:
        "../scripts/plot_isotypes.py"


rule plot_pathways:
    """Draw interferon and JAK-STAT before and after, by cell type."""
    input:
        **words(),
        scores=f"{COHORT}/pathway_scores_shipped.parquet",
        change=f"{COHORT}/pathway_change_shipped.parquet",
        attribution=f"{COHORT}/attribution_shipped.parquet",
    output:
        **pictures("pathways"),
    log:
        f"{LOGS}/plot_pathways.log",
    benchmark:
        f"{BENCHMARKS}/plot_pathways.tsv"
    # one of the longest figures
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10, 600),
        runtime=minutes(),
    params:
        cfg=cfg("claims.min_log2_change", "report.language"),
        design=SHOWN,
        code=code_of("plot_pathways"),
    script:
        "../scripts/plot_pathways.py"
