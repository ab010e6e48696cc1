"""Marks one key of a pool as rate-limited, with hermes-agent's own code. Arguments: pool, label, reset (Unix time)."""

import sys

from agent.credential_pool import load_pool


def main() -> None:
    provider, label, reset_at = sys.argv[1], sys.argv[2], float(sys.argv[3])
    pool = load_pool(provider)
    entry = next(entry for entry in pool.entries() if entry.label == label)
    pool.mark_exhausted_and_rotate(
        status_code=429,
        error_context={"reason": "rate_limit_exceeded", "message": "Rate limit exceeded", "reset_at": reset_at},
        api_key_hint=entry.runtime_api_key,
    )


main()
