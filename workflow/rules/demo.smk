rule simulate_cohort:
    """Write the demo cohort: matrices, contigs and the truth behind them."""
    output:
        demo_files(),
        truth=directory(os.path.relpath(ROOT / "resources/demo/data/truth")),
    log:
        f"{LOGS}/simulate_cohort.log",
    benchmark:
        f"{BENCHMARKS}/simulate_cohort.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("simulate_cohort"),
    script:
        "../scripts/simulate_cohort.py"
