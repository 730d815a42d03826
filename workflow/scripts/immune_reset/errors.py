"""The error that tells a user what is wrong with an input, and how to mend it."""

from pathlib import Path

LONGEST = 2000


class InputError(ValueError):
    """Bad input: the message names the place, what was found and the mend.

    The log shows the message alone, without a traceback: the fault is in the data. It is one
    line, whatever stands in the data: what cannot be printed is escaped, and long ones are cut.
    """

    def __init__(self, message: str) -> None:
        """Keep the message as one printable line of `LONGEST` characters at most."""
        line = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in message)
        half = LONGEST // 2
        super().__init__(line if len(line) <= LONGEST else f"{line[:half]} ... {line[-half:]}")


def at(place: str | Path, found: str, mend: str) -> InputError:
    """Return an `InputError` reading ``<place>: <found>. <mend>.``."""
    mend = mend[:1].upper() + mend[1:].rstrip(".")
    return InputError(f"{place}: {found.rstrip('.')}. {mend}.")
