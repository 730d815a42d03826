mend_records()


onstart:
    workflow.scheduler.job_rate_limiter = asked_for(workflow.scheduler.job_rate_limiter)


onsuccess:
    keep_records()


onerror:
    keep_records()
    said = faults(LOGS, STARTED)
    sys.stderr.write("\n".join(["", "What stopped the run:", *said, ""]) if said else "")
