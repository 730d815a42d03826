rule assign_germline:
    """Align B-cell contigs to the user's germline references; off unless they are given."""
    input:
        unpack(germline_inputs),
    output:
        germline=f"{SAMPLE}/germline.parquet",
    log:
        f"{LOGS}/assign_germline/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/assign_germline/{{sample}}.tsv"
    conda:
        "../../envs/igblast.yaml"
    threads: 1
    resources:
        mem_mb=mem(10, 1000),
        runtime=minutes(floor=60),
    params:
        cfg=cfg("receptors.igblast_germline", "receptors.igblast_organism"),
        code=code_of("assign_germline"),
    script:
        "../scripts/assign_germline.py"


rule read_receptors:
    """Read the contigs of one sample and say what each cell carries."""
    input:
        unpack(contigs_of),
    output:
        chains=f"{SAMPLE}/chains.parquet",
        receptors=f"{SAMPLE}/receptors.parquet",
        facts=f"{SAMPLE}/receptors.json",
    log:
        f"{LOGS}/read_receptors/{{sample}}.log",
    benchmark:
        f"{BENCHMARKS}/read_receptors/{{sample}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20, 700),
        runtime=minutes(0.05),
    params:
        cfg=cfg("receptors.min_umis", "receptors.productive_only", "receptors.high_confidence_only"),
        row=donor_of,
        code=code_of("read_receptors"),
    script:
        "../scripts/read_receptors.py"


rule define_clonotypes:
    """Group the cells of one patient into clones, over all its timepoints."""
    input:
        receptors=of_patient("receptors.parquet"),
        cells=of_patient("cells.parquet"),
    output:
        clonotypes=f"{PATIENT}/clonotypes.parquet",
        facts=f"{PATIENT}/clonotypes.json",
    log:
        f"{LOGS}/define_clonotypes/{{patient}}.log",
    benchmark:
        f"{BENCHMARKS}/define_clonotypes/{{patient}}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(80, 800),
        runtime=minutes(1, 30),
    params:
        cfg=cfg(
            "clonotypes.bcr_max_distance",
            "clonotypes.light_chain",
            "clonotypes.tcr_arms",
            "clonotypes.tcr_sequence",
        ),
        design=design_of_patient,
        code=code_of("define_clonotypes"),
    script:
        "../scripts/define_clonotypes.py"


rule find_shared_clones:
    """Find receptors that more than one patient carries: possible contamination."""
    input:
        clonotypes=of_patients("clonotypes.parquet"),
    output:
        shared=f"{COHORT}/shared_clones.parquet",
    log:
        f"{LOGS}/find_shared_clones.log",
    benchmark:
        f"{BENCHMARKS}/find_shared_clones.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(90, 600),
        runtime=minutes(1),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("find_shared_clones"),
    script:
        "../scripts/find_shared_clones.py"
