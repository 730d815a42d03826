rule read_gene_sets:
    """Join the shipped gene sets with the user's own."""
    input:
        **SHIPPED_SETS,
        extra=SETTINGS["pathways.gene_sets"],
    output:
        gene_sets=f"{COHORT}/gene_sets.parquet",
    log:
        f"{LOGS}/read_gene_sets.log",
    benchmark:
        f"{BENCHMARKS}/read_gene_sets.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("read_gene_sets"),
    script:
        "../scripts/read_gene_sets.py"


rule score_cells:
    """Count each gene set in the cells of one sample, and score the cells for pictures."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/cells.parquet",
        gene_sets=f"{COHORT}/gene_sets.parquet",
        patient_genes=of_same_patient("genes.parquet"),
    output:
        set_counts=f"{SAMPLE}/set_counts.parquet",
        scores=f"{SAMPLE}/cell_scores.parquet",
        gene_counts=f"{SAMPLE}/set_gene_counts.parquet",
        coverage=f"{SAMPLE}/set_coverage.parquet",
    log:
        f"{LOGS}/score_cells/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/score_cells/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10, 1100),
        runtime=minutes(0.2, 15),
    params:
        cfg=cfg(),
        code=code_of("score_cells"),
    script:
        "../scripts/score_cells.py"


rule compare_pathways:
    """Share of UMIs of every gene set by sample and cell type, and its change."""
    input:
        set_counts=of_samples("set_counts.parquet"),
        gene_counts=of_samples("set_gene_counts.parquet"),
        coverage=of_samples("set_coverage.parquet"),
        gene_sets=f"{COHORT}/gene_sets.parquet",
        labels=f"{COHORT}/labels.parquet",
    output:
        scores=table("pathway_scores"),
        change=table("pathway_change"),
        genes=table("pathway_genes"),
        overlap=table("gene_set_overlap"),
    log:
        f"{LOGS}/compare_pathways.log",
    benchmark:
        f"{BENCHMARKS}/compare_pathways.tsv"
    # the verdicts and the longest figures wait for it
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 800),
        runtime=minutes(floor=30),
    params:
        cfg=cfg("pathways.min_cells", "pathways.min_counts", "pathways.min_genes"),
        design=DESIGN,
        code=code_of("compare_pathways"),
    script:
        "../scripts/compare_pathways.py"


rule attribute_change:
    """Split each change into the cells themselves and their shares."""
    input:
        set_counts=of_samples("set_counts.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        attribution=table("attribution"),
    log:
        f"{LOGS}/attribute_change.log",
    benchmark:
        f"{BENCHMARKS}/attribute_change.tsv"
    # one of the longest figures waits for it
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 800),
        runtime=minutes(),
    params:
        cfg=cfg("pathways.min_cells"),
        design=DESIGN,
        code=code_of("attribute_change"),
    script:
        "../scripts/attribute_change.py"


rule plot_pathways:
    """Draw interferon and JAK-STAT before and after, by cell type."""
    input:
        **words(),
        scores=f"{TABLES}/pathway_scores.tsv",
        change=f"{TABLES}/pathway_change.tsv",
        attribution=f"{TABLES}/attribution.tsv",
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
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("claims.min_log2_change", "report.language"),
        design=SHOWN,
        code=code_of("plot_pathways"),
    script:
        "../scripts/plot_pathways.py"
