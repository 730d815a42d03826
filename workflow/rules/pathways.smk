rule read_gene_sets:
    """Join the shipped gene sets with the user's own."""
    input:
        **SHIPPED_SETS,
        extra=SETTINGS["pathways.gene_sets"],
    output:
        gene_sets=f"{COHORT}/gene_sets.parquet",
        overlap=table("gene_set_overlap"),
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
    """Count the shipped gene sets, or the user's own, in the cells of one sample; score the cells."""
    input:
        unpack(part_of_sets),
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/cells.parquet",
        patient_genes=of_same_patient("genes.parquet"),
    output:
        set_counts=f"{SAMPLE}/set_counts_{{sets}}.parquet",
        scores=f"{SAMPLE}/cell_scores_{{sets}}.parquet",
        gene_counts=f"{SAMPLE}/set_gene_counts_{{sets}}.parquet",
        coverage=f"{SAMPLE}/set_coverage_{{sets}}.parquet",
    log:
        f"{LOGS}/score_cells/{{sample}}.{{sets}}.log",
    benchmark:
        f"{BENCHMARKS}/score_cells/{{sample}}.{{sets}}.tsv"
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
        unpack(part_of_sets),
        set_counts=of_samples("set_counts_{sets}.parquet"),
        gene_counts=of_samples("set_gene_counts_{sets}.parquet"),
        coverage=of_samples("set_coverage_{sets}.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        scores=f"{COHORT}/pathway_scores_{{sets}}.parquet",
        change=f"{COHORT}/pathway_change_{{sets}}.parquet",
        genes=f"{COHORT}/pathway_genes_{{sets}}.parquet",
    log:
        f"{LOGS}/compare_pathways/{{sets}}.log",
    benchmark:
        f"{BENCHMARKS}/compare_pathways/{{sets}}.tsv"
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
        set_counts=of_samples("set_counts_{sets}.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        attribution=f"{COHORT}/attribution_{{sets}}.parquet",
    log:
        f"{LOGS}/attribute_change/{{sets}}.log",
    benchmark:
        f"{BENCHMARKS}/attribute_change/{{sets}}.tsv"
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


rule gather_pathways:
    """Put the pathways of the shipped gene sets and of the user's own into the tables."""
    input:
        scores=of_sets("pathway_scores_{sets}.parquet"),
        change=of_sets("pathway_change_{sets}.parquet"),
        genes=of_sets("pathway_genes_{sets}.parquet"),
        attribution=of_sets("attribution_{sets}.parquet"),
    output:
        scores=table("pathway_scores"),
        change=table("pathway_change"),
        genes=table("pathway_genes"),
        attribution=table("attribution"),
    log:
        f"{LOGS}/gather_pathways.log",
    benchmark:
        f"{BENCHMARKS}/gather_pathways.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("gather_pathways"),
    script:
        "../scripts/gather_pathways.py"
