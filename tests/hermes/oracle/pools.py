"""What hermes-agent would give its agents: each row of each pool, and how it would be used."""

import functools
import shutil
import ssl
import tempfile
import time
from pathlib import Path

import agent.anthropic_adapter as anthropic
import agent.credential_pool as credential_pool
import agent.gemini_native_adapter as gemini
import hermes_cli.auth as auth
import hermes_cli.runtime_provider as runtime
from hermes_cli.config import load_env
from openai import OpenAI

import logins

# Done once, here, and not in each child. No client ever connects, and each would read all certificates.
ssl.create_default_context = functools.cache(ssl.create_default_context)
for client in (anthropic.build_anthropic_client, OpenAI, gemini.GeminiNativeClient):
    client(api_key="none")


def asked(request: dict) -> dict:
    """The pools of each profile. `load_pool` writes, so it is asked about a copy of the home."""
    with tempfile.TemporaryDirectory(prefix="credpool-oracle-") as folder:
        root, user = Path(folder) / "hermes", Path(folder) / "user"
        answer = []
        for profile in request["ask"]:
            # One profile's reading must not be seen by the next.
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(request["root"], root, symlinks=True)
            shutil.copytree(request["user"], user, symlinks=True)
            logins.enter(root, profile, str(user), request["environment"])
            for provider in sorted(set(request["providers"]) | set(auth.read_credential_pool(None))):
                answer.append(pool(profile, provider))
        return {"pools": answer}


def pool(profile: str, provider: str) -> dict:
    in_file = [written(row) for row in auth.read_credential_pool(provider)]
    loaded = credential_pool.load_pool(provider)
    available = [entry.id for entry in loaded._available_entries(clear_expired=False, refresh=False)]
    return {
        "profile": profile,
        "pool": provider,
        "strategy": credential_pool.get_pool_strategy(provider),
        "in_file": in_file,
        "available": available,
        "rows": [row(provider, entry, loaded) for entry in loaded.entries()],
        "ranking": ranking(provider, loaded),
    }


def written(row: dict) -> dict:
    """A row as it stands in the file."""
    has_secret = any(row.get(field) for field in ("access_token", "agent_key"))
    is_dead = row.get("last_status") == credential_pool.STATUS_DEAD
    died_at = credential_pool._parse_absolute_timestamp(row.get("last_status_at")) or 0
    is_long_dead = is_dead and time.time() - died_at > credential_pool.DEAD_MANUAL_PRUNE_TTL_SECONDS
    return {"id": row["id"], "source": row["source"], "has_secret": has_secret, "is_long_dead": is_long_dead}


def ranking(provider: str, loaded) -> list:
    """The ids in the order in which `select` gives them out, each when those before are no longer there. Logins that are
    due are refreshed on the way."""
    logins.refresh_with(provider, "sk-canary-ranking", "long", fails=False)
    ids = []
    while (entry := loaded.select()) is not None:
        ids.append(entry.id)
        loaded._entries = [other for other in loaded.entries() if other.id != entry.id]
    return ids


def row(provider: str, entry, loaded) -> dict:
    secret = entry.runtime_api_key
    used = use(provider, entry, loaded)
    return {
        "id": entry.id,
        "label": entry.label,
        "source": entry.source,
        "auth_type": entry.auth_type,
        "is_from_outside": is_from_outside(entry),
        "is_given_up": auth.is_source_suppressed(provider, entry.source),
        "secret": secret,
        "base_url": used["base_url"],
        "header": header(provider, secret, used) if secret else None,
        "until_s": credential_pool._exhausted_until(entry),
    }


def is_from_outside(entry) -> bool:
    """Whether the secret stands nowhere in the Hermes home, but in the environment or in another program's file."""
    scheme, _, name = entry.source.partition(":")
    if scheme == "env":
        return load_env().get(name, "").strip() != entry.access_token
    return entry.source in ("claude_code", "qwen-cli")


def use(provider: str, entry, loaded) -> dict:
    """Where, and in which dialect, an agent that was given this row sends its requests, if its own settings say nothing:
    `model.base_url` is about the agent, not about the row."""
    if provider.startswith(credential_pool.CUSTOM_POOL_PREFIX):
        url = entry.runtime_base_url or ""
        return {"base_url": url, "api_mode": runtime._detect_api_mode_for_url(url) or "chat_completions"}
    return runtime._resolve_runtime_from_pool_entry(
        provider=provider, entry=entry, requested_provider=provider, pool=loaded, model_cfg={"default": ""}
    )


def header(provider: str, secret: str, used: dict) -> list:
    """The header in which Hermes' own client sends the secret: its name in lower case, and what stands before."""
    url = used["base_url"]
    if used["api_mode"] == "anthropic_messages":
        headers = anthropic.build_anthropic_client(secret, url).auth_headers
    elif provider == "gemini" and gemini.is_native_gemini_base_url(url):
        headers = gemini.GeminiNativeClient(api_key=secret, base_url=url)._headers()
    else:
        headers = OpenAI(api_key=secret, base_url=url or None).auth_headers
    carrying = [(name.lower(), value.replace(secret, "")) for name, value in headers.items() if secret in value]
    assert len(carrying) == 1, f"the secret of a row of {provider} is sent in {len(carrying)} headers"
    return list(carrying[0])
