"""The same program as `seqtag export`."""

import sys

from seqtag.cli import main

sys.exit(main(["export", *sys.argv[1:]]))
