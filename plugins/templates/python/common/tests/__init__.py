"""Native tests: the plugin under this Python, with the modules of the contract that componentize-py writes."""

import sys

import build

sys.path[:0] = [str(build.bindings()), str(build.PROJECT / "src")]
