"""The program ``python -m seqtag.runtime``: the verb `tag`, for an exported folder."""

import sys

from seqtag.cli import main

sys.exit(main(["tag", *sys.argv[1:]]))
