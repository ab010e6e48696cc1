"""What people and agents do to a home, each by the code of hermes-agent that does it."""

import argparse
import json
import os
import time
from pathlib import Path

import agent.anthropic_adapter as anthropic
import hermes_cli.auth as auth
import hermes_cli.auth_commands as commands
import hermes_cli.config as config
import yaml
from agent.credential_pool import load_pool
from hermes_constants import get_hermes_home

import logins

# Providers whose pools cannot be loaded without a network or a program that is not there.
UNREACHABLE = {"copilot", "copilot-acp", "bedrock"}


def done(operation: dict) -> dict:
    """Does it. Hermes refuses what makes no sense to it, which is an answer too."""
    operation = dict(operation)
    try:
        BY_NAME[operation.pop("op")](**operation)
    except (SystemExit, auth.AuthError) as refused:
        return {"done": False, "why": str(refused)}
    return {"done": True}


class Refused(SystemExit):
    """There is nothing to do this with."""


def add_key(provider: str, label: str, secret: str) -> None:
    arguments = argparse.Namespace(provider=provider, auth_type="api-key", api_key=secret, label=label)
    commands.auth_add_command(arguments)


def log_in(provider: str, label: str, secret: str, lives: str) -> None:
    """`hermes auth add`, by OAuth."""
    if provider not in commands._OAUTH_CAPABLE_PROVIDERS:
        raise Refused("this version has no such login")
    logins.log_in_with(provider, secret, lives)
    commands.auth_add_command(argparse.Namespace(provider=provider, auth_type="oauth", label=label))


def sign_in(provider: str, secret: str, lives: str) -> None:
    """`hermes model`: the one login of a provider."""
    state = logins.state(provider, secret, lives)
    if provider == "openai-codex":
        auth._save_codex_tokens(state["tokens"], state["last_refresh"])
    elif provider == "xai-oauth":
        auth._save_xai_oauth_tokens(state["tokens"], last_refresh=state["last_refresh"])
    elif provider == "minimax-oauth":
        auth._minimax_save_auth_state(state)
    else:
        auth.persist_nous_credentials(state)


def set_dotenv(name: str, value: str | None) -> None:
    if value is None:
        config.remove_env_value(name)
    else:
        config.save_env_value(name, value)


def set_claude(secret: str | None, lives: str) -> None:
    """Claude Code logs in, or out."""
    if secret is None:
        (Path.home() / ".claude/.credentials.json").unlink(missing_ok=True)
    else:
        new = logins.tokens("anthropic", secret, lives)
        anthropic._write_claude_code_credentials(new["access_token"], new["refresh_token"], new["expires_at_ms"])


def set_pkce(secret: str | None, lives: str) -> None:
    """The file in which older versions keep their own login at Anthropic."""
    path = get_hermes_home() / ".anthropic_oauth.json"
    if secret is None:
        path.unlink(missing_ok=True)
    else:
        new = logins.tokens("anthropic", secret, lives)
        state = {
            "accessToken": new["access_token"],
            "refreshToken": new["refresh_token"],
            "expiresAt": new["expires_at_ms"],
        }
        path.write_text(json.dumps(state))
        path.chmod(0o600)


def set_qwen(secret: str | None, lives: str) -> None:
    """The Qwen CLI logs in, or out."""
    if secret is None:
        (Path.home() / ".qwen/oauth_creds.json").unlink(missing_ok=True)
    else:
        new = logins.tokens("qwen-oauth", secret, lives)
        new["expiry_date"] = new["expires_at_ms"]
        auth._save_qwen_cli_tokens(new)


