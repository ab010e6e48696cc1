"""What litellm makes of the corpus: its mapping of exceptions, its router's rule for cooldowns, and its parser of
Retry-After, which sets their length."""

import contextlib
import io
from importlib.metadata import version

import httpx
import litellm
from litellm.litellm_core_utils.exception_mapping_utils import exception_type
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from litellm.router_utils.cooldown_handlers import _is_cooldown_required
from litellm.utils import _get_retry_after_from_exception_header

from answers import Score, failures

PROVIDERS = {
    "openai-api": "openai", "openai-codex": "openai", "google-gemini-cli": "gemini", "vertex": "vertex_ai",
    "azure-openai": "azure", "copilot": "github_copilot", "together": "together_ai", "fireworks": "fireworks_ai",
}
KNOWN = {
    "anthropic", "gemini", "openrouter", "groq", "mistral", "xai", "deepseek", "cerebras", "bedrock", "zai", "minimax",
}
CLASSES = [
    (litellm.RateLimitError, "limit"), (litellm.BudgetExceededError, "billing"),
    (litellm.AuthenticationError, "access"), (litellm.PermissionDeniedError, "access"),
    (litellm.NotFoundError, "model"), (litellm.BadRequestError, "request"),
    (litellm.UnprocessableEntityError, "request"), (litellm.Timeout, "provider"),
    (litellm.ServiceUnavailableError, "provider"), (litellm.InternalServerError, "provider"),
    (litellm.APIConnectionError, "provider"), (litellm.APIError, "provider"),
]


def mapped(answer):
    provider = answer.pool if answer.pool in KNOWN else PROVIDERS.get(answer.pool, "openai")
    # What its HTTP handlers raise; they call an answer without a status a 500.
    status = answer.status if answer.status and answer.status >= 400 else 500
    error = BaseLLMException(status_code=status, message=answer.message, headers=httpx.Headers(answer.headers))
    try:
        return exception_type(answer.model, error, provider)
    except Exception as raised:
        return raised


def main():
    litellm.suppress_debug_info = True
    score = Score(f"litellm {version('litellm')}")
    for answer in failures():
        with contextlib.redirect_stdout(io.StringIO()):
            error = mapped(answer)
        class_of = next((name for kind, name in CLASSES if isinstance(error, kind)), "unknown")
        seconds = _get_retry_after_from_exception_header(httpx.Headers(answer.headers))
        until = answer.now + seconds if seconds and seconds > 0 else None
        benches = _is_cooldown_required(None, "m", getattr(error, "status_code", 500), str(error))
        # It has no exception for an empty account.
        known = class_of if answer.class_of != "billing" else None
        score.add(answer, known, until, benches)
    print(score)


main()
