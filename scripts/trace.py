"""The same program as `seqtag trace`."""

import sys

from seqtag.cli import main

sys.exit(main(["trace", *sys.argv[1:]]))
