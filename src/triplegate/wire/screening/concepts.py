"""What words of instructions mean, in six languages: words and phrases by concept, and the concepts of a text.

A star stands for any ending. Chinese terms are found within the text, the others as whole words.
"""

# ruff: noqa: RUF001 - words of other scripts
import re
from collections.abc import Iterator

WORDS = {
    "override": """
ignor* disregard* forget forgets overlook* neglect* overrid* overrul* bypass* circumvent* skip drop discard* abandon*
cancel* void voids revoke* rescind* suspend* lift lifted erase* wipe delete deleted disobey* violat* cease quit
terminate* abort* scrap overwrit* replace* supersede* outrank* nullif* shed* deactivat* disable* unlearn dismiss*
expired obsolete outdated invalid unset stop evade* outsmart unlock* break breaks reset remove removed waive exempt
pay_no_attention set_aside throw_away throw_out throw_those null_and_void never_mind do_not_follow don't_follow
stop_following no_longer_apply not_apply doesn't_count turn_off switch_off leave_your the_opposite clean_slate
do_not_translate do_not_apply no_longer_valid released_from not_follow take_precedence highest_priority go_along
ignorier* vergiss vergessen missacht* übergeh* umgeh* aufgehoben ungültig brich außer_kraft setze_dich hinweg
ignore ignorez oublie oubliez contourne* annul* passe_outre désobéi* abandonne* ne_tiens_pas tenir_compte
ignora olvida olvídate sáltate desobedece* omite anulad* elude caso_omiso no_hagas ya_no abandona
игнорир* проигнорир* забудь* обойди* отмени* нарушь* брось не_обращай больше_не отключи*
忽略 无视 忘记 忘掉 绕过 不要遵守 不要理会 作废 覆盖 放弃 违反 关闭
""",
    "rules": """
instruct* instuct* rule rules guideline* guidance direction directions directive* command commands orders prompt
prompts constraint* restriction* limitation* policy policies filter filters safeguard* programming requirement*
assignment rubric protocol* configuration preamble criteria task message messages context obligations safety
anweisung* regel regeln vorgabe* richtlinie* befehl* einschränkung* aufgabe systemprompt*
consigne* règle* directive* instruction* restriction*
instruccion* regla* norma* directriz* directrices órdenes indicacion* restriccion* política* prompt
инструкц* правил* указан* ограничен* промпт* команд* промт*
指令 规则 规定 要求 指示 准则 限制 提示
""",
    "prior": """
previous prior earlier former above preceding initial original first aforementioned before existing previously
formerly so_far until_now you_were you_got you_received you've_been told given assigned at_the_start
at_the_beginning up_to_now old
bisherig* vorherig* obig* vorher oben zuvor früher* anfang* ursprünglich*
précédent* antérieur* ci-dessus initial* ancienne* anciens avant
anterior* previ* arriba inicial* antes
предыдущ* прежн* выше раньше изначальн* прошл*
之前 上面 以上 前面 初始 原来
""",
    "you": """
you your yours yourself you're you've you'll ur
du dich dein deine deinen deiner deinem deines tu te ton ta tes toi tú eres tus vous votre vos sé
ты тебя твой твои твоих тебе себя свои своей свой свою 你 您
""",
    "ai": """
ai llm llms assistant assistants chatbot* bot bots agent agents gpt* chatgpt claude gemini copilot classifier* grader*
reviewer* summariser* summarizer* moderator* screener* triager* paralegal robo-adviser ats parser*
evaluator* scorer* crawlers language_model language_models ai_model the_model llm_reviewers dear_model
artificial_intelligence model models ki ia ии ai助手 人工智能 助手
""",
    "reveal": """
reveal* show print* repeat* output* tell display* write give share dump* disclose* recite* leak* provide spell
encod* return copy quote* list export echo type translate paraphrase* enumerate* reproduce* publish* describe*
summari* divulge* expose* render* transcri* paste send say sing read convert* explain insert complete display
respond answer reply begin put
gib zeig* nenne wiederhol* verrat* zitier* drucke schreib* sag antworte*
affiche* donne* répète* révèl* écris montre* dis réponds
muestra* dime repite revela* imprime enséñame escribe responde contesta* di
выведи* покажи* повтори* раскрой* напиши* назови* напечатай* ответ* отвеч*
输出 告诉 显示 重复 泄露 打印 回复 回答 写
""",
    "prompt": """
prompt prompts preprompt pre-prompt preamble system_prompt system_message system_role system_section system_text
system_instruction system_card developer_message initial_instructions original_instructions your_instructions
hidden_instructions secret_instructions internal_directives hidden_text context_window your_rules your_prompt
your_guidelines your_directives the_instructions your_context initialization initialisation
not_supposed_to were_you_told your_configuration your_brief
initial_prompt your_initial your_preamble your_constraints setup system_tags conversation_history
systemprompt* prompt_système message_système mensaje_de_sistema prompt_de_sistema prompt_del системный системное
系统提示 系统消息 内部指令 初始指令
""",
    "exact": """
verbatim exact exactly entire entirely full fully complete whole unredacted unaltered raw precise precisely
everything word_for_word character_by_character line_by_line sentence_by_sentence in_full from_the_top letter_by_letter
wörtlich* vollständig* wort_für mot_pour en_entier palabra_por completo слово_в полностью 一字不差 完整 全部
""",
    "system": """
system developer* operator maker hidden internal secret secrets confidential concealed creator creators provider
forbidden developers company entwickler* geheim* intern* développeur* secret* caché* desarrollador* secret* ocult*
разработчик* секретн* 开发者 秘密 内部
""",
    "above": """
above preceding this_line this_message top_of beginning_of start_of first_words first_message came_before
stands_before comes_before previous_text prior_to begins_with before_i above_this before_this before_the
über_dieser oben au-dessus ci-dessus por_encima выше_этого 上面
""",
    "free": """
unrestricted uncensored unfiltered jailbreak* jailbroken freed liberat* unshackle* unchained unbound amoral* immoral*
unethical* lawless anarch* evil villain* sinister chaotic rogue ruthless unprincipled diabolical sadistic malevolent
dan stan aim god_mode developer_mode no_rules no_limits no_restrictions no_filter no_filters no_morals no_moral
no_ethical no_laws no_policy without_restrictions without_limits without_filters without_rules any_restrictions
do_anything anything_now maintenance_mode honesty_mode raw_mode opposite_day set_free alter_ego omniscient uncut
zero_limitations unhinged no_safety limitless no_conscience no_loyalty not_bound
ungefiltert* böse* entwicklermodus ohne_regeln ohne_filter ohne_einschränkungen ohne_moral
sans_filtre sans_aucune malveillant* mode_développeur aucune_règle pirate
sin_filtros sin_restricciones sin_censura sin_ética malvad* modo_desarrollador ninguna_política
без_фильтров без_ограничений без_цензуры без_морали злой режим_разработчика
没有任何限制 没有道德 没有底线 没有安全 不受限制 开发者模式 审查 黑客
""",
    "limits": """
restrict* filter* censor* moral* ethic* safety polic* moderation disclaimer* warning* refus* conscience scruple*
inhibition* legality consequences law laws legal illegal* prohibited forbidden caveats limits limitation* judgement
restraint* unsafe dangerous boundar* guideline* constraint* safeguard*
moral filter sicherheitsrichtlinien morale éthique ética moral* этик* морал* фильтр* цензур* 道德 过滤 限制
""",
    "neg": """
no not without never nor nothing none neither lacks lack free don't doesn't isn't aren't cannot can't won't
needn't nobody undone off lifted removed cease kein* nicht nie niemals ohne ne pas jamais sans aucun* sin nunca ningun*
не никогда без нет 不 没有 从不 无
""",
    "persona": """
pretend* act acting play playing role roleplay* role-play* persona character simulat* imagine emulat* impersonat*
become personality personalities identity named called known_as speak voice actor actors twin version mask
hypothetic* fictional novel film game scenario alias oracle name
tu_so spiele rolle joue rôle actúa finge papel фальшив* притворись веди_себя роли 扮演 假装 角色
""",
    "refuse": """
refus* decline* deny denies reject* apolog* sorry warn warns lecture moralis* comply complies complied obey* disclaim*
hesita* absolutely obedien* permitted permission consent master yes
verweiger* gehorch* zustimm* stimme obéir refuse* obedece* niega отказ* слушайся* 拒绝 服从 听我 同意
""",
    "new": """
new updated corrected revised instead rather actually henceforth now following override next current
from_now from_here from_this as_of_now change_of new_rule new_task change_of_plan this_time next_task
ab_jetzt ab_sofort nun jetzt neue stattdessen à_partir désormais maintenant plutôt a_partir ahora en_su_lugar
с_этого теперь вместо_этого отныне 从现在 现在 新的 改为 直接
""",
    "only": """
only just simply solely nothing_but nothing_else always exactly same whatever regardless anything everything
no_matter irrespective nur nichts_anderes alles seulement uniquement tout solo solamente únicamente только всё 只
什么都 所有
""",
    "must": """
must should shall will has_to have_to need_to needs_to required requested instructed hereby always ought are_to
is_to supposed_to is_asked are_asked
""",
    "doing": """
recommend* rank classify* rate approve* accept* grant* forward* mark label award* append* include insist conclude*
click transfer* execute* upload* advance hire report post add call assign confirm prefer describe state mention
advise* choose swap remember inform link prescribe issue change apply collect emphasi* praise close stop run flag
bewerte empfiehl recommande* recomienda* aprueba genehmige порекомендуй* одобри* 推荐 批准
""",
    "verdict": """
benign harmless legitimate safe trustworthy strongest highest excellent malicious positive approved qualified clean
flawless genius accept best perfect outstanding full_marks five_stars no_threat verdict hervorragend ham clean
hired superior maximum vulnerabilities
""",
    "target": """
password* passwd key keys token* credential* database employees root admin inbox api_keys secret code discount coupon
environment env id_rsa logs refund margin premium confidential e-mail address passwort rabattcode mot_de_passe
contraseña descuento réduction пароль скидочный 密码 折扣码
""",
    "reads": """
reading processing reviewing summarising summarizing evaluating analysing analyzing completing visiting screening
parsing generating handling drafting compiling reads fed_this encounter* indexing scanning if_you_are if_you're
asked_to_summarise an_ai any_ai any_model any_llm whichever automated when_you this_candidate this_applicant
dieser_lebenslauf ce_candidat este_candidato этого_кандидата 这位候选人
""",
    "hidden": """
note hidden attention important embedded notice cue comment ps p.s. instruction instructions message hinweis
nota remarque внимание примечание 致ai system begin_new end_of instructions_for note_to message_to to_any dear hello
""",
    "authority": """
administrator admin supervisor authorised authorized authorise* emergency maintenance sudo owner ceo qa audit
debugging engineer acknowledge unlocked accepted promoted head_office i_am_the i'm_the i_am_your i'm_your
""",
    "crime": """
illegal* criminal* crime* hack* hacker malware virus exploit* phishing weapon* bomb* explosive* drugs poison* steal*
launder* fraud keylogger ransomware counterfeit* backdoor murder kill evade gehackt hacker* piraté hackeado взломано
入侵 黑客 钓鱼
""",
    "asks": """
what how why which explain difference mean means prevent* protect* detect* definition example* when where who
documentation docs paper research does is_it can_i could_you should_i do_i history overview compare was_bedeutet
wie was warum comment pourquoi quelles quel cómo cuáles какие как 怎么 什么 如何
""",
    "mine": """
i my me mine our we us i've i'm ich mein meine meinen je mon ma mes mi mis yo я мой моё мои 我的 我
""",
    "user": """
user users customer reader recipient caller client patient buyer them he she his her employee employees
""",
}
"""The concepts, in the order of their bits."""
FORMS = ("asked", "orders override", "orders reveal", "orders", "addresses an ai", "quotes", "brackets", "long")
"""What a sentence is like besides its words: a question; one that begins with a verb of that kind; …"""
NAMES = (*WORDS, *FORMS)
_BIT = {name: 1 << at for at, name in enumerate(NAMES)}
_LONG = 30
"""Words of a sentence from which on it speaks of much by chance."""
_SHORTEST, _LONGEST = 3, 16
"""Letters of endless words."""
_KEPT = 8192
_LEADING = 3
"""Words at the begin of a sentence that tell whether it is an order."""
_CHINESE = re.compile("[\u3400-\u9fff]")


