"""Reports: HTML pages, pictures, and tables for a terminal."""

import logging

# Building the font cache is reported as a warning, at the first picture on a machine.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
