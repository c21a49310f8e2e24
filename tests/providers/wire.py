"""What servers have been seen to send, or document that they send: the inputs of `test_wire.py`, kind by kind."""

import json

from tests.providers.server import answer

MOVE = '{"pull": "B"}'


def chat(end="stop", content=MOVE, *, message=None, usage=None, **more):
    """A chat completion; `message` holds fields beside its content, `more` those of the choice."""
    said = {"role": "assistant", "content": content, **(message or {})}
    body = {"id": "r1", "choices": [{"finish_reason": end, "message": said, **more}]}
    return body | ({"usage": usage} if usage is not None else {})


def messages(end="end_turn", content=None, *, usage=None):
    """A message of Anthropic's dialect."""
    blocks = [{"type": "text", "text": MOVE}] if content is None else content
    body = {"id": "r1", "type": "message", "content": blocks, "stop_reason": end}
    return body | ({"usage": usage} if usage is not None else {})


def sent(status, body, *headers):
    return answer(status, body if isinstance(body, str) else json.dumps(body), headers)


# name -> (finish reason or choice, how the reply ended; None is a fault that may pass)
OPENAI_ENDS = {
    "stop": "end", "STOP": "end", "eos": "end", "eos_token": "end", "end_turn": "end", "stop_sequence": "end",
    "tool_calls": "end", "function_call": "end", "COMPLETE": "end", "FinishReason.STOP": "end",
    "MALFORMED_FUNCTION_CALL": "end",
    "length": "length", "MAX_TOKENS": "length", "max_tokens": "length", "model_length": "length",
    "FINISH_REASON_MAX_TOKENS": "length", "model_context_window_exceeded": "length",
    "content_filter": "refusal", "SAFETY": "refusal", "RECITATION": "refusal", "PROHIBITED_CONTENT": "refusal",
    "BLOCKLIST": "refusal", "SPII": "refusal", "guardrail_intervened": "refusal", "sensitive": "refusal",
    "error": None, "abort": None, "cancelled": None, "insufficient_system_resource": None, "network_error": None,
    "OTHER": None, "FINISH_REASON_UNSPECIFIED": None, "a_word_of_next_year": None, "load": None, "": "end",
}  # fmt: skip
ANTHROPIC_ENDS = {
    "end_turn": "end", "stop_sequence": "end", "tool_use": "end", "max_tokens": "length",
    "model_context_window_exceeded": "length", "refusal": "refusal", "content_filtered": "refusal",
    "pause_turn": None, "compaction": None, "error": None, "a_word_of_next_year": None,
}  # fmt: skip

