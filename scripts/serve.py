"""The same program as `seqtag serve`."""

import sys

from seqtag.cli import main

sys.exit(main(["serve", *sys.argv[1:]]))
