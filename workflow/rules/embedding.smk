rule summarise_genes:
    """Sum up every gene over the cells of one sample."""
    input:
        counts=f"{SAMPLE}/counts.h5ad",
        cells=f"{SAMPLE}/cells.parquet",
    output:
        genes=f"{SAMPLE}/genes.parquet",
    log:
        f"{LOGS}/summarise_genes/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/summarise_genes/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 1100),
        runtime=minutes(0.07),
    params:
        cfg=cfg(),
        code=code_of("summarise_genes"),
    script:
        "../scripts/summarise_genes.py"


rule select_genes:
    """Choose the genes that vary within samples."""
    input:
        genes=of_samples("genes.parquet"),
    output:
        genes=f"{COHORT}/genes.parquet",
    log:
        f"{LOGS}/select_genes.log",
    benchmark:
        f"{BENCHMARKS}/select_genes.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg("genes.n_top", "genes.exclude_vdj", "genes.keep"),
        code=code_of("select_genes"),
    script:
        "../scripts/select_genes.py"


rule embed_cells:
    """Principal components of the chosen genes, aligned across samples."""
    input:
        counts=of_samples("counts.h5ad"),
        cells=of_samples("cells.parquet"),
        genes=f"{COHORT}/genes.parquet",
    output:
        embedding=f"{COHORT}/embedding.parquet",
    log:
        f"{LOGS}/embed_cells.log",
    benchmark:
        f"{BENCHMARKS}/embed_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(5, 1000),
        runtime=minutes(0.1, 30),
    params:
        cfg=cfg(
            "embedding.n_components",
            "embedding.harmony",
            "embedding.batch_key",
            "embedding.theta",
            "seed",
        ),
        design=DESIGN,
        code=code_of("embed_cells"),
    script:
        "../scripts/embed_cells.py"


rule build_graph:
    """Find the nearest neighbours of every cell."""
    input:
        embedding=f"{COHORT}/embedding.parquet",
    output:
        graph=f"{COHORT}/graph.npz",
        neighbors=f"{COHORT}/neighbors.npz",
        cells=f"{COHORT}/graph_cells.parquet",
    log:
        f"{LOGS}/build_graph.log",
    benchmark:
        f"{BENCHMARKS}/build_graph.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 900),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("graph.n_neighbors"),
        code=code_of("build_graph"),
    script:
        "../scripts/build_graph.py"


rule lay_out_cells:
    """Draw the graph in two dimensions (UMAP)."""
    input:
        neighbors=f"{COHORT}/neighbors.npz",
        embedding=f"{COHORT}/embedding.parquet",
    output:
        layout=f"{COHORT}/umap.parquet",
    log:
        f"{LOGS}/lay_out_cells.log",
    benchmark:
        f"{BENCHMARKS}/lay_out_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 1100),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("layout.min_dist", "layout.spread", "seed"),
        code=code_of("lay_out_cells"),
    script:
        "../scripts/lay_out_cells.py"


rule cluster_cells:
    """Cluster the graph (Leiden)."""
    input:
        graph=f"{COHORT}/graph.npz",
        cells=f"{COHORT}/graph_cells.parquet",
    output:
        clusters=f"{COHORT}/clusters.parquet",
    log:
        f"{LOGS}/cluster_cells.log",
    benchmark:
        f"{BENCHMARKS}/cluster_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(30, 900),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("clusters.resolution", "seed"),
        code=code_of("cluster_cells"),
    script:
        "../scripts/cluster_cells.py"
