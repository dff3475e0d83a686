"""The same program as `seqtag push`."""

import sys

from seqtag.cli import main

sys.exit(main(["push", *sys.argv[1:]]))
