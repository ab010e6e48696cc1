"""Prints what this hermes-agent knows of providers that are filled from variables: pool, variables and base URL."""

import json

from hermes_cli.auth import PROVIDER_REGISTRY
from hermes_constants import OPENROUTER_BASE_URL

# Aliases stand in the registry beside the providers' own names.
providers = [
    [provider.id, list(provider.api_key_env_vars), provider.inference_base_url]
    for name, provider in PROVIDER_REGISTRY.items()
    if name == provider.id and provider.auth_type == "api_key"
]
print(json.dumps([*providers, ["openrouter", ["OPENROUTER_API_KEY"], OPENROUTER_BASE_URL]]))