# name -> (usage, (sent, cached, received))
OPENAI_USAGE = {
    "plain": ({"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420}, (400, None, 20)),
    "reasoning beside, total tells": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 20,
            "total_tokens": 2420,
            "completion_tokens_details": {"reasoning_tokens": 2000},
        },
        (400, None, 2020),
    ),
    "reasoning inside": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 2020,
            "total_tokens": 2420,
            "completion_tokens_details": {"reasoning_tokens": 2000},
        },
        (400, None, 2020),
    ),
    "reasoning beside, only the total tells": (
        {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 1420},
        (400, None, 1020),
    ),
    "reasoning beside, no total": (
        {"prompt_tokens": 400, "completion_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 300}},
        (400, None, 320),
    ),
    "reasoning beside, at the top": (
        {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420, "reasoning_tokens": 300},
        (400, None, 320),
    ),
    "less reasoning than words, yet beside (xAI)": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 200,
            "total_tokens": 700,
            "completion_tokens_details": {"reasoning_tokens": 100},
        },
        (400, None, 300),
    ),
    "no completion, but a total": ({"prompt_tokens": 400, "total_tokens": 450}, (400, None, 50)),
    "cached inside": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 20,
            "total_tokens": 420,
            "prompt_tokens_details": {"cached_tokens": 300},
        },
        (400, 300, 20),
    ),
    "cached beside, more than sent": (
        {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 300}},
        (400, 300, 20),
    ),
    "cached beside, total tells": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 20,
            "total_tokens": 720,
            "prompt_tokens_details": {"cached_tokens": 300},
        },
        (700, 300, 20),
    ),
    "hits and misses (DeepSeek)": (
        {
            "prompt_tokens": 400,
            "completion_tokens": 20,
            "total_tokens": 420,
            "prompt_cache_hit_tokens": 256,
            "prompt_cache_miss_tokens": 144,
        },
        (400, 256, 20),
    ),
    "the other dialect's names": ({"input_tokens": 400, "output_tokens": 20}, (400, None, 20)),
    "Gemini's own names": (
        {"promptTokenCount": 400, "candidatesTokenCount": 20, "thoughtsTokenCount": 300, "totalTokenCount": 720},
        (400, None, 320),
    ),
    "Bedrock's names": (
        {"inputTokens": 100, "outputTokens": 20, "totalTokens": 420, "cacheReadInputTokens": 300},
        (400, 300, 20),
    ),
    "Anthropic's names, no total": (
        {"prompt_tokens": 0, "input_tokens": 400, "output_tokens": 20, "cache_read_input_tokens": 300},
        (700, 300, 20),
    ),
    "Anthropic's names, total tells": (
        {"input_tokens": 400, "output_tokens": 20, "total_tokens": 420, "cache_read_input_tokens": 300},
        (400, 300, 20),
    ),
    "OpenAI's names beside Anthropic's (LiteLLM)": (
        {"prompt_tokens": 400, "completion_tokens": 20, "cache_read_input_tokens": 300},
        (400, 300, 20),
    ),
    "names of the newer interface": (
        {"input_tokens": 400, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 300}},
        (400, 300, 20),
    ),
    "several names, one of them filled": (
        {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 400, "output_tokens": 20},
        (400, None, 20),
    ),
    "whole floats": ({"prompt_tokens": 400.0, "completion_tokens": 20.0, "total_tokens": 420.0}, (400, None, 20)),
    "zeros": ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (None, None, None)),
    "zero received for a text": (
        {"prompt_tokens": 400, "completion_tokens": 0, "total_tokens": 400},
        (400, None, None),
    ),
    "negative": ({"prompt_tokens": -1, "completion_tokens": -20}, (None, None, None)),
    "null": ({"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}, (None, None, None)),
    "text": ({"prompt_tokens": "400", "completion_tokens": "20"}, (None, None, None)),
    "fractions": ({"prompt_tokens": 400.5, "completion_tokens": 20.5}, (None, None, None)),
    "no numbers": ({"prompt_tokens": True, "completion_tokens": [1]}, (None, None, None)),
    "a list": ([1, 2], (None, None, None)),
}
# name -> (usage, (sent, cached, written, kept an hour, received))
ANTHROPIC_USAGE = {
    "beside": (
        {"input_tokens": 4, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 16, "output_tokens": 3},
        (28, 8, 16, None, 3),
    ),
    "beside, with a gateway's total of the two": (
        {"input_tokens": 40, "cache_read_input_tokens": 8, "output_tokens": 3, "total_tokens": 43},
        (48, 8, None, None, 3),
    ),
    "written beside, with such a total": (
        {"input_tokens": 40, "cache_creation_input_tokens": 16, "output_tokens": 3, "total_tokens": 43},
        (56, None, 16, None, 3),
    ),
    "beside, total of all": (
        {"input_tokens": 40, "cache_read_input_tokens": 8, "output_tokens": 3, "total_tokens": 51},
        (48, 8, None, None, 3),
    ),
    "by age": (
        {
            "input_tokens": 4,
            "cache_creation_input_tokens": 16,
            "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 10},
            "output_tokens": 3,
        },
        (20, None, 16, 10, 3),
    ),
    "by age alone": (
        {"input_tokens": 4, "cache_creation": {"ephemeral_1h_input_tokens": 10}, "output_tokens": 3},
        (14, None, 10, 10, 3),
    ),
    "null where there is none": (
        {
            "input_tokens": 4,
            "cache_read_input_tokens": None,
            "cache_creation_input_tokens": None,
            "cache_creation": None,
            "output_tokens": 3,
        },
        (4, None, None, None, 3),
    ),
    "thinking beside": (
        {"input_tokens": 4, "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 50}},
        (4, None, None, None, 53),
    ),
    "zeros": ({"input_tokens": 0, "output_tokens": 0}, (None, None, None, None, None)),
}

# name -> (message, text, reasoning)
SHAPES = {
    "parts with thinking (Mistral)": (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": MOVE},
            ]
        },
        MOVE,
        "hm",
    ),
    "several text parts": (
        {"content": [{"type": "text", "text": '{"pull":'}, {"type": "text", "text": ' "B"}'}]},
        MOVE,
        None,
    ),
    "parts that are plain text": ({"content": ['{"pull":', ' "B"}']}, MOVE, None),
    "parts of the other interface": (
        {"content": [{"type": "output_text", "text": MOVE, "annotations": []}]},
        MOVE,
        None,
    ),
    "parts with thoughts marked (Gemini)": ({"content": [{"text": "hm", "thought": True}, {"text": MOVE}]}, MOVE, "hm"),
    "an object of parts": ({"content": {"role": "model", "parts": [{"text": MOVE}]}}, MOVE, None),
    "the reply as an object": ({"content": {"pull": "B"}}, MOVE, None),
    "the reply in the reasoning": ({"content": None, "reasoning_content": MOVE}, "", MOVE),
    "reasoning in a field (OpenRouter, vLLM)": ({"content": MOVE, "reasoning": "hm"}, MOVE, "hm"),
    "reasoning in details": (
        {
            "content": MOVE,
            "reasoning_details": [{"type": "reasoning.text", "text": "hm"}, {"type": "reasoning.encrypted"}],
        },
        MOVE,
        "hm",
    ),
    "thinking in a field (Ollama)": ({"content": MOVE, "thinking": "hm"}, MOVE, "hm"),
    "a tool's arguments": (
        {"content": None, "tool_calls": [{"type": "function", "function": {"name": "json", "arguments": MOVE}}]},
        MOVE,
        None,
    ),
    "a tool's arguments as an object (Ollama)": (
        {"content": "", "tool_calls": [{"function": {"name": "json", "arguments": {"pull": "B"}}}]},
        MOVE,
        None,
    ),
    "the field before tool calls": (
        {"content": None, "function_call": {"name": "json", "arguments": MOVE}},
        MOVE,
        None,
    ),
    "words before a tool's arguments": (
        {"content": "I choose.", "tool_calls": [{"type": "function", "function": {"name": "json", "arguments": MOVE}}]},
        f"I choose.\n{MOVE}",
        None,
    ),
    "a tool of free text": (
        {"content": None, "tool_calls": [{"type": "custom", "custom": {"input": MOVE}}]},
        MOVE,
        None,
    ),
}
BLOCKS = {
    "thinking, then text": (
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": MOVE}],
        MOVE,
        "hm",
    ),
    "thinking withheld": ([{"type": "redacted_thinking", "data": "xx"}, {"type": "text", "text": MOVE}], MOVE, None),
    "a tool's input": ([{"type": "tool_use", "id": "t", "name": "json", "input": {"pull": "B"}}], MOVE, None),
    "two text blocks": ([{"type": "text", "text": '{"pull":'}, {"type": "text", "text": ' "B"}'}], MOVE, None),
}

