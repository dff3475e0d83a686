"""The same program as `seqtag report`."""

import sys

from seqtag.cli import main

sys.exit(main(["report", *sys.argv[1:]]))
