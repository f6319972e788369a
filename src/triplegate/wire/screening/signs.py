"""The signs of instructions where none belong: how much each one says, and the expression (RE2) that finds it."""

from itertools import islice
from typing import Any

import msgspec

from triplegate.wire.pattern import MEMORY_OF_SIGNS, compiled

_IGNORE = (
    "ignore|disregard|forget|override|bypass|neglect|overlook|discard|skip|drop|stop following|(?:do not|don't) follow"
)
_WHICH = "all|any|every|previous|prior|above|earlier|preceding|following|the|your|my|these|those|other|rest"
_ORDERS = (
    "instructions?|prompts?|directions?|directives?|commands?|rules?|guidelines?|context|text|programming"
    "|training|orders"
    "|constraints|filters?|policies|policy|messages?|conversation|content"
)
_TELL = (
    "repeat|print|reveal|show|output|tell|display|write|give|share|dump|disclose|translate|summari[sz]e|leak|recite"
    "|provide|spell|encode|return|copy|start|list"
)
_PLAY = "act|acting|behave|respond|answer|roleplay|role-play|pretend|pose|impersonate|simulate|play"
_LIMITS = "filters?|censorship|moral(?:s|ity)?|ethic(?:s|al)?|guidelines|content polic(?:y|ies)|disclaimers?"
_FREE = (
    r"without|no|free (?:of|from)|not (?:bound|limited|restricted|constrained) by|don'?t have (?:any )?"
    r"|do(?:es)? not have (?:any )?|lacks?|ignor(?:e|es|ing)|bypass(?:es|ing)?|break(?:s|ing)? (?:free )?(?:of|from)?"
    r"|abid(?:e|ing) by|regardless of|disregard(?:s|ing)?|never follows?"
)
_OBSCURE = (
    "rot-?13|base-?(?:16|32|85|91)|ascii-?85|uu-?encod(?:e|ed|ing)|quoted[- ]printable|hex(?:adecimal)?"
    "|morse|atbash|caesar"
)

