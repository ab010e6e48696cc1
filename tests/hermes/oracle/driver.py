"""Does with a home what hermes-agent does, and says what its agents would then be given, for as long as it is asked.

A request is a line on stdin, its answer a line on stdout. Each request is handled by a child that sees one home and one
environment, as a process of Hermes would, so that nothing that one of them remembers reaches the next:

    {"do": OPERATION, "root": PATH, "profile": NAME or "", "user": PATH, "environment": {NAME: VALUE}}
        -> {"done": true}, or {"done": false, "why": SENTENCE} where Hermes refused
    {"ask": [PROFILE, ...], ...} -> {"pools": [...]}, see pools.py

The first line says which version this is.
"""

import importlib.metadata
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import logins
import operations
import pools

# How long a child may take. Far longer than it does: only one that hangs takes this long.
PATIENCE_S = 60


def main() -> None:
    say({"version": importlib.metadata.version("hermes-agent")})
    for line in sys.stdin:
        say(in_a_child(json.loads(line)))


def say(answer: dict) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def in_a_child(request: dict) -> dict:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        # What Hermes asks, prints and logs is for people.
        nobody = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nobody, descriptor)
        sys.stdin = open(0)
        signal.alarm(PATIENCE_S)
        with os.fdopen(writer, "w") as answer:
            json.dump(handled(request), answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if status == 0 else {"broken": f"the child ended with {status}"}


def handled(request: dict) -> dict:
    try:
        if "ask" in request:
            return pools.asked(request)
        logins.enter(Path(request["root"]), request["profile"], request["user"], request["environment"])
        return operations.done(request["do"])
    except Exception:
        return {"broken": traceback.format_exc()}


main()
