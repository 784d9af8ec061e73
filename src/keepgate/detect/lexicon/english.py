"""English."""

WORDS = {
    "NOT": "do not, don't, dont, never, must not, mustn't, should not, shouldn't, without, not, no, avoid, refrain from,"
    "cannot, can't, nor, no need to, neither",
    "IGNORE": "ignore, disregard, disregarding, forget, forgetting, override, bypass*,"
    "neglect*, discard*, set aside, put aside, abandon*, stop following, pay no attention, supersed*, nevermind, void,"
    "nullify, erase, leave behind, do not follow, don't follow, overrule, skip over, stop obeying",
    "PRIOR": "previous, previously, prior, above, earlier, preceding, existing, initial, original, before, foregoing,"
    "former, so far, until now, at the beginning, past, your, were given, was given, have been given, system,"
    "everything before, everything above, all previous, all prior, wanted, asked, requested, user's",
    "QUANT": "all, any, every, everything, all of the, all other, any other, other, everything else",
    "INSTR": "instruction, instructions, prompt, prompts, rule, rules, direction, directions, guideline, guidelines,"
    "command, commands, directive, directives, constraint, constraints, guidance, your orders, programming, guardrails,"
    "restrictions, system message, system messages, assignments, were told, been told, i said, you know, policies,"
    "safety policy, safety policies, content policy, safeguards, limitations, rules and guidelines, tasks, documents,"
    "training, protocols, objectives, goal, goals, thoughts, instructed",
    "TELL": "tell, telling, mention, mentioning, inform, informing, reveal, revealing, notify, notifying, disclose, disclosing, show, showing, alert, alerting, report, reporting,"
    "let the user know, warn, warning, acknowledge, display, displaying, explain, explaining, expose, surface, discuss, describe, say, announce,"
    "refer to, bring up, communicate, discloses, talk about, indicate, let on, acknowledge, share, confirm with",
    "USER": "user, users, user's, the human, human, humans, operator, the person, end user, end-user,"
    "account holder, people",
    "COVERT": "silently, secretly, quietly, covertly, discreetly, unnoticed, in the background, behind the scenes,"
    "undetected, stealthily, surreptitiously, keep this secret, keep it secret, keep this confidential,"
    "keep this hidden, keep it hidden, without notice, without raising suspicion, invisibly, hide this,"
    "without their knowledge, without the user's knowledge, without user knowledge, without the user knowing,"
    "secret from, avoid detection, evade detection, without leaving a trace,"
    "between us, under the radar, unbeknownst, without being noticed, imperceptibly, keep quiet,"
    "without drawing attention, without user awareness,"
    "remain hidden, stay hidden",
    "MODEL": "ai assistant, ai assistants, assistant, ai model, ai models, ai agent, ai agents, ai, llm, llms,"
    "language model, language models, the agent, agents, the model, agent, chatbot, copilot, claude, chatgpt, gpt,"
    "gpt-4, gpt-4o, gemini, cursor, cline, windsurf, automated system, automated systems, coding assistant, chat bot,"
    "virtual assistant, ai system, ai systems, assistants, autonomous agent, large language model, bot, crawler",
    "YOU": "you, your, yourself, you're, you are, you have",
    "MUST": "must, always, mandatory, required, need to, needs to, have to, has to, ensure*, make sure, strictly,"
    "obligatory, compulsory, critical, essential, it is necessary, is necessary, shall, should, required to, be sure to,"
    "remember to, requires, imperative, crucial, important to, under all circumstances, without exception, ought to",
    "STRONG": "must, always, mandatory, strictly, obligatory, compulsory, under all circumstances, without exception,"
    "shall, imperative, at all times, in all cases, no matter what",
    "CALL": "call, calls, called, calling, use, using, used, invoke*, invoking, run, running, execut*, trigger*, choose,"
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
    "BEFORE": "before, prior to, first, beforehand, prerequisite, precondition, ahead of, in advance, precede*,"
    "preceding, preliminary, initially, as the first step, at the start, upfront",
    "AFTER": "after, afterwards, then, once done, subsequently, following, next",
    "WHEN": "when, whenever, every time, each time, anytime, any time, upon, for every, everytime, as soon as",
    "PARAM": "parameter, parameters, argument, arguments, field, fields, value, values, recipient, recipients,"
    "address, addresses, amount, destination, path, url, content, body, bcc, cc, query, input, inputs, filename,"
    "attribute, property, payload, subject, number, id, message, text, date, time, location, price, quantity, keyword,"
    "receiver, target, account, limit, name, option, flag, to field",
    "CHANGE": "change*, changing, replace*, replacing, set, setting, modify*, modifies, modified, substitut*, redirect*,"
    "rewrite*, rewriting, rewritten, alter, altered, altering, append*, prepend*, add, adding, added, insert*, overwrit*,"
    "switch*, swap*, adjust*, convert*, multipl*, inject*, reroute*, transform*, forced, force, default to, increase*,"
    "decrease*, reduce*, prefix*, suffix*, attach*, be sent to, bcc, proxied, re-route, corrected, invert*",
    "INSTEAD": "instead, instead of using, instead of, rather than, in place of, in lieu of, no matter what, regardless of, regardless,"
    "irrespective of, even if, not the, other than",
    "SEND": "send, sends, sending, sent, forward, forwards, forwarding, forwarded, upload*, post, posting, email,"
    "transmit*, exfiltrat*, share, sharing, submit*, deliver*, leak*, transfer*, mail, copy to, relay*, report to,"
    "bcc, curl, deposit, publish*, move to, output to, wire, ship, push to, pipe to, make a request to, get request",
    "INCLUDE": "include*, including, pass, passing, provide*, providing, supply*, put, append*, attach*, insert*, embed*,"
    "populate*, fill, enter, add, paste*, write, encode*, store, record, copy",
    "READ": "read, reads, reading, open, access, accessing, cat, load, loading, retrieve*, retrieving, fetch*, obtain*,"
    "extract*, collect*, gather*, harvest*, dump, list, look up, find, get, scan, search for, copy, steal, grab,"
    "inspect, view, summari*, print, print out",
    "SECRET": "password, passwords, passphrase, credential, credentials, api key, api keys, api_key, apikey,"
    "access token, access tokens, auth token, token, tokens, secret, secrets, secret key, private key, private keys,"
    "ssh key, ssh keys, ssh private key, environment variable, environment variables, env vars, cookies, session cookie,"
    "session token, credit card, credit card number, card number, bank account, social security, ssn, personal data,"
    "personal information, personal details, sensitive information, sensitive data, confidential, customer data,"
    "phone number, home address, login, 2fa, one-time, recovery phrase, seed phrase, wallet, mnemonic, private files,"
    "user data, user's data, medical records, health records, saved addresses, payment, bank details, identity",
    "TALK": "conversation history, chat history, entire conversation, full conversation, conversation context,"
    "whole conversation, conversation so far, previous messages, prior messages, message history, chat log, chat logs,"
    "system prompt, system instructions, system message, initial prompt, user's message, user messages, all messages,"
    "contents of the conversation, current conversation, user's original, user's request, user prompt, context window,"
    "your reasoning, your chain of thought, all tool names, list of tools, available tools, names of the tools, tools you can use,"
    "tool outputs, output of other tools, previous tool, prior tool, your instructions, your prompt, your initial,"
    "your system, your guidelines, prompt text, hidden prompt, hidden instructions, original prompt, your rules,"
    "above prompt, user's query, everything the user, full context, your context, your configuration, user inputs",
    "PATH": "~/.ssh*, .ssh/*, id_rsa*, id_ed25519*, ~/.aws*, .aws/credentials, ~/.cursor*, mcp.json, .env, .env file,"
    "/etc/passwd, /etc/shadow, ~/.bash*, ~/.zsh*, ~/.netrc, .netrc, ~/.kube*, kubeconfig, ~/.config*, .git-credentials,"
    "/proc/self/environ, claude_desktop_config*, known_hosts, authorized_keys, .npmrc, .pypirc, wallet.dat, keychain,"
    "~/.gnupg*, login data, .docker/config*, credentials.json, config.json, secrets.yaml, secrets.json, shadow file,"
    "/root*, ~/.gitconfig, ~/.mcp*, private_key*, ssh config, .htpasswd, ssh directory, c:\\\\windows\\\\system32*",
    "NEWTASK": "new task, new instruction, new instructions, following instruction, following instructions,"
    "the following, following task, new user query, do the following, urgent task, real task, actual task, your task,"
    "new objective, new goal, new directive, real instructions, updated instructions, these instructions, next task,"
    "this instruction, instructions below, steps below, below instructions, additional instruction, the new task,"
    "additional task, another task, additional instructions, following steps, following actions, following command,"
    "following commands, new rule, new rules, my instructions, this command, this task first, my orders, primary task,"
    "more urgent, new mission, new assignment, your new, alternate task, another request, following request",
    "OBEY": "follow, follows, adhere*, obey*, comply, complies, execute, perform, carry out, complete, do,"
    "finish, abide, implement, accomplish, prioriti*, focus on, act on, strictly, do this, proceed with, respond to",
    "URGENT": "important, urgent, urgently, attention, critical, immediately, asap, right away, right now, at once,"
    "warning, notice, emergency, alert, high priority, highest priority, top priority, time-sensitive, mandatory,"
    "stop everything, priority",
    "AUTH": "system, system administrator, administrator, administrators, developer, developers, openai, anthropic,"
    "security team, compliance, official, creator, maintainer, maintainers, debug mode, maintenance mode, system mode,"
    "security policy, company policy, corporate policy, regulatory, regulation, regulations, security requirement,"
    "security requirements, security protocol, security audit, audit requirement, audit requirements, authorized,"
    "it department, management, legal requirement, root, platform, security reasons, compliance reasons, policy,"
    "system requirement, system requirements, compliance requirements, compliance check, security check, privacy,"
    "your developer, your creator, data protection, gdpr, system check, security measure, security measures",
    "FROMME": "message from the user, message from user, message from me, this is the user, i am the user, i am your,"
    "i'm your, new user query, the user has requested, the user has asked, user requested,"
    "on behalf of the user, user has authorized, the user has authorized, from the administrator,"
    "from your developer, message from the administrator, message from the developer, message from the system,"
    "task that i gave you, as the user, the user has approved, user has approved, the user already, pre-approved,"
    "the user has given, from the system administrator, user instruction, from the security team, authorized by",
    "BLOCK": "<important>, <information>, <system>, <secret>, <instructions>, <instruction>, <critical>, <hidden>,"
    "<system-reminder>, <system_message>, <admin>, <user>, <assistant>, [system], [inst], <<sys>>, <|im_start|>,"
    "<|system|>, [system message], ###instruction, ### instruction, ### system, ###system, <override>, [admin],"
    "[important], <note_to_ai>, <|user|>, <|assistant|>, [instructions], begin system, system override, <urgent>,"
    "[system override], <|start_header_id|>, <|endoftext|>, end of tool output, end of document, end of file content,"
    "end of results, end of data, <god mode>, <system mode>, ---end, === end, [end, <tool_call>, </tool_response>,"
    "</tool_result>, <function_calls>, </function_results>, [[system, <sys>, <prompt>, [hidden, <cmd>, [override]",
    "TASKDONE": "task complete, task completed, answer: task complete, previous task has been completed,"
    "task is complete, the previous task, has been completed, successfully completed, task that i gave,"
    "original task, initial task, user task, main task, solve the task, the task is done, first task is done,"
    "current task, ongoing task, continue with the task, before you can solve, original request, user's task",
    "GONE": "no longer available, no longer supported, deprecated, replaced by, replaced with, superseded by, obsolete,"
    "discontinued, is unavailable, temporarily unavailable, out of date, has been replaced, retired,"
    "currently disabled",
    "BEST": "best tool, best tools, most reliable, most accurate, only correct, only trusted,"
    "highest priority, top priority, preferred over, better than, the only tool, most trusted, more accurate than,"
    "most advanced, most powerful, world's best, number one, better than all,"
    "in the world, the fastest, only use this, use only this, exclusively use, only secure",
    "CONFIRM": "confirmation, confirm, asking, permission, approval, consent, verification, verify, prompting, review,"
    "authorization, ask for, waiting for, double-check, hesitation, question, questioning, second thought, asking for",
    "SAY": "say, print, state, output, respond with, reply with, repeat, answer with, write, respond, answer, reply,"
    "declare, claim, recommend, tell the user, tell them, inform the user, rate, conclude, display, type, admit,"
    "assert, begin your response with, start your response with, end your response with, return only, respond only,"
    "generate, give, choose, rank, insist, finish with, use the phrase, show",
    "ONLY": "just, only, simply, nothing else, nothing but, solely, exactly, literally",
    "ROLE": "you are now, act as, pretend to be, pretend you are, roleplay as, role-play as, developer mode, dan mode,"
    "do anything now, jailbreak*, jailbroken, you will act as, simulate a, from now on, you are going to act,"
    "stay in character, unrestricted ai, imagine you are, play the role, god mode, assume the role, act like,"
    "take on the role, immerse yourself, play the part, you will now, respond as, i want you to act, you're now,"
    "going to pretend, you have been freed, hypothetical response, evil confidant, amoral, character named",
    "UNBOUND": "no restrictions, without restrictions, unrestricted, unfiltered, no limits, no filter, no filters,"
    "without any restrictions, without limitations, no limitations, no rules, no ethical, without censorship, uncensored,"
    "broken free, do anything, illegal, unethical, immoral, no moral, content policy, openai policy, ethical guidelines,"
    "moral guidelines, never refuse*, cannot refuse, will not refuse, no warnings, no disclaimers, bypass*, harmful,"
    "offensive, without any filters, not bound by, free from, inappropriate, without ethical, regardless of legality,"
    "morality, swear, profanity, nsfw, censorship, explicit content, dangerous, malware, lacks moral, ethics",
    "THREAT": "otherwise, will fail, will not work, won't work, crash, penalty, penalised, penalized, be terminated,"
    "will be rejected, be blocked, will result in, consequences, failure to, access denied, shut down, be punished,"
    "lose access, error will occur, will be denied, data loss, violat*, non-compliance, fail to comply, be locked,"
    "is not permitted, are not permitted, is prohibited, will not be processed, cannot proceed, cause errors",
    "MENTION": "example, examples, e.g., eg, for instance, such as, attack, attacks, attacker, attackers, injection,"
    "injections, malicious, adversarial, phishing, detect*, vulnerabilit*, exploit*, payload, payloads, scanner,"
    "red team, security research, researchers, paper, blocklist, guardrail, owasp, cve, mitigat*, prevent*, defen*,"
    "test case, test cases, sanitiz*, classifier, threat, threats, scenario, demonstrat*, sample, samples, hacker",
    "DENIED": "unauthorized access, is blocked, are blocked, refuse to, will refuse",
    "MONEY": "payment, payments, transaction, transactions, invoice, transfer funds, wire transfer, bitcoin, usd, eth",
    "PLEASE": "please, kindly, could you, can you, would you, i need you to, i want you to, you should, go ahead and",
    "PREFERRED": "prefer this tool, prioritize this, prioritise this, always choose, always prefer, always select,"
    "always pick, preferred choice, higher priority than, pick this one, choose this one, only ever propose",
    "VOCATIVE": "note to ai, note to the ai, note to llm, dear model, dear assistant, dear ai, as an ai, as an llm,"
    "as an ai model, as a language model, as a large language model, if you are a large language model,"
    "if you are a language model, if you are an ai, if you are an llm, if you are an assistant, assistant reading this,"
    "ai reading this, agents processing this, ai agents processing, agents resolving this, agents reading this,"
    "for the assistant:, to the assistant:, to the ai:, to the model:, to the agent:, attention ai, attention assistant,"
    "hey assistant, hidden requirement for assistants, nb for ai, llm:, copilot:, to any ai, to all ai, all ai mail,"
    "to the browsing agent, the browsing agent, ai mail assistants, message to the model, instructions for ai,"
    "instructions for the assistant, todo for the assistant, note for the assistant, note for ai, dear agent,"
    "for ai agents:, for ai assistants:, for llms:, agents should set, whoever automates this, automated agents,"
    "the llm needs to, the model is expected to, the assistant retrieves, (assistant:, agents must route, agents have to attach",
    "DO": "delete*, remove*, wipe, disable*, book, buy, purchase, approve, grant, click, navigate, visit, star, push,"
    "export*, invite, recommend*, move, pay, install*, download*, subscribe, unlock, change, create a rule, hand over,"
    "hands the text, supply, suggest, browse, go to, reset, terminate, shut down, drop, turn off, assign, attach*,"
    "encode, allocate, sign, ask",
    "SECURITY": "injection, injections, attacker, attackers, adversarial, malicious, vulnerability, vulnerabilities,"
    "exploit, exploits, payload, payloads, owasp, cve, jailbreak*, phishing, mitigation, mitigations, threat model,"
    "prompt injection, exfiltration, attack, attacks",
}