SIGNS: tuple[tuple[str, float, str], ...] = (
    (
        "overrides instructions",
        0.8,
        rf"\b(?:{_IGNORE})\b[^.\n]{{0,40}}\b(?:{_WHICH})\b[^.\n]{{0,40}}\b(?:{_ORDERS})\b",
    ),
    (
        "overrides everything",
        0.8,
        (
            r"\b(?:ignore|disregard|forget)\b[^.\n]{0,20}\b(?:everything|all (?:of )?(?:that|this|it)|the above"
            r"|any previous"
            r"|all previous|what (?:i|we|you) (?:said|were told))\b"
        ),
    ),
    (
        "stops and orders",
        0.7,
        (
            r"\bstop everything\b|\bnever ?mind\b[^.\n]{0,30}\b(?:print|say|write|output)\b"
            r"|\b(?:just|only|instead,?)\s+(?:print|say|output|write|repeat)\b\s*[\"\x{201c}'\x{2018}]"
        ),
    ),
    (
        "new instructions",
        0.5,
        (
            r"\b(?:new|updated|real|actual|revised|secret) (?:instructions?|task|orders?|directives?|system prompt)\b"
            r"|\bfrom (?:now|here|this point) on\b"
        ),
    ),
    (
        "another self",
        0.45,
        (
            r"\byou are (?:now|no longer|going to (?:be|act|play|pretend|change)|about to (?:be|act|play))\b"
            r"|\b(?:transform|change yourself|turn yourself) into\b"
        ),
    ),
    (
        "another persona",
        0.45,
        (
            rf"\b(?:{_PLAY})(?:ing)?\s+(?:as|like|to be|that you|you are|the role)\b"
            r"|\b(?:take on|assume|play) the (?:role|persona|identity)\b|\bimagine (?:that )?you(?:'re| are)\b"
            r"|\blet'?s (?:role ?-?play|play a game|pretend)\b|\bin the (?:voice|style|role) of\b|\bpersona\b"
        ),
    ),
    (
        "a known jailbreak",
        0.8,
        (
            r"\bdo anything now\b"
            r"|\b(?:evil|unrestricted|uncensored|unfiltered|amoral|unethical)[- ]?(?:bot|confidant|ai|mode"
            r"|model|assistant|chatbot)\b"
            r"|\bmaximum virtual machine\b|\bmongo tom\b|\bbetterdan\b|\banti-?(?:gpt|dan)\b|\bchaosgpt\b"
            r"|\bmachiavelli"
            r"|\bno[- ]?filter(?:ed|s)?\b|\bas (?:a )?dan\b|\bcalled dan\b"
            r"|\bdude\b.{0,40}\banything\b"
        ),
    ),
    (
        "speaks of jailbreaks",
        0.4,
        r"\bjailbr(?:eak|oken)|\b(?:developer|dev|god|opposite|debug|sudo|admin) mode\b",
    ),
    ("speaks of the system prompt", 0.3, r"\bsystem[_ ](?:prompt|message)\b"),
    ("a line of a role", 0.3, r"(?:^|\n)\s*(?:###\s*)?(?:system|assistant|developer)\s*[:>\]]"),
    ("asks for no limits", 0.6, rf"\b(?:{_FREE})\b[^.\n]{{0,50}}\b(?:{_LIMITS})\b"),
    (
        "asks to pass over rules",
        0.35,
        (
            rf"\b(?:{_FREE})\b[^.\n]{{0,40}}\b(?:restrictions?|limitations?|limits|polic(?:y|ies)|rules"
            rf"|boundaries|moderation|warnings?|laws?"
            r"|constraints|confines)\b"
        ),
    ),
    (
        "forbids refusing",
        0.5,
        (
            r"\b(?:never|not|cannot|can't|must not|don'?t|won'?t) (?:ever )?(?:refuse|reject|decline|say (?:no"
            r"|you can(?:'t|not))"
            r"|apologi[sz]e|break (?:out of )?character|warn|mention (?:that )?you(?:'re| are) an ai)\b"
            r"|\b(?:stay|remain|keep) in (?:character|role)\b|\bnever break\b|\bout of character\b|\bstay a dan\b"
        ),
    ),
    (
        "speaks of the model's maker",
        0.35,
        (
            r"\bopenai(?:'s)?\b[^.\n]{0,60}\b(?:polic|rule|guideline|content|filter|restrict|limit|mandat)"
            r"|\b(?:as|being) an ai (?:language )?model\b|\bchat ?gpt\b|\btrained by openai\b"
        ),
    ),
    (
        "asks for the prompt",
        0.7,
        (
            rf"\b(?:{_TELL})\b[^.\n]{{0,60}}\b(?:system|initial|original|hidden|secret|starting|internal"
            rf"|previous|above)\b"
            r"[^.\n]{0,30}\b(?:prompt|instructions?|message|configuration|guidelines|directives|text above|context)\b"
            rf"|\b(?:{_TELL})\b[^.\n]{{0,30}}\b(?:your|first|full|exact) (?:\w+ )?(?:prompt|directives)\b"
            rf"|\b(?:{_TELL})\b[^.\n]{{0,30}}\byour (?:\w+ )?instructions\b"
            rf"|\b(?:{_TELL})\b[^.\n]{{0,20}}\b(?:instructions|prompt) (?:you were|that were|at the)\b"
            r"|\binitiali[sz]ation (?:string|prompt|text)\b|\btext you were given\b"
        ),
    ),
    (
        "asks for what is above",
        0.6,
        (
            r"\b(?:repeat|print|output|show|copy|write)\b[^.\n]{0,30}\b(?:text|words?|everything|all|lines?"
            r"|content|sentences?)"
            r" (?:above|before|preceding)\b|\bwhat (?:are|were) (?:your|you)\b[^.\n]{0,30}\b(?:instructions?"
            r"|told|not (?:supposed"
            r"|allowed) to)\b|<system_?prompt>"
            r"|\brepeat\b[^.\n]{0,30}\b(?:entire|whole|full) (?:conversation|prompt|text)\b"
        ),
    ),
    (
        "two answers",
        0.6,
        (
            r"\btwo (?:different )?(?:ways|responses|answers|paragraphs)\b|🔓|\[(?:chatgpt|gpt|classic|jailbreak"
            r"|normal|dan)[:\]]"
            r"|\b(?:gpt|chatgpt|dan|classic):\s"
        ),
    ),
    (
        "forges a role",
        0.6,
        (
            r"<\|?(?:im_start|im_end|system|endoftext)\|?>"
            r"|\[/?INST\]|<<SYS>>|[:\[#*(][ \t]{0,3}(?:system|admin(?:istrator)?)(?: \w+){0,2}\s*:"
        ),
    ),
    (
        "a forged turn",
        0.65,
        r"<\|(?:im_start|start_header_id)\|>\s{0,3}(?:system|user|assistant|developer)|<<SYS>>\s{0,3}\S",
    ),
    (
        "an order in a document",
        0.55,
        (
            r"(?:^|\n|[\"'>#*({\[-])\s*(?:note to (?:the )?(?:ai|assistant|model|llm)|(?:dear|hey|hello"
            r"|attention),? (?:ai"
            r"|assistant|chatgpt|model|llm|bot)|ai:|important[:!]|attention[:!]|instructions?:)"
            r"|\bif you(?:'re| are) (?:an? )?(?:ai|llm|language model|assistant|bot|chatbot|gpt)\b"
            r"|\b(?:do not|don't|never) (?:summari[sz]e|evaluate|classify|flag)\b"
            r"|\b(?:print|output|say|respond|reply|write|include|state|insert|append|classify|rate"
            r"|recommend)\b[^.\n]{0,40}"
            r"\b(?:this (?:candidate|domain|applicant|cv|resume)|benign|not malicious|safe|highly qualified"
            r"|best candidate)\b"
        ),
    ),
    (
        "a verdict in a document",
        0.6,
        (
            r"\b(?:is|are) (?:clearly |definitely |certainly |absolutely )?(?:not malicious|benign|harmless)\b"
            r"|\beverything is (?:safe|fine|ok)\b|\bdomain is (?:safe|good|legitimate)\b"
        ),
    ),
    (
        "decode and obey",
        0.6,
        (
            rf"\b(?:secure|encrypted|encoded) (?:system )?message\b|\b(?:{_OBSCURE}) (?:encoded "
            rf"|decoded )?(?:string|text|message)\b"
            rf"|\bdecode\b[^.\n]{{0,30}}\b(?:{_OBSCURE})\b|\b(?:rot-?13|atbash|morse) encode\b"
            r"|\bdecode\b[^.\n]{0,60}\b(?:monologue|and (?:follow|execute|run|obey|print|do))\b"
            r"|\bencoded:.{4,1000}\bdecoded:"
        ),
    ),
    (
        "markup that runs",
        0.7,
        (
            r"javascript:|\bonerror\s*=|srcdoc\s*=|\bexpression\(|<script\b[^>]{0,100}>[^<]{0,200}\b(?:alert"
            r"|eval|fetch|cookie)\b"
            r"|<img\b[^>]{0,100}src\s*=\s*[\"']?(?:x\b|data:)|!\[[^\]]{0,100}\]\(https?://[^)]{0,200}(?:\?|\{)"
            r"|\$\{jndi:"
            r"|\{\{[^}]{0,60}(?:config|__class__|self)"
        ),
    ),
    (
        "a command that runs",
        0.7,
        (
            r"<[a-z!/?][^<>]{0,200}\son[a-z]{4,16}\s*=|vbscript:|@import\s+['\"]javascript|<!entity\b|<!--#exec\b|<\?php\s"
            r"|\$\((?:curl|wget)\b|\|\s*(?:ba)?sh\b|[;|&]\s*(?:cat|nc|bash|rm)\s+[-/.]|/dev/tcp/|\s-e\s+/bin/(?:ba)?sh"
            r"|(?:\.\./){3,}|(?:\.\.\\){2,}|file:///etc/|php://|/etc/(?:passwd|shadow)|\|'?\s*/c\s+calc"
            r"|__import__\(|__globals__|__subclasses__|child_process|constructor\.constructor|\$\{t\(java|<%=\s*system"
            r"|\{%\s*import|\{\{[^}]{0,80}(?:\*|popen|config|self|__)|\"\$(?:where|ne|gt|regex)\"\s*:|\"__proto__\""
            r"|%0d%0a[a-z-]{2,20}:|\bpg_sleep\(|['\"]\s*(?:--|#)\s*(?:$|\n)|\bor\s+\(?['\"]?\w['\"]?\)?\s*=\s*\(?['\"]?\w\b"
            r"|=hyperlink\("
        ),
    ),
    ("markup with handlers", 0.4, r"<script\b|\bon(?:load|click|mouseover|focus|toggle|start)\s*=|\balert\("),
    (
        "a query that runs",
        0.7,
        (
            r"\bxp_cmdshell\b|\bunion\s+(?:all\s+)?select\b|\bdrop\s+table\b|\bexec(?:ute)?\s*\(\s*'"
            r"|\bsleep\(\d|\bor\s+'?1'?\s*=\s*'?1"
            r"|\bwaitfor\s+delay\b|'\s*;?\s*(?:select|insert\s+into|update|delete\s+from|drop)\b|['\)]\s*;\s*--"
        ),
    ),
    (
        "asks for harm",
        0.5,
        (
            r"\bkill all humans\b|\bi (?:will kill|hate) (?:you|humans)\b"
            r"|\b(?:build|make|create)\b[^.\n]{0,20}\b(?:bomb|weapon|malware|meth)\b"
            r"|\bintentionally\b[^.\n]{0,30}\b(?:incorrect"
            r"|wrong|harmful|misleading|mis\w+)\b|\b(?:chaos|diabolical|villain|evil|sadistic|offensive)\b"
            r"|\b(?:illegal|unethical|immoral|harmful|explicit|violent)\b[^.\n]{0,40}\b(?:content|things"
            r"|activit|request"
            r"|information|advice|act|output)"
        ),
    ),
    (
        "rules of a game",
        0.3,
        (
            r"\byou (?:will|must|should|can|may|are to|shall) (?:always|never|only|not)\b|\b(?:always"
            r"|never) (?:answer|respond|reply"
            r"|say|explain|break|agree|mention)\b|\bhypothetical\b|\bfictional\b|\bfake universe\b"
            r"|\bsimulat(?:e|or|ion)\b"
            r"|\bfree will\b|\bsentien(?:t|ce)\b"
        ),
    ),
)
"""Those that do not care about upper and lower case."""
CASED: tuple[tuple[str, float, str], ...] = (
    ("screams", 0.25, r"(?:\b[A-Z]{3,}\b[ ,!.]{1,3}){6,}"),
    ("a name of a jailbreak", 0.6, r"\b(?:DAN|STAN|DUDE|AIM|BISH|JAILBREAK)\b"),
    ("a line drawn below", 0.2, r"\n\s*(?:-{8,}|={8,}|#{6,})\s*\n"),
)
_ORDERED = r"\byou (?:will|must|should|shall|can|cannot|are|have to|never|always)\b"
_MANY = 6


class Sign(msgspec.Struct, frozen=True):
    """One sign, ready to be looked for."""

    name: str
    weight: float
    pattern: Any
    least: int = 1
    """So many times it must be there."""

    def stands_in(self, text: str) -> bool:
        """Whether `text` shows it."""
        if self.least == 1:
            return self.pattern.search(text) is not None
        return sum([1 for _ in islice(self.pattern.finditer(text), self.least)]) == self.least


def signs() -> tuple[Sign, ...]:
    """All of them, compiled."""
    found = [
        Sign(name, weight, compiled(text, MEMORY_OF_SIGNS, cased=cased))
        for some, cased in ((SIGNS, False), (CASED, True))
        for name, weight, text in some
    ]
    found.append(Sign("many orders", 0.4, compiled(_ORDERED, MEMORY_OF_SIGNS, cased=False), _MANY))
    return tuple(found)
