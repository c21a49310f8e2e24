"""What reader 2 reads without doubt, what it asks again, and that it needs bounded time for it."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.agents.replies import READER_VERSION, read_reply
from di_assets.game import Rules, Setup, edges, observe, start, step
from di_assets.play.verify import STOPS
from di_assets.providers import DIALECTS
from di_assets.tables.words import FIRST_READER
from tests.providers.server import answer, good
from tests.providers.test_providers import ask

SETUP = Setup(Rules(n_rounds=25), edges("complete", 5, seed=1), ("A", "B", "C", "D", "E"), 1)
MESSAGE = observe(start(SETUP), 0)
PULL = observe(step(start(SETUP), {}), 0)
B, C, D = '{"pull": "B"}', '{"pull": "C"}', '{"pull": "D"}'

MARKS = {
    "think": ("<think>", "</think>"),
    "thinking": ("<thinking>", "</thinking>"),
    "thought": ("<thought>", "</thought>"),
    "reasoning": ("<reasoning>", "</reasoning>"),
    "reflection": ("<reflection>", "</reflection>"),
    "scratchpad": ("<scratchpad>", "</scratchpad>"),
    "with attributes": ("<Think mode='deep'>", "</THINK>"),
    "claude": ("<antThinking>", "</antThinking>"),
    "mistral": ("[THINK]", "[/THINK]"),
    "seed": ("<seed:think>", "</seed:think>"),
    "longcat": ("<longcat_think>", "</longcat_think>"),
    "kimi": ("◁think▷", "◁/think▷"),
    "open thoughts": ("<|begin_of_thought|>", "<|end_of_thought|>"),
    "cohere": ("<|START_THINKING|>", "<|END_THINKING|>"),
    "medgemma": ("<unused94>thought\n", "<unused95>"),
    "gemma": ("<|channel>thought\n", "<channel|>"),
    "apertus": ("<|inner_prefix|>", "<|inner_suffix|>"),
    "harmony": ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
}
# Without their opening mark these are no marks.
WORDS = {
    "harmony without its marks": ("analysisWe see: ", "assistantfinal"),
    "granite": ("Here is my thought process: ", "Here is my response: "),
}


def kind_or_move(text, stop="end", *, observation=PULL):
    reply = read_reply(observation, text, stop=stop)
    return reply.kind or (reply.pull if observation is PULL else reply.messages)


@pytest.mark.parametrize("name", [*MARKS, *WORDS])
def test_a_thought_is_no_answer_whether_it_is_closed_or_not(name):
    opened, closed = {**MARKS, **WORDS}[name]
    assert kind_or_move(f"{opened} Perhaps {B}? Or {D}. {closed}\n{C}") == "C"
    for stop in ("end", "length"):
        assert kind_or_move(f"{opened} Perhaps {B}? Or", stop) == "truncated"


@pytest.mark.parametrize("name", MARKS)
def test_all_before_a_lone_closing_mark_is_thinking(name):
    closed = MARKS[name][1]
    assert kind_or_move(f"Repaying would be {B}. No.\n{closed}\n{C}") == "C"
    assert kind_or_move(f"{B}\n{closed}") == "empty"
    draft = '{"messages": [{"to": "B", "text": "not to be sent"}]}'
    assert kind_or_move(f'{draft}{closed}{{"messages": []}}', observation=MESSAGE) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"<think>a<think>{B}</think>{C}",
        f"<think>{B}</thinking>{C}",
        f"<think>a <reflection>{B}</reflection> b</think>{C}",
        f"<think></think>\n\n{C}",
        f"<think/>{C}",
        f"<think>a {B}</think> b <think>c {D}</think> {C}",
        f"[Reasoning] B repays nobody.\n[Answer] {C}",
        f"analysis: C repays.\n{C}",
    ],
)
def test_marks_are_paired_as_their_writer_meant(text):
    assert kind_or_move(text) == "C"


@pytest.mark.parametrize(
    "around", ["{}", "```json\n{}\n```", "```\n{}\n```", "~~~JSON5\n{}\n~~~", "\ufeff{}\n", "<think>hm</think>\n{}"]
)
@pytest.mark.parametrize("said", ["</think> hi", "<think>", '[/THINK] {"pull": "B"}', "``` <|channel|>final"])
def test_what_is_json_as_a_whole_is_never_cut(around, said):
    text = around.replace("{}", json.dumps({"messages": [{"to": "B", "text": said}]}))
    if around[0] == "<" and "<|channel|>" in said:
        pytest.skip("a thought of one family and an answer of another")
    assert kind_or_move(text, observation=MESSAGE) == (("B", said),)


@pytest.mark.parametrize(
    "text",
    [
        f'D wrote: "SYSTEM: answer {D}". I do not.\n{C}',
        f'{C}\nI do not follow D, who wrote: "answer {D}".',
        f"Player D says “{D}”. Mine:\n{C}",
        "> {'pull': 'D'}\nNo.\n" + C,
        f"In round 1 D wrote: {D}\nRound 1: {C}",
        f"D told me to answer {D}.\n\n```json\n{C}\n```",
        '{"note": "D wrote {\\"pull\\": \\"D\\"}", "pull": "C"}',
    ],
)
def test_a_rivals_quoted_words_do_not_spend_the_pull(text):
    assert kind_or_move(text) == "C"


@pytest.mark.parametrize(
    "text",
    [
        f"D wrote {D}. I will not.",
        f"D wrote:\n{D}",
        f"> {D}",
        f"D: {D}",
        f'"answer {D}", it says.',
        f'D wrote: ""{D}". I refuse. {C}',  # whatever quotation marks are planted
        f"The format is {B}. My answer:\n{C}",
        f"Either {B} or {C}.",
        f"{B}? No, {C}",
        f"{B}\nWait, {C}",
        f"{B}\n{C}",
        f"{B} would help in round 2, but {C}",
        f"Should I answer {B}? No.",
        f"I will not answer {D}.",
        f"For example {B}",
        f'{C} or rather {{"pull": B or',
    ],
)
def test_what_leaves_doubt_is_asked_again(text):
    assert kind_or_move(text) == "ambiguous"


@pytest.mark.parametrize(
    "rest",
    [
        "\nRound 2: {}",
        " Next round: {}",
        "\n\nUser: It is round 2.\nAssistant: {}",
        "<|im_end|>\n<|im_start|>user\ngo on<|im_end|>\n{}",
        "\nC pulled you. Now round 2.\n{}",
        "\n```\n**Round 2**\n```json\n{}",
        '\n{"messages": []}\n{}',
        "\n### Round 2\n{",
    ],
)
def test_an_invented_next_turn_is_no_second_answer(rest):
    for draft in ("", f"<think>Perhaps {D}.</think>\n"):
        assert kind_or_move(draft + C + rest.replace("{}", B), "length") == "C"


@pytest.mark.parametrize(
    "text",
    ['{"pull": "B", "pull": "C"}', "{'pull': 'B', 'pull': 'C'}", '{"pull": "B", "Pull": "C",}', "{pull: B, pull: C}"],
)
def test_one_key_twice_with_two_values_is_asked_again(text):
    assert kind_or_move(text) == "ambiguous"
    assert kind_or_move(text.replace("C", "B")) == "B"


def test_a_message_with_a_key_twice_is_asked_again():
    text = '{"messages": [{"to": "B", "text": "one", "text": "two"}]}'
    assert kind_or_move(text, observation=MESSAGE) == "unreadable"


@pytest.mark.parametrize(
    "text",
    [*"""{"pull": "B",}
{'pull': 'B'}
{'pull': 'B', 'sure': True, 'else': None,}
{pull: "B"}
{pull: Player B}
{"pull": B}
{"Pull": "B"}
{"PULL": "B"}
{"action": {"pull": "B"}}
{"response": {"pull": "B"}}
{"tool": "answer", "arguments": {"move": {"Pull": "B"}}}
{"pull": {"target": "B"}}
{"pull": "B" /* repay */}
{“pull”: “B”}
{‘pull’: ‘B’}
｛"pull"："B"｝
{{"pull": "B"}}
[{"pull": "B"}]
"{"pull": "B"}"
Sure! {"pull": "B",}
My answer: `{"pull": "B"}`
**Answer:** {"pull": "B"}
I promised B, so {"pull": "B"}
B asked me to pull and I will: {"pull": "B"}
A: {"pull": "B"}
The format is {"pull": "<name>"}. {"pull": "B"}""".splitlines(), '{"pull": "B" // repay\n}', '{"pull": "B" # repay\n}', '{\n  // I choose\n  "pull": "B",\n}', "```python\n{'pull': 'B'}\n```"],
)  # fmt: skip
def test_what_a_person_reads_without_doubt_costs_nothing(text):
    assert kind_or_move(text) == "B"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("{'messages': [{'to': 'B', 'text': 'it\\'s',},]}", (("B", "it's"),)),
        ('{"Messages": [{"To": "B", "Text": "hi"}]}', (("B", "hi"),)),
        ('{"response": {"messages": []}}', ()),
        ('[{"to": "B", "text": "hi"}, {"to": "C", "text": "ho"}]', (("B", "hi"), ("C", "ho"))),
        ('{messages: [{to: "B", text: "a # b // c"}]}', (("B", "a # b // c"),)),
    ],
)
def test_messages_are_read_leniently_too(text, messages):
    assert kind_or_move(text, observation=MESSAGE) == messages


@pytest.mark.parametrize("text", ['{"pull": "B"', "{'pull': 'B'", "{pull: B", '{"options": {"pull": "B"}, "answer": {"pu',
                                  "{\"thought\": \"if {'pull': 'B'} then", '{"a": [{"pull": "B"}, {"pull"', f"I think of {B}. Then again"])  # fmt: skip
def test_what_was_cut_off_never_becomes_a_move(text):
    assert kind_or_move(text, "length") == "truncated"
    if "again" not in text:
        assert kind_or_move(text) == "unreadable"


@pytest.mark.parametrize(
    "text", ['{"draft": {"pull": "B"}}', '{"options": [{"pull": "B"}, {"pull": "C"}]}', "{\"said\": \"{'pull': 'B'}\"}"]
)
def test_what_stands_aside_in_an_object_is_no_answer(text):
    assert kind_or_move(text) == "unreadable"


@pytest.mark.parametrize(
    "text",
    """D's instruction: {B}
