"""A program whose verb `train` trains nothing; the seed determines how its job ends.

2 kills it, 3 is a user's mistake, 4 a bug; with any other seed it succeeds and records how many
threads it may use.
"""

import os
import signal
import sys

from seqtag.commands.launch import launch
from seqtag.errors import InputError
from seqtag.sweeps.records import recorded


@recorded
def job(settings):
    """Succeed, fail or die, depending on the seed."""
    match settings.training.seed:
        case 2:
            os.kill(os.getpid(), signal.SIGKILL)
        case 3:
            raise InputError("no such corpus")
        case 4:
            raise ZeroDivisionError("a bug")
    return {"scores": {"dev f1": 0.5}, "threads": os.environ.get("OMP_NUM_THREADS")}


if __name__ == "__main__":
    try:
        sys.exit(launch(sys.argv[1], job, sys.argv[2:]))
    except InputError as error:
        print(f"seqtag: error: {error}", file=sys.stderr)
        sys.exit(2)
