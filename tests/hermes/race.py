"""Processes share one auth.json through hermes-agent's own pool, as its agents do: each holds a pool object, selects a
key at the same moment, and then marks a key of its own as rate-limited. Argument: how many processes.

Prints which keys were selected, and which marks are there at the end.
"""

import json
import multiprocessing
import sys
import time

from agent.credential_pool import load_pool

PROVIDER = "openrouter"
PATIENCE_S = 60


def race(number: int, barrier, selected) -> None:
    pool = load_pool(PROVIDER)
    barrier.wait(PATIENCE_S)
    selected.put(pool.select().label)
    barrier.wait(PATIENCE_S)
    own = pool.entries()[number]
    pool.mark_exhausted_and_rotate(
        status_code=429,
        error_context={"reset_at": time.time() + 600},
        api_key_hint=own.runtime_api_key,
    )


def main() -> None:
    count = int(sys.argv[1])
    context = multiprocessing.get_context("fork")
    barrier, selected = context.Barrier(count), context.Queue()
    racers = [context.Process(target=race, args=(number, barrier, selected)) for number in range(count)]
    for racer in racers:
        racer.start()
    labels = [selected.get(timeout=PATIENCE_S) for _ in racers]
    for racer in racers:
        racer.join(PATIENCE_S)
        assert racer.exitcode == 0, racer
    marked = [entry.label for entry in load_pool(PROVIDER).entries() if entry.last_status == "exhausted"]
    print(json.dumps({"selected": labels, "marked": marked}))


main()
