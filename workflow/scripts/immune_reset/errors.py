"""The error that tells a user what is wrong with an input, and how to mend it."""

from pathlib import Path


class InputError(ValueError):
    """Bad input: the message names the place, what was found and the mend.

    The log shows the message alone, without a traceback: the fault is in the data.
    """


def at(place: str | Path, found: str, mend: str) -> InputError:
    """Return an `InputError` reading ``<place>: <found>. <mend>.``."""
    mend = mend[:1].upper() + mend[1:].rstrip(".")
    return InputError(f"{place}: {found.rstrip('.')}. {mend}.")
