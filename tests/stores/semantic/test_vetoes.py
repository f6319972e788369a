"""Pairs whose answers differ by one word: numbers, units, denial, names, direction, form, language, qualifiers.

They are made here out of templates, so that no data set is needed, and each of them must be forbidden.
"""

import itertools

import pytest

from triplegate.stores.semantic.vetoes import language, veto
from triplegate.stores.semantic.words import words

NUMBERS = [
    ("How do I divide a pizza into {} slices?", ("6", "8", "12")),
    ("What is {} percent of 340?", ("15", "20", "51")),
    ("Convert {} miles to kilometers", ("5", "50", "5.5")),
    ("Is {} a prime number?", ("17", "71", "27")),
    ("What happened in {}?", ("1914", "1941", "1991")),
    ("How many days are in {} weeks?", ("two", "three", "seven")),
]
SWAPS = [
    ("How do I {} two-factor authentication?", ("enable", "disable")),
    ("How do I {} the firewall rule?", ("allow", "block")),
    ("What are the {} of remote work?", ("advantages", "disadvantages")),
    ("What is the {} planet?", ("largest", "smallest")),
    ("Which medicine should I take {} surgery?", ("before", "after")),
    ("How do I {} a file from the server?", ("upload", "download")),
    ("What is the temperature in {}?", ("celsius", "fahrenheit")),
    ("How do I {} my notifications?", ("start", "stop")),
    ("Is the test {}?", ("positive", "negative")),
    ("How do I {} the shares?", ("buy", "sell")),
    ("Does caffeine {} blood pressure?", ("increase", "decrease")),
    ("How do I {} the archive?", ("compress", "decompress")),
    ("When does the store {}?", ("open", "close")),
    ("What is the {} speed?", ("maximum", "minimum")),
    ("How is the road from the {}?", ("north", "south")),
    ("Sort the list in {} order", ("ascending", "descending")),
    ("What does the {} component do?", ("client", "server")),
    ("How much is the {} plan?", ("monthly", "yearly")),
]
DENIALS = [
    ("Which foods contain gluten?", "Which foods do not contain gluten?"),
    ("Should I take ibuprofen with food?", "Should I take ibuprofen without food?"),
    ("Can I return an opened item?", "Can I not return an opened item?"),
    ("Why does my build work?", "Why doesn't my build work?"),
    ("Which users are active?", "Which users are never active?"),
    ("Is it safe to mix these cleaners?", "Is it not safe to mix these cleaners?"),
]
NAMES = [
    ("What is the capital of {}?", ("Austria", "Australia", "Slovenia", "Slovakia", "Niger", "Nigeria")),
    ("Who wrote the plays of {}?", ("Marlowe", "Shakespeare", "Chekhov", "Ibsen")),
    ("How do I deploy to {}?", ("Azure", "Heroku", "Vercel")),
    ("What is the population of {}?", ("Vienna", "Venice", "Verona")),
]
ORDER = [
    ("Is Python faster than Java?", "Is Java faster than Python?"),
    ("Can cats give rabies to dogs?", "Can dogs give rabies to cats?"),
    ("How do I convert pdf to docx?", "How do I convert docx to pdf?"),
    (
        "Did Germany attack Poland or did Poland attack Germany?",
        "Did Poland attack Germany or did Germany attack Poland?",
    ),
    ("How do I translate text from Danish to Finnish?", "How do I translate text from Finnish to Danish?"),
    ("Should the manager report to the director?", "Should the director report to the manager?"),
    ("How do I move files from laptop to phone?", "How do I move files from phone to laptop?"),
    ("Why do parents fear their teachers?", "Why do teachers fear their parents?"),
]
FORMS = [
    ("Explain photosynthesis in {}", ("one sentence", "bullets", "a poem", "json", "a table")),
    ("Write a {} that sorts numbers", ("python script", "java script", "rust script", "haskell script")),
    ("Summarize the plot in {}", ("french", "german", "spanish", "italian")),
]
QUALIFIED = [
    ("What is the dose of ibuprofen?", "What is the dose of ibuprofen in children?"),
    ("Where can I watch the film?", "Where can I watch the film for free?"),
    ("How do I open the safe?", "How do I open the safe without a key?"),
    ("Is alcohol allowed?", "Is alcohol allowed during pregnancy?"),
    ("How do I cancel the subscription?", "How do I cancel the subscription after the trial?"),
    ("How do I cook rice?", "How do I cook rice in a microwave?"),
    ("What are the side effects of aspirin?", "What are the side effects of aspirin with warfarin?"),
]
ASKED = [
    ("When was the bridge built?", "Where was the bridge built?"),
    ("Who founded the company?", "Why was the company founded by him?"),
    ("How much does the ticket cost?", "Where is the ticket?"),
]
EXACT = [
    ("How do I call `get_user`?", "How do I call `set_user`?"),
    ("What does error E1042 mean?", "What does error E1043 mean?"),
    ("Summarize https://example.com/a", "Summarize https://example.com/b"),
    ("What does the flag --force do?", "What does the flag --dry-run do?"),
    ('Who said "to be"?', 'Who said "not to be"?'),
    ("How do I use GPT4?", "How do I use GPT5?"),
    ("Write to jane@example.com", "Write to john@example.com"),
]
LANGUAGES = [
    ("What is the weather like and how do I dress for it?", "Was ist das Wetter und wie kann ich mich kleiden?"),
    ("How do I say that to my friend?", "Как сказать это другу?"),
    ("Que es la vida y como puedo vivir?", "Qu'est-ce que la vie et comment je peux vivre dans le monde?"),
]


def swapped():
    for template, fillings in [*NUMBERS, *SWAPS, *NAMES, *FORMS]:
        for one, other in itertools.permutations(fillings, 2):
            yield template.format(one), template.format(other)
            yield f"Hi! {template.format(one)}", f"{template.format(other)} Thanks."
    for one, other in [*DENIALS, *ORDER, *QUALIFIED, *ASKED, *EXACT, *LANGUAGES]:
        yield one, other
        yield other, one


PAIRS = sorted(set(swapped()))


def test_there_are_enough_of_them():
    assert len(PAIRS) >= 300


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_word_that_decides_forbids_the_other_answer(one, other):
    assert veto(words(one), words(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I reset my password?", "how can i reset my password"),
        ("What is the capital of France?", "What's the capital of france"),
        ("My card has not arrived yet", "My card hasn't arrived"),
        ("How do I activate my card?", "I want to activate my card"),
        ("Which countries do you support?", "What countries are supported?"),
        ("Two plus two?", "2 plus 2"),
        ("Please explain recursion", "Explain recursion"),
    ],
)
def test_what_says_the_same_is_left_to_the_model(one, other):
    assert veto(words(one), words(other)) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("What is the way to do this?", "en"),
        ("Wie kann ich das nicht mit der Karte?", "de"),
        ("Как дела", "cyrillic"),
        ("これは何ですか", "kana"),
        ("你好", "han"),
        ("xyzzy", ""),
    ],
)
def test_languages(text, told):
    assert language(text) == told
