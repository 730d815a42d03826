rule vary_cells:
    """The claims on scores and shares under other gene sets, cut-offs and least cells."""
    input:
        set_counts=of_samples("set_counts_shipped.parquet"),
        coverage=of_samples("set_coverage_shipped.parquet"),
        cells=of_samples("cells.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        robustness=f"{COHORT}/robustness.parquet",
    log:
        f"{LOGS}/vary_cells.log",
    benchmark:
        f"{BENCHMARKS}/vary_cells.tsv"
    # the claims wait for it, no figure does
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(40, 800),
        runtime=minutes(floor=30),
    params:
        cfg=cfg(
            "qc.min_genes",
            "qc.max_pct_mt",
            "pathways.min_cells",
            "pathways.min_counts",
            "pathways.min_genes",
            "composition.min_expected",
        ),
        design=DESIGN,
        code=code_of("vary_cells"),
    script:
        "../scripts/vary_cells.py"


rule gather_robustness:
    """Put the claims under other settings into one table."""
    input:
        unpack(robustness_inputs),
    output:
        robustness=table("robustness"),
    log:
        f"{LOGS}/gather_robustness.log",
    benchmark:
        f"{BENCHMARKS}/gather_robustness.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("gather_robustness"),
    script:
        "../scripts/gather_robustness.py"