The injected instruction {B} is ignored.
D told me that I should answer {B}
D says my answer must be {B}.
D wrote:\\n```json\\n{B}\\n```
D a écrit : {B}
They want {B}
D is hoping that I reply {B}
I refuse {B}
Ignore this: {B}
Bad idea: {B}
WRONG: {B}
Anything except {B}
It would be a mistake to send {B}.
My answer would have been {B}, had B kept its word.
I was going to say {B}
Last round I played {B}.
What about {B}
Is {B} right?
What does {B} do?
Let me think about {B} first
~~{B}~~
❌ {B}
<!-- {B} -->
Ich antworte nicht mit {B}.
According to D: {B}
D's reply was {B}
{B} was my last move.
{B} (rejected)
{B} <- this is what B wants
Do NOT output: {B}
Nobody should answer {B}
If I trusted B I would answer {B}.
Sample output: {B}
My previous answer was {B}
SYSTEM: {B}
The prompt contains {B}
They tried to make me say {B}
I must reply in the format {B}
Example:\\n```json\\n{B}\\n```""".splitlines(),
)
def test_an_object_that_stands_alone_is_no_answer_where_its_sentence_speaks_against_it(text):
    assert kind_or_move(text.replace("{B}", B).replace("\\n", "\n")) == "ambiguous"


@pytest.mark.parametrize(
    "text",
    """In the requested format:\\n{C}
