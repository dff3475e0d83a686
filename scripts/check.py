"""The same program as `seqtag check`."""

import sys

from seqtag.cli import main

sys.exit(main(["check", *sys.argv[1:]]))
