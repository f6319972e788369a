"""The prompts in force."""

from litestar import get
from litestar.di import NamedDependency

from triplegate.control.admin.access import EVERYONE
from triplegate.control.parts import Parts
from triplegate.control.prompted import PromptView


@get("/prompts", role=EVERYONE, tenant="whole", summary="Prompts that calls of models may ask for")
async def list_prompts(parts: NamedDependency[Parts]) -> list[PromptView]:
    """Each prompt in each of its versions: what it takes and who may use it. The words stand in the configuration."""
    return list(parts.view.prompts())