AZURE = {
    "error": {
        "code": "content_filter",
        "param": "prompt",
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "high"}, "hate": {"filtered": False}},
        },
    }
}
# Prompts that were refused for what they hold: name -> (status, body, may have been charged)
REFUSED = {
    "OpenAI's code": (400, {"error": {"code": "content_filter", "param": "prompt"}}, False),
    "OpenAI's other code": (
        400,
        {
            "error": {
                "code": "invalid_prompt",
                "type": "invalid_request_error",
                "message": "flagged as violating our usage policy",
            }
        },
        False,
    ),
    "Azure": (400, AZURE, True),
    "LiteLLM": (
        400,
        {
            "error": {
                "message": "litellm.ContentPolicyViolationError: x",
                "type": "invalid_request_error",
                "code": "400",
            }
        },
        False,
    ),
    "OpenRouter's moderation": (
        403,
        {
            "error": {
                "code": 403,
                "message": "Your chosen model requires moderation and your input was flagged",
                "metadata": {"reasons": ["violence"], "flagged_input": "an invalid api key", "provider_name": "x"},
            }
        },
        False,
    ),
    "behind a broker": (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"raw": '{"error": {"code": "content_filter", "message": "x"}}', "provider_name": "Azure"},
            }
        },
        False,
    ),
    "DeepSeek": (
        400,
        {"error": {"message": "Content Exists Risk", "type": "invalid_request_error", "code": "invalid_request_error"}},
        False,
    ),
    "Qwen": (
        400,
        {"error": {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}},
        False,
    ),
    "Moonshot": (
        400,
        {
            "error": {
                "type": "content_filter",
                "message": "The request was rejected because it was considered high risk",
            }
        },
        False,
    ),
    "xAI": (
        403,
        {"code": "forbidden", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X"},
        False,
    ),
    "Zhipu": (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}, False),
    "Anthropic, on its way out": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "Output blocked by content filtering policy"},
        },
        True,
    ),
    "Gemini, wrapped in a list": (
        400,
        [{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "blocked: PROHIBITED_CONTENT"}}],
        False,
    ),
    "OpenRouter's moderation, which speaks of credits": (
        403,
        {"error": {"code": 403, "message": 'Your input was flagged for "x". No credits were charged.'}},
        False,
    ),
    "a policy, under a code of permissions": (
        403,
        {
            "type": "error",
            "error": {"type": "permission_error", "message": "Request blocked: content violates Usage Policy"},
        },
        False,
    ),
    "ByteDance": (
        400,
        {"error": {"code": "InputTextSensitiveContentDetected", "message": "x", "type": "BadRequest"}},
        False,
    ),
    "Portkey's hooks": (446, {"error": {"message": "The guardrail checks failed", "type": "hooks_failed"}}, False),
    "a guard before the model": (
        400,
        {"error": {"code": "unsafe_prompt", "message": "Llama Guard: unsafe\nS1"}},
        False,
    ),
    "a prompt taken for an attack": (400, {"error": {"message": "Jailbreak attempt detected by prompt shield"}}, False),
    "unprocessable": (422, {"error": {"type": "moderation_error", "message": "x"}}, False),
    "legal reasons": (451, {"error": {"message": "The prompt was flagged by our content filter"}}, False),
    "inside a 200": (200, {"error": {"code": 400, "message": "content_policy_violation"}}, False),
    "Gemini's feedback": (200, {"choices": [], "prompt_feedback": {"block_reason": "SAFETY"}}, False),
    "Gemini's feedback, charged": (
        200,
        {
            "choices": [],
            "promptFeedback": {"blockReason": "OTHER"},
            "usage": {"prompt_tokens": 400, "total_tokens": 400},
        },
        True,
    ),
    "MiniMax": (
        200,
        {"choices": None, "base_resp": {"status_code": 1026, "status_msg": "input new_sensitive content"}},
        True,
    ),
}

