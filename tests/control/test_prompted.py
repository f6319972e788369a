"""Prompts are told in all their versions, without their words."""

from tests.gates.built import documents_of

from triplegate.control.prompted import PromptView, prompt_views

TEXT = """
prompts:
  support:
    default: 2
    teams: [acme/web]
    versions:
      1: {template: [{role: user, content: "{{question}}"}]}
      2:
        template: [{role: system, content: "For {{shop}}."}, {role: user, content: "{{question}} in {{shop}}"}]
        variables: {shop: {default: Acme}}
"""


def test_each_version_says_what_it_takes(tmp_path):
    first, second = prompt_views(documents_of(tmp_path, TEXT))
    assert second == PromptView(
        "support", "2", True, ("system", "user"), ("shop", "question"), ("shop",), ("acme/web",), None, second.origin
    )
    assert second.origin.startswith("triplegate.yaml:3:")
    assert (first.version, first.default, first.variables) == ("1", False, ("question",))
