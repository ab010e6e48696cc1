"""Where hermes-agent ends and the network begins: what a login or a refresh would bring back.

All else that the operations do is Hermes' own code, unchanged.
"""

import base64
import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path

import agent.anthropic_adapter as anthropic
import hermes_cli.auth as auth
import hermes_cli.env_loader as env_loader

HOUR_S = 3600

# How long a new token lives.
LIVES_S = {"long": 300 * 24 * HOUR_S, "soon": 60, "over": -HOUR_S}

# Which of its endpoints Z.AI says that a key is for.
ZAI_CODING = "https://api.z.ai/api/coding/paas/v4"

# The variables without which a process cannot be.
KEPT = ("PATH", "LANG", "SSL_CERT_FILE")


def enter(root: Path, profile: str, user: str, environment: dict) -> None:
    """Becomes a process of Hermes that was started in a home."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    home = root / "profiles" / profile if profile else root
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.clear()
    os.environ.update(kept | environment | {"HERMES_HOME": str(home), "HOME": user})
    os.chdir(user)
    env_loader.load_hermes_dotenv(hermes_home=home)
    # Older versions compute this when they are imported.
    if hasattr(anthropic, "_HERMES_OAUTH_FILE"):
        anthropic._HERMES_OAUTH_FILE = home / ".anthropic_oauth.json"
    auth.detect_zai_endpoint = lambda key, **_: {"base_url": ZAI_CODING, "id": "coding", "label": "Coding Plan"}
    auth._try_import_shared_nous_state = lambda **_: None


def jwt(secret: str, lives: str, claims: dict) -> str:
    """A token whose signature, which nobody checks here, is the secret."""
    parts = [{"alg": "none"}, claims | {"exp": int(time.time()) + LIVES_S[lives]}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, secret])


def tokens(provider: str, secret: str, lives: str) -> dict:
    """What the provider's token endpoint answers."""
    expires = time.time() + LIVES_S[lives]
    if provider == "anthropic":
        access = f"sk-ant-oat01-{secret}"
    elif provider == "openai-codex":
        account = {"https://api.openai.com/auth": {"chatgpt_account_id": f"account-of-{secret}"}}
        access = jwt(secret, lives, account | {"email": "me@example.com"})
    elif provider == "nous":
        access = jwt(secret, lives, {"scope": auth.NOUS_INFERENCE_INVOKE_SCOPE})
    elif provider == "xai-oauth":
        access = jwt(secret, lives, {"sub": f"account-of-{secret}"})
    else:
        access = secret
    return {
        "access_token": access,
        "refresh_token": f"refresh-{secret}",
        "expires_at_ms": int(expires * 1000),
        "expires_at": datetime.fromtimestamp(expires, timezone.utc).isoformat(),
        "expires_in": LIVES_S[lives],
        "last_refresh": datetime.now(timezone.utc).isoformat(),
    }


def state(provider: str, secret: str, lives: str) -> dict:
    """What a login leaves under `providers` of auth.json."""
    new = tokens(provider, secret, lives)
    pair = {name: new[name] for name in ("access_token", "refresh_token")}
    dates = {name: new[name] for name in ("expires_at", "expires_in")} | {"obtained_at": new["last_refresh"]}
    config = auth.PROVIDER_REGISTRY[provider]
    if provider == "nous":
        return pair | dates | {
            "portal_base_url": config.portal_base_url,
            "inference_base_url": config.inference_base_url,
            "client_id": config.client_id,
            "scope": auth.NOUS_INFERENCE_INVOKE_SCOPE,
            "token_type": "Bearer",
        }
    if provider == "minimax-oauth":
        return pair | dates | {"inference_base_url": config.inference_base_url, "token_type": "Bearer"}
    return {"tokens": pair, "base_url": config.inference_base_url, "last_refresh": new["last_refresh"]}


def log_in_with(provider: str, secret: str, lives: str) -> None:
    """Lets the next `hermes auth add` find somebody who has just agreed in the browser."""
    if provider == "anthropic":
        anthropic.run_hermes_oauth_login_pure = lambda: tokens(provider, secret, lives)
    elif provider == "minimax-oauth":

        def minimax(**_):
            new = state(provider, secret, lives)
            auth._minimax_save_auth_state(new)
            return new

        auth._minimax_oauth_login = minimax
    elif provider == "google-gemini-cli":
        import agent.google_oauth as google

        google.run_gemini_oauth_login_pure = lambda: tokens(provider, secret, lives) | {"email": "me@example.com"}
    else:
        for name in (
            "_nous_device_code_login",
            "_codex_device_code_login",
            "_xai_oauth_device_code_login",
            "_xai_oauth_loopback_login",
        ):
            if hasattr(auth, name):
                setattr(auth, name, lambda **_: state(provider, secret, lives))


def refresh_with(provider: str, secret: str, lives: str, fails: bool) -> None:
    """Lets each refresh bring new tokens, or a refusal that only a new login ends."""
    numbers = iter(range(1000))

    def refreshed(*_, **__):
        if fails:
            code = {"openai-codex": "invalid_grant", "xai-oauth": "xai_refresh_failed"}.get(provider, "refused")
            raise auth.AuthError("refused", provider=provider, code=code, relogin_required=True)
        return tokens(provider, f"{secret}-{next(numbers)}", lives)

    anthropic.refresh_anthropic_oauth_pure = refreshed
    auth.refresh_codex_oauth_pure = refreshed
    auth.refresh_xai_oauth_pure = refreshed
    auth.resolve_nous_runtime_credentials = refreshed
