rule plot_qc:
    """Draw what each sample lost, and why."""
    input:
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
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design={KEY: SHOWN[KEY]} if KEY in SHOWN else {},
        code=code_of("plot_qc"),
    script:
        "../scripts/plot_qc.py"


rule plot_cells:
    """Draw the cells by type, timepoint, patient and interferon score."""
    input:
        umap=f"{COHORT}/umap.parquet",
        labels=f"{COHORT}/labels.parquet",
        scores=of_samples("cell_scores.parquet"),
    output:
        **pictures("cells"),
    log:
        f"{LOGS}/plot_cells.log",
    benchmark:
        f"{BENCHMARKS}/plot_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("seed"),
        design=SHOWN,
        code=code_of("plot_cells"),
    script:
        "../scripts/plot_cells.py"


rule thin_cells:
    """Thin the map of cells for the report's interactive map."""
    input:
        unpack(map_inputs),
    output:
        map=f"{COHORT}/map.json",
    log:
        f"{LOGS}/thin_cells.log",
    benchmark:
        f"{BENCHMARKS}/thin_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("seed"),
        design=DESIGN,
        code=code_of("thin_cells"),
    script:
        "../scripts/thin_cells.py"


rule plot_composition:
    """Draw the shares of cell types and their change."""
    input:
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
        cfg=cfg(),
        design=SHOWN,
        code=code_of("plot_composition"),
    script:
        "../scripts/plot_composition.py"


rule plot_pathways:
    """Draw interferon and JAK-STAT before and after, by cell type."""
    input:
        scores=f"{TABLES}/pathway_scores.tsv",
        change=f"{TABLES}/pathway_change.tsv",
        attribution=f"{TABLES}/attribution.tsv",
    output:
        **pictures("pathways"),
    log:
        f"{LOGS}/plot_pathways.log",
    benchmark:
        f"{BENCHMARKS}/plot_pathways.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("claims.min_log2_change"),
        design=SHOWN,
        code=code_of("plot_pathways"),
    script:
        "../scripts/plot_pathways.py"
