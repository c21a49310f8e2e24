"""The words that servers use for why a reply ended. A reply with any other word counts as a fault.

    end       the model was done, or called the tool that it was made to call
    length    it was cut off: by `max_tokens`, or by the end of its context
    refusal   it, or a filter before or behind it, declined
    failed    the server broke it off for a reason of its own

Words are compared in lower case, without `FinishReason.` and the like before them.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from di_assets.providers.types import Stop

End = Stop | Literal["failed"]

_PREFIX = re.compile(r"^(?:finish_?reason|stop_?reason)[._]", re.IGNORECASE)


def _table(words: Mapping[End, str]) -> Mapping[str, End]:
    return {word: end for end, listed in words.items() for word in listed.split()}


# OpenAI, Azure, Gemini's endpoint, Mistral, DeepSeek, Groq, Together, OpenRouter, vLLM, SGLang, TGI, llama.cpp, Ollama,
# LM Studio, Cohere, Bedrock, watsonx, Zhipu, MiniMax
OPENAI = _table(
    {
        "end": "stop end end_turn endturn eos eos_token eosfound eos_found stop_sequence stopsequence stop_token word"
        " done complete completed finished stopstringfound tool_calls tool_call toolcalls tool_use function_call"
        " malformed_function_call unexpected_tool_call too_many_tool_calls malformed_tool_use malformed_model_output"
        " malformed_response",
        "length": "length max_tokens maxtokens max_output_tokens max_completion_tokens max_length model_length limit"
        " token_limit max_output maxpredictedtokensreached contextlengthreached context_length context_length_exceeded"
        " model_context_window_exceeded error_limit incomplete",
        "refusal": "content_filter content_filtered contentfilter refusal safety recitation blocklist"
        " prohibited_content spii language image_safety image_prohibited_content image_recitation model_armor"
        " guardrail_intervened guardrails sensitive error_toxic moderation flagged blocked"
        " content_policy_violation policy_violation",
        "failed": "error failed failure abort aborted cancelled canceled user_cancel userstopped timeout time_limit"
        " network_error insufficient_system_resource engine_overloaded overloaded server_error internal_error load"
        " unload modelunloaded not_finished pause_turn other image_other no_image missing_thought_signature unspecified"
        " finish_reason_unspecified unexpected expired",
    }
)

# Anthropic, Bedrock, Vertex, and servers that speak the dialect over models of their own
ANTHROPIC = _table(
    {
        "end": "end_turn stop_sequence tool_use stop",
        "length": "max_tokens model_context_window_exceeded length",
        "refusal": "refusal content_filtered guardrail_intervened sensitive",
        "failed": "pause_turn compaction error abort",
    }
)
ANTHROPIC = {**OPENAI, **ANTHROPIC}


def end_of(table: Mapping[str, End], word: Any, *, spoke: bool) -> End | None:
    """Translates the reason that a server gives for the end of a reply.

    Args:
        table: the dialect's words for the end of a reply, and what they mean.
        word: the reason as it stands in the reply; any type.
        spoke: the reply has text. Small servers give no reason; then a reply with text counts as complete.

    Returns:
        The reason; None if the word is not known, or if there is neither a word nor a text.
    """
    if word is None or (isinstance(word, str) and word.strip().lower() in {"", "null", "none"}):
        return "end" if spoke else None
    if not isinstance(word, str):
        return None
    return table.get(_PREFIX.sub("", word.strip()).lower().replace("-", "_"))
