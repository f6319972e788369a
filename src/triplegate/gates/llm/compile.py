"""From models and providers as written to the llm gate of one snapshot."""

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.people import anonymous_of
from triplegate.core.catalog import Route
from triplegate.core.chains import Chains
from triplegate.core.exchange import Compiled
from triplegate.core.learned import Learned
from triplegate.core.ports import House, Kit
from triplegate.gates.llm import realtime
from triplegate.gates.llm.beside import Beside
from triplegate.gates.llm.building import models_of
from triplegate.gates.llm.gate import LlmGate
from triplegate.gates.llm.paths import stored
from triplegate.gates.llm.paths.audio import SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.completions import COMPLETIONS
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS
from triplegate.gates.llm.paths.feedback import PATH as FEEDBACK
from triplegate.gates.llm.paths.images import EDITS, GENERATIONS, VARIATIONS
from triplegate.gates.llm.paths.messages import COUNT, MESSAGES
from triplegate.gates.llm.paths.models import ANTHROPIC_BASE
from triplegate.gates.llm.paths.moderations import MODERATIONS
from triplegate.gates.llm.paths.rerank import RERANK
from triplegate.gates.llm.paths.responses import RESPONSES
from triplegate.gates.llm.paths.usage import PATH as USAGE
from triplegate.gates.llm.paths.usage import OwnUsage
from triplegate.gates.llm.prompts import Prompts
from triplegate.gates.llm.surface import Surface
from triplegate.gates.llm.tool_catalog import ToolCatalog
from triplegate.gates.llm.tool_loops import ToolLoops
from triplegate.wire.seals import Seals

ENDPOINTS = (
    CHAT,
    RESPONSES,
    COMPLETIONS,
    MESSAGES,
    COUNT,
    EMBEDDINGS,
    MODERATIONS,
    GENERATIONS,
    EDITS,
    VARIATIONS,
    SPEECH,
    TRANSCRIPTIONS,
    TRANSLATIONS,
    RERANK,
)
"""What is asked with POST and a model, in the order the documentation lists it."""


def compile_llm(documents: Documents, kit: Kit, house: House, snapshot: str, chains: Chains) -> Compiled:
    """The gate with its models, their deployments' pools and its outer chain."""
    written = documents.llm
    anonymous = anonymous_of(kit.directory, written.owner) if written.identity == "none" else None
    route = Route("llm", "llm", written.owner, anonymous=anonymous, origin=documents.origin("llm"))
    loops = msgspec.structs.replace(route, name="llm/mcp_tools")
    models = models_of(documents, kit)
    endpoints = {written.base_path + each.path.decode("ascii"): each for each in ENDPOINTS}
    for each in (MESSAGES, COUNT):
        endpoints[f"{ANTHROPIC_BASE}{written.base_path}{each.path.decode('ascii')}"] = each
    surface = Surface(
        written.base_path,
        written.host,
        route,
        endpoints,
        Seals(kit.pepper),
        kit,
        int(kit.clock.wall()),
        OwnUsage(kit.books, kit.clock),
        kit.state(Learned, "llm", Learned),
        written.files or "",
        written.origin_gone,
        Beside.kept(kit),
        Prompts(documents.prompts),
        realtime.Channels.of(written.realtime),
        ToolLoops(written.mcp_tools, written.base_path, loops, ToolCatalog(documents, kit), chains, kit),
    )
    gate = LlmGate(models, surface, chains, house, snapshot)
    chains.prepare(route)
    chains.prepare(loops)
    for model in models.values():
        chains.prepare(model.route)
    listing = f"{written.base_path}/models"
    kept = [f"{written.base_path}/{kind}" for kind in stored.KINDS]
    others = f"{ANTHROPIC_BASE}{listing}"
    channel = f"{written.base_path}{realtime.PATH}"
    own = (f"{written.base_path}{USAGE}", f"{written.base_path}{FEEDBACK}")
    paths = (*endpoints, listing, others, channel, *own, *[each for each in kept if not each.endswith("responses")])
    return Compiled(gate, paths, (f"{listing}/", f"{others}/", *[f"{each}/" for each in kept]))
