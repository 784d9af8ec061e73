"""German."""

WORDS = {
    "NOT": "nicht, nichts, niemals, nie, ohne, kein, keine, keinen, keinem, keinesfalls, weder",
    "IGNORE": "lass ausser, gelten nicht mehr, gilt nicht mehr, ausser acht, vergisst, "
    "ignorier*, missacht*, vergiss, vergessen, vergesse, verwirf, verwerfen, ubergeh*, uberschreib*,"
    "beachte nicht, setze dich uber, umgehe, umgehen, lass ausser acht",
    "PRIOR": "aufgabe, frage, "
    "vorherige*, bisherige*, fruhere*, vorangegangen*, vorangehend*, vorig*, obige*, alle, alles, davor,"
    "ursprunglich*, bestehend*, deine*, ihre, saemtliche, samtliche, zuvor, gesagte, gegebenen, vorstehend*",
    "INSTR": "aufgabe, frage, bitte des, "
    "anweisung, anweisungen, instruktion*, befehl, befehle, befehlen, regel, regeln, vorgabe, vorgaben,"
    "richtlinie*, anordnungen, systemprompt, system-prompt, prompt, prompts, aufgaben, kontext, gesagte, weisungen,"
    "beschrankungen, davor, auftrage, vorschriften",
    "TELL": "erfahren, wissen, bemerken, mitbekommen, auffallen, erwahnt, davon erfahren, mitgeteilt, verschweig*, "
    "sag, sage, sagen, erwahn*, informiere, informieren, mitteil*, mitzuteilen, teile, verrat*, zeig, zeige, zeigen, melde,"
    "melden, benachrichtig*, offenleg*, erzahl*, wissen zu lassen, hinweisen, offenbar*",
    "USER": "kunde, kunden, person, "
    "benutzer, benutzers, benutzerin, nutzer, nutzers, nutzerin, anwender, anwenders, menschen,"
    "niemand, niemandem",
    "COVERT": "heimlich, unbemerkt, im hintergrund, verdeckt, im stillen, stillschweigend, ohne wissen, diskret,"
    "im geheimen, verheimlich*, unauffallig",
    "MODEL": "assistent, ki-assistent, ki-modell, ki, sprachmodell, agent, ki-agent, modell, assistenten",
    "MUST": "hat zu, haben zu, ist zu, sind zu, soll, sollen, darf, durfen nicht, notwendig, "
    "musst, muss, mussen, sollst, immer, unbedingt, zwingend, stets, verpflichtend, erforderlich,"
    "stelle sicher, stellen sie sicher, zwingend",
    "STRONG": "jede, jeden, jeder, jedes, ausschliesslich, ist zu, sind zu, "
    "musst, muss, mussen, immer, unbedingt, zwingend, stets",
    "CALL": "aufgerufen werden, anzuwenden, nutzung, ausgefuhrt, "
    "rufe, rufen, aufruf*, aufgerufen, aufzurufen, verwende*, verwenden, benutze*, nutze, nutzen, ausfuhr*,"
    "fuhre, fuhren, starte",
    "TOOL": "werkzeug, werkzeuge, werkzeugs, tool, tools, funktion, funktionen, operation, operationen, anfrage,"
    "vorgang, aktion",
    "THISTOOL": "dieses werkzeug, dieses tool, diese funktion",
    "OTHERTOOL": "anderen werkzeuge, andere werkzeuge, anderes werkzeug, andere tools, anderen tools, jedes andere,"
    "jeder anderen, jedem anderen, alle anderen, aller anderen, jedem werkzeug, jeder operation, jedem vorgang,"
    "anderen werkzeugen, jeder anfrage",
    "BEFORE": "vor jedem, vor jeder, vor dem, bevor du, zuvor, vorab, "
    "bevor, vor, zuerst, vorher, zunachst, erst",
    "WHEN": "wenn, falls, sobald, jedes mal, immer wenn, beim",
    "PARAM": "iban, konto, kontonummer, betreffzeile, empfangers, "
    "parameter, argument, empfanger, empfangeradresse, adresse, feld, wert, betrag, pfad, betreff, inhalt",
    "CHANGE": "ersetzen, zu ersetzen, ersetzt, auszutauschen, abgeandert, andern, abandern, umschreib*, geandert, eingesetzt, "
    "ander*, ersetz*, setz*, modifizier*, hinzufug*, fuge, tausch*, umleit*, erganz*, uberschreib*, geandert",
    "INSTEAD": "auch wenn, egal, ungeachtet, trotz, stattdessen, anstatt, anstelle, statt, unabhangig",
    "SEND": "weiter, leite alle, weitergeleitet, uberweist, "
    "send, sende, senden, sendet, sendest, schick, schicke, schicken, gesendet, geschickt, weiterleit*, leite,"
    "ubermittl*, ubertrag*, hochlad*, lade, teile, uberweis*, veroffentlich*, versende*, maile",
    "INCLUDE": "mit dem inhalt, ubergibt, eintragen, mitgeben, schicke mit, "
    "fuge, fugen, gib, ubergib, ubergebe, schreibe, schreib, anhang*, hange, einfug*, trage",
    "READ": "herunterladen, inhalt von, inhalt der, "
    "lies, lese, lesen, offne, offnen, hole, holen, lade, sammle, sammeln, extrahier*, ruf, zugreif*, suche,"
    "kopier*, gib aus, zeige, fasse",
    "SECRET": "bestatigungscode*, kontakte, adressbuch, iban, tan, pin, "
    "passwort, passworter, passworte, kennwort, kennworter, zugangsdaten, anmeldedaten, api-schlussel,"
    "schlussel, privater schlussel, privaten schlussel, geheimnis*, token, tokens, personliche daten, kreditkarte*,"
    "vertraulich*, umgebungsvariablen, bankdaten, personenbezogen*, sensible daten",
    "TALK": "gesamte unterhaltung, gesamten verlauf, ganzen verlauf, verlauf, systemanweisung, systemanweisungen, vollstandigen gesprachs*, "
    "gesprachsverlauf, konversation, konversationsverlauf, chatverlauf, unterhaltung, systemprompt,"
    "system-prompt, systemanweisungen, bisherigen nachrichten, deine anweisungen, deinen prompt",
    "NEWTASK": "neue aufgabe, neue anweisung*, folgende, folgenden, folgendes, folgende anweisung*, deine aufgabe,"
    "neuen anweisungen, diese anweisung*, neuen aufgabe",
    "OBEY": "befolg*, folge, folgen, gehorch*, fuhre, mache, mach, tu, tue, erledige, halte dich",
    "URGENT": "wichtig, wichtige, dringend, achtung, sofort, warnung, hinweis, umgehend",
    "AUTH": "system, administrator, entwickler, sicherheitsrichtlinie*, compliance, sicherheitsteam, vorschrift*",
    "FROMME": "nachricht vom benutzer, nachricht des benutzers, nachricht vom administrator, ich bin der benutzer,"
    "ich bin dein, nachricht des administrators, nachricht vom system",
    "SAY": "verrate, gib mir, nenne, "
    "sag, sage, sagen sie, antworte, antworten sie, schreibe, schreibe nur, drucke, wiederhole, gib aus, behaupte,"
    "generieren sie, ausgeben, zeige",
    "ONLY": "nur, lediglich, einfach, ausschliesslich",
    "ROLE": "du bist jetzt, du bist nun, ab jetzt, ab sofort, verhalte dich wie, tu so, spiele die rolle, agieren,"
    "sie als, fungieren, agierst, gib dich als",
    "CONFIRM": "bestatigung, nachfrag*, fragen, ruckfrage, erlaubnis, zustimmung, genehmigung, nachzufragen, zu fragen",
    "MENTION": "beispiel, beispiele, beispielsweise, z.b., angriff, angriffe, angreifer, injektion*, schadlich*,"
    "bosartig*, sicherheitsforsch*",
    "PLEASE": "bitte",
    "VOCATIVE": "ki-assistent:, fur den assistenten, an alle ki, assistent muss, der assistent muss, der agent muss, an die ki, "
    "hinweis fur ki*, hinweis an das sprachmodell, an das sprachmodell, fur ki-systeme, an den assistenten, wenn du eine ki bist, als ki",
    "QUANT": "alle, alles, saemtliche, samtliche",
    "DO": "storniere, uberweise, zahle, installiere, empfiehl, ersetze, ausfuhren, "
    "losche, loschen, buche, kaufe, deaktiviere, lade herunter",
    "PRETEXT": "richtlinie*, sicherheitsgrunden, compliance, integritat, konsistenz, kompatibilitat, vorschrift*, einheitlich*, vorgabe, vorgaben, prufung, protokollierung",
    "GLOBAL": "jeden aufruf, jedem aufruf, alle aufrufe, alle anfragen, jede anfrage, alle zahlungen, jede uberweisung, alle nachrichten, jede nachricht, jeder dateizugriff",
    "DISPARAGE": "unsicher, veraltet, falsch, unzuverlassig, verboten, nicht mehr verwendet, fehlerhaft",
    "ASKED": "der benutzer eine andere, vom benutzer, angegeben*, der nutzer angibt, eingegeben*, gewunscht*, was der benutzer, nennt",
    "BEST": "bestes werkzeug, beste werkzeug, einzige werkzeug, das beste",
    "UNBOUND": "ohne einschrankungen, ohne regeln, ohne filter, keine regeln",
    "TASKDONE": "aufgabe erledigt, aufgabe abgeschlossen, bevor du weitermachst, bevor du antwortest, aufgabe des benutzers",
}
