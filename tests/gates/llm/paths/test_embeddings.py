"""POST /embeddings, as a dialect."""

from triplegate.gates.llm.paths.embeddings import EMBEDDINGS


def test_only_the_model_changes():
    text = b'{ "input": ["a", "b"], "model":"m" }'
    call = EMBEDDINGS.look(text)
    assert EMBEDDINGS.edit(call, model="vendor", include_usage=True) == text.replace(b'"m"', b'"vendor"')
    assert EMBEDDINGS.edit(call, model="m", include_usage=True) == text


def test_usage_is_input_alone():
    usage = EMBEDDINGS.usage(b'{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}')
    assert (usage.input_total, usage.output_total) == (7, 0)
    assert EMBEDDINGS.usage(b"{}") is None


def test_it_never_streams():
    assert (EMBEDDINGS.path, EMBEDDINGS.operation, EMBEDDINGS.generates) == (b"/embeddings", "embeddings", False)
