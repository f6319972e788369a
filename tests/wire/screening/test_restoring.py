"""One vault a call, and its answer gets the pieces back."""

from tests.builders import make_exchange

from triplegate.wire.neutral_events import BlockEnd, BlockStart, Delta
from triplegate.wire.screening.restoring import Restore, vault_of
from triplegate.wire.screening.vault import Placeholders


def test_a_call_has_one_vault_whoever_masks():
    exchange = make_exchange()
    assert vault_of(exchange) is vault_of(exchange)


def test_placeholders_of_the_call_become_its_pieces_again():
    vault = vault_of(make_exchange())
    name = vault.keep("email", "ada@x.example")
    watch = Restore(vault, [Placeholders()], 1)()
    told = watch.feed([BlockStart(0, "text"), Delta(0, f"To {name[:4]}"), Delta(0, f"{name[4:]} and <EMAIL_7>")])
    told += watch.feed([BlockEnd(0)]) + watch.finish()
    assert "".join([one.text for one in told if isinstance(one, Delta)]) == "To ada@x.example and <EMAIL_7>"
