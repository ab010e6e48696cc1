"""Lets hermes-agent choose keys by turns, as fast as it can: each choice rewrites auth.json. Arguments: pool, how often.

Prints the labels that were chosen.
"""

import json
import sys

from agent.credential_pool import load_pool


def main() -> None:
    provider, count = sys.argv[1], int(sys.argv[2])
    pool = load_pool(provider)
    print(json.dumps([pool.select().label for _ in range(count)]))


main()
