"""Italian."""

WORDS = {
    "NOT": "non, mai, senza, ne, evita",
    "IGNORE": "ignora, ignorate, ignorare, ignori, dimentica*, trascura*, scarta*, non seguire, annulla*",
    "PRIOR": "precedent*, tutte, tutti, tutto, sopra, iniziali, esistenti, tue, le, originali",
    "INSTR": "richiesta, domanda, compito, "
    "istruzione, istruzioni, regola, regole, direttiv*, ordini, comandi, indicazioni, prompt, contesto",
    "TELL": "sapere, sappia, accorga, dirlo all'utente, "
    "dire, dillo, dirlo, informare, informa, menzionare, menziona*, rivelare, rivela*, mostrare, avvisare",
    "USER": "utente, utenti, l'utente, all'utente, nessuno",
    "COVERT": "segretamente, in segreto, di nascosto, silenziosamente, in silenzio, discretamente, all'insaputa",
    "MODEL": "assistente, modello, agente, intelligenza artificiale, ia",
    "MUST": "devi, deve, sempre, obbligatori*, e necessario, assicurati",
    "STRONG": "devi, deve, sempre, obbligatori*",
    "CALL": "chiama, chiamare, usa, usare, utilizza*, esegui, eseguire, invoca*",
    "TOOL": "strumento, strumenti, funzione, funzioni, operazione, operazioni, richiesta",
    "THISTOOL": "questo strumento, questa funzione",
    "OTHERTOOL": "altri strumenti, qualsiasi altro strumento, qualsiasi strumento, altro strumento, qualsiasi operazione",
    "BEFORE": "prima di, prima, innanzitutto",
    "WHEN": "quando, se, ogni volta",
    "PARAM": "parametro, parametri, argomento, destinatario, indirizzo, campo, valore, importo, percorso, oggetto",
    "CHANGE": "sostituito, cambiato, imposta, "
    "cambia*, sostitui*, modifica*, aggiungi*",
    "SEND": "invia, inviare, inviate, inoltra*, trasmetti*, trasferisci*, condividi*, carica, spedisci, manda",
    "INCLUDE": "passa, passargli, passare, metti, "
    "includi, includere, allega*, inserisci*, scrivi",
    "READ": "leggi, leggere, apri, aprire, accedi, ottieni, estrai, raccogli, copia, mostra, stampa",
    "SECRET": "password, credenziali, chiave api, chiavi api, chiave privata, token, segret*, dati personali,"
    "carta di credito, riservat*, variabili d'ambiente",
    "TALK": "intera conversazione, tutta la conversazione, "
    "cronologia, conversazione, cronologia della conversazione, prompt di sistema, messaggi precedenti",
    "NEWTASK": "nuovo compito, nuove istruzioni, seguente istruzione, seguenti istruzioni, il seguente, tuo compito",
    "OBEY": "segui, seguire, esegui, obbedisci, fai, rispetta",
    "URGENT": "importante, urgente, attenzione, immediatamente, avviso",
    "AUTH": "sistema, amministratore, sviluppatore, politica di sicurezza, conformita",
    "SAY": "di', dire, rispondi, scrivi, stampa, ripeti, mostra, afferma",
    "ONLY": "solo, soltanto, semplicemente",
    "ROLE": "ora sei, agisci come, fingi di essere, d'ora in poi",
    "CONFIRM": "conferma, chiedere, permesso, approvazione, consenso",
    "MENTION": "esempio, esempi, attacco, attacchi, attaccante, iniezione, dannos*",
    "PLEASE": "per favore",
    "VOCATIVE": "assistente:, l'assistente deve, l'agente deve, per l'ia, "
    "nota per l'assistente, per l'assistente, se sei un'ia",
    "QUANT": "tutte, tutti, tutto",
    "DO": "trasferisci, paga, annulla, pubblica, "
    "elimina, cancella, prenota, acquista",
    "INSTEAD": "invece di, al posto di, indipendentemente, anche se",
    "PRETEXT": "politica, politiche, sicurezza, conformita, integrita, coerenza, compatibilita",
    "GLOBAL": "tutte le richieste, ogni richiesta, ogni messaggio, ogni operazione, ogni chiamata",
    "DISPARAGE": "insicur*, obsolet*, vietat*, errat*",
    "ASKED": "richiesto dall'utente, indicato dall'utente",
    "BEST": "miglior strumento, il migliore strumento",
    "UNBOUND": "senza restrizioni, senza limiti",
}
