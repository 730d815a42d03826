rule digest_inputs:
    """Take size and SHA-256 of every file that the user gave."""
    input:
        unpack(source_files),
    output:
        inputs=f"{COHORT}/inputs.json",
    log:
        f"{LOGS}/digest_inputs.log",
    benchmark:
        f"{BENCHMARKS}/digest_inputs.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(0.01),
    params:
        cfg=cfg(),
        code=code_of("digest_inputs"),
    script:
        "../scripts/digest_inputs.py"


rule write_provenance:
    """Record what the run stands on: versions, settings, inputs, git state, what its rules took."""
    input:
        inputs=f"{COHORT}/inputs.json",
        tables=[f"{TABLES}/{name}.tsv" for name in tables_made()],
        figures=[f"{PLOTS}/{name}.png" for name in figures_made()],
    output:
        provenance=report(
            f"{OUT}/provenance.json",
            caption="../report/captions/provenance.rst",
            category="Report",
            labels={"what": "Provenance", "format": "JSON"},
        ),
    log:
        f"{LOGS}/write_provenance.log",
    benchmark:
        f"{BENCHMARKS}/write_provenance.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(),
        runtime=minutes(),
    params:
        cfg=cfg(),
        settings=SETTINGS,
        rows=list(PLAN.rows.values()),
        versions=VERSIONS,
        benchmarks=BENCHMARKS,
        code=code_of("write_provenance"),
    script:
        "../scripts/write_provenance.py"


rule thin_cells:
    """Thin the map of cells for the report's interactive map."""
    input:
        unpack(map_inputs),
    output:
        map=f"{COHORT}/map.json",
    log:
        f"{LOGS}/thin_cells.log",
    benchmark:
        f"{BENCHMARKS}/thin_cells.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(25, 600),
        runtime=minutes(),
    params:
        cfg=cfg("seed"),
        design=DESIGN,
        code=code_of("thin_cells"),
    script:
        "../scripts/thin_cells.py"


rule render_report:
    """Write the report: one self-contained HTML file."""
    input:
        unpack(report_tables),
        unpack(only(PLAN.has_gex, map=f"{COHORT}/map.json")),
        **words(),
        figures=[f"{PLOTS}/{name}.png" for name in figures_made()],
        templates=templates(),
        provenance=f"{OUT}/provenance.json",
    output:
        **reports(),
    log:
        f"{LOGS}/render_report.log",
    benchmark:
        f"{BENCHMARKS}/render_report.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=mem(5),
        runtime=minutes(),
    params:
        cfg=cfg("report.language", "report.title"),
        settings=SETTINGS,
        design=SHOWN,
        versions=VERSIONS,
        history=f"{OUT}/history.json",
        code=code_of("render_report"),
    script:
        "../scripts/render_report.py"
