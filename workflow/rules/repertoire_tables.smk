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
