"""Believes it is a program."""

import sys

sys.exit("This is a script, not a module.")
