"""The corpus, as the two systems compared with credpool meet it, and what counts as right."""

import json
import pathlib
import time
from datetime import datetime

FOLDER = pathlib.Path(__file__).parents[2] / "fixtures" / "vendors"
SECOND = 1.0

# Both systems know fewer kinds than the corpus: these are told apart.
CLASSES = {
    "rate_limit": "limit", "quota": "limit", "billing": "billing", "auth": "access", "dead": "access",
    "forbidden": "access", "model": "model", "overloaded": "provider", "server": "provider", "edge": "provider",
    "network": "provider", "request": "request",
}


class Answer:
    def __init__(self, row):
        self.row, self.expect = row, row["expect"]
        response = row["response"]
        self.status, self.headers = response["status"], response["headers"]
        self.json = response.get("body")
        self.text = response.get("body_text") if self.json is None else json.dumps(self.json, ensure_ascii=False)
        self.message = row.get("client", {}).get("message") or self.text or ""
        self.pool, self.model = row["provider"]["pool"], row.get("model", "m")
        self.now = instant(row["now"])

    @property
    def class_of(self):
        return CLASSES[self.expect["kind"]]

    @property
    def deadline(self):
        deadline = self.expect["deadline"]
        if deadline is None:
            return None
        return self.now + deadline["after_ms"] / 1000 if "after_ms" in deadline else instant(deadline["at"])

    @property
    def blameless(self):
        """Whether no key is to blame."""
        return self.expect["scope"] in ("none", "pool", "pool_model")

    def is_right(self, until):
        late = max(SECOND, self.expect.get("slack_ms", 0) / 1000)
        # Floats: a microsecond is neither early nor late.
        return until is not None and -1e-6 <= until - self.deadline <= late + 1e-6


def failures():
    """Rows that are failures of a kind both systems could know; their clocks stand at the row's `now` meanwhile."""
    real = time.time
    for path in sorted(FOLDER.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            answer = Answer(row)
            if row.get("via") == "release" or answer.expect["kind"] not in CLASSES:
                continue
            time.time = lambda: answer.now
            yield answer
    time.time = real


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Score:
    """Counts of one system."""

    def __init__(self, system):
        self.system, self.kinds, self.deadlines, self.benched = system, [], [], []

    def add(self, answer, class_of, until, benches):
        """`class_of` is None where the system has no notion of the expected class."""
        if class_of is not None:
            self.kinds.append(class_of == answer.class_of)
        if answer.deadline is not None:
            self.deadlines.append(answer.is_right(until))
        if answer.blameless:
            self.benched.append(benches)

    def __str__(self):
        return "| {} | {} of {} | {} of {} | {} of {} |".format(
            self.system, sum(self.kinds), len(self.kinds), sum(self.deadlines), len(self.deadlines),
            sum(self.benched), len(self.benched),
        )
