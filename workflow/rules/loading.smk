rule load_sample:
    """Read one count matrix of any format into the form that all other rules read."""
    input:
        unpack(matrix_of),
    output:
        counts=f"{SAMPLE}/counts.h5ad",
        facts=f"{SAMPLE}/load.json",
    log:
        f"{LOGS}/load_sample/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/load_sample/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 700),
        runtime=minutes(0.1),
    params:
        cfg=cfg("genes.join_by"),
        row=matrix_row,
        code=code_of("load_sample"),
    script:
        "../scripts/load_sample.py"


rule gather_inputs:
    """Say of every sample what was given, what leaks, and what is worth a second look."""
    input:
        unpack(input_facts),
    output:
        **({"ambient": table("ambient")} if PLAN.has_gex else {}),
        inputs=table("inputs"),
    log:
        f"{LOGS}/gather_inputs.log",
    benchmark:
        f"{BENCHMARKS}/gather_inputs.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(floor=650),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("gather_inputs"),
    script:
        "../scripts/gather_inputs.py"
