"""The same program as `seqtag probe`."""

import sys

from seqtag.cli import main

sys.exit(main(["probe", *sys.argv[1:]]))
