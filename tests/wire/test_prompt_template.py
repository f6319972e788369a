"""Variables are filled in once, and what is filled in is data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.wire.prompt_template import escaped, filled, names_of, read_template


def test_a_template_is_words_and_names_in_turn():
    pieces = read_template("Of {{shop}}: {{ a_1 }}{{shop}}!")
    assert pieces == ("Of ", "shop", ": ", "a_1", "", "shop", "!")
    assert names_of(pieces) == ("shop", "a_1")
    assert filled(pieces, {"shop": "Acme", "a_1": "x"}) == "Of Acme: xAcme!"
    assert read_template('no variable } }} {"a":{"b":1}}') == ('no variable } }} {"a":{"b":1}}',)


@pytest.mark.parametrize("text", ["{{", "a {{b", "{{1a}}", "{{#if x}}", "{{a.b}}", "{{a\n}}", "{{}}", "{{a}"])
def test_there_is_no_logic(text):
    with pytest.raises(ValueError, match="begins a variable"):
        read_template(text)


@given(value=st.text(), other=st.text())
@settings(max_examples=20, deadline=None)
def test_what_is_filled_in_is_never_read(value, other):
    values = {"a": value + "{{b}}", "b": other + "{{a}}"}
    assert filled(read_template("{{a}}|{{b}}"), values) == f"{value}{{{{b}}}}|{other}{{{{a}}}}"


def test_values_are_written_as_they_may_stand_where_they_stand():
    value = "a</q> & \"b\" 'c'\n"
    assert escaped(value, "none") == value
    assert escaped(value, "xml") == "a&lt;/q&gt; &amp; &quot;b&quot; &#x27;c&#x27;\n"
    assert escaped(value, "json") == "a</q> & \\\"b\\\" 'c'\\n"
