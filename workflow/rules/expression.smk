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
        mem_mb=mem(60, 1300),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("expression.min_cells", "expression.min_counts"),
        design=DESIGN,
        code=code_of("test_expression"),
    script:
        "../scripts/test_expression.py"


rule enrich_pathways:
    """Enrichment of the ranked genes in the shipped gene sets, or in the user's own."""
    input:
        unpack(part_of_sets),
        expression=f"{TABLES}/expression.tsv",
        folds=f"{COHORT}/expression_folds.parquet",
    output:
        enrichment=f"{COHORT}/enrichment_{{sets}}.parquet",
    log:
        f"{LOGS}/enrich_pathways/{{sets}}.log",
    benchmark:
        f"{BENCHMARKS}/enrich_pathways/{{sets}}.tsv"
    # one long job of many contrasts: the sooner it starts, the less is waited for it
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 2700),
        runtime=minutes(floor=60),
    params:
        cfg=cfg(
            "expression.permutations", "expression.min_set_size", "expression.max_set_size", "seed"
        ),
        code=code_of("enrich_pathways"),
    script:
        "../scripts/enrich_pathways.py"


rule gather_enrichment:
    """Put the enrichment of the shipped sets and of the user's own into one table."""
    input:
        parts=of_sets("enrichment_{sets}.parquet"),
    output:
        enrichment=table("enrichment"),
    log:
        f"{LOGS}/gather_enrichment.log",
    benchmark:
        f"{BENCHMARKS}/gather_enrichment.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("gather_enrichment"),
    script:
        "../scripts/gather_enrichment.py"
