"""The llm gate as clients see it: where it is, who may enter, and what stands ready behind it."""

from collections.abc import Mapping

import msgspec

from triplegate.core.catalog import Route
from triplegate.core.learned import Learned
from triplegate.core.ports import Kit
from triplegate.gates.llm import realtime
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.call import Endpoint
from triplegate.gates.llm.paths import models as models_path
from triplegate.gates.llm.paths.usage import OwnUsage
from triplegate.gates.llm.prompts import Prompts
from triplegate.gates.llm.telling import ANTHROPIC
from triplegate.gates.llm.tool_loops import ToolLoops
from triplegate.gates.llm.tool_told import ToolTold
from triplegate.wire.seals import Seals


class Surface(msgspec.Struct, frozen=True, eq=False):
    """The gate as clients see it: where it is, and who may enter."""

    base: str
    host: str | None
    route: Route
    """Stands for every endpoint until the model is known."""
    endpoints: Mapping[str, Endpoint]
    """Path → endpoint, for POST."""
    seals: Seals
    kit: Kit
    created: int
    """Unix seconds told as the models' creation time."""

    usage: OwnUsage
    learned: Learned
    """What earlier calls taught about estimates."""
    files: str = ""
    """Model whose provider keeps files."""
    origin_gone: str = "refuse"
    beside: Beside = msgspec.field(default_factory=Beside)
    """Where large calls are read."""
    prompts: Prompts = msgspec.field(default_factory=Prompts)
    """What calls may ask for by name."""
    channels: realtime.Channels = msgspec.field(default_factory=realtime.Channels)
    loops: ToolLoops | None = None
    """Answers calls that bring MCP servers as tools."""

    def family_of(self, path: str) -> str:
        """The dialect whose errors a caller of this path expects."""
        endpoint = self.endpoints.get(path)
        if endpoint is not None:
            return endpoint.family
        return ANTHROPIC if path.startswith(models_path.ANTHROPIC_BASE) else "openai"

    def told(self, path: str) -> ToolTold | None:
        """Who answers for a response that is kept here; None where a path is about none."""
        told = None if self.loops is None else self.loops.told
        return told if told is not None and told.has(path) else None
