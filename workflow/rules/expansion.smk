rule measure_expansion:
    """Expansion classes at equal depth, turnover, and the clones of CAR T cells."""
    input:
        unpack(compartment_inputs),
        clonotypes=f"{PATIENT}/clonotypes.parquet",
    output:
        expansion=f"{PATIENT}/expansion.parquet",
        turnover=f"{PATIENT}/turnover.parquet",
        car=f"{PATIENT}/car_clones.parquet",
    log:
        f"{LOGS}/measure_expansion/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_expansion/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(40, 800),
        runtime=minutes(floor=30),
    params:
        cfg=cfg(),
        design=design_of_patient,
        code=code_of("measure_expansion"),
    script:
        "../scripts/measure_expansion.py"


rule vary_clonotypes:
    """The headline repertoire claims under other clonotype rules."""
    input:
        chains=of_patient("chains.parquet"),
        cells=of_patient("cells.parquet"),
    output:
        robustness=f"{PATIENT}/robustness.parquet",
    log:
        f"{LOGS}/vary_clonotypes/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/vary_clonotypes/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(60, 800),
        runtime=minutes(1, 60),
    params:
        cfg=cfg(
            "receptors.min_umis",
            "clonotypes.bcr_max_distance",
            "clonotypes.light_chain",
            "clonotypes.tcr_arms",
            "clonotypes.tcr_sequence",
            "diversity.min_cells",
            "diversity.min_repeats",
            "clones.expanded_min_cells",
        ),
        design=design_of_patient,
        code=code_of("vary_clonotypes"),
    script:
        "../scripts/vary_clonotypes.py"


rule match_receptors:
    """Match the user's table of known receptors against all clones."""
    input:
        unpack(lookup_inputs),
        clonotypes=of_patients("clonotypes.parquet"),
    output:
        lookup=table("lookup"),
    log:
        f"{LOGS}/match_receptors.log",
    benchmark:
        f"{BENCHMARKS}/match_receptors.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("match_receptors"),
    script:
        "../scripts/match_receptors.py"


rule compare_gene_usage:
    """V genes against the baseline, of each patient and of the cohort."""
    input:
        usage=f"{TABLES}/gene_usage.tsv",
    output:
        change=table("gene_usage_change"),
    log:
        f"{LOGS}/compare_gene_usage.log",
    benchmark:
        f"{BENCHMARKS}/compare_gene_usage.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("compare_gene_usage"),
    script:
        "../scripts/compare_gene_usage.py"
