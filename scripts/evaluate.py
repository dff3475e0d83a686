"""The same program as `seqtag evaluate`."""

import sys

from seqtag.cli import main

sys.exit(main(["evaluate", *sys.argv[1:]]))
