rule measure_qc:
    """Measure every barcode; nothing is decided here."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
    output:
        metrics=f"{SAMPLE}/metrics.parquet",
    log:
        f"{LOGS}/measure_qc/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_qc/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(8, 600),
        runtime=minutes(0.05),
    params:
        cfg=cfg(),
        code=code_of("measure_qc"),
    script:
        "../scripts/measure_qc.py"


rule score_doublets:
    """Score every barcode for being two cells; nothing is decided here."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
    output:
        scores=f"{SAMPLE}/doublet_scores.parquet",
    log:
        f"{LOGS}/score_doublets/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/score_doublets/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(25, 1100),
        runtime=minutes(0.1, 15),
    params:
        cfg=cfg(
            "doublets.n_genes",
            "doublets.expected_rate",
            "doublets.sim_ratio",
            "doublets.n_components",
            "seed",
        ),
        code=code_of("score_doublets"),
    script:
        "../scripts/score_doublets.py"


rule call_cells:
    """Apply every threshold: which barcodes are cells, and why the others are not."""
    input:
        unpack(cell_evidence),
    output:
        cells=f"{SAMPLE}/cells.parquet",
        qc=f"{SAMPLE}/qc.parquet",
    log:
        f"{LOGS}/call_cells/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/call_cells/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(90, 600),
        runtime=minutes(),
    params:
        cfg=cfg(
            "qc.min_counts",
            "qc.min_genes",
            "qc.max_pct_mt",
            "qc.nmads",
            "doublets.max_score",
            "doublets.expected_rate",
            "doublets.use_receptors",
        ),
        row=thresholds_of,
        code=code_of("call_cells"),
    script:
        "../scripts/call_cells.py"


rule gather_qc:
    """Put the quality of all samples into one table."""
    input:
        qc=of_samples("qc.parquet"),
    output:
        qc=table("qc"),
    log:
        f"{LOGS}/gather_qc.log",
    benchmark:
        f"{BENCHMARKS}/gather_qc.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("gather_qc"),
    script:
        "../scripts/gather_qc.py"
