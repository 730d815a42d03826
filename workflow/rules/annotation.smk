rule read_labels:
    """Take the user's own label of each cell as its group."""
    input:
        labels=OWN_LABELS or [],
    output:
        groups=f"{COHORT}/own_labels.parquet",
    log:
        f"{LOGS}/read_labels.log",
    benchmark:
        f"{BENCHMARKS}/read_labels.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(10),
        runtime=minutes(),
    params:
        cfg=cfg("annotation.labels_column"),
        code=code_of("read_labels"),
    script:
        "../scripts/read_labels.py"


rule count_markers:
    """Count the marker genes in the cells of one sample."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/cells.parquet",
        markers=MARKERS,
    output:
        counts=f"{SAMPLE}/marker_counts.parquet",
        ambient=f"{SAMPLE}/marker_ambient.parquet",
    log:
        f"{LOGS}/count_markers/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/count_markers/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(8, 600),
        runtime=minutes(0.05),
    params:
        cfg=cfg(),
        code=code_of("count_markers"),
    script:
        "../scripts/count_markers.py"


rule sum_pseudobulk:
    """Sum the counts of one sample over its clusters."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/cells.parquet",
        groups=GROUPS,
    output:
        pseudobulk=f"{SAMPLE}/pseudobulk.parquet",
        sizes=f"{SAMPLE}/pseudobulk_cells.parquet",
    log:
        f"{LOGS}/sum_pseudobulk/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/sum_pseudobulk/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(8, 700),
        runtime=minutes(0.05),
    params:
        cfg=cfg(),
        code=code_of("sum_pseudobulk"),
    script:
        "../scripts/sum_pseudobulk.py"


rule annotate_cells:
    """Name the clusters by their markers, then each cell."""
    input:
        unpack(annotation_inputs),
        groups=GROUPS,
        markers=MARKERS,
        cell_types=shipped("resources/markers/cell_types.tsv"),
        graph=f"{COHORT}/graph.npz",
        graph_cells=f"{COHORT}/graph_cells.parquet",
        marker_counts=of_samples("marker_counts.parquet"),
        marker_ambient=of_samples("marker_ambient.parquet"),
        pseudobulk=of_samples("pseudobulk.parquet"),
        sizes=of_samples("pseudobulk_cells.parquet"),
        genes=of_samples("genes.parquet"),
    output:
        labels=f"{COHORT}/labels.parquet",
        clusters=table("clusters"),
    log:
        f"{LOGS}/annotate_cells.log",
    benchmark:
        f"{BENCHMARKS}/annotate_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 1000),
        runtime=minutes(floor=30),
    params:
        cfg=cfg("annotation.min_confidence"),
        code=code_of("annotate_cells"),
    script:
        "../scripts/annotate_cells.py"


rule call_car_cells:
    """Call CAR T cells, with the measured error of the call."""
    input:
        counts=of_samples("counts.h5ad"),
        cells=of_samples("cells.parquet"),
        labels=f"{COHORT}/labels.parquet",
    output:
        cells=f"{COHORT}/car_cells.parquet",
        table=table("car_cells"),
        on_target=table("on_target"),
    log:
        f"{LOGS}/call_car_cells.log",
    benchmark:
        f"{BENCHMARKS}/call_car_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(2, 1000),
        runtime=minutes(0.01, 30),
    params:
        cfg=cfg("car.features", "car.pattern", "car.max_false_positive_rate"),
        design=DESIGN,
        code=code_of("call_car_cells"),
    script:
        "../scripts/call_car_cells.py"
