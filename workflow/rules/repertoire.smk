rule measure_diversity:
    """Clonotype diversity of one patient at equal numbers of cells, and its change."""
    input:
        unpack(compartment_inputs),
        clonotypes=f"{PATIENT}/clonotypes.parquet",
    output:
        diversity=f"{PATIENT}/diversity.parquet",
        change=f"{PATIENT}/diversity_change.parquet",
        curves=f"{PATIENT}/diversity_curves.parquet",
    log:
        f"{LOGS}/measure_diversity/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/measure_diversity/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 900),
        runtime=minutes(floor=30),
    params:
        cfg=cfg(
            "diversity.orders",
            "diversity.min_cells",
            "diversity.min_repeats",
            "diversity.bootstraps",
            "seed",
        ),
        design=design_of_patient,
        code=code_of("measure_diversity"),
    script:
        "../scripts/measure_diversity.py"


rule track_clones:
    """Follow every clone of one patient: what became of it, and what could not be seen."""
    input:
        unpack(label_inputs),
        clonotypes=f"{PATIENT}/clonotypes.parquet",
        shared=f"{COHORT}/shared_clones.parquet",
    output:
        clones=f"{PATIENT}/clones.parquet",
        fates=f"{PATIENT}/clone_fates.parquet",
        returned=f"{PATIENT}/returned_clones.parquet",
        group=f"{PATIENT}/baseline_clones.parquet",
    log:
        f"{LOGS}/track_clones/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/track_clones/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 800),
        runtime=minutes(floor=30),
    params:
        cfg=cfg(
            "clones.min_cells",
            "clones.fdr",
            "clones.expanded_min_cells",
            "clones.follow_plasma",
        ),
        design=design_of_patient,
        code=code_of("track_clones"),
    script:
        "../scripts/track_clones.py"


rule profile_repertoire:
    """V genes, isotypes, CDR3 lengths and overlap with baseline of one patient."""
    input:
        clonotypes=f"{PATIENT}/clonotypes.parquet",
    output:
        usage=f"{PATIENT}/gene_usage.parquet",
        isotypes=f"{PATIENT}/isotypes.parquet",
        overlap=f"{PATIENT}/overlap.parquet",
        lengths=f"{PATIENT}/junction_lengths.parquet",
    log:
        f"{LOGS}/profile_repertoire/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/profile_repertoire/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 800),
        runtime=minutes(1, 30),
    params:
        cfg=cfg("seed"),
        design=design_of_patient,
        code=code_of("profile_repertoire"),
    script:
        "../scripts/profile_repertoire.py"
