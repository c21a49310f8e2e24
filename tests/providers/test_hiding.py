"""A secret is found however its characters are escaped; ordinary words are left alone."""

import html
import json
from urllib.parse import quote

import pytest

from di_assets.providers import connect
from di_assets.providers.hiding import is_searched_for, without
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


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("key", [LETTERS, "sk-1234"])
async def test_a_key_that_a_server_repeats_is_neither_in_a_reply_nor_in_a_fault(monkeypatch, dialect, key):
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    ways = [key, escaped, key.upper(), "".join(f"%{ord(letter):02x}" for letter in key)]
    bodies = [json.dumps({"error": {"code": "KEY", "type": "KEY", "param": "KEY", "message": "`KEY`"}})]
    bodies += [good(dialect, "it is KEY"), good(dialect).replace('"stop"', '"KEY"').replace('"end_turn"', '"KEY"')]
    answers = [
        wire.sent(status, body.replace("KEY", way))
        for way in ways for body in bodies for status in (200, 400, 401, 429, 500)
    ]  # fmt: skip
    found = await outcomes(monkeypatch, dialect, key, *answers)
    said = " ".join(f"{one!r} {one} {vars(one) if isinstance(one, Exception) else ''}" for one in found)
    assert "(the key)" in said
    for way in ways:
        assert way.lower() not in said.lower()


async def test_a_word_that_a_local_server_takes_for_a_key_is_left_in_replies(monkeypatch):
    [reply] = await outcomes(monkeypatch, "openai", "none", wire.sent(200, good("openai", "none of them")))
    assert reply.text == "none of them"


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
