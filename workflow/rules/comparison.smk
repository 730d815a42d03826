rule compare_composition:
    """Shares of cell types, and their change."""
    input:
        unpack(only(PLAN.clinical, clinical=f"{TABLES}/clinical.tsv")),
        cells=of_samples("cells.parquet"),
        labels=f"{COHORT}/labels.parquet",
        car=f"{COHORT}/car_cells.parquet",
    output:
        composition=table("composition"),
        change=table("composition_change"),
    log:
        f"{LOGS}/compare_composition.log",
    benchmark:
        f"{BENCHMARKS}/compare_composition.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(20),
        runtime=minutes(),
    params:
        cfg=cfg("composition.min_expected", "claims.alpha"),
        design=DESIGN,
        code=code_of("compare_composition"),
    script:
        "../scripts/compare_composition.py"


rule summarise_clinical:
    """Give each clinical value its sample, and measure the change."""
    input:
        unpack(only(PLAN.clinical, clinical=PLAN.clinical)),
    output:
        clinical=table("clinical"),
        change=f"{COHORT}/clinical_change.parquet",
        states=table("disease_states"),
    log:
        f"{LOGS}/summarise_clinical.log",
    benchmark:
        f"{BENCHMARKS}/summarise_clinical.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg("clinical.window_days"),
        design=DESIGN,
        code=code_of("summarise_clinical"),
    script:
        "../scripts/summarise_clinical.py"


rule guard_design:
    """Look for what in the design or the course may explain a change by itself."""
    input:
        unpack(guard_inputs),
    output:
        guard=table("design_guard"),
    log:
        f"{LOGS}/guard_design.log",
    benchmark:
        f"{BENCHMARKS}/guard_design.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg("guard.early_days", "guard.max_ratio", "guard.window_days"),
        design=DESIGN,
        code=code_of("guard_design"),
    script:
        "../scripts/guard_design.py"


rule judge_claims:
    """Decide every claim by its rule, or say why it cannot be made."""
    input:
        unpack(claim_inputs),
    output:
        claims=table("claims"),
    log:
        f"{LOGS}/judge_claims.log",
    benchmark:
        f"{BENCHMARKS}/judge_claims.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(5),
        runtime=minutes(),
    params:
        cfg=cfg(
            "claims.alpha",
            "claims.min_log2_change",
            "claims.min_log_diversity",
            "composition.min_expected",
        ),
        design=DESIGN,
        code=code_of("judge_claims"),
    script:
        "../scripts/judge_claims.py"


rule summarise_patients:
    """One wide row per patient."""
    input:
        unpack(patient_inputs),
    output:
        patients=table("patients"),
    log:
        f"{LOGS}/summarise_patients.log",
    benchmark:
        f"{BENCHMARKS}/summarise_patients.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(5),
        runtime=minutes(),
    params:
        cfg=cfg(),
        design=DESIGN,
        code=code_of("summarise_patients"),
    script:
        "../scripts/summarise_patients.py"
