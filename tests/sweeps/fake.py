"""A program whose verb `train` trains nothing: what its job does is told by the seed.

1 is done, 2 is killed, 3 a mistake, 4 a fault; any other says how many threads it may use.
"""

import os
import signal
import sys

from seqtag.commands.launch import launch
from seqtag.errors import InputError
from seqtag.sweeps.records import recorded


@recorded
def job(settings):
    """Do what the seed says."""
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