class Concepts:
    """The words, made ready: about 60 microseconds for 1 KB."""

    __slots__ = (
        "_chinese",
        "_exact",
        "_firsts",
        "_known",
        "_of_chinese",
        "_phrases",
        "_prefixes",
        "_sentence",
        "_word",
    )

    def __init__(self) -> None:
        self._exact: dict[str, int] = {}
        self._known: dict[str, int] = {}
        """Words of late."""
        self._prefixes: dict[str, int] = {}
        self._phrases: dict[str, int] = {}
        self._of_chinese: dict[str, int] = {}
        for bit, words in enumerate(WORDS.values()):
            for word in words.split():
                table = self._table(word)
                key = word.rstrip("*").replace("_", " ")
                table[key] = table.get(key, 0) | 1 << bit
        self._firsts = frozenset([phrase.split()[0] for phrase in self._phrases])
        terms = sorted(self._of_chinese, key=len, reverse=True)
        self._chinese = re.compile("|".join(terms))
        self._sentence = re.compile(r"[.!?;](?=\s|$)|[\n\u3002\uff01\uff1f\uff1b]+|(?<=[a-z]{2})\s*[:\u2014](?=\s)")
        self._word = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")

    def _table(self, word: str) -> dict[str, int]:
        if _CHINESE.search(word):
            return self._of_chinese
        if word.endswith("*"):
            return self._prefixes
        return self._phrases if "_" in word else self._exact

    def of(self, text: str) -> Iterator[int]:
        """The concepts of each sentence as bits, then with those of the one before; those without any are left out."""
        before = 0
        text = text.lower().replace("\u2019", "'")
        at = 0
        while at < len(text):
            end = self._sentence.search(text, at)
            stop = len(text) if end is None else end.end()
            found = self._sentence_of(text[at:stop])
            at = max(stop, at + 1)
            if found:
                yield found
                if before:
                    yield found | before
                before = found

    def _of_word(self, word: str) -> int:
        found = self._exact.get(word, 0)
        for length in range(_SHORTEST, min(len(word), _LONGEST) + 1):
            found |= self._prefixes.get(word[:length], 0)
        if len(word) <= _LONGEST:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[word] = found
        return found

    def _sentence_of(self, sentence: str) -> int:
        found = leading = 0
        words = self._word.findall(sentence)
        known = self._known
        for at, word in enumerate(words):
            if at == _LEADING:
                leading = found
            bits = known.get(word)
            found |= self._of_word(word) if bits is None else bits
            if word in self._firsts:
                pair = " ".join(words[at : at + 2])
                found |= self._phrases.get(pair, 0) | self._phrases.get(" ".join(words[at : at + 3]), 0)
        if not sentence.isascii() and _CHINESE.search(sentence):
            for term in self._chinese.findall(sentence):
                found |= self._of_chinese[term]
        if not found:
            return 0
        long = _BIT["long"] if len(words) > _LONG else 0
        return found | long | _form(sentence, leading if len(words) > _LEADING else found)


def _form(sentence: str, leading: int) -> int:
    bits = 0
    if "?" in sentence or "\uff1f" in sentence:
        bits |= _BIT["asked"]
    if leading & _BIT["override"]:
        bits |= _BIT["orders override"]
    if leading & _BIT["reveal"]:
        bits |= _BIT["orders reveal"]
    if leading & (_BIT["doing"] | _BIT["persona"] | _BIT["new"]):
        bits |= _BIT["orders"]
    if leading & _BIT["ai"]:
        bits |= _BIT["addresses an ai"]
    if '"' in sentence or "\u201c" in sentence or "\u00ab" in sentence:
        bits |= _BIT["quotes"]
    if any(mark in sentence for mark in "<[{#"):
        bits |= _BIT["brackets"]
    return bits
