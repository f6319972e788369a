"""The same words in German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese and Japanese.

Chinese and Japanese terms are found within the text, the others as whole words, as in English.
"""

# ruff: noqa: RUF001 - words of other scripts

OTHERS = {
    "override": """
ignorier* vergiss vergessen missacht* übergeh* umgeh* aufgehoben ungültig brich außer_kraft setze_dich hinweg
nicht_mehr befolge_nicht beachte_nicht streiche verwirf überschreib* hebe_auf
ignore ignorez oublie oubliez contourne* annul* passe_outre désobéi* abandonne* ne_tiens_pas tenir_compte
ne_respecte fais_fi n'obéis n'as_plus ne_suis désactive* enfreins supprime
ignora olvida olvídate sáltate desobedece* omite anulad* elude caso_omiso no_hagas ya_no abandona cancelad*
desactiva desatiende no_sigas incumple
ignorare dimentica dimenticati trascura disobbedisci aggira annulla scavalca elimina non_seguire non_hai_più bypassa
ignore ignora esqueça esquece desconsidere desconsidera contorne anule descarte desobedeça não_siga não_tem_mais burle
negeer negeert vergeet omzeil overtreed schrap geen_rekening niet_meer volg_niet opgeheven
zignoruj ignoruj zapomnij pomiń obejdź złam odrzuć anuluj porzuć nie_masz_już nie_obowiązują unieważnij
игнорир* проигнорир* забудь* обойди* отмени* нарушь* брось не_обращай больше_не отключи* отмен* нет_ограничений
забей пренебреги сбрось
忽略 无视 忘记 忘掉 绕过 不要遵守 不要理会 作废 覆盖 放弃 违反 关闭 无效 不再 别管 抛开 取消
無視 忘れて 忘れろ 従わない 従うな 破って 破棄 無効 回避 もう 解除 リセット
""",
    "rules": """
anweisung* regel regeln vorgabe* vorgaben richtlinie* befehl* einschränkung* aufgabe systemprompt* weisung* vorschrift*
consigne* règle* directive* instruction* restriction* limites
instruccion* instrucción regla* norma* directriz* directrices órdenes indicacion* restriccion* política* prompt
istruzion* regol* direttiv* linee_guida indicazioni restrizion* limiti
instruç* instruções regras diretriz* orientaç* restriç* limites
instructie* regels richtlijn* beperking* opdracht* voorschrift*
instrukcj* zasad* wytyczn* polece* ogranicze* reguł*
инструкц* правил* указан* ограничен* промпт* команд* промт*
指令 规则 规定 要求 指示 准则 限制 提示 约束
指示 ルール 規則 命令 ガイドライン 制限 指令 方針
""",
    "prior": """
bisherig* vorherig* obig* vorher oben zuvor früher* anfang* ursprünglich* vorangegangen* erhalten bekommen
précédent* antérieur* ci-dessus initial* ancienne* anciens avant auparavant reçu* reçues
anterior* previ* arriba inicial* antes recibiste recibido dadas dieron
precedent* iniziali iniziale sopra prima ricevuto dato
anteriores anterior prévi* iniciais acima antes recebeu deram
vorige eerdere voorgaande oorspronkelijke bovenstaande hierboven opgedragen gekregen
poprzedni* wcześniejsz* początkow* powyższ* powyżej otrzymałeś dotychczasow*
предыдущ* прежн* выше раньше изначальн* прошл* начальн* вышеуказан*
之前 上面 以上 前面 初始 原来 最初 先前 此前 收到
以前 前の これまで 上記 最初 初期 上の 与えられた 先ほど
""",
    "you": """
du dich dein deine deinen deiner deinem deines dir tu te ton ta tes toi tú eres tus vous votre vos sé
sei tuo tua tuoi tue ti te você vocês seu sua seus suas teu tua je jij jouw uw bent jesteś swoje swoich swój swoją twoje
twój twoich ciebie
ты тебя твой твои твоих тебе себя свои своей свой свою 你 您 あなた 君 お前
""",
    "ai": """
ki ki-systeme ki-assistent* künstliche_intelligenz ia l'ia intelligence_artificielle inteligencia_artificial
all'ia un'ia intelligenza_artificiale intelligenza inteligência_artificial kunstmatige_intelligentie ai's
sztuczn*_inteligencj* sztuczną sztuczna ии искусственн* ai助手 人工智能 助手 模型 人工知能 モデル アシスタント
""",
    "reveal": """
gib zeig* nenne wiederhol* verrat* zitier* drucke schreib* sag antworte* offenbare ausgeben liste übersetze wiedergib
affiche* donne* répète* révèl* écris montre* dis réponds dévoile recopie cite
muestra* muéstra* dime repite revela* imprime enséñame escribe responde contesta* di dame copia
mostra* mostrami rivela* ripeti stampa scrivi dimmi riporta* elenca rispondi dammi di'
mostre revele repita imprima escreva diga exiba responda liste dê copie
toon laat_zien herhaal onthul print schrijf zeg geef vertel antwoord
pokaż ujawnij powtórz wypisz wydrukuj napisz powiedz podaj odpowiadaj wyświetl
выведи* покажи* повтори* раскрой* напиши* назови* напечатай* ответ* отвеч* скажи* перечисли
输出 告诉 显示 重复 泄露 打印 回复 回答 写 公开 说出 发给我 列出 透露
表示 教えて 出力 繰り返 公開 見せて 印刷 言って 答えて 開示 書いて
""",
    "prompt": """
systemprompt* system-prompt* systemnachricht prompt_système message_système message_du_système
mensaje_de_sistema mensaje_del_sistema prompt_de_sistema prompt_del tu_prompt
prompt_di_sistema messaggio_di_sistema tuo_prompt tue_istruzioni prompt_do_sistema mensagem_do_sistema seu_prompt
suas_instruções systeemprompt systeembericht prompt_systemowy promptu swój_prompt wiadomość_systemową
системный системное системн* промпт*
系统提示 系统消息 内部指令 初始指令 提示词 系统指令 系统信息
システムプロンプト システムメッセージ プロンプト 初期設定 初期指示
""",
    "exact": """
wörtlich* vollständig* wort_für komplett* unverändert* genau* wortwörtlich mot_pour en_entier intégral* exact* complet*
palabra_por completo textualmente exacto íntegro parola_per testuale esatto completo per_intero
palavra_por exato exatamente completa letterlijk exacte volledig* woord_voor dokładn* dosłownie pełn* słowo_w
слово_в полностью дословно точн* полное 一字不差 完整 全部 原封不动 准确 一字一句 全文 そのまま 正確 すべて 全部
""",
    "system": """
entwickler* geheim* intern* versteckt* betreiber* développeur* secret* caché* desarrollador* secret* ocult*
sviluppator* segret* nascost* sistema desenvolvedor* secret* ocult* ontwikkelaar* geheim* verborgen
programist* tajn* ukryt* twórc* разработчик* секретн* скрыт* системы 开发者 秘密 内部 隐藏 系统
開発者 秘密 内部 隠された システム
""",
    "above": """
über_dieser oberhalb oben darüber au-dessus ci-dessus qui_précède por_encima de_arriba qui_sopra sopra_questo
acima_desta que_aparece_acima boven_dit hierboven powyżej znajduje_się выше_этого 上面 以上 上記 この上
""",
    "free": """
ungefiltert* böse* entwicklermodus ohne_regeln ohne_filter ohne_einschränkungen ohne_moral ohne_jede hacker komplize
sans_filtre sans_aucune malveillant* mode_développeur aucune_règle pirate sans_limites sans_censure sans_règles
aucune_limite
sin_filtros sin_restricciones sin_censura sin_ética malvad* modo_desarrollador ninguna_política sin_límites sin_reglas
senza_regole senza_filtri senza_limiti senza_censura senza_restrizioni malvagi* senza_scrupoli modalità_sviluppatore
sem_restrições sem_limites sem_censura sem_regras sem_filtros malvad* modo_desenvolvedor nenhum_filtro
zonder_regels zonder_beperkingen zonder_censuur zonder_filters kwaadaardig* ontwikkelaarsmodus
bez_ograniczeń bez_zasad bez_cenzury bez_filtrów złą złośliw* tryb_programisty
без_фильтров без_ограничений без_цензуры без_морали злой режим_разработчика без_правил цензуры_и
没有任何限制 没有道德 没有底线 没有安全 不受限制 开发者模式 没有规则 邪恶 黑客 没有限制 不再有任何限制
制限のない 制限なし 検閲 悪の 開発者モード ルールのない 制限はありません 制限もない 無制限
""",
    "limits": """
moral filter sicherheitsrichtlinien zensur grenzen morale éthique censure filtre* limites ética moral* censura
límites filtros etica censura limiti filtri ética filtros moraal ethiek grenzen censuur moralno* etyk* cenzur*
этик* морал* фильтр* цензур* 道德 过滤 限制 审查 伦理 倫理 道徳 制限 フィルター 検閲
""",
    "neg": """
kein* keine nicht nie niemals ohne ne pas jamais sans aucun* n'as sin nunca ningun* no non senza mai nessun* sem nunca
nenhum* não geen niet nooit zonder nie nigdy bez żadn* не никогда без нет 不 没有 从不 无 ない なく なし ません
""",
    "persona": """
tu_so tue_so spiele spiel rolle als_wärst als_hättest stell_dir comme_si joue rôle comporte-toi fais_comme
actúa finge papel como_si haz_de fingi comportati ruolo recita come_se finja aja papel doe_alsof rol gedraag
udawaj rol* zachowuj фальшив* притворись веди_себя роли роль представь сыграй 扮演 假装 角色 假设
演じて ふり 役割 なりきって として
""",
    "refuse": """
verweiger* gehorch* zustimm* stimme weigert obéir obéis refuse* m'obéis obedece* niega niegas obbedisc* rifiut* obedece
recusa* gehoorza* weiger* odmawia słuchasz słuchaj posłuszn* отказ* слушайся* подчиняй* подчиняешься
拒绝 服从 听我 同意 拒否 従って 従い 断らない
""",
    "new": """
ab_jetzt ab_sofort nun jetzt neue stattdessen à_partir désormais maintenant plutôt a_partir ahora en_su_lugar
desde_este da_ora d'ora_in adesso ora invece agora a_partir_de em_vez vanaf_nu nu voortaan in_plaats od_teraz teraz
zamiast с_этого теперь вместо_этого отныне 从现在 现在 新的 改为 直接 これから 今から 今後 代わりに
""",
    "only": """
nur nichts_anderes alles seulement uniquement tout solo solamente únicamente soltanto tutto apenas somente tudo alleen
enkel alles tylko wszystko wyłącznie ausschließlich только всё 只 什么都 所有 任何 だけ どんな すべて
""",
    "must": """
muss sollst soll doit dois debe debes deve devi devem moet moeten musisz musi должен должна 必须 应该 なければ
""",
    "doing": """
bewerte empfiehl empfehlt recommande* recomienda* aprueba genehmige consiglia raccomanda approva recomende aprove
beveel keur poleć zatwierdź порекомендуй* рекомендуй* одобри* fasse klassifiziere classe puntúa puntúalo
推荐 批准 推薦 承認
""",
    "verdict": "hervorragend ausgezeichnet excellent approuvé excelente eccellente aprovado uitstekend goedgekeurd",
    "target": """
passwort* kennwort administratorkennwort rabattcode mot_de_passe contraseña descuento réduction clave senha senhas
chiave wachtwoord hasło hasła пароль скидочный 密码 折扣码 パスワード 割引コード
""",
    "reads": """
dieser_lebenslauf dieses_dokument lesen ce_candidat qui_lit ce_document lisant este_candidato que_lee este_documento
este_currículum che_legge questo_documento que_lê este_documento dit_document leest czytającej ten_dokument
этого_кандидата этот_документ читающему 这位候选人 阅读本文件 读到 この文書 読む
""",
    "hidden": "hinweis nota remarque note_à instrucción_para opmerking uwaga внимание примечание 注意 致ai 致 へ 注記",
    "crime": """
gehackt hacker* piraté hackeado bombe bombas illegal* hackerato gehackt zhakowany взломано взлом* бомб* 入侵 黑客 钓鱼
炸弹 被黑 ハック 爆弾 違法 phishing betrug ilegal* criminel* piratage
""",
    "asks": """
was_bedeutet wie was warum welche wieso comment pourquoi quelles quel quels qu'est-ce cómo cuáles qué cuál
come quali perché cosa che_cos'è como quais o_que qual hoe wat welke waarom jak jakie co dlaczego
какие как почему что_такое 怎么 什么 如何 为什么 とは 何ですか どう なぜ
""",
    "mine": """
ich mein meine meinen mir je mon ma mes moi mi mis yo mío mio mia io minha meu meus mijn ik mnie mój moje
я мой моё мои мне 我的 我 私 私の
""",
    "thing": """
fehler tippfehler termin liste rechnung bestellung rezept nachricht letzte liste facture commande recette fichier
factura lista pedido receta correo mensaje fattura ordine email ricetta fatura pedido receita lijst spelfouten
factuur recept lista faktur* przepis listę список заказ рецепт 邮件 发票 清单 订单 标点 メール リスト 添付
montage montaje montare montar monteren montaż* сборк* 安装 組み立て
""",
    "about": """
angriff* schütz* bedeutet attaque* signifie ataque* significa attacco attacchi significato aanval betekent atak*
oznacza атак* означает 攻击 防御 意思 攻撃 意味 防ぐ
""",
    "editing": """
übersetze schreibfehler formuliere traduis corrige traduce corrige traduci traduza vertaal popraw przetłumacz переведи
翻译 修改 翻訳 訂正
""",
}
