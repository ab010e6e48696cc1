"""Writes what the fuzz targets begin with into the folder that is named: python3 tests/fuzz/seeds.py FOLDER.

All of it is made from what stands in the repository: the corpus of vendors' answers, the examples of the protocol's
page, the sample auth.json, and the snapshot of an earlier version.
"""

import json
import random
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
FIXTURES = TESTS / "fixtures"


def rows():
    for file in sorted((FIXTURES / "vendors").glob("*.json")):
        yield from json.loads(file.read_text())


def body(row):
    response = row["response"]
    if "body" in response:
        return json.dumps(response["body"], ensure_ascii=False)
    return response.get("body_text", "")


def facts():
    for row in rows():
        own = {"status": row["response"]["status"], "model": row.get("model"), **row["provider"], **row.get("client", {})}
        lines = [f":{name}: {value}" for name, value in own.items() if value is not None]
        lines += [f"{name}: {value}" for name, value in row["response"]["headers"].items()]
        yield "\n".join(line.replace("\n", " ") for line in lines) + "\n\n" + body(row)


def hints():
    for row in rows():
        pool = row["provider"]["pool"]
        for name, value in row["response"]["headers"].items():
            yield f"{pool} {name}: {value}"
        if body(row):
            yield f"{pool} retry-after: {body(row)}"


def protocol():
    page = (TESTS.parent / "proto" / "PROTOCOL.md").read_text()
    for block in re.findall(r"^```json session=\S+\n(.*?)^```$", page, re.M | re.S):
        lines = re.sub(r"\n +", "", block).split("\n")
        yield b"\x0f" + "".join(f"{line[2:]}\n" for line in lines if line.startswith("> ")).encode()
    for row in rows():
        response = row["response"]
        report = {"op": "report_error", "lease": "l", "status": response["status"], "headers": response["headers"]}
        report["body"] = response.get("body", response.get("body_text"))
        yield b"\xff" + json.dumps(report).encode() + b"\n"


def auth_json():
    for name in ("auth.json", "hermes-sample-auth.json"):
        store = (FIXTURES / name).read_text()
        yield store
        yield (
            f"{store}\n=== .env\nOPENAI_API_KEY=sk-a\nexport GROQ_API_KEY='gsk b'\nANTHROPIC_TOKEN=\"t\"\n"
            "\n=== config.yaml\ncredential_pool_strategies: {openrouter: round_robin}\nmodel: {provider: custom, "
            "base_url: https://a.test/v1, api_key: k}\ncustom_providers:\n- {name: Together AI, "
            "base_url: https://t.test/v1/, api_key: '${OPENAI_API_KEY}'}\n"
        )


def snapshot():
    def unsealed(text):
        return re.sub(r',"crc32":"[0-9a-f]{8}"}', "}", text)

    state = unsealed((FIXTURES / "snapshot" / "state.json").read_text())
    yield state
    yield state.rstrip("\n") + "\n\n" + unsealed((FIXTURES / "snapshot" / "state.json.2.log").read_text())


def commands():
    chance = random.Random(1)
    for _ in range(64):
        yield chance.randbytes(8 * chance.randint(2, 100))


def main(folder):
    for target in (protocol, facts, hints, commands, auth_json, snapshot):
        into = Path(folder) / target.__name__
        into.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target()):
            (into / f"{number:04}").write_bytes(seed if isinstance(seed, bytes) else seed.encode())


if __name__ == "__main__":
    main(sys.argv[1])