def edit_config(edit) -> None:
    """Somebody edits config.yaml."""
    path = config.get_config_path()
    content = yaml.safe_load(path.read_text()) if path.exists() else {}
    edit(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def set_custom(name: str, key: str | None, url: str, keyed: bool) -> None:
    """A provider of one's own, in the list of old or in the mapping of new; without a key it goes."""

    def edit(content: dict) -> None:
        listed = [entry for entry in content.get("custom_providers", []) if entry["name"] != name]
        mapped = {key: entry for key, entry in content.get("providers", {}).items() if entry["name"] != name}
        if key is not None and keyed:
            mapped[name.lower().replace(" ", "-")] = {"name": name, "api": url, "api_key": key}
        elif key is not None:
            listed.append({"name": name, "base_url": url, "api_key": key})
        for field, value in (("custom_providers", listed), ("providers", mapped)):
            content.pop(field, None)
            if value:
                content[field] = value

    edit_config(edit)


def set_model(provider: str, url: str | None, key: str | None) -> None:
    model = {"default": "some-model", "provider": provider, "base_url": url, "api_key": key}
    edit_config(lambda content: content.update(model={name: value for name, value in model.items() if value}))


def set_strategy(provider: str, strategy: str) -> None:
    edit_config(lambda content: content.setdefault("credential_pool_strategies", {}).update({provider: strategy}))


def remove(provider: str, index: int) -> None:
    commands.auth_remove_command(argparse.Namespace(provider=provider, target=str(nth(provider, index) + 1)))


def reset(provider: str) -> None:
    commands.auth_reset_command(argparse.Namespace(provider=provider))


def mark(provider: str, index: int, turns: int, status: int | None, error: dict) -> None:
    """A request failed, and the agent that made it, after so many turns with other keys, says so. Instants in `error` are
    seconds from now."""
    pool, index = loaded(provider, index)
    take(pool, turns, f"sk-canary-unasked-{os.getpid()}", fails=False)
    mark_in(pool, index, status, error)


def mark_stale(provider: str, index: int, status: int | None, error: dict, meanwhile: dict) -> None:
    """As `mark`, by an agent that has not looked at the file since before something else happened."""
    pool, index = loaded(provider, index)
    child = os.fork()
    if child == 0:
        done(meanwhile)
        os._exit(0)
    os.waitpid(child, 0)
    mark_in(pool, index, status, error)


def mark_in(pool, index: int, status: int | None, error: dict) -> None:
    error = dict(error)
    for name in ("reset_at", "resets_at", "retry_until"):
        if name in error:
            error[name] = instant(error[name])
    if not pool.entries():
        raise Refused("the pool has become empty")
    entry = pool.entries()[index % len(pool.entries())]
    logins.refresh_with(pool.provider, f"sk-canary-unasked-{os.getpid()}", "long", fails=False)
    pool._current_id = entry.id
    pool.mark_exhausted_and_rotate(status_code=status, error_context=error)


def instant(said: dict) -> object:
    """An instant as vendors write it: `in_s` from now, `as` seconds, milliseconds or a date."""
    at = time.time() + said["in_s"]
    if said["as"] == "ms":
        return int(at * 1000)
    if said["as"] == "date":
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    return str(int(at)) if said["as"] == "text" else at


def select(provider: str, times: int, secret: str, fails: bool) -> None:
    """An agent takes keys, one after the other; due logins are refreshed on the way."""
    take(load_pool(provider), times, secret, fails)


def take(pool, times: int, secret: str, fails: bool) -> None:
    logins.refresh_with(pool.provider, secret, "long", fails)
    for _ in range(times):
        pool.select()


def refresh(provider: str, index: int, secret: str, fails: bool) -> None:
    logins.refresh_with(provider, secret, "long", fails)
    pool, index = loaded(provider, index)
    pool._current_id = pool.entries()[index].id
    pool.try_refresh_current()


def load(provider: str) -> None:
    load_pool(provider)


def load_all() -> None:
    """What `hermes auth list` does."""
    for provider in sorted(set(auth.PROVIDER_REGISTRY) - UNREACHABLE | set(auth.read_credential_pool(None))):
        load_pool(provider)


def age(hours: int) -> None:
    """Time goes by: what was noted is that much older."""
    path = get_hermes_home() / "auth.json"
    if not path.exists():
        raise Refused("there is no file yet")
    with auth._auth_store_lock():
        store = auth._load_auth_store()
        for row in (row for rows in store.get("credential_pool", {}).values() for row in rows):
            for field in ("last_status_at", "last_error_reset_at"):
                if isinstance(row.get(field), (int, float)):
                    row[field] -= hours * logins.HOUR_S
        auth._save_auth_store(store)


def suppress(provider: str, source: str) -> None:
    auth.suppress_credential_source(provider, source)


def unsuppress(provider: str, source: str) -> None:
    if not auth.unsuppress_credential_source(provider, source):
        raise Refused("it is not suppressed")


def nth(provider: str, index: int) -> int:
    return loaded(provider, index)[1]


def loaded(provider: str, index: int):
    """The pool, and the index of the row that `index` means in a pool of any size."""
    pool = load_pool(provider)
    if not pool.entries():
        raise Refused("the pool is empty")
    return pool, index % len(pool.entries())


BY_NAME = {
    function.__name__: function
    for function in (
        add_key, log_in, sign_in, set_dotenv, set_claude, set_pkce, set_qwen, set_custom, set_model, set_strategy,
        remove, reset, mark, mark_stale, select, refresh, load, load_all, age, suppress, unsuppress,
    )
}  # fmt: skip
