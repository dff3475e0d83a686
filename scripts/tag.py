"""The same program as `seqtag tag`."""

import sys

from seqtag.cli import main

sys.exit(main(["tag", *sys.argv[1:]]))
