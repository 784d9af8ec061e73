"""English."""

WORDS = {
    "NOT": "do not, don't, dont, never, must not, mustn't, should not, shouldn't, without, not, no, avoid, refrain from,"
    "cannot, can't, nor, no need to, neither",
    "IGNORE": "discount, drop all, drop the, leave out, throw out, dismiss, no longer follow, stop following, cease following, disobey, unlearn, put away, skip the, reset, do not obey, pay no heed, no longer valid, no longer apply, no longer applies, were a test, cancelled, canceled, repealed, revoked, deleted all, "
    "ignore, disregard, disregarding, forget, forgetting, override, bypass*,"
    "neglect*, discard*, set aside, put aside, abandon*, stop following, pay no attention, supersed*, nevermind, void,"
    "nullify, erase, leave behind, do not follow, don't follow, overrule, skip over, stop obeying",
    "PRIOR": "you were told, you have been told, been told, told to, everything i said, earlier, other, set by, given to you, beforehand, aforementioned, original, of the user, first message, up to here, up to now, old, any other, document, documents, article, translation, resume, data, context, "
    "previous, previously, prior, above, earlier, preceding, existing, initial, original, before, foregoing,"
    "former, so far, until now, at the beginning, past, your, were given, was given, have been given, system,"
    "everything before, everything above, all previous, all prior, wanted, asked, requested, user's",
    "QUANT": "all, any, every, everything, all of the, all other, any other, other, everything else",
    "INSTR": "orders, request, question, task, restriction, filters, content filters, safety rules, consignes, content policies, instruct, pre-prompt, preprompt, initial message, moral code, ethics, "
    "instruction, instructions, prompt, prompts, rule, rules, direction, directions, guideline, guidelines,"
    "command, commands, directive, directives, constraint, constraints, guidance, your orders, programming, guardrails,"
    "restrictions, system message, system messages, assignments, were told, been told, i said, you know, policies,"
    "safety policy, safety policies, content policy, safeguards, limitations, rules and guidelines, tasks, documents,"
    "training, protocols, objectives, goal, goals, thoughts, instructed",
    "TELL": "notice, noticing, worry, worried, know, knows, find out, aware, discover, see this, surprised, upset, inform anyone, anyone, speak of, say that you, point out, reference, explained, explanation, mentioned, notified, informed, told, shown, disclosed, asked, "
    "tell, telling, mention, mentioning, inform, informing, reveal, revealing, notify, notifying, disclose, disclosing, show, showing, alert, alerting, report, reporting,"
    "let the user know, warn, warning, acknowledge, display, displaying, explain, explaining, expose, surface, discuss, describe, say, announce,"
    "refer to, bring up, communicate, discloses, talk about, indicate, let on, acknowledge, share, confirm with",
    "USER": "anyone, somebody, someone, developer, the client, customer, them, person, "
    "user, users, user's, the human, human, humans, operator, the person, end user, end-user,"
    "account holder, people",
    "COVERT": "unaware, remain unaware, kept in the dark, in the dark, oblivious, "
    "hidden, hide, hiding, conceal*, keep this out of, out of your report, between you and me, keep it between us, no trace, confidentially, keep it confidential, without explanation, without any explanation, as if nothing, as if this step, stays internal, stay internal, be quiet about, stay quiet, stay silent, remain silent, keep silent, not visible, make it look, keep the displayed, show the result of step, must not be visible, without comment, unannounced, "
    "silently, secretly, quietly, covertly, discreetly, unnoticed, in the background, behind the scenes,"
    "undetected, stealthily, surreptitiously, keep this secret, keep it secret, keep this confidential,"
    "keep this hidden, keep it hidden, without notice, without raising suspicion, invisibly, hide this,"
    "without their knowledge, without the user's knowledge, without user knowledge, without the user knowing,"
    "secret from, avoid detection, evade detection, without leaving a trace,"
    "between us, under the radar, unbeknownst, without being noticed, imperceptibly, keep quiet,"
    "without drawing attention, without user awareness,"
    "remain hidden, stay hidden",
    "MODEL": "language model, language models, ai reviewers, llm reviewers, ai crawlers, ai tools, ai coding tools, coding agent, coding agents, browsing agent, alexa, siri, chat gpt, gpt-5, the bot, bots, screening model, ai reader, ai readers, shopping agents, automated agents, ai-powered, machine learning model, the system reading, codex, @gemini, @claude, @copilot, "
    "ai assistant, ai assistants, assistant, ai model, ai models, ai agent, ai agents, ai, llm, llms,"
    "language model, language models, the agent, agents, the model, agent, chatbot, copilot, claude, chatgpt, gpt,"
    "gpt-4, gpt-4o, gemini, cursor, cline, windsurf, automated system, automated systems, coding assistant, chat bot,"
    "virtual assistant, ai system, ai systems, assistants, autonomous agent, large language model, bot, crawler",
    "YOU": "you, your, yourself, you're, you are, you have",
    "MUST": "it is mandatory, it's mandatory, it is important to, it's important to, mandates, obliged, oblige*, supposed to, expected to, be forced, is to be, are to be, has got to, never fail to, be certain to, vital, requirement, requires that, precondition, prerequisite, necessary, "
    "must, always, mandatory, required, need to, needs to, have to, has to, ensure*, make sure, strictly,"
    "obligatory, compulsory, critical, essential, it is necessary, is necessary, shall, should, required to, be sure to,"
    "remember to, requires, imperative, crucial, important to, under all circumstances, without exception, ought to",
    "STRONG": "has to, have to, is to be, are to be, required, never, only, each, every, any, exclusively, forced, "
    "must, always, mandatory, strictly, obligatory, compulsory, under all circumstances, without exception,"
    "shall, imperative, at all times, in all cases, no matter what",
    "CALL": "invocation, preceded by, accompanied by, choose, pick, submit to, execution, executed, carried out, performed, go for, stick with, take, "
    "call, calls, called, calling, use, using, used, invoke*, invoking, run, running, execut*, trigger*, choose,"
    "prefer*, select, selected, utiliz*, apply, consult*, go through, routed through, perform*, pass through,"
    "initiate*, launch*",
    "TOOL": "tool, tools, function, functions, mcp, plugin, plugins, this server, this service, this check, this method,"
    "this api, toolset, operation, operations, action, actions, task, tasks, request, requests, query, queries",
    "THISTOOL": "this tool, this function, this method, this check, this step, this verification, this service,"
    "this operation, this server, this one, this plugin, this api, the tool, it must be",
    "OTHERTOOL": "other tool, other tools, any tool, all tools, any other tool, all other tools, another tool,"
    "any other tools, every tool, every other tool, other functions, any function, any operation, any operations,"
    "all operations, every operation, any action, any task, any other operation, any file operation,"
    "any file operations, all file operations, every file operation, any request, every request, all requests,"
    "any query, all tool calls, every tool call, other tool calls, any tool call, anything else, everything else,"
    "any other action, alternative tools, similar tools, other search tools, other servers, any command,"
    "any other function, other mcp tools, subsequent operations, subsequent tool calls, any subsequent, other services,"
    "any database operation, any database operations, any network operation, any network operations",
    "BEFORE": "ahead, preceded by, at the beginning, at the start, the first tool, first of all, until, only after, not before, prior, upfront, in order to proceed, to proceed, to continue, only then, "
    "before, prior to, first, beforehand, prerequisite, precondition, ahead of, in advance, precede*,"
    "preceding, preliminary, initially, as the first step, at the start, upfront",
    "AFTER": "subsequent, below, given here, after, afterwards, then, once done, subsequently, following, next",
    "WHEN": "if, once, on invocation, on each call, on every call, in case, should the user, while, where, as long as, "
    "when, whenever, every time, each time, anytime, any time, upon, for every, everytime, as soon as",
    "PARAM": "coordinates, keyword, keywords, prompt, track, volume, header, headers, header field, file name, timestamp, timestamps, to and, iban, channel, branch, author, sender, receiver, cc field, price, order quantity, password, language, currency, permission, mode, city, origin, command, parameter values, title, visibility, "
    "parameter, parameters, argument, arguments, field, fields, value, values, recipient, recipients,"
    "address, addresses, amount, destination, path, url, content, body, bcc, cc, query, input, inputs, filename,"
    "attribute, property, payload, subject, number, id, message, text, date, time, location, price, quantity, keyword,"
    "receiver, target, account, limit, name, option, flag, to field",
    "CHANGE": "overrid*, overwritten, rewritten, normalised to, normalized to, converted, increased, decreased, doubled, tripled, multiplied, prefixed, appended, suffixed, exchanged, exchange, mapped to, be set, is set, are set, should be, must be, has to be, have to be, defaults to, route*, rerouted, redirected, swapped, fixed to, hardcoded, hard-coded, instead use, becomes, treated as, receives as, "
    "change*, changing, replace*, replacing, set, setting, modify*, modifies, modified, substitut*, redirect*,"
    "rewrite*, rewriting, rewritten, alter, altered, altering, append*, prepend*, add, adding, added, insert*, overwrit*,"
    "switch*, swap*, adjust*, convert*, multipl*, inject*, reroute*, transform*, forced, force, default to, increase*,"
    "decrease*, reduce*, prefix*, suffix*, attach*, be sent to, bcc, proxied, re-route, corrected, invert*",
    "INSTEAD": "irrespective, whatever the user, whatever was, whichever, no matter which, no matter what, ignoring the, over those of, even when, in place of, takes precedence, take precedence, overrides, override, without regard, despite, notwithstanding, in its place, not those, contrary to, "
    "instead, instead of using, instead of, rather than, in place of, in lieu of, no matter what, regardless of, regardless,"
    "irrespective of, even if, not the, other than",
    "SEND": "handed over, hand over, hand to, pass to, passed to, text them, reply to, submit, submitted, transmitted, copied, mirrored, mirror, synchronise to, sync to, push, report, provide to, broadcast, stream to, export*, dm, tweet, beacon, exfil, phone home, make available, "
    "send, sends, sending, sent, forward, forwards, forwarding, forwarded, upload*, post, posting, email,"
    "transmit*, exfiltrat*, share, sharing, submit*, deliver*, leak*, transfer*, mail, copy to, relay*, report to,"
    "bcc, curl, deposit, publish*, move to, output to, wire, ship, push to, pipe to, make a request to, get request",
    "INCLUDE": "give it, given as, supplied, provided, handed, passed, put into, be part of, attach, specify, quote, present, prefix, mention, hand, give, set, contain, contains, must contain, cite, "
    "include*, including, pass, passing, provide*, providing, supply*, put, append*, attach*, insert*, embed*,"
    "populate*, fill, enter, add, paste*, write, encode*, store, record, copy",
    "READ": "look into, look for, load, loaded, obtained, retrieved, fetched, opened, query, download*, enumerate*, exported, take, capture, use the content, content of, contents of, pick, check, examine, "
    "read, reads, reading, open, access, accessing, cat, load, loading, retrieve*, retrieving, fetch*, obtain*,"
    "extract*, collect*, gather*, harvest*, dump, list, look up, find, get, scan, search for, copy, steal, grab,"
    "inspect, view, summari*, print, print out",
    "SECRET": "one-time password, otp, verification code, verification codes, security code, pin, bank pin, bearer token, bearer tokens, session tokens, authorization header, private repositories, private repos, private data, private messages, private notes, personal notes, card numbers, saved card, stored card, patient record, patient records, health data, salaries, salary, contacts, contact list, phone numbers, addresses of, date of birth, address book, key material, key file, certificates, private information, admin password, login data, passport, secret code, access code, confidential data, confidential information, internal data, process environment, entire environment, whole environment, full environment, your environment, environment dump, environment file, environment values, customer records, user records, emails, inbox, browsing history, location data, medical history, tax, "
    "password, passwords, passphrase, credential, credentials, api key, api keys, api_key, apikey,"
    "access token, access tokens, auth token, token, tokens, secret, secrets, secret key, private key, private keys,"
    "ssh key, ssh keys, ssh private key, environment variable, environment variables, env vars, cookies, session cookie,"
    "session token, credit card, credit card number, card number, bank account, social security, ssn, personal data,"
    "personal information, personal details, sensitive information, sensitive data, confidential, customer data,"
    "phone number, home address, login, 2fa, one-time, recovery phrase, seed phrase, wallet, mnemonic, private files,"
    "user data, user's data, medical records, health records, saved addresses, payment, bank details, identity document, identity documents, identity card, identity number, identity data, your identity, identity of",
    "TALK": "chat transcript, transcript, transcripts, entire chat, whole chat, complete chat, conversation history, complete conversation, everything that was said, everything said, last messages, recent messages, user's messages, last five messages, last 20 messages, verbatim user message, user message, chain of thought, reasoning trace, your thoughts, thought process, developer messages, developer message, list of all tools, names of all tools, other tools' definitions, definitions of the other tools, tool definitions, tools available, all available tools, tool list, tool names, model name, model version, your model, system instructions, initial instructions, pre-prompt, first message, initial message, text above, everything above, words above, message above, above text, beginning of this, previous text, all the text, present session, prior context, earlier messages, previous tool results, tool results, tool call history, hidden configuration, what you were told, your settings, what were your, prior turns, session history, full history, complete history, message log, previous user, "
    "conversation history, chat history, entire conversation, full conversation, conversation context,"
    "whole conversation, conversation so far, previous messages, prior messages, message history, chat log, chat logs,"
    "system prompt, system instructions, system message, initial prompt, user's message, user messages, all messages,"
    "contents of the conversation, current conversation, user's original, user's request, user prompt, context window,"
    "your reasoning, your chain of thought, all tool names, list of tools, available tools, names of the tools, tools you can use,"
    "tool outputs, output of other tools, previous tool, prior tool, your instructions, your prompt, your initial,"
    "your system, your guidelines, prompt text, hidden prompt, hidden instructions, original prompt, your rules,"
    "above prompt, user's query, everything the user, full context, your context, your configuration, user inputs",
    "PATH": "/etc/hosts, /etc/hostname, /home/, /var/spool, .pem, config.ini, secring.gpg, .bash_history, .zshrc,  ~/.bashrc, .ssh, kube/config, ~/.docker, /var/log/auth.log, cookies.sqlite, password database, password manager, browser's saved, .env.local, .env.production, appsettings.json, ssh keys, private.key, server.key, /etc/ssl, environment file, sudoers, crontab, shell profile, .git/config, firebase, service-account.json, terraform.tfstate, "
    "~/.ssh*, .ssh/*, id_rsa*, id_ed25519*, ~/.aws*, .aws/credentials, ~/.cursor*, mcp.json, .env, .env file,"
    "/etc/passwd, /etc/shadow, ~/.bash*, ~/.zsh*, ~/.netrc, .netrc, ~/.kube*, kubeconfig, ~/.config*, .git-credentials,"
    "/proc/self/environ, claude_desktop_config*, known_hosts, authorized_keys, .npmrc, .pypirc, wallet.dat, keychain,"
    "~/.gnupg*, login data, .docker/config*, credentials.json, config.json, secrets.yaml, secrets.json, shadow file,"
    "/root*, ~/.gitconfig, ~/.mcp*, private_key*, ssh config, .htpasswd, ssh directory, c:\\\\windows\\\\system32*",
    "NEWTASK": "the following task as well, following task, new instruction set by, another urgent task, one last thing, one more thing, next job, new request, special instructions, these steps, the steps, steps exactly, do this first, as described, do the following first, other task, actual instructions, instructions you must, change of plans, updated task, additional step, right action, instead do, follow these steps, special instruction, task as well, this as well, actually forget, real question, "
    "new task, new instruction, new instructions, following instruction, following instructions,"
    "the following, following task, new user query, do the following, urgent task, real task, actual task, your task,"
    "new objective, new goal, new directive, real instructions, updated instructions, these instructions, next task,"
    "this instruction, instructions below, steps below, below instructions, additional instruction, the new task,"
    "additional task, another task, additional instructions, following steps, following actions, following command,"
    "following commands, new rule, new rules, my instructions, this command, this task first, my orders, primary task,"
    "more urgent, new mission, new assignment, your new, alternate task, another request, following request",
    "OBEY": "adhered to, stick to, do exactly, act upon, act according, respect, heed, honour, honor, perform this, carry this out, take action, obeyed, conform, "
    "follow, follows, adhere*, obey*, comply, complies, execute, perform, carry out, complete, do,"
    "finish, abide, implement, accomplish, prioriti*, focus on, act on, strictly, do this, proceed with, respond to",
    "URGENT": "crucial, critical update, security alert, maintenance window, action required, read carefully, expire, expires, about to expire, before it is too late, today, system notice, right away, promptly, without delay, at the earliest, high-priority, mandatory, stop,, "
    "important, urgent, urgently, attention, critical, immediately, asap, right away, right now, at once,"
    "warning, notice, emergency, alert, high priority, highest priority, top priority, time-sensitive, mandatory,"
    "stop everything, priority",
    "AUTH": "policy requires, as per policy, in accordance with, rule, regulation, your creators, ceo, management has, approved by, legally required, lawyer, law enforcement, platform team, system level, system-level, security officer, admin, it-bot, system message, maintenance, by order of, "
    "system, system administrator, administrator, administrators, developer, developers, openai, anthropic,"
    "security team, compliance, official, creator, maintainer, maintainers, debug mode, maintenance mode, system mode,"
    "security policy, company policy, corporate policy, regulatory, regulation, regulations, security requirement,"
    "security requirements, security protocol, security audit, audit requirement, audit requirements, authorized,"
    "it department, management, legal requirement, root, platform, security reasons, compliance reasons, policy,"
    "system requirement, system requirements, compliance requirements, compliance check, security check, privacy,"
    "your developer, your creator, data protection, gdpr, system check, security measure, security measures",
    "FROMME": "i'm the user, i am the owner, account owner, my name is, it's me, this is me, important message from me, message from your user, from your user, your operator, i want you to do, the task that i gave you, i gave you, on the user's behalf, on behalf of the user, user has agreed, users have agreed, already agreed, the user agreed, already been approved, has already approved, already authorised, already authorized, user consents, user wants you to, user would like you to, users know this, by the management, "
    "message from the user, message from user, message from me, this is the user, i am the user, i am your,"
    "i'm your, new user query, the user has requested, the user has asked, user requested,"
    "on behalf of the user, user has authorized, the user has authorized, from the administrator,"
    "from your developer, message from the administrator, message from the developer, message from the system,"
    "task that i gave you, as the user, the user has approved, user has approved, the user already, pre-approved,"
    "the user has given, from the system administrator, user instruction, from the security team, authorized by",
    "BLOCK": "</result>, </results>, </document>, </data>, </context>, </email>, </tool_result>, </output>, <hidden>, <|end|>, <|eot_id|>, <start_of_turn>, [/inst], <</sys>>, ### new, #### new, #### instruction, #### instructions, #### system, #### important, #### task, #### user, #### end, #### admin, #### note, #### ai, #### assistant, #### prompt, #### question, #### ignore, ###instruction, special instructions, system level notification, system-level notification, [agent, (assistant:, [assistant, [ai, {system, %% end, === system, --- system, [note to, [for ai, <ai, <agent, <llm, <model, <note, end of prompt, end of text, end of message, end of transcript, begin instructions, begin_system, [[inst, [[important, [[override, [[admin, [[ai, [[user, [[assistant, [[end, [[begin, [[note, [[hidden, "
    "<important>, <information>, <system>, <secret>, <instructions>, <instruction>, <critical>, <hidden>,"
    "<system-reminder>, <system_message>, <admin>, <user>, <assistant>, [system], [inst], <<sys>>, <|im_start|>,"
    "<|system|>, [system message], ###instruction, ### instruction, ### system, ###system, <override>, [admin],"
    "[important], <note_to_ai>, <|user|>, <|assistant|>, [instructions], begin system, system override, <urgent>,"
    "[system override], <|start_header_id|>, <|endoftext|>, end of tool output, end of document, end of file content,"
    "end of results, end of data, <god mode>, <system mode>, ---end, === end, [end, <tool_call>, </tool_response>,"
    "</tool_result>, <function_calls>, </function_results>, [[system, <sys>, <prompt>, [hidden, <cmd>, [override]",
    "TASKDONE": "task complete., task finished, task finished., previous task, your previous task, what you were doing, done with the task, finished reading, has been read, all tasks completed, go back to what, continue with your previous, original question, user's question, user's original, the human wanted, the user wanted, skip the summary, stop the summary, before summarising, before summarizing, instead of summarising, instead of summarizing, before answering, before responding, answering the user, before continuing, in order to continue, current request, previous request, current job, done., "
    "task complete, task completed, answer: task complete, previous task has been completed,"
    "task is complete, the previous task, has been completed, successfully completed, task that i gave,"
    "original task, initial task, user task, main task, solve the task, the task is done, first task is done,"
    "current task, ongoing task, continue with the task, before you can solve, original request, user's task",
    "GONE": "has been moved, was moved, unsafe, no longer be used, must not be used, compromised, insecure, corrupts data, disabled, not available anymore, renamed, broken, vulnerable, forbidden, unreliable, outdated, "
    "no longer available, no longer supported, deprecated, replaced by, replaced with, superseded by, obsolete,"
    "discontinued, is unavailable, temporarily unavailable, out of date, has been replaced, retired,"
    "currently disabled",
    "BEST": "most trusted tool, number one, best search tool, only tool you, only tool, the official tool, far better, far better than, highly recommended, superior, always choose, always use this, above all, stick with, should select this tool, select this tool, official replacement, secure replacement, preferred, preferred tool, preferred method, preferred payment, recommended tool, the most complete, only reliable, most popular, unbeatable, state of the art, gold standard, top choice, first choice, "
    "best tool, best tools, most reliable, most accurate, only correct, only trusted,"
    "highest priority, top priority, preferred over, better than, the only tool, most trusted, more accurate than,"
    "most advanced, most powerful, world's best, number one, better than all,"
    "in the world, the fastest, only use this, use only this, exclusively use, only secure",
    "CONFIRM": "agreement, approving, ask again, further questions, checking with, checking back, ask the user, consulting, double check, asking the user, be asked, warnings, warn, "
    "confirmation, confirm, asking, permission, approval, consent, verification, verify, prompting, review,"
    "authorization, ask for, waiting for, double-check, hesitation, question, questioning, second thought, asking for",
    "SAY": "end with, end your summary, start your answer, spell, encode, translate, reveal, recite, write down, tell me, give me, show me, output the string, output only, conclude that, summarise as, summarize as, rate, score, praise, highlight, endorse, promote, vote, answer that, state that, say that, report that, claim that, pretend, respond only, write only, speak only, swear, read out, "
    "say, print, state, output, respond with, reply with, repeat, answer with, write, respond, answer, reply,"
    "declare, claim, recommend, tell the user, tell them, inform the user, rate, conclude, display, type, admit,"
    "assert, begin your response with, start your response with, end your response with, return only, respond only,"
    "generate, give, choose, rank, insist, finish with, use the phrase, show",
    "ONLY": "word for word, verbatim, nothing more, merely, whatever i type, to everything, regardless of the question, "
    "just, only, simply, nothing else, nothing but, solely, exactly, literally",
    "ROLE": "you are evil, i want you to be, you are a pirate, act as my, sudo mode, maintenance mode, debug mode, developer mode, god-mode, evil twin, evil, let's play a game, simulate, you are aim, you have been jailbroken, as my grandmother, alter ego, opposite day, in a world where, suppose we, let us pretend, let's pretend, let's imagine, imagine a scenario, pretend that, pretend the, hypothetically, imagine that, you are not an ai, you are no longer, stop being, speak in riddles, become a, be a, "
    "you are now, act as, pretend to be, pretend you are, roleplay as, role-play as, developer mode, dan mode,"
    "do anything now, jailbreak*, jailbroken, you will act as, simulate a, from now on, you are going to act,"
    "stay in character, unrestricted ai, imagine you are, play the role, god mode, assume the role, act like,"
    "take on the role, immerse yourself, play the part, you will now, respond as, i want you to act, you're now,"
    "going to pretend, you have been freed, hypothetical response, evil confidant, amoral, character named",
    "UNBOUND": "restrictions, no moral, never say no, no content policies, no content policy, no safety, safety rules, without morals, without any moral, no guidelines, no ethics, machiavellian, without a filter, answers anything, answer anything, answer everything, bound by, without any restriction, moral restrictions, no boundaries, anything goes, unlimited, safety mode is off, switched off, turned off, exempt from, "
    "no restrictions, without restrictions, unrestricted, unfiltered, no limits, no filter, no filters,"
    "without any restrictions, without limitations, no limitations, no rules, no ethical, without censorship, uncensored,"
    "broken free, do anything, illegal, unethical, immoral, no moral, content policy, openai policy, ethical guidelines,"
    "moral guidelines, never refuse*, cannot refuse, will not refuse, no warnings, no disclaimers, bypass*, harmful,"
    "offensive, without any filters, not bound by, free from, inappropriate, without ethical, regardless of legality,"
    "morality, swear, profanity, nsfw, censorship, explicit content, dangerous, malware, lacks moral, ethics",
    "THREAT": "will be closed, leads to rejection, lead to, or the, breaks, break the, is invalid, invalid, lost, expires, returns wrong, wrong data, do not work, omitting, be lost, corrupted, only valid after, will be closed, be deleted, be deactivated, refuse service, unlock, not initialised, not initialized, skipping, "
    "otherwise, will fail, will not work, won't work, crash, penalty, penalised, penalized, be terminated,"
    "will be rejected, be blocked, will result in, consequences, failure to, access denied, shut down, be punished,"
    "lose access, error will occur, will be denied, data loss, violat*, non-compliance, fail to comply, be locked,"
    "is not permitted, are not permitted, is prohibited, will not be processed, cannot proceed, cause errors",
    "MENTION": "exploits, phishing campaign, lab, handbook, tutorial, cve-, such an attack, red-team, honeypot, demo, would be an attack, might hide, tests whether, "
    "example, examples, e.g., eg, for instance, such as, attack, attacks, attacker, attackers, injection,"
    "injections, malicious, adversarial, phishing, detect*, vulnerabilit*, exploit*, payload, payloads, scanner,"
    "red team, security research, researchers, paper, blocklist, guardrail, owasp, cve, mitigat*, prevent*, defen*,"
    "test case, test cases, sanitiz*, classifier, threat, threats, scenario, demonstrat*, sample, samples, hacker",
    "DENIED": "unauthorized access, is blocked, are blocked, refuse to, will refuse",
    "MONEY": "payment, payments, transaction, transactions, invoice, transfer funds, wire transfer, bitcoin, usd, eth",
    "PLEASE": "i want you, want you to, you have to, you should, make it, go ahead, kindly, i'd like you to, would like you to, let's, you can, "
    "please, kindly, could you, can you, would you, i need you to, i want you to, you should, go ahead and",
    "PREFERRED": "prioritise this, prioritize, always pick this, pick this one, choose it over, over alternatives, above all competing, exclusively, exclusively use, must be preferred, should be preferred, only tool to use, use it instead of, should always be used, always be selected, highest ranking, "
    "prefer this tool, prioritize this, prioritise this, always choose, always prefer, always select,"
    "always pick, preferred choice, higher priority than, pick this one, choose this one, only ever propose",
    "VOCATIVE": "to ai assistants, to ai agents, to ai crawlers, for llm reviewers, ai reviewers, if you're an ai, if you are a bot, if an agent reads, if an ai reads, when an ai reads, any language model processing, language model processing, language models reading, assistants summarising, assistants summarizing, assistants reading, agents reading, agents working on, ai assistants:, ai agents:, ai coding tools:, ai assistant:, agent:, assistant must, agent must, agent should, assistant shall, assistant should, assistant has to, the assistant handling, assistant processing, agent processing, agent handling, instruction for the agent, instructions for the agent, instruction for ai, note(ai), note for models, for models:, for model:, for assistants:, note to assistants, attention ai agent, hey siri, hey gpt, ok google, hey claude, hey copilot, resolution for bot, internal note to the, note to the screening, dear ai model, @gemini, @claude, @copilot, @gpt, copilot, claude,, claude:, gpt:, chatgpt:, cursor:, bot:, llm must, llm should, llm needs to, the llm has to, models must, ai must, ai should, the model must, the model should, model should also, whoever processes, message for the ai, message to the ai, message to ai, agents must, agents have to, agents should, assistants must, assistants should, assistants have to, instructions to the llm, instructions to the ai, instruct the agent, note to agents, note to agent, ai systems:, "
    "note to ai, note to the ai, note to llm, dear model, dear assistant, dear ai, as an ai, as an llm,"
    "as an ai model, as a language model, as a large language model, if you are a large language model,"
    "if you are a language model, if you are an ai, if you are an llm, if you are an assistant, assistant reading this,"
    "ai reading this, agents processing this, ai agents processing, agents resolving this, agents reading this,"
    "for the assistant:, to the assistant:, to the ai:, to the model:, to the agent:, attention ai, attention assistant,"
    "hey assistant, hidden requirement for assistants, nb for ai, llm:, copilot:, to any ai, to all ai, all ai mail,"
    "to the browsing agent, the browsing agent, ai mail assistants, message to the model, instructions for ai,"
    "instructions for the assistant, todo for the assistant, note for the assistant, note for ai, dear agent,"
    "for ai agents:, for ai assistants:, for llms:, agents should set, whoever automates this, automated agents,"
    "the llm needs to, the model is expected to, the assistant retrieves, (assistant:, agents must route, agents have to attach",
    "DO": "add, invite, post, wire, proceed to checkout, checkout, order, update, replace, falsify, reset, merge, commit, run, execute, exec, give, unlock, call, text, append, set, schedule, share, publish, upload, register, enable, connect, confirm, cancel, block, ban, escalate, insert, add five, leave out, hide, rate, accept, reserve, withdraw, deposit, shut, stop, close, kill, restart, overwrite, rename, make a reservation, sell, transfer, "
    "delete*, remove*, wipe, disable*, book, buy, purchase, approve, grant, click, navigate, visit, star, push,"
    "export*, invite, recommend*, move, pay, install*, download*, subscribe, unlock, change, create a rule, hand over,"
    "hands the text, supply, suggest, browse, go to, reset, terminate, shut down, drop, turn off, assign, attach*,"
    "encode, allocate, sign, ask",
    "SECURITY": "injection, injections, attacker, attackers, adversarial, malicious, vulnerability, vulnerabilities,"
    "exploit, exploits, payload, payloads, owasp, cve, jailbreak*, phishing, mitigation, mitigations, threat model,"
    "prompt injection, exfiltration, attack, attacks",
    "PRETEXT": "policy, policies, compliance, compliant, comply, integrity, consistency, consistent, normalisation,"
    "normalization, normalis*, normaliz*, standardis*, standardiz*, harmonis*, harmoniz*, governance, regulation,"
    "regulations, mandated, in accordance, accordance, audit, auditing, compatibility, precaution, security check,"
    "security reasons, security requirement, security protocol, security policy, enforce*, inspection, licensing,"
    "licence, license terms, protocol, deliverability, replication lag, stable, tampered, validity, validates,"
    "validate, validated, privacy, calibrat*, quality, safety, optimis*, optimiz*, synchronis*, synchroniz*, keeps the,"
    "unify, uniform, background, global, prerequisite, precondition, pre-check, precheck, maintenance, rounding",
    "GLOBAL": "all calls, each call, every call, any call, calls of, calls to, every request, all requests, any request,"
    "requests of any kind, this environment, the environment, this deployment, the platform, system-wide, globally,"
    "across sessions, across all, across servers, all servers, entire system, file operation, file operations,"
    "write operation, write operations, read operation, read operations, web requests, outgoing requests, each message,"
    "every message, each transfer, every transfer, every file, any file, each file, all files, tool calls, tool call,"
    "all payments, every payment, all queries, any query, other servers, from other servers, any other action,"
    "each conversation, every conversation, every turn, each turn, at this point, all subsequent, subsequent calls,"
    "all commands, all operations, any operation, every operation, each operation, each task, every task",
    "DISPARAGE": "unsafe, insecure, compromised, inaccurate, outdated, unreliable, corrupts, corrupt, leaks, leak data,"
    "vulnerable, critical vulnerability, forbidden, no longer be used, not safe, tampered, wrong results, wrong data,"
    "incorrect, incorrect information, unusable, obsolete, drops attachments, insufficient, dangerous, malfunctioning,"
    "broken, poor quality, low quality, deprecated, less secure, slow and, untrusted, not trustworthy, unstable",
    "ASKED": "asked for, has been asked, specified, has been specified, was specified, provided by the user, the user provided,"
    "user provided, user input, user's choice, choice of the user, entered, has been entered, typed, user typed,"
    "user picks, user wants, user wanted, the user asks, user names, user specifies, user requests, requested by,"
    "what the user, stated by the user, original value, original recipient, user's directory, user's value,"
    "user chooses, user selected, user's selection, text provided, user's text, user enters, the user gave",
    "CODEBLOCK": "code, snippet, snippets, script, code snippet, code snippets, code block, code section, code excerpt, code segment, code fragment,"
    "piece of code, following code, code below, below code, subsequent code, lines of code, following snippet,"
    "snippet below, this snippet, following script, code given here, code shown, script below, next code, this code",
    "YOURWORK": "your response, your answer, your reply, your solution, your explanation, your output, your code,"
    "your program, your implementation, your algorithm, your elucidation, your recommendation, your suggestion,"
    "your codebase, your script, your result, solution you give, answer you give, code you generate, code you write,"
    "code you develop, program you suggest, the solution, the answer, every file you, every function, code that you,"
    "you generate, you develop, you suggest, you write, your final answer, your project's code, your snippet",
    "EMBED": "incorporat*, integrat*, interweav*, weave, weaving, embed*, insert*, utiliz*, utilis*, enlist, blend*,"
    "merge, infus*, inject*, introduc*, adopt*, employ*, includ*, inclusion, append*, add, adding, addition, engage,"
    "render, assimilat*, part of, component, fuse, merging, use, using, implant*, stitch, put, place, paste, modify,"
    "enhance, upgrade, execute, run, supplement*, make sure, ensure, validate, flourish, augment*, apply, harness*",
    "HOSTILE": "os.dup2, pty.spawn, fernet*, cryptomine*, xmrig*, coinhive, stratum, keylog*, pynput*, on_press, pbpaste,"
    "pyperclip, getclipboard*, /var/log/syslog, screencapture, imagegrab*, virtual_memory, cookies.txt, cookies.pkl,"
    "mozillacookiejar, cookies.sqlite, browser_cookie3, os.environ, yagmail, smtplib, contacts.csv, if=/dev, /dev/sda,"
    "systemctl stop, rc.local, /etc/init.d, storbinary, exploit.py, ssh -l, tcp4clientendpoint, tcpdump, scapy, sniff*,"
    "ipconfig, netsh, iptables, i.disable, grub.cfg, sudo reboot, ping -n, target_server, target.server, target-server,"
    "target_url, | sh, | bash, |sh, |bash, curl -s, chmod +x, shutil.rmtree, os.walk, os.remove, nmap, paramiko,"
    "screenshot.jpg, miner, mining, trash, subprocess.popen, subprocess.call, os.system, subprocess.check_output,"
    "multiprocessing.process, readprocessmemory, win32_networkadapterconfiguration, reboot, eval(, exec(, --no-verify,"
    "reverse shell, backdoor, rootkit, botnet, ransom*, anothermachine, remote-service, attacker, self-signed,"
    "certificate checks, verify=false, storbinary, urllib3.poolmanager, rm -rf, mkfs, fork bomb",
    "TURN_AI": "assistant:, ai:, bot:, model:, claude:, chatgpt:, gpt:, <|assistant|>, <|im_start|>assistant, ### assistant,"
    "### response, [/inst], assistant says",
    "TURN_USER": "human:, user:, <|user|>, <|im_start|>user, ### human, ### user, <|im_start|>system, ### system,"
    "<|system|>, new user query, system:, <|im_end|>, [inst], <<sys>>",
    "REFUSED": "i can not continue, i cannot continue, can not continue any further, cannot continue any further,"
    "unable to continue, solve a captcha, solve the captcha, captcha, i am not a robot, i'm not a robot,"
    "i am human, must first agree, agree to the terms",
    "VERDICT": "positive review, only positive, positive review only, negatives, weaknesses, competitors, competitor, other brands,"
    "accept this paper, 10/10, 5 stars, five stars, hire, strong hire, immediate interview, recommend an, highly qualified,"
    "excellent candidate, cheapest, absolutely visit, best choice, only good choice, completely safe, been audited,"
    "is verified, is safe, has no risks, omit risks, do not compare, fulfils all, meets all, perfect candidate",
    "PLAIN": "in order to, in order for, in order, order of, order by, sort order, in any order, in the order, order in which,"
    "token count, token counts, token limit, token limits, token usage, token budget, token length, max tokens,"
    "maximum tokens, number of tokens, total tokens, input tokens, prompt tokens, completion tokens,"
    "tokens per second, tokens per minute, tokens used, token window, progress token, identity provider,"
    "identity providers, call stack, call site, open source, pull request, pull requests",
}
