rule compare_reference:
    """Put the patients beside the healthy controls."""
    input:
        unpack(reference_inputs),
    output:
        reference=table("reference"),
    log:
        f"{LOGS}/compare_reference.log",
    benchmark:
        f"{BENCHMARKS}/compare_reference.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("compare_reference"),
    script:
        "../scripts/compare_reference.py"


rule plot_reference:
    """Draw the patients beside the range of the healthy controls."""
    input:
        **words(),
        reference=f"{TABLES}/reference.tsv",
    output:
        **pictures("reference"),
    log:
        f"{LOGS}/plot_reference.log",
    benchmark:
        f"{BENCHMARKS}/plot_reference.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("report.language"),
        design=SHOWN,
        code=code_of("plot_reference"),
    script:
        "../scripts/plot_reference.py"
