rule export_cohort:
    """Write the cohort for scanpy, muon and scirpy, without holding it in memory."""
    input:
        unpack(export_inputs),
    output:
        cohort=f"{OUT}/cohort.h5mu",
    log:
        f"{LOGS}/export_cohort.log",
    benchmark:
        f"{BENCHMARKS}/export_cohort.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(4, 1300),
        runtime=minutes(0.05, 30),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("export_cohort"),
    script:
        "../scripts/export_cohort.py"


rule export_cells:
    """Write the cells for cellxgene, without holding their counts in memory."""
    input:
        unpack(exported("cells", "counts", "labels", "umap", "scores", "own_scores", "clonotypes")),
    output:
        cells=f"{OUT}/cohort.h5ad",
    log:
        f"{LOGS}/export_cells.log",
    benchmark:
        f"{BENCHMARKS}/export_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(4, 1300),
        runtime=minutes(0.05, 30),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("export_cells"),
    script:
        "../scripts/export_cells.py"


rule export_receptors:
    """Write every chain of the kept cells as one AIRR rearrangement table."""
    input:
        unpack(exported("cells", "chains", "clonotypes", "labels")),
    output:
        receptors=f"{OUT}/airr_rearrangement.tsv",
    log:
        f"{LOGS}/export_receptors.log",
    benchmark:
        f"{BENCHMARKS}/export_receptors.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(40, 600),
        runtime=minutes(0.05, 20),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("export_receptors"),
    script:
        "../scripts/export_receptors.py"


rule list_clusters:
    """List the clusters as a sheet that people edit and give back as overrides."""
    input:
        unpack(annotation_inputs),
        clusters=f"{TABLES}/clusters.tsv",
        labels=f"{COHORT}/labels.parquet",
    output:
        sheet=table("cluster_sheet"),
    log:
        f"{LOGS}/list_clusters.log",
    benchmark:
        f"{BENCHMARKS}/list_clusters.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(45, 500),
        runtime=minutes(),
    params:
        cfg=cfg("annotation.min_confidence"),
        design=DESIGN,
        code=code_of("list_clusters"),
    script:
        "../scripts/list_clusters.py"


report_first()
