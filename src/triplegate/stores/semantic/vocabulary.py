"""Words that decide answers, and words that do not: data of the vetoes."""

STOP = frozenset(
    """
    a an the is are was were be been being am to of in on at for from by with and or i me my mine you your yours it its
    this that these those do does did done can could would should will shall may might must have has had having how what
    why when where which who whom whose if so as there here then than too very just also please kindly hi hello hey
    thanks thank we us our they them their he she him her his let get got getting about into out up some any
    """.split()  # noqa: SIM905 - a list of words is read and mended more easily so
)
"""Words that seldom decide an answer alone."""
NEGATIONS = frozenset(
    """
    not no never without none neither nor nobody nothing nowhere hardly barely cannot unable except excluding unless
    isn't aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't haven't hasn't hadn't
    mustn't needn't avoid avoiding lacks lacking non
    """.split()  # noqa: SIM905 - as above
)
_COUNTED = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
    """
NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED.split())} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "seventy": "70",
    "eighty": "80",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "billion": "1000000000",
    "dozen": "12",
    "third": "3",
    "fourth": "4",
    "fifth": "5",
    "sixth": "6",
    "seventh": "7",
    "eighth": "8",
    "ninth": "9",
    "tenth": "10",
    "triple": "3",
}
del NUMBERS["one"]  # it mostly counts nothing: "this one", "which one"
OPPOSITES = """
increase decrease|raise lower|enable disable|activate deactivate|add remove|add delete|open close|start stop|begin end
before after|above below|over under|on off|up down|in out|inside outside|allow block|allow deny|accept reject
accept decline|buy sell|send receive|import export|upload download|encrypt decrypt|lock unlock|connect disconnect
install uninstall|deposit withdraw|debit credit|gain lose|win lose|best worst|more less|most least|most fewest
more fewer|many few|maximum minimum|max min|largest smallest|biggest smallest|big small|large small|high low
higher lower|highest lowest|long short|longer shorter|longest shortest|fast slow|faster slower|cheap expensive
cheaper dearer|cheapest dearest|hot cold|warm cool|early late|earlier later|first last|new old|newest oldest
left right|north south|east west|true false|positive negative|safe dangerous|safe unsafe|legal illegal
possible impossible|public private|male female|man woman|men women|boy girl|husband wife|mother father|mom dad
son daughter|brother sister|uncle aunt|king queen|he she|him her|his hers|input output|read write|push pull
internal external|local remote|domestic international|single married|subscribe unsubscribe|follow unfollow
like dislike|love hate|agree disagree|include exclude|with without|always never|everyone nobody|all none
success failure|succeed fail|pass fail|advantage disadvantage|benefit drawback|pro con|pros cons|indoor outdoor
online offline|synchronous asynchronous|sync async|ascending descending|vertical horizontal|client server
parent child|teacher student|employer employee|buyer seller|lender borrower|importer exporter|freeze unfreeze
freeze thaw|sunrise sunset|summer winter|morning evening|day night|daily weekly|daily monthly|weekly monthly
monthly yearly|monthly annual|weekly annual|compile decompile|compress decompress|mount unmount|attach detach
expand collapse|show hide|visible hidden|encode decode|serialize deserialize|merge split|join split|create delete
create destroy|grant revoke|increase reduce|rise fall|grow shrink|strengthen weaken|improve worsen|heat cool
fill empty|full empty|wet dry|hard soft|hard easy|difficult easy|heavy light|thick thin|wide narrow|deep shallow
strong weak|rich poor|young old|alive dead|birth death|born died|marry divorce|hire fire|lend borrow|give take
teach learn|ask answer|question answer|cause effect|cause prevent|prevent promote|attack defend|arrive depart
arrival departure|arrive leave|enter exit|entrance exit|ancestor descendant|predecessor successor|previous next
past future|yesterday tomorrow|today tomorrow|today yesterday|breakfast dinner|breakfast lunch|lunch dinner
adult child|adults children|human animal|cat dog|celsius fahrenheit|miles kilometers|pounds kilograms
inches centimeters|feet meters|hours minutes|minutes seconds|days weeks|weeks months|months years|sum product
addition subtraction|multiplication division|multiply divide|numerator denominator|even odd|ios android
windows linux|windows mac|mac linux|physical virtual|debit prepaid|checking savings|refund charge|approve reject
approve decline|confirm cancel|validate invalidate|major minor|prefix suffix|upper lower|uppercase lowercase
front back|top bottom|head tail|request response|sender recipient|sender receiver|source target
source destination|freshwater saltwater|liberal conservative|democrat republican|democracy dictatorship
virus bacteria|viral bacterial|acid base|anode cathode|proton electron|mitosis meiosis|artery vein
carnivore herbivore
"""
FORMS = frozenset(
    """
    json yaml xml csv html markdown table tables bullet bullets list lists paragraph essay poem haiku sonnet limerick
    story rap song email letter tweet code script function class regex sql python javascript typescript java rust go
    golang ruby php swift kotlin perl bash c cpp haskell scala summary summarize outline brief briefly short shortly
    concise concisely detail detailed step steps sentence sentences word words line lines example examples diagram chart
    emoji formal informal casual simple simply beginner expert eli5 translate translation rewrite paraphrase
    """.split()  # noqa: SIM905 - as above
)
"""How an answer shall look."""
LANGUAGES = frozenset(
    """
    english french german spanish italian portuguese dutch russian chinese mandarin japanese korean arabic hindi turkish
    polish swedish norwegian danish finnish greek hebrew latin ukrainian czech hungarian romanian vietnamese thai
    """.split()  # noqa: SIM905 - as above
)
PREPOSITIONS = frozenset(
    """
    for in with without after before during under over per using via from to against among between until since within
    on at by through despite only just
    """.split()  # noqa: SIM905 - as above
)
_MARKS = """
en the is are what how do does of and to my can you i with for this that not
de der die das ist wie was und ich nicht ein eine mein meine kann für mit von wann wo
fr le la les est que comment et je pas un une mon ma pour avec des du puis quand où
es el la los las es que como cómo y mi no un una para con del puedo cuando dónde qué
it il lo la gli è che come e mio mia non un una per con del posso quando dove
pt o os as é que como e meu minha não um uma para com do posso quando onde você
nl de het is wat hoe en ik niet een mijn kan voor met van wanneer waar
"""
MARKS = {line.split()[0]: frozenset(line.split()[1:]) for line in _MARKS.strip().split("\n")}
"""Small words by language."""
