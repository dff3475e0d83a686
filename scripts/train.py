"""The same program as `seqtag train`."""

import sys

from seqtag.cli import main

sys.exit(main(["train", *sys.argv[1:]]))
