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
        mem_mb=mem(20, 800),
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


rule gather_diversity:
    """Put the diversity of all patients into the tables."""
    input:
        diversity=of_patients("diversity.parquet"),
        change=of_patients("diversity_change.parquet"),
        curves=of_patients("diversity_curves.parquet"),
    output:
        diversity=table("diversity"),
        change=table("diversity_change"),
        curves=f"{COHORT}/diversity_curves.parquet",
    log:
        f"{LOGS}/gather_diversity.log",
    benchmark:
        f"{BENCHMARKS}/gather_diversity.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 800),
        runtime=minutes(),
    params:
        cfg=cfg(),
        code=code_of("gather_diversity"),
    script:
        "../scripts/gather_diversity.py"


rule gather_repertoire:
    """Put the repertoires of all patients into the tables."""
    input:
        clones=of_patients("clones.parquet"),
        fates=of_patients("clone_fates.parquet"),
        returned=of_patients("returned_clones.parquet"),
        group=of_patients("baseline_clones.parquet"),
        usage=of_patients("gene_usage.parquet"),
        isotypes=of_patients("isotypes.parquet"),
        overlap=of_patients("overlap.parquet"),
        expansion=of_patients("expansion.parquet"),
        turnover=of_patients("turnover.parquet"),
        car=of_patients("car_clones.parquet"),
        lengths=of_patients("junction_lengths.parquet"),
    output:
        clones=table("clones"),
        fates=table("clone_fates"),
        returned=table("returned_clones"),
        usage=table("gene_usage"),
        isotypes=table("isotypes"),
        overlap=table("overlap"),
        expansion=table("expansion"),
        turnover=table("turnover"),
        car=table("car_clones"),
        group=table("baseline_clones"),
        lengths=f"{COHORT}/junction_lengths.parquet",
    log:
        f"{LOGS}/gather_repertoire.log",
    benchmark:
        f"{BENCHMARKS}/gather_repertoire.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 800),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("gather_repertoire"),
    script:
        "../scripts/gather_repertoire.py"
