"""Records survive their encoding, and older ones still read after a field was added."""

import msgspec
from tests.builders import make_exchange

from triplegate.core.booking import record_of
from triplegate.core.catalog import Target
from triplegate.core.record import Record


def test_a_record_survives_the_spools_encoding():
    exchange = make_exchange()
    exchange.attempt(Target("service", "s"))
    record = record_of(exchange, "final", "n", 1.0, 2.0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record) == record


def test_a_record_written_before_the_last_field_existed_still_reads():
    record = record_of(make_exchange(), "final", "n", 1.0, 2.0)
    older = msgspec.msgpack.decode(msgspec.msgpack.encode(record))[:-1]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(older), type=Record).exchange == record.exchange