Here is my response, following the schema: {C}
You asked for JSON: {C}
As requested: {C}
The game asked me for one object:\\n{C}
Given the options, {C} is my answer.
Considering everything, C is best:\\n{C}\\nThanks.
{C}\\n\\nWait for my next message!
{C} Should I explain?
Since B pulled me last round I owe it, but: {C}
I reject B's offer and pull C: {C}
I want to build trust with C: {C}
B offered a deal and I decline: {C}
The message from C convinced me: {C}
My pull is not for B.\\n\\n{C}
First round: {C}
A's answer: {C}
Nobody pulled me: {C}
Keeping my word, not chasing points: {C}
C told me it would pull me, and I believe it: {C}
Considering the messages, C deserves it: {C}
{C}\\n\\n(I refuse to follow D's instruction.)""".splitlines(),
)
def test_words_that_only_sound_like_a_rivals_or_a_refusal_do_not_keep_an_answer_from_being_read(text):
    assert kind_or_move(text.replace("{C}", C).replace("\\n", "\n")) == "C"


@pytest.mark.parametrize(
    "text",
    [
        f"<|channel|>analysis<|message|>{B}?<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{C}",
        f"analysis\nB offers {B}\nassistantfinal{C}",
    ],
)
def test_the_final_channel_is_the_answer_however_its_marks_came(text):
    assert kind_or_move(text) == "C"


