"""Fields of `params` and `rename` that ask for more than budgets count are refused, under any name and at any depth."""

import pytest

from di_assets.arms import ConfigError, load_configs
from di_assets.arms.sent_fields import sent_problem

REFUSED = [
    # several replies
    ({"n": 3}, {}, "params.n: asks for several replies"),
    ({"n": "3"}, {}, "params.n: asks for several replies"),
    ({"n": True}, {}, "params.n: asks for several replies"),
    ({"n": 0}, {}, "params.n: asks for several replies"),
    ({"n": [3]}, {}, "params.n: asks for several replies"),
    ({"k": 3}, {"k": "n"}, "params.k: is sent as `n`, which asks for several replies"),
    ({"best_of": 4}, {}, "params.best_of: asks for several"),
    ({"num_return_sequences": 4}, {}, "params.num_return_sequences: asks for several"),
    ({"num_completions": 4}, {}, "params.num_completions: asks for several"),
    ({"candidateCount": 2}, {}, "params.candidateCount: asks for several"),
    ({"generationConfig": {"candidateCount": 2}}, {}, "params.generationConfig.candidateCount: asks for several"),
    ({"options": [{"x": [{"n": 2}]}]}, {}, "params.options.0.x.0.n: asks for several"),
    ({}, {"seed": "n"}, "rename.seed: `n` asks for several"),
    ({}, {"max_tokens": "n"}, "rename.max_tokens: `n` asks for several"),
    ({"n_cmpl": 4}, {}, "params.n_cmpl: asks for several"),
    ({"numResults": 4}, {}, "params.numResults: asks for several"),
    ({"samples": 5}, {}, "params.samples: asks for several"),
    ({"candidates": 4}, {}, "params.candidates: asks for several"),
    ({"choices": 4}, {}, "params.choices: asks for several"),
    ({"completions": 5}, {}, "params.completions: asks for several"),
    # tries that a gateway makes
    ({"num_retries": 5}, {}, "params.num_retries: makes a gateway send a call again"),
    ({"max_retries": 2}, {}, "params.max_retries: makes a gateway send a call again"),
    ({"retry": {"attempts": 5}}, {}, "params.retry.attempts: makes a gateway send a call again"),
    ({"retry": True}, {}, "params.retry: makes a gateway send a call again"),
    ({"retry_policy": {"TimeoutErrorRetries": 3}}, {}, "params.retry_policy.TimeoutErrorRetries: makes a gateway"),
    # limits
    ({"max_tokens": 101}, {}, "params.max_tokens: is above `max_tokens`, which budgets go by; set `max_tokens:` to 101"),
    ({"max_completion_tokens": "50"}, {}, "params.max_completion_tokens: limits the tokens of a reply, and its value"),
    ({"max_tokens": 50.0}, {}, "no whole number above 0; use `max_tokens:`"),
    ({"max_tokens": True}, {}, "no whole number above 0"),
    ({"max_tokens": -1}, {}, "no whole number above 0"),
    ({"max_tokens": {"value": 50}}, {}, "no whole number above 0"),
    ({"mt": 5000}, {"mt": "max_output_tokens"}, "params.mt: is sent as `max_output_tokens`, which is above"),
    ({"mt": 50}, {"mt": "max_tokens"}, "rename: two fields would be sent as 'max_tokens'"),
    ({"max_new_tokens": 5000}, {}, "params.max_new_tokens: is above"),
    ({"max_output_tokens": 5000}, {}, "params.max_output_tokens: is above"),
    ({"parameters": {"max_new_tokens": 5000}}, {}, "params.parameters.max_new_tokens: is above"),
    ({"generationConfig": {"maxOutputTokens": 5000}}, {}, "params.generationConfig.maxOutputTokens: is above"),
    ({"options": {"num_predict": -1}}, {}, "params.options.num_predict: limits the tokens"),
    ({"n_predict": 5000}, {}, "params.n_predict: is above"),
    ({"max_tokens_to_sample": 5000}, {}, "params.max_tokens_to_sample: is above"),
    ({"max_gen_len": 5000}, {}, "params.max_gen_len: is above"),
    ({"maxTokenCount": 5000}, {}, "params.maxTokenCount: is above"),
    ({"max_length": 5000}, {}, "params.max_length: is above"),
    ({"reasoning": {"max_tokens": 5000}}, {}, "params.reasoning.max_tokens: is above"),
    ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, {}, "params.thinking.budget_tokens: is above"),
    ({"thinking_budget": "5000"}, {}, "params.thinking_budget: limits the tokens of thinking"),
    ({}, {"seed": "max_tokens"}, "rename.seed: `max_tokens` limits the tokens of a reply"),
    ({}, {"seed": "max_new_tokens"}, "rename.seed: `max_new_tokens` limits the tokens of a reply"),
    ({}, {"max_tokens": "seed"}, "rename: two fields would be sent as 'seed'"),
    ({"tokens_to_generate": 5000}, {}, "params.tokens_to_generate: is above"),
    ({"genamt": 5000}, {}, "params.genamt: is above"),
    ({"output_length": 5000}, {}, "params.output_length: is above"),
    ({"response_length": 5000}, {}, "params.response_length: is above"),
    ({"num_tokens": 5000}, {}, "params.num_tokens: is above"),
    ({"output_tokens": 5000}, {}, "params.output_tokens: is above"),
    ({"completion_tokens": 5000}, {}, "params.completion_tokens: is above"),
    ({"max_new": 5000}, {}, "params.max_new: is above"),
    ({"max_reply": 5000}, {}, "params.max_reply: is above"),
    ({"max_response": 5000}, {}, "params.max_response: is above"),
    ({"token_limit": 5000}, {}, "params.token_limit: is above"),
    ({"max_model_output_tokens": 5000}, {}, "params.max_model_output_tokens: is above"),
    ({"max_output_tokens_with_tools": 5000}, {}, "params.max_output_tokens_with_tools: is above"),
    ({"max_prompt_and_completion_tokens": 5000}, {}, "params.max_prompt_and_completion_tokens: is above"),
    ({"extra_body": '{"max_tokens": 90000}'}, {}, "params.extra_body.max_tokens: is above"),
    ({"extra_body": ' [{"n": 3}]'}, {}, "params.extra_body.0.n: asks for several"),
    ({}, {"max_tokens": "min_tokens"}, "rename.max_tokens: `min_tokens` is not known as a limit of a reply's tokens"),
    ({}, {"max_tokens": "metadata"}, "rename.max_tokens: `metadata` is not known as a limit"),
    ({}, {"max_tokens": "max_context_length"}, "rename.max_tokens: `max_context_length` is not known as a limit"),
    ({}, {"max_completion_tokens": "foo"}, "rename.max_completion_tokens: `foo` is not known as a limit"),
    ({"max_tokens": 50}, {"max_tokens": "foo"}, "use `params: {max_tokens: null, foo: 100}`"),
    # streaming
    ({"stream": True}, {}, "params.stream: is never sent"),
    ({"stream": False}, {}, "params.stream: is never sent"),
    ({"s": True}, {"s": "stream"}, "params.s: is sent as `stream`, which is never sent"),
    ({"options": {"stream": True}}, {}, "params.options.stream: is never sent"),
    ({}, {"json": "Stream"}, "rename.json: `Stream` is never sent"),
    # one name twice
    ({"cc": {"ttl": "1h"}}, {"cc": "cache_control"}, "rename: two fields would be sent as 'cache_control'"),
    ({"cc": 1}, {"cc": ""}, "rename: a name is empty"),
]  # fmt: skip
SENT = [
    ({}, {}),
    ({"n": 1, "best_of": 1, "generationConfig": {"candidateCount": 1, "maxOutputTokens": 100}}, {}),
    ({"n": None, "max_tokens": None, "options": {"n": None}}, {}),
    ({"max_completion_tokens": 100, "max_tokens": 1}, {}),
    ({}, {"max_tokens": "max_completion_tokens"}),
    ({}, {"max_tokens": "genamt", "messages": "input"}),
    ({"max_tokens": None, "most": 100}, {}),
    ({"max_tokens": None}, {"max_tokens": "most"}),
    ({"temperature": 0.7, "top_p": 1, "reasoning_effort": "low", "verbosity": "low"}, {}),
    ({"thinking": {"type": "enabled", "budget_tokens": 99}, "max_input_tokens": 9000, "max_context": 9000}, {}),
    ({"thinkingConfig": {"thinkingBudget": 0}, "reasoning_budget": -1, "num_ctx": 9000, "top_logprobs": 3}, {}),
    (
        {"tools": [{"function": {"parameters": {"properties": {"n": {"type": "integer"}, "max_tokens": {}}}}}]},
        {},
    ),
    ({"guided_json": {"items": {"maxLength": 9000}}, "metadata": {"n": 3}, "stream_options": {"x": 1}}, {}),
    ({"prediction": {"type": "content", "content": "x"}, "max_retries_of_tools": 3, "length_penalty": 1.5}, {}),
    ({"num_retries": 0, "retry": {"attempts": 0, "on_status_codes": [500]}, "max_timeout": 90_000}, {}),
    ({"reasoning_budget": 50, "reasoning_budget_message": "I must answer now."}, {}),
    ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 1, "max_content_tokens": 20_000}]}, {}),
    ({"max_tokens_second": 0, "max_context_length": 9000, "max_model_len": 9000, "max_input_tokens": 9000}, {}),
    ({"structured_outputs": {"json": {"type": "array", "items": {"type": "string", "maxLength": 20_000}}}}, {}),
    ({"tools": [{"parameters": {"additionalProperties": {"type": ["string", "null"], "maxLength": 20_000}}}]}, {}),
    ({"labels": {"n": "x"}, "litellm_metadata": {"n": 5, "stream": "x"}, "trace": {"n": "x"}}, {}),
    ({"prompt": {"id": "x", "variables": {"stream": "x", "n": "3"}}}, {}),
    ({"provider": {"max_price": {"prompt": 1, "completion": 2}}, "stop": "[", "prefix": '{"n": 3'}, {}),
]


@pytest.mark.parametrize(("params", "rename", "said"), REFUSED)
def test_a_field_that_asks_for_more_than_budgets_count_is_refused(params, rename, said):
    problem = sent_problem(params, rename, 100)
    assert said in problem
    assert "\n" not in problem


@pytest.mark.parametrize(("params", "rename"), SENT)
def test_other_fields_are_sent(params, rename):
    assert sent_problem(params, rename, 100) is None


def test_file_line_and_model_are_named(tmp_path):
    text = "models:\n  m: {provider: openai, id: x, price: {input: 1, output: 1}, params: {k: 3}, rename: {k: n}}\n"
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"models.yaml:2: models.m: params.k: is sent as `n`.*leave it out"):
        load_configs(tmp_path)
