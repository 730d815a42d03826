rule test_expression:
    """Pseudobulk differential expression, patients paired."""
    input:
        pseudobulk=of_samples("pseudobulk.parquet"),
        sizes=of_samples("pseudobulk_cells.parquet"),
        genes=of_samples("genes.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        expression=table("expression"),
        folds=f"{COHORT}/expression_folds.parquet",
        tests=table("expression_tests"),
    log:
        f"{LOGS}/test_expression.log",
    benchmark:
        f"{BENCHMARKS}/test_expression.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 1300),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("expression.min_cells", "expression.min_counts"),
        design=DESIGN,
        code=code_of("test_expression"),
    script:
        "../scripts/test_expression.py"


rule enrich_pathways:
    """Gene-set enrichment of the ranked genes."""
    input:
        expression=f"{TABLES}/expression.tsv",
        folds=f"{COHORT}/expression_folds.parquet",
        gene_sets=f"{COHORT}/gene_sets.parquet",
    output:
        enrichment=table("enrichment"),
    log:
        f"{LOGS}/enrich_pathways.log",
    benchmark:
        f"{BENCHMARKS}/enrich_pathways.tsv"
    # one long job of many contrasts: the sooner it starts, the less is waited for it
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 1200),
        runtime=minutes(floor=60),
    params:
        cfg=cfg(
            "expression.permutations", "expression.min_set_size", "expression.max_set_size", "seed"
        ),
        code=code_of("enrich_pathways"),
    script:
        "../scripts/enrich_pathways.py"
