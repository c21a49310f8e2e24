"""Bills as their makers export them, read into one frame."""

from datetime import date

import pytest

from di_assets.tables.bills import SCHEMA, BillError, read_bill

DAY = date(2026, 11, 20)
EXPORTS = {
    "litellm": (
        (
            "request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,model\n"
            "chatcmpl-1,acompletion,hash,0.0123,420,400,20,2026-11-20 10:00:00.123000+00:00,2026-11-20 10:00:01,openai/m\n"
        ),
        ("chatcmpl-1", DAY, "openai/m", 1, 400, 20, 0.0123),
    ),
    "openrouter": (
        (
            "generation_id,created_at,cost_total,cost_cache,tokens_prompt,tokens_completion,model_permaslug\n"
            "gen-1,2026-11-20 10:00:00.713,0.0123,0,400,20,vendor/m-20260901\n"
        ),
        ("gen-1", DAY, "vendor/m-20260901", 1, 400, 20, 0.0123),
    ),
    "openai usage": (
        (
            "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens\n"
            "1795132800,1795219200,2026-11-20T00:00:00+00:00,2026-11-21T00:00:00+00:00,proj,7,m-2026-08-01,400,20,300\n"
        ),
        (None, DAY, "m-2026-08-01", 7, 400, 20, None),
    ),
    "openai costs": (
        (
            "start_time,end_time,amount_value,amount_currency,line_item,project_id\n"
            '1795132800,1795219200,0.0123,usd,"m-2026-08-01, input",proj\n'
        ),
        (None, DAY, "m-2026-08-01, input", None, None, None, 0.0123),
    ),
    "anthropic usage": (
        (
            "usage_date_utc,model_version,api_key,workspace,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
            "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n"
            "2026-11-20,claude-opus-5,k,Default,100,50,30,220,20\n"
        ),
        (None, DAY, "claude-opus-5", None, 400, 20, None),
    ),
    "anthropic costs": (
        "usage_date_utc,model,workspace,token_type,cost_usd\n2026-11-20,Claude Opus 5,Default,output,0.0123\n",
        (None, DAY, "Claude Opus 5", None, None, None, 0.0123),
    ),
    "a spreadsheet": (
        "\ufeffDate;Model;Requests;Cost (USD)\n2026-11-20;m;7;0,0123\n",
        (None, DAY, "m", 7, None, None, 0.0123),
    ),
    "cents and dollar signs": (
        "timestamp\tmodel\tamount_in_cents\tnote\n1795176000000\tm\t$1.23\t\n",
        (None, DAY, "m", None, None, None, 0.0123),
    ),
}


def written(tmp_path, text):
    path = tmp_path / "bill.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_is_read_without_being_told_its_columns(tmp_path, export):
    text, row = EXPORTS[export]
    frame = read_bill(written(tmp_path, text))
    assert dict(frame.schema) == SCHEMA
    assert frame.rows() == [pytest.approx(row)]


def test_columns_can_be_named(tmp_path):
    path = written(tmp_path, "a,b,c,d\nr1,2026-11-20,m,0.5\n")
    named = {"request_id": "a", "time": "b", "model": "c", "usd": "d"}
    assert read_bill(path, named).rows() == [("r1", DAY, "m", 1, None, None, 0.5)]


@pytest.mark.parametrize(
    ("text", "named", "said"),
    [
        ("a,b\n1,2\n", None, "no column of request ids.* it has the columns a, b: name them with --id-column"),
        ("request_id,model\nr,m\n", None, "no column of costs or tokens"),
        ("request_id,cost\nr,1\n", {"usd": "costs"}, "no column 'costs'; it has request_id, cost"),
        ("request_id,cost\n", None, "holds no rows"),
        ("", None, "not a CSV file"),
        (
            "date,model,cost\n2026-11-20,m,1\nyesterday,m,1\n",
            None,
            "bill.csv:3: date: 'yesterday' is not a time such as",
        ),
        ("request_id,cost\nr,dear\n", None, "bill.csv:2: cost: 'dear' is not US dollars such as"),
        ("request_id,cost\nr,nan\n", None, "bill.csv:2: cost: 'nan' is not US dollars such as"),
    ],
)
def test_a_file_that_is_no_bill_is_refused_with_its_line_and_what_would_be_right(tmp_path, text, named, said):
    with pytest.raises(BillError, match=said) as caught:
        read_bill(written(tmp_path, text), named)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BillError, match=r"none.csv: cannot be read"):
        read_bill(tmp_path / "none.csv")
