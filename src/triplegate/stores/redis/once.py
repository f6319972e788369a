"""Remember over all nodes that something was seen, through Redis."""

from triplegate.core.errors import Refusal
from triplegate.stores.redis.pipeline import Pipeline


class RedisOnce:
    """The Once port. When the store is away it refuses: a replay must not pass because nobody remembers."""

    __slots__ = ("_pipeline", "_prefix")

    def __init__(self, pipeline: Pipeline, namespace: str = "tg") -> None:
        self._pipeline = pipeline
        self._prefix = "{" + namespace + "}:o:"

    async def first(self, name: str, ttl: float) -> bool:
        """True the first time within `ttl` seconds. Raises Refusal policy_unavailable when the store is away."""
        try:
            answer = await self._pipeline.call(b"SET", self._prefix + name, b"1", b"NX", b"PX", max(1, int(ttl * 1000)))
        except Refusal as away:
            raise Refusal(
                "policy_unavailable",
                "It cannot be known whether this was seen before.",
                reason=away.reason,
                retry_after=1.0,
            ) from None
        return answer is not None
