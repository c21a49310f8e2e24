"""A secret is found however its characters are escaped; ordinary words are left alone."""

import html
import json
from urllib.parse import quote

import pytest

from di_assets.providers import connect
from di_assets.providers.hiding import is_searched_for, is_unmistakable, without
from di_assets.providers.sdk import key_problem
from di_assets.providers.types import Endpoint, ProviderError
from tests.providers import wire
from tests.providers.server import family, good, serving
from tests.providers.test_providers import ASK, DIALECTS

ODD = "sk-A+b/c=\"d\\e&f<g>'h"
LETTERS = "plantedkeyofletters"


def spellings(secret):
    """Ways to write a secret."""
    codes = [ord(letter) for letter in secret]
    return {
        "plain": secret,
        "upper": secret.upper(),
        "json": json.dumps(secret)[1:-1],
        "json twice": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "json, all": "".join(f"\\u{code:04X}" for code in codes),
        "json, all, twice": "".join(f"\\\\u{code:04x}" for code in codes),
        "json, slashes": secret.replace("/", "\\/"),
        "python": "".join(f"\\x{code:02x}" for code in codes),
        "address": quote(secret, safe=""),
        "address twice": quote(quote(secret, safe=""), safe=""),
        "address, all": "".join(f"%{code:02X}" for code in codes),
        "html": html.escape(secret),
        "html, decimal": "".join(f"&#{code};" for code in codes),
        "html, hex": "".join(f"&#x{code:X};" for code in codes),
        "mixed": "".join(secret[i] if i % 2 else f"%{code:02x}" for i, code in enumerate(codes)),
    }


@pytest.mark.parametrize("secret", [ODD, LETTERS, "sk-1234"])
@pytest.mark.parametrize("way", spellings(ODD))
def test_a_secret_is_found_in_every_spelling(secret, way):
    text = spellings(secret)[way]
    assert without(secret, f"<{text}> and {text}", shown="(x)") == "<(x)> and (x)"


@pytest.mark.parametrize(
    "text", ["", "planted key of letters", "plantedkeyofletter", "sk-A+b", "100% \\ & done", "\\" * 100_000]
)
def test_other_texts_stay_as_they_are(text):
    for secret in (ODD, LETTERS):
        assert without(secret, text, shown="(x)") == text


@pytest.mark.parametrize(
    ("secret", "searched"),
    [("x", False), ("none", False), ("local", False), ("EMPTY", False), ("1234567", False), ("a-b", False),
     ("sk-1234", True), ("abc1", True), ("12345678", True), (LETTERS, True), (ODD, True)],
)  # fmt: skip
def test_short_words_and_numbers_are_not_searched_for(secret, searched):
    assert is_searched_for(secret) == searched


async def outcomes(monkeypatch, dialect, key, *answers):
    monkeypatch.setenv("PLANTED", key)
    found = []
    async with serving(*answers) as (url, _):
        base = f"{url}/v1" if family(dialect) == "openai" else url
        endpoint = Endpoint(name="m", provider=dialect, id="x", base_url=base, key_env="PLANTED", timeout_s=20)
        client = connect(endpoint, lambda _: None)
        for _ in answers:
            try:
                found.append(await client.complete(ASK))
            except ProviderError as fault:
                found.append(fault)
        await client.close()
    return found


@pytest.mark.parametrize(
    "word",
    ["anything", "not-needed", "placeholder", "password", "required", "whatever", "no-key", "team1", "dummy", "sk-1234",
     "sk-no-key-required", "YOUR_API_KEY", "12345678", LETTERS],
)  # fmt: skip
def test_a_word_or_a_short_key_is_no_secret_in_a_reply(word):
    assert not is_unmistakable(word)


@pytest.mark.parametrize("key", [ODD, "token-abc123", "sk-proj-aB3_cD4-eF5", "4f1d9c3be01a", "171234567890"])
def test_a_long_key_with_digits_is_a_secret_in_a_reply(key):
    assert is_unmistakable(key)


def repeated(dialect, key):
    """Answers in which a server repeats the key, and the ways in which it is written there."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    ways = [key, escaped, key.upper(), "".join(f"%{ord(letter):02x}" for letter in key)]
    faults = [json.dumps({"error": {"code": "KEY", "type": "KEY", "param": "KEY", "message": "`KEY`"}})]
    faults += [good(dialect).replace('"stop"', '"KEY"').replace('"end_turn"', '"KEY"')]
    bodies = [*faults, good(dialect, "it is KEY")]
    answers = [
        wire.sent(status, body.replace("KEY", way))
        for way in ways for body in bodies for status in (200, 400, 401, 429, 500)
    ]  # fmt: skip
    return answers, ways


def written(outcomes):
    """All that is kept of some outcomes."""
    return " ".join(f"{one!r} {one} {vars(one) if isinstance(one, Exception) else ''}" for one in outcomes).lower()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_key_that_a_server_repeats_is_neither_in_a_reply_nor_in_a_fault(monkeypatch, dialect):
    answers, ways = repeated(dialect, "sk-planted-0123456789")
    said = written(await outcomes(monkeypatch, dialect, "sk-planted-0123456789", *answers))
    assert "(the key)" in said
    for way in ways:
        assert way.lower() not in said


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", [LETTERS, "sk-1234", "placeholder"])
async def test_a_word_for_a_key_is_in_no_fault(monkeypatch, dialect, key):
    answers, ways = repeated(dialect, key)
    found = await outcomes(monkeypatch, dialect, key, *answers)
    faults = written(one for one in found if isinstance(one, ProviderError))
    assert faults
    for way in ways:
        assert way.lower() not in faults


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", ["none", "anything", "not-needed", "12345678", "team1"])
async def test_what_a_model_said_is_not_changed_by_a_word_for_a_key(monkeypatch, dialect, key):
    said = f"I will do {key}, {key.title()}; {key}."
    [reply] = await outcomes(monkeypatch, dialect, key, wire.sent(200, good(dialect, said, id=f"r-{key}-1")))
    assert (reply.text, reply.request_id) == (said, f"r-{key}-1")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", ["12345678", "171234567890", "usage", "content", "4f1d"])
async def test_a_body_is_read_before_the_key_is_looked_for(monkeypatch, dialect, key):
    number = int(f"{key}99") if key.isdecimal() else 1712345678
    body = good(dialect, "yes", id="chat-4f1d", created=number)
    [reply] = await outcomes(monkeypatch, dialect, key, wire.sent(200, body))
    assert (reply.text, reply.input_tokens, reply.cached_tokens) == ("yes", 12, 8)
    assert reply.request_id == "chat-4f1d"


@pytest.mark.parametrize(
    ("key", "base_url", "said"),
    [
        ("x", None, "PLANTED is too short to be a key of openai"),
        ("sk-1234", None, "too short"),
        ("sk-12345", None, None),
        ("x", "http://127.0.0.1:8080/v1", None),
        ("sk-1234", "https://gateway.example/v1", None),
    ],
)
def test_a_key_that_no_provider_gives_out_is_refused_at_its_own_address(monkeypatch, key, base_url, said):
    monkeypatch.setenv("PLANTED", key)
    problem = key_problem(Endpoint(name="m", provider="openai", id="x", base_url=base_url, key_env="PLANTED"))
    assert (problem is None) if said is None else (said in problem and "\n" not in problem)