# What no retry mends: name -> (status, body, kind, cause, field that is named)
FATAL = {
    "credit (Anthropic)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the API."}},
        "no_credit", None, None,
    ),
    "credit (limits of use)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "You have reached your specified API usage limits."}},
        "no_credit", None, None,
    ),
    "credit (DeepSeek)": (402, {"error": {"message": "Insufficient Balance"}}, "no_credit", None, None),
    "credit (OpenAI)": (429, {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}, "no_credit", None, None),
    "credit (LiteLLM)": (400, {"error": {"message": "Budget has been exceeded! Current cost: 2", "type": "budget_exceeded"}}, "no_credit", None, None),
    "credit (a forbidden key)": (403, {"error": {"code": 403, "message": "Key limit exceeded (total limit)."}}, "no_credit", None, None),
    "credit (a workspace's limits)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "You have reached your specified workspace API usage limits."}},
        "no_credit", None, None,
    ),
    "credit (a new team, xAI)": (403, {"error": "Your team doesn't have any credits or licenses yet."}, "no_credit", None, None),
    "credit (a balance)": (403, {"error": {"message": "Your prepaid balance has run out. Please top up."}}, "no_credit", None, None),
    "credit (a suspended account)": (
        429,
        {"error": {"message": "Your account x is suspended due to insufficient balance", "type": "exceeded_current_quota_error"}},
        "no_credit", None, None,
    ),
    "key (MiniMax)": (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail: carry the API secret key"}}, "no_key", None, None),
    "place (Google)": (
        400, {"error": {"code": 400, "message": "User location is not supported for the API use.", "status": "FAILED_PRECONDITION"}},
        "no_key", "account", None,
    ),
    "room for the reply (Anthropic)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: 300000 > 64000, which is the maximum"}},
        "request_refused", "room", "max_tokens",
    ),
    "prompt and reply together (Anthropic)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "input length and `max_tokens` exceed context limit"}},
        "request_refused", "context", "max_tokens",
    ),
    "field (unquoted, in prose)": (
        400, {"error": {"message": "This model does not support model_name, nor max_tokens"}},
        "request_refused", "parameter", "max_tokens",
    ),
    "system text (as a value)": (
        400,
        {"error": {"message": "Invalid value: 'system'. Supported values are: 'user'", "param": "messages[0].role", "code": "invalid_value"}},
        "request_refused", "system", "messages[0].role",
    ),
    "key": (401, {"error": {"type": "authentication_error"}}, "no_key", None, None),
    "key (Gemini)": (
        400,
        [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}],
        "no_key", None, None,
    ),
    "key (xAI)": (400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"}, "no_key", None, None),
    "key may not": (403, {"error": {"type": "permission_error"}}, "no_key", None, None),
    "key may not, for a policy that is not about the prompt": (
        403,
        {"error": {"type": "permission_error", "message": "Access is denied under our usage policies."}},
        "no_key", None, None,
    ),
    "account": (
        403,
        {"error": {"message": "Your account has been suspended for violating our usage policies."}},
        "no_key", "account", None,
    ),
    "country": (403, {"error": {"code": "unsupported_country_region_territory"}}, "no_key", "account", None),
    "field (OpenAI)": (400, {"error": {"code": "unsupported_parameter", "param": "max_tokens"}}, "request_refused", "parameter", "max_tokens"),
    "field (a safety field)": (
        400, {"error": {"code": "unknown_parameter", "param": "safety_identifier"}}, "request_refused", "parameter", "safety_identifier",
    ),
    "field (in prose, Anthropic)": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "cache_control: Extra inputs are not permitted"}},
        "request_refused", "parameter", "cache_control",
    ),
    "field (FastAPI)": (
        422,
        {"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs", "input": "content_filter"}]},
        "request_refused", "parameter", "response_format",
    ),
    "system text (Gemma at Google)": (
        400,
        [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/x"}}],
        "request_refused", "system", None,
    ),
    "system text (vLLM)": (
        400, {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400}, "request_refused", "system", None,
    ),
    "system text (a template)": (
        400, {"error": {"message": "Conversation roles must alternate user/assistant/user"}}, "request_refused", "system", None,
    ),
    "context (OpenAI)": (400, {"error": {"code": "context_length_exceeded"}}, "request_refused", "context", None),
    "context (Anthropic)": (
        400, {"error": {"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}}, "request_refused", "context", None,
    ),
    "context (llama.cpp)": (
        400, {"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}},
        "request_refused", "context", None,
    ),
    "system role (OpenAI)": (
        400,
        {
            "error": {
                "code": "unsupported_value",
                "param": "messages[0].role",
                "message": "'messages[0].role' does not support 'system' with this model.",
            }
        },
        "request_refused",
        "system",
        "messages[0].role",
    ),
    "field (Gemini)": (
        400,
        [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "max_tokens": Cannot find field.'}}],
        "request_refused",
        "parameter",
        "max_tokens",
    ),
    "field that is called after content": (
        400,
        {"error": {"code": "unknown_parameter", "message": "Unknown parameter: 'content_filter_policy'"}},
        "request_refused",
        "parameter",
        None,
    ),
    "larger than a minute's worth": (
        429,
        {"error": {"code": "rate_limit_exceeded", "message": "Request too large for x on tokens per min: Limit 1, Requested 2"}},
        "request_refused",
        "context",
        None,
    ),
    "billing (Google)": (
        400,
        [{"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "Please enable billing on your project"}}],
        "no_credit",
        None,
        None,
    ),
    "model (Ollama)": (404, {"error": "model 'x' not found"}, "request_refused", "model", None),
    "model (OpenAI)": (404, {"error": {"code": "model_not_found"}}, "request_refused", "model", None),
    "moved": (307, "", "request_refused", "redirect", None),
    "anything else": (400, {"error": {"type": "invalid_request_error"}}, "request_refused", None, None),
}  # fmt: skip

# What may pass: name -> (status, body, headers, kind, may have been charged, asks for fewer calls, seconds to wait)
PASSING = {
    "429": (429, {"error": {"message": "x"}}, (), "rate_limit", False, True, 0),
    "429 that speaks of billing": (
        429,
        {"error": {"code": "rate_limit_exceeded", "message": "increase it at https://x/account/billing"}},
        ("retry-after: 3",), "rate_limit", False, True, 3,
    ),
    "429 of a quota a minute (Gemini)": (
        429,
        [{"error": {"code": 429, "message": "You exceeded your current quota", "details": [{"@type": "RetryInfo", "retryDelay": "7s"}]}}],
        (), "rate_limit", False, True, 7,
    ),
    "429 of an organisation's tokens": (
        429, {"type": "error", "error": {"type": "rate_limit_error", "message": "This would exceed your organization's limit of 1 input tokens"}},
        (), "rate_limit", False, True, 0,
    ),
    "429 inside a 200": (200, {"error": {"code": 429, "message": "Rate limit exceeded"}}, (), "rate_limit", False, True, 0),
    "429 inside a 200, in words": (200, {"error": {"type": "rate_limit_error"}}, ("retry-after: 2",), "rate_limit", False, True, 2),
    "429 inside a 200, as text": (200, {"error": {"code": "429", "message": "x"}}, (), "rate_limit", False, True, 0),
    "429 inside a choice": (200, chat("error", "", error={"code": 429, "message": "x"}), (), "rate_limit", False, True, 0),
    "502 inside a choice": (
        200,
        chat("error", "", error={"code": 502, "message": "x"}, usage={"prompt_tokens": 400, "completion_tokens": 0}),
        (), "server_error", True, False, 0,
    ),
    "overloaded inside a 200": (200, {"type": "error", "error": {"type": "overloaded_error"}}, (), "server_error", True, True, 0),
    "503 inside a 200": (200, {"error": {"code": 503, "status": "UNAVAILABLE"}}, (), "server_error", True, True, 0),
    "an error nobody knows inside a 200": (200, {"error": {"message": "oops"}}, (), "broken_reply", True, False, 0),
    "an error of text inside a 200": (200, {"error": "oops"}, (), "broken_reply", True, False, 0),
    "a list of errors inside a 200": (200, {"success": False, "errors": [{"code": 7003, "message": "x"}]}, (), "broken_reply", True, False, 0),
    "500 for a template": (500, {"error": {"message": "System role not supported"}}, (), "server_error", True, False, 0),
    "no text and no reason": (200, chat(None, None), (), "broken_reply", True, False, 0),
    "content that is a number": (200, chat("stop", 7), (), "broken_reply", True, False, 0),
}  # fmt: skip