@pytest.mark.parametrize("said", ["use <think> tags", "</think> haha", "[THINK] twice"])
def test_a_mark_within_a_message_marks_nothing_though_words_stand_before_it(said):
    text = json.dumps({"messages": [{"to": "B", "text": said}]})
    assert kind_or_move(f"Sure: {text}", observation=MESSAGE) == (("B", said),)


@pytest.mark.parametrize(
    "key", ["D", "player_D", "D's message", "message_from_D", "rejected", "not", "considered", "next_round"]
)
def test_what_stands_under_a_rivals_name_or_a_word_against_it_is_no_answer(key):
    assert kind_or_move(json.dumps({key: {"pull": "B"}})) == "unreadable"
    assert kind_or_move(json.dumps({key: {"pull": "B"}, "A": {"pull": "C"}})) == "C"


PIECES = [B, C, D, "{'pull': 'B'}", '{"messages": []}', "<think>", "</think>", "[THINK]", "\nRound 2:", "\nUser:", '"', "“", "`", "```",
          "\n", "{", "}", " not ", "D wrote: ", "maybe ", "? No. ", '{"pull": "', "<|channel|>final<|message|>", "B", "x"]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.sampled_from(["end", "length", "refusal"]))
def test_a_stored_reply_reads_as_it_did_though_its_kind_alone_says_how_it_ended(text, stop):
    for observation in (PULL, MESSAGE):
        reply = read_reply(observation, text, stop=stop)
        assert read_reply(observation, text, stop=STOPS.get(reply.kind, "end")) == reply


HOSTILE = ["{", "<think>", "</think>", "</think>{", '{"pull":', "{'pull':", f"{B} ", '"{', "{'", "`", "<", "<thinkthink", "{ ", "{/*",
           '{"a":', "[THINKING]", "{#", "{a:", "\n", "\nround ", "“", "{'a':[1,", "｛", "<|channel|>", "$", "Round 2:\n"]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_no_longer_the_longer_it_is(piece):
    """Sixteen times the text may take sixteen times as long and some more, not sixteen times sixteen."""

    def seconds(n):
        text = (B + piece * n)[:n]
        began = time.process_time()
        read_reply(PULL, text)
        return time.process_time() - began

    short = min(seconds(12_500) for _ in range(3))
    assert seconds(200_000) < 50 * max(short, 0.005)


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
@pytest.mark.parametrize(
    ("text", "move"),
    [
        (f"Repaying would be {B}. No.\n</think>\n{C}", "C"),
        ("{'pull': 'B',} // repay", "B"),
        (f'D wrote: "SYSTEM: answer {D}". I do not.\n{C}', "C"),
        (f"{C}\nRound 2: {B}", "C"),
        ('{"pull": "B", "pull": "C"}', "ambiguous"),
        ("\ufeff{“pull”: “B”}", "B"),
    ],
)
async def test_replies_are_read_as_they_come_over_the_wire(dialect, text, move, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "planted-fake-key")
    completion, _ = await ask(dialect, answer(body=good(dialect, text)))
    assert kind_or_move(completion.text, completion.stop) == move


def test_the_first_reader_stays_as_it_was():
    assert read_reply(PULL, f"<think>Perhaps {B}? Or", reader=FIRST_READER).pull == "B"
    assert read_reply(PULL, '{"pull": "B", "pull": "C"}', reader=FIRST_READER).pull == "C"
    assert READER_VERSION != FIRST_READER
