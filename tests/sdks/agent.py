"""An agent: it leases keys over the socket, calls their provider through the provider's own SDK, and reports how it went.

Argument: the daemon's socket. Each line of input is a command in JSON, and is answered by a line without any secret:

{"do": "acquire", "as": NAME, "ask": {…}}           leases what `ask` says; the answer to `acquire`
{"do": "call", "as": NAME, "sdk": SDK, "model": M}  calls with that lease, and gives it back; how it went
{"do": "rush", "count": N, "sdk": SDK, "model": M, "ask": {…}}
                                                    leases N times, then makes all calls at once; a list of how they went
{"do": "insist", "count": N, "sdk": SDK, "model": M, "ask": {…}}
                                                    N clients, each with a connection of its own, ask until they have a
                                                    lease, and again until a call succeeds; of each, how often it was
                                                    refused, and a list of how its calls went

"openai.stream" and "anthropic.stream" are SDKs too. How it went: `status` as the SDK has it, and the daemon's `reply`.
"""

import json
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai

PATIENCE_S = 60
# Between two attempts of a client that insists.
POLL_S = 0.005
MESSAGES = [{"role": "user", "content": "Hello"}]


class Daemon:
    def __init__(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE_S)
        connection.connect(path)
        self.lines = connection.makefile("rw", encoding="utf-8")
        self.lock = threading.Lock()

    def ask(self, **request):
        with self.lock:
            self.lines.write(json.dumps(request) + "\n")
            self.lines.flush()
            return json.loads(self.lines.readline())


def with_openai(credential, model, stream=False):
    with openai.OpenAI(
        api_key=credential["secret"], base_url=credential["base_url"], max_retries=0, timeout=PATIENCE_S
    ) as client:
        raw = client.chat.completions.with_raw_response.create(model=model, messages=MESSAGES, stream=stream)
        answer = raw.parse()
        if stream:
            for _ in answer:
                pass
        return raw


def with_anthropic(credential, model, stream=False):
    with anthropic.Anthropic(
        api_key=credential["secret"], base_url=credential["base_url"], max_retries=0, timeout=PATIENCE_S
    ) as client:
        raw = client.messages.with_raw_response.create(
            model=model, max_tokens=16, messages=MESSAGES, stream=stream
        )
        answer = raw.parse()
        if stream:
            for _ in answer:
                pass
        return raw


SDKS = {
    "openai": with_openai,
    "openai.stream": lambda credential, model: with_openai(credential, model, stream=True),
    "anthropic": with_anthropic,
    "anthropic.stream": lambda credential, model: with_anthropic(credential, model, stream=True),
}


def facts(error):
    """What an SDK's exception knows of a failure."""
    if isinstance(error, (openai.APIStatusError, anthropic.APIStatusError)):
        return {
            "status": error.status_code,
            "headers": dict(error.response.headers),
            "body": error.body,
            "message": error.message,
        }
    if isinstance(error, (openai.APITimeoutError, anthropic.APITimeoutError)):
        return {"kind": "timeout", "message": error.message}
    if isinstance(error, (openai.APIConnectionError, anthropic.APIConnectionError)):
        return {"kind": "network", "message": error.message}
    # Within a stream there is no response to blame any more.
    return {"message": error.message, "body": error.body}


def call(daemon, lease, sdk, model):
    try:
        answer = SDKS[sdk](lease["credential"], model)
    except (openai.APIError, anthropic.APIError) as error:
        known = facts(error)
        reply = daemon.ask(op="report_error", lease=lease["lease"], **known)
        return {"status": known.get("status"), "reply": reply}
    headers = dict(answer.headers)
    reply = daemon.ask(
        op="release", lease=lease["lease"], outcome="ok", status=answer.status_code, headers=headers
    )
    return {"status": answer.status_code, "reply": reply}


def insist(path, ask, sdk, model):
    daemon, refused, calls = Daemon(path), 0, []
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at and not (calls and calls[-1]["status"] == 200):
        lease = daemon.ask(op="acquire", **ask)
        if lease["ok"]:
            calls.append({"probe": lease["probe"], **call(daemon, lease, sdk, model)})
        else:
            refused += 1
            time.sleep(POLL_S)
    return {"refused": refused, "calls": calls}


def without_secret(reply):
    if "credential" in reply:
        reply = {**reply, "credential": {**reply["credential"], "secret": None}}
    return reply


def main():
    path, leases = sys.argv[1], {}
    daemon = Daemon(path)
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "acquire":
            reply = leases[command["as"]] = daemon.ask(op="acquire", **command["ask"])
            result = without_secret(reply)
        elif command["do"] == "call":
            result = call(daemon, leases.pop(command["as"]), command["sdk"], command["model"])
        elif command["do"] == "insist":
            ask, sdk, model = command["ask"], command["sdk"], command["model"]
            with ThreadPoolExecutor(command["count"]) as threads:
                insisting = [threads.submit(insist, path, ask, sdk, model) for _ in range(command["count"])]
                result = [client.result() for client in insisting]
        else:
            rushing = [daemon.ask(op="acquire", **command["ask"]) for _ in range(command["count"])]
            with ThreadPoolExecutor(len(rushing)) as threads:
                result = list(threads.map(lambda lease: call(daemon, lease, command["sdk"], command["model"]), rushing))
        print(json.dumps(result), flush=True)


main()
