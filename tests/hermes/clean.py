"""hermes-agent's own code beside `credpool auth clean`. Arguments: what to do, and with what.

race WORKERS COUNT   processes that each add and bench as many keys
hold                 takes the lock and says so; adds a key for each line that it reads, and says so
pool                 prints the rows as they are loaded, without their state
"""

import argparse
import contextlib
import io
import json
import multiprocessing
import sys
import time

import hermes_cli.auth as auth
import hermes_cli.auth_commands as commands
from agent.credential_pool import load_pool

PROVIDER = "openrouter"


def add(label: str) -> None:
    arguments = argparse.Namespace(provider=PROVIDER, auth_type="api-key", api_key=f"sk-or-v1-{label}", label=label)
    with contextlib.redirect_stdout(io.StringIO()):
        commands.auth_add_command(arguments)


def work(worker: int, count: int) -> None:
    for number in range(count):
        label = f"worker-{worker}-{number}"
        add(label)
        pool = load_pool(PROVIDER)
        entry = next(entry for entry in pool.entries() if entry.label == label)
        pool.mark_exhausted_and_rotate(
            status_code=429,
            error_context={"reset_at": time.time() + 600},
            api_key_hint=entry.runtime_api_key,
        )


def race(workers: str, count: str) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(worker, int(count))) for worker in range(int(workers))]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0, process


def hold() -> None:
    with auth._auth_store_lock():
        print("held", flush=True)
        for line in sys.stdin:
            add(line.strip())
            print("added", flush=True)


def pool() -> None:
    rows = [entry.to_dict() for entry in load_pool(PROVIDER).entries()]
    notes = ("last_", "request_count")
    print(json.dumps([{name: row[name] for name in row if not name.startswith(notes)} for row in rows]))


{"race": race, "hold": hold, "pool": pool}[sys.argv[1]](*sys.argv[2:])
