"""Counts the requests that a moto server has answered, from its access log.

    python3 count.py LOG [--after N]

`--after` leaves out the first N requests, such as those of populate.py; run it once before and once after a collection. Prints
one JSON object with the number and how many had each status.
"""

import argparse
import collections
import json
import re

# Colours of a terminal may stand around the request.
LINE = re.compile(r'"(?:\x1b\[[0-9;]*m)*[A-Z]+ \S+ HTTP/1\.[01](?:\x1b\[[0-9;]*m)*" (\d{3}) ')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--after", type=int, default=0)
    options = parser.parse_args()
    with open(options.log, encoding="utf-8", errors="replace") as log:
        statuses = [found.group(1) for found in map(LINE.search, log) if found][options.after:]
    print(json.dumps({"requests": len(statuses), "statuses": dict(collections.Counter(statuses))}))


if __name__ == "__main__":
    main()
