"""POST /embeddings, as a dialect."""

from triplegate.gates.llm.paths.embeddings import EMBEDDINGS


def test_only_the_model_changes():
    text = b'{ "input": ["a", "b"], "model":"m" }'
    call = EMBEDDINGS.read(text)
    assert EMBEDDINGS.edit(call, "vendor", True) == text.replace(b'"m"', b'"vendor"')
    assert EMBEDDINGS.edit(call, "m", True) == text


def test_usage_is_input_alone():
    usage = EMBEDDINGS.usage(b'{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}')
    assert (usage.input_total, usage.output_total) == (7, 0)
    assert EMBEDDINGS.usage(b"{}") is None


def test_it_never_streams():
    assert (EMBEDDINGS.path, EMBEDDINGS.operation, EMBEDDINGS.streams) == (b"/embeddings", "embeddings", False)
