mend_records()


onstart:
    schedule_as_jobs_end()


onsuccess:
    keep_records()


onerror:
    keep_records()
    said = faults(LOGS, STARTED)
    sys.stderr.write("\n".join(["", "What stopped the run:", *said, ""]) if said else "")
