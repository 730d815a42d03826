"""How every script starts: logging, warnings in the log, numerics on one thread, inputs watched."""

import logging
import os
import sys
from pathlib import Path

from immune_reset import language, pseudonyms, unchanged
from immune_reset.errors import InputError

UNCAUGHT = "uncaught exception"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def start(smk) -> None:
    """Set up a script's run: log file, uncaught errors in the log, one thread, inputs watched.

    Pseudonyms (`params.design`) and language (`params.cfg`, inputs `languages` and `fonts`) are
    set where the rule gives them.

    One thread, whatever the job's `threads`: with more, PCA, UMAP and Harmony differ in their
    last bits, and the same inputs must give the same tables on any machine.
    """
    setup_logging(smk.log[0] if len(smk.log) else None)
    pin_threads()
    unchanged.watch(smk.input if isinstance(smk.input, list) else [])
    params = getattr(smk, "params", None)
    pseudonyms.use(getattr(params, "design", None))
    _speak(smk.input, params)


def _speak(files, params) -> None:
    """Set the language of the report, if the rule is told one; patients' names stay as they are."""
    code = (getattr(params, "cfg", None) or {}).get("report.language", language.ENGLISH)
    if code == language.ENGLISH:
        language.use(code, None)
        return
    path, design = Path(files.languages), getattr(params, "design", None) or {}
    catalogue = language.load(path.read_text("utf-8"), str(path))
    rows = [design, *design.get("samples", [])]
    names = {str(row["patient"]) for row in rows if "patient" in row}
    names |= set((design.get(pseudonyms.KEY) or {}).values())
    fonts = getattr(files, "fonts", None) or []
    language.use(code, language.without(catalogue, names), fonts)


def setup_logging(log_path: str | Path | None, level: str = "INFO") -> None:
    """Log to the rule's log file and to stderr, warnings and uncaught errors included.

    An `InputError` is logged as its message alone; any other error with its traceback.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if log_path is not None:
        handlers.insert(0, logging.FileHandler(log_path, mode="w"))
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=handlers,
        force=True,
    )
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


def _log_uncaught(kind, error, traceback) -> None:
    if issubclass(kind, InputError):
        logging.critical("%s", error)
    else:
        logging.critical(UNCAUGHT, exc_info=(kind, error, traceback))


def pin_threads(n: int = 1) -> None:
    """Hold BLAS, OpenMP and numba to `n` threads, in this process and those it starts."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(n)
    from threadpoolctl import threadpool_limits

    threadpool_limits(n)
    if "numba" in sys.modules:
        _pin_numba(sys.modules["numba"], n)


def _pin_numba(numba, n: int) -> None:
    """Hold an imported numba to `n` threads; it refuses an environment that its pool is not of."""
    try:
        numba.config.reload_config()
    except RuntimeError:  # the pool runs already, with another size
        os.environ["NUMBA_NUM_THREADS"] = str(numba.config.NUMBA_NUM_THREADS)
        numba.config.reload_config()
    numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))
