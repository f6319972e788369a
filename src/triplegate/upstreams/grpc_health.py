"""Ask gRPC endpoints whether they are well, by grpc.health.v1 or only by their connection."""

import asyncio

from triplegate.config.documents_service import HealthDocument
from triplegate.core.errors import Refusal
from triplegate.upstreams.grpc import Call, GrpcChannel, Waits
from triplegate.wire.grpc import health_question, is_serving

_CHECK = "/grpc.health.v1.Health/Check"


async def serves(channel: GrpcChannel, rules: HealthDocument) -> str:
    """What is wrong with the endpoint behind `channel`; empty when nothing is."""
    wait = rules.timeout
    try:
        async with asyncio.timeout(wait):
            await channel.ready(wait)
            if rules.tcp:
                return ""
            return await _said(channel.ask(_CHECK, health_question(rules.service), (), wait, Waits(wait, wait)))
    except Refusal as refusal:
        return refusal.reason
    except TimeoutError:
        return f"no answer in {wait:.3g} s"


async def _said(call: Call) -> str:
    try:
        await call.head()
        answer = await call.read()
        while await call.read() is not None:
            pass
    finally:
        call.close()
    status = call.status
    assert status is not None
    if status.code:
        return f"status {status.code}: {status.message}"
    return "" if is_serving(answer or b"") else "not serving"
