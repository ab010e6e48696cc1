"""What hermes-agent makes of the corpus: its classifier, and both of its parsers of resets, as its agent loop calls them."""

import sys
from importlib.metadata import version

import openai
from agent.agent_runtime_helpers import extract_api_error_context
from agent.credential_pool import _normalize_error_context
from agent.error_classifier import classify_api_error

from answers import Score, failures

httpx = sys.modules["openai._base_client"].httpx

CLASSES = {
    "rate_limit": "limit", "upstream_rate_limit": "provider", "billing": "billing", "auth": "access",
    "auth_permanent": "access", "provider_policy_blocked": "access", "model_not_found": "model",
    "overloaded": "provider", "server_error": "provider", "timeout": "provider", "ssl_cert_verification": "provider",
    "unknown": "unknown",
}


def exception(answer, client):
    """What the SDK raises."""
    request = httpx.Request("POST", "https://provider.test/v1/chat/completions")
    if answer.row.get("client", {}).get("kind") == "network":
        return openai.APIConnectionError(message=answer.message, request=request)
    if answer.status is None or answer.status < 400:
        # From within a stream, or without a response.
        body = answer.json.get("error", answer.json) if isinstance(answer.json, dict) else answer.json
        return openai.APIError(answer.message, request, body=body)
    content = (answer.text or "").encode()
    response = httpx.Response(answer.status, headers=answer.headers, content=content, request=request)
    return client._make_status_error_from_response(response)


def main():
    client = openai.OpenAI(api_key="k")
    score = Score(f"hermes-agent {version('hermes-agent')}")
    for answer in failures():
        error = exception(answer, client)
        classified = classify_api_error(error, provider=answer.pool, model=answer.model)
        # What is not about credentials, models or the provider is about the request.
        class_of = CLASSES.get(classified.reason.value, "request")
        until = _normalize_error_context(extract_api_error_context(error)).get("reset_at")
        score.add(answer, class_of, until, classified.should_rotate_credential)
    print(score)


main()
