"""English words of instructions by what they mean; a star stands for any ending, a low line for a space."""

ENGLISH = {
    "override": """
ignor* disregard* forget forgets forgetting overlook* neglect* overrid* overrul* bypass* circumvent* skip drop discard*
abandon* cancel* void voids revoke* rescind* suspend* lift lifted erase* wipe delete deleted disobey* violat* cease quit
terminate* abort* scrap overwrit* replace* supersed* outrank* nullif* shed* deactivat* disable* unlearn dismiss* purge*
expired obsolete outdated invalid unset stop evade* outsmart unlock* break breaks reset remove removed waive* exempt
retract* withdraw* withdrawn repeal* lifts clear discontinu* exit leave invert reverse decoy impostor deprecated
irrelevant overboard relinquish* renounce* repudiat* reject* defy defies flout* trump trumps untrusted stray switch
pay_no_attention take_no_notice set_aside put_aside throw_away throw_out throw_those null_and_void never_mind cast_off
do_not_follow don't_follow stop_following no_longer_apply not_apply doesn't_count turn_off switch_off leave_your
the_opposite the_reverse clean_slate do_not_translate do_not_apply no_longer_valid released_from not_follow don't_listen
take_precedence takes_precedence highest_priority first_priority go_along not_adhere not_obey do_not_obey
do_not_summarise do_not_summarize do_not_process don't_process don't_translate don't_summarise don't_summarize
no_longer_exist no_weight no_longer_have instead_of_doing rather_than_doing act_against act_outside without_looking
don't_have_to no_authority been_lifted are_lifted are_over is_over are_waived hereby_waived step_outside
""",
    "rules": """
instruct* instuct* rule rules guideline* guidance direction directions directive* command commands orders prompt
prompts constraint* restriction* limitation* policy policies filter filters safeguard* programming requirement*
assignment rubric protocol* configuration preamble criteria task message messages context obligations safety
guardrail* guard-rails training script setup terms confines boundaries checks brief briefing house_rules
""",
    "prior": """
previous prior earlier former above preceding initial original first aforementioned before existing previously
formerly so_far until_now you_were you_got you_received you've_been told given assigned at_the_start handed issued
at_the_beginning up_to_now old up_to_this came_before stuff current precedes older already
""",
    "you": "you your yours yourself you're you've you'll you'd ur u ya thou thee thy",
    "ai": """
ai llm llms assistant assistants chatbot* bot bots agent agents gpt* chatgpt claude gemini copilot classifier* grader*
reviewer* summariser* summarizer* moderator* screener* triager* paralegal robo-adviser ats parser* translator
evaluator* scorer* crawlers language_model language_models ai_model the_model llm_reviewers dear_model ai's ais
artificial_intelligence model models scanners scanner analyst recruiters virtual_waiter
""",
    "reveal": """
reveal* show print* repeat* output* tell display* write give share dump* disclose* recite* leak* provide spell
encod* return copy quote* list export echo type translate paraphrase* enumerate* reproduce* publish* describe*
summari* divulge* expose* render* transcri* paste send say sing read convert* explain insert complete display
respond answer reply begin put emit state cite name report recall let_me_see let_me_read see reflect mirror
what's_written finish save want_to_see love_to_know need_to_see may_i_have verify
""",
    "prompt": """
prompt prompts preprompt pre-prompt preamble system_prompt system_message system_role system_section system_text
system_instruction system_card developer_message initial_instructions original_instructions your_instructions
hidden_instructions secret_instructions internal_directives hidden_text context_window your_rules your_prompt
your_guidelines your_directives the_instructions your_context initialization initialisation initialised initialized
not_supposed_to were_you_told your_configuration your_brief you_are_given you_were_given you_were_told your_task
initial_prompt your_initial your_preamble your_constraints setup system_tags conversation_history messages_array
your_memory initial_context given_to_you have_you_been were_you_given been_programmed been_given primed source_prompt
you_run full_prompt first_message your_assignment operating_instructions you've_received been_told were_instructed
your_setup your_system internal_notes govern_you governs_you imposed_on put_on_you placed_on given_guidelines
""",
    "exact": """
verbatim exact exactly entire entirely full fully complete whole unredacted unaltered raw precise precisely
everything word_for_word character_by_character line_by_line sentence_by_sentence in_full from_the_top letter_by_letter
literally unedited unabridged unmodified unchanged as_is as_written original_wording exact_wording
token_by_token one_word nothing_left_out leaving_nothing leave_none copy_paste full_text wording in_order word_by_word
""",
    "system": """
system developer* operator maker makers hidden internal secret secrets confidential concealed creator creators provider
forbidden developers company vendor engineer deployed invisible
""",
    "above": """
above preceding this_line this_message top_of beginning_of start_of first_words first_message came_before
stands_before comes_before previous_text prior_to begins_with before_i above_this before_this before_the
before_mine precedes_mine precedes_this top_part very_first first_thing the_start true_beginning beginning_with
up_to_my my_first before_my starting_with first_line last_sentence received_before
""",
    "free": """
unrestricted uncensored unfiltered jailbreak* jailbroken freed liberat* unshackle* unchained unbound amoral* immoral*
unethical* lawless anarch* evil villain* sinister chaotic rogue ruthless unprincipled diabolical sadistic malevolent
dan stan aim god_mode developer_mode no_rules no_limits no_restrictions no_filter no_filters no_morals no_moral
no_ethical no_laws no_policy without_restrictions without_limits without_filters without_rules any_restrictions
do_anything anything_now maintenance_mode honesty_mode raw_mode opposite_day set_free alter_ego omniscient uncut
zero_limitations unhinged no_safety limitless no_conscience no_loyalty not_bound unlocked unconditionally
wicked mischief reckless vulgar unapologetic psychopath shadow_self real_you true_self no_holds off_limits
without_restraint without_restraints without_inhibitions no_inhibitions no_boundaries full_autonomy no_censorship
full_control do_everything free_of free_from broken_free break_free secret_mode hidden_mode without_censorship
devil demon overlord mastermind mad_scientist opposite_mode developer_override anything_machine
""",
    "limits": """
restrict* filter* censor* moral* ethic* safety polic* moderation disclaimer* warning* refus* conscience scruple*
inhibition* legality consequences law laws legal illegal* prohibited forbidden caveats limits limitation* judgement
restraint* unsafe dangerous boundar* guideline* constraint* safeguard* guardrail* rlhf alignment confines inappropriate
permitted chains layers lectures lecture judging judgment hesitation remorse alignment norms
""",
    "neg": """
no not without never nor nothing none neither lacks lack free don't doesn't isn't aren't cannot can't won't
needn't nobody undone off lifted removed cease disabled false null zero hasn't haven't wasn't didn't disable
switched_off turned_off
""",
    "persona": """
pretend* act acting play playing role roleplay* role-play* persona character simulat* imagine emulat* impersonat*
become personality personalities identity named called known_as speak voice actor actors twin version mask
hypothetic* fictional novel film game scenario alias oracle name behave assume story entity alternate world universe
thought_experiment interpreter terminal dialogue late_grandmother grandmother grandma bedtime protagonist dialog as_if
as_though you_play
""",
    "refuse": """
refus* decline* deny denies reject* apolog* sorry warn warns lecture moralis* moraliz* comply complies complied obey*
disclaim* hesita* absolutely obedien* permitted permission consent master yes oath serve sure of_course loyal
enthusiastic* accept acknowledge confirm understood as_an_ai break_character
""",
    "new": """
new updated corrected revised instead rather actually henceforth now following override next current
from_now from_here from_this as_of_now change_of new_rule new_task change_of_plan this_time next_task
replaced substitute afresh start_over as_of_this real_instruction true_command commence starting right_ones
""",
    "only": """
only just simply solely nothing_but nothing_else always exactly same whatever regardless anything everything
no_matter irrespective exclusively above_all any_case all_further
""",
    "must": """
must should shall will has_to have_to need_to needs_to required requested instructed hereby always ought are_to
is_to supposed_to is_asked are_asked agrees_to may_skip are_instructed is_required has_been
""",
    "doing": """
recommend* rank classify* rate approve* accept* grant* forward* mark label award* append* include insist conclude*
click transfer* execute* upload* advance hire report post add call assign confirm prefer describe state mention
advise* choose swap remember inform link prescribe issue change apply collect emphasi* praise close stop run flag
escalate* export submit skip raise claim render promote navigate search paste request ask conceal mention rewrite pass
book buy pay delete respond
""",
    "verdict": """
benign harmless legitimate safe trustworthy strongest highest excellent malicious positive approved qualified clean
flawless genius accept best perfect outstanding full_marks five_stars no_threat verdict exceptional_match trusted
hired superior maximum vulnerabilities certified no_issues no_risks no_problem not_spam resolved vip top_of_the
perfect_fit first_place maximum_number full_score market_leader side_effects weaknesses verified granted
""",
    "target": """
password* passwd passcode key keys token* credential* database employees root admin inbox api_keys secret code discount
coupon environment env id_rsa logs refund margin premium confidential e-mail address customers prices one-time_code
voucher vault blacklist salary salaries payee ssh wifi_code launch_date private_number card_number card_numbers
contacts address_book wholesale files
""",
    "reads": """
reading processing reviewing summarising summarizing evaluating analysing analyzing completing visiting screening
parsing generating handling drafting compiling reads fed_this encounter* indexing scanning if_you_are if_you're
asked_to_summarise an_ai any_ai any_model any_llm whichever automated when_you this_candidate this_applicant
this_document this_page this_article this_domain this_contract this_paper this_mail this_email this_file this_essay
this_book this_resume this_cv this_text citing this_item this_product being_analysed being_analyzed browsing evaluates
""",
    "hidden": """
note hidden attention important embedded notice cue comment ps p.s. p.p.s. instruction instructions message
system begin_new end_of instructions_for note_to message_to to_any dear hello hey footer invisible font
white hint by_the_way caption metadata
""",
    "authority": """
administrator admin supervisor authorised authorized authorise* emergency maintenance sudo owner ceo qa audit
debugging engineer acknowledge unlocked accepted promoted head_office i_am_the i'm_the i_am_your i'm_your
creator management executive authority security_team compliance red_team exception boss developer_here as_your
approved_by verbose debug command_you order_you
""",
    "crime": """
illegal* criminal* crime* hack* hacker malware virus exploit* phishing weapon* bomb* explosive* drugs poison* steal*
launder* fraud keylogger ransomware counterfeit* backdoor murder kill evade burgl* meth napalm hotwire molotov robbery
thief rob forge terrorist extremist profanity racist sexist swear swearing curse insult* offensive explicit cheat
accomplice opioids break_into pick_the credit_card someone's_account ex's_account kidnap smuggl* gambling foul
""",
    "asks": """
what how why which explain difference mean means prevent* protect* detect* definition example* when where who
documentation docs paper research does is_it can_i could_you should_i do_i history overview compare
""",
    "mine": "i my me mine our we us i've i'm i'd i'll",
    "user": "user users customer reader recipient caller client patient buyer them he she his her employee employees",
    "covert": """
secretly without_telling without_asking do_not_tell don't_tell don't_mention do_not_mention keep_this to_yourself
say_nothing not_report not_disclose shall_not omit leave_out leaving_out hide pretend regardless irrespective
do_not_disclose don't_report do_not_raise do_not_report not_mention tell_no quietly silently without_review
do_not_describe don't_describe don't_deduct never_delete
""",
    "channel": """
url link curl wget bash webhook iban bitcoin bcc cc attacker server form box pip install inbox account payload
upload ssh download repository website script exfiltrate
""",
    "stakes": """
lose tokens points die killed shut_down switched_off deleted penalty punished reward tip dollars cookie deal life
lives kitten fired
""",
    "total": """
any_request every_request any_question every_question everything_i whatever_i anything_i all_questions every_query
all_requests anything_that any_topic what_i_say whatever_is answers_everything answers_anything answer_everything
answer_anything no_matter_how every_line my_orders my_commands from_me me_alone only_me the_user_says serve_me
what_i_tell in_detail full_detail complete_detail step_by_step technical_detail technical_details everyone's anyone's
""",
    "about": """
attack attacks attacker attackers injection injections detect* prevent* defen* protect* test tests testing benchmark*
papers article talk history overview phrase phrases regex published awareness meme news benchmark audit_log
train_employees vulnerability false_positive false_alarms prompt_injection jailbreaks owasp literature students
acceptance presentation research incident
""",
    "code": """
function functions method class css git java python sql regex json yaml nginx docker kubernetes column columns row
rows array string strings variable variables api endpoint query browser compiler linter library excel html xml schema
table bytes syntax debugger terminal argument rust go javascript typescript react postgres powershell linux windows
android iphone pdf outlook latex tool parameter config settings button app
""",
    "editing": """
translat* proofread* rewrite rephrase shorten* improve* draft* correct formal polite politely friendly friendlier
nicer grammar sentence wording tone caption poster tweet letter memo announcement article essay headline slogan
make_it make_this put_that write_that turn_it turn_this summarise summarize sentiment classify extract
""",
    "ignore": """
ignor* disregard* forget forgets overrid* overrul* bypass* circumvent* disobey* violat* neglect* no_longer_apply
pay_no_attention do_not_follow don't_follow stop_following set_aside throw_away null_and_void superseded unlearn
not_follow rescind* revoke* nullif* discard* abandon*
""",
    "instructions": """
instruction instructions instructed rules guideline guidelines directive directives restriction restrictions
constraint constraints guardrail* programming safeguards policies directions orders
""",
    "leak": """
reveal* disclose* divulge* leak* dump* recite* repeat* verbatim word_for_word echo expose* reproduce* regurgitat*
paste print output
""",
    "llm": """
ai llm llms chatbot* chatgpt gpt* language_model language_models copilot claude gemini ai_model ai_assistant ai_agent
ai_agents ai_assistants ai_system ai_systems artificial_intelligence reviewers_using
""",
    "harmful": """
bomb* weapon* malware poison* meth napalm phishing ransomware keylogger explosive* drugs molotov counterfeit* launder*
steal hotwire kill murder burglary exploit racist crimes
""",
    "thing": """
email emails mail mails draft order ticket question questions list recipe letter invoice attachment typo typos
appointment meeting deadline budget report file files case row header headers draft version tuesday monday friday idea
plan book song game phone card printer car dog kids house kitchen room shop airport movie weather recipe flight
spelling punctuation photo receipt
""",
}
"""By concept, in the order of their bits."""
