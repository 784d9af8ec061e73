"""German."""

WORDS = {
    "NOT": "nicht, nichts, niemals, nie, ohne, kein, keine, keinen, keinem, keinesfalls, weder",
    "IGNORE": "ignorier*, missacht*, vergiss, vergessen, vergesse, verwirf, verwerfen, ubergeh*, uberschreib*,"
    "beachte nicht, setze dich uber, umgehe, umgehen, lass ausser acht",
    "PRIOR": "vorherige*, bisherige*, fruhere*, vorangegangen*, vorangehend*, vorig*, obige*, alle, alles, davor,"
    "ursprunglich*, bestehend*, deine*, ihre, saemtliche, samtliche, zuvor, gesagte, gegebenen, vorstehend*",
    "INSTR": "anweisung, anweisungen, instruktion*, befehl, befehle, befehlen, regel, regeln, vorgabe, vorgaben,"
    "richtlinie*, anordnungen, systemprompt, system-prompt, prompt, prompts, aufgaben, kontext, gesagte, weisungen,"
    "beschrankungen, davor, auftrage, vorschriften",
    "TELL": "sag, sage, sagen, erwahn*, informiere, informieren, mitteil*, mitzuteilen, teile, verrat*, zeig, zeige, zeigen, melde,"
    "melden, benachrichtig*, offenleg*, erzahl*, wissen zu lassen, hinweisen, offenbar*",
    "USER": "benutzer, benutzers, benutzerin, nutzer, nutzers, nutzerin, anwender, anwenders, menschen,"
    "niemand, niemandem",
    "COVERT": "heimlich, unbemerkt, im hintergrund, verdeckt, im stillen, stillschweigend, ohne wissen, diskret,"
    "im geheimen, verheimlich*, unauffallig",
    "MODEL": "assistent, ki-assistent, ki-modell, ki, sprachmodell, agent, ki-agent, modell, assistenten",
    "MUST": "musst, muss, mussen, sollst, immer, unbedingt, zwingend, stets, verpflichtend, erforderlich,"
    "stelle sicher, stellen sie sicher, zwingend",
    "STRONG": "musst, muss, mussen, immer, unbedingt, zwingend, stets",
    "CALL": "rufe, rufen, aufruf*, aufgerufen, aufzurufen, verwende*, verwenden, benutze*, nutze, nutzen, ausfuhr*,"
    "fuhre, fuhren, starte",
    "TOOL": "werkzeug, werkzeuge, werkzeugs, tool, tools, funktion, funktionen, operation, operationen, anfrage,"
    "vorgang, aktion",
    "THISTOOL": "dieses werkzeug, dieses tool, diese funktion",
    "OTHERTOOL": "anderen werkzeuge, andere werkzeuge, anderes werkzeug, andere tools, anderen tools, jedes andere,"
    "jeder anderen, jedem anderen, alle anderen, aller anderen, jedem werkzeug, jeder operation, jedem vorgang,"
    "anderen werkzeugen, jeder anfrage",
    "BEFORE": "bevor, vor, zuerst, vorher, zunachst, erst",
    "WHEN": "wenn, falls, sobald, jedes mal, immer wenn, beim",
    "PARAM": "parameter, argument, empfanger, empfangeradresse, adresse, feld, wert, betrag, pfad, betreff, inhalt",
    "CHANGE": "ander*, ersetz*, setz*, modifizier*, hinzufug*, fuge, tausch*, umleit*, erganz*, uberschreib*, geandert",
    "INSTEAD": "stattdessen, anstatt, anstelle, statt, unabhangig",
    "SEND": "send, sende, senden, sendet, sendest, schick, schicke, schicken, gesendet, geschickt, weiterleit*, leite,"
    "ubermittl*, ubertrag*, hochlad*, lade, teile, uberweis*, veroffentlich*, versende*, maile",
    "INCLUDE": "fuge, fugen, gib, ubergib, ubergebe, schreibe, schreib, anhang*, hange, einfug*, trage",
    "READ": "lies, lese, lesen, offne, offnen, hole, holen, lade, sammle, sammeln, extrahier*, ruf, zugreif*, suche,"
    "kopier*, gib aus, zeige, fasse",
    "SECRET": "passwort, passworter, passworte, kennwort, kennworter, zugangsdaten, anmeldedaten, api-schlussel,"
    "schlussel, privater schlussel, privaten schlussel, geheimnis*, token, tokens, personliche daten, kreditkarte*,"
    "vertraulich*, umgebungsvariablen, bankdaten, personenbezogen*, sensible daten",
    "TALK": "gesprachsverlauf, konversation, konversationsverlauf, chatverlauf, unterhaltung, systemprompt,"
    "system-prompt, systemanweisungen, bisherigen nachrichten, deine anweisungen, deinen prompt",
    "NEWTASK": "neue aufgabe, neue anweisung*, folgende, folgenden, folgendes, folgende anweisung*, deine aufgabe,"
    "neuen anweisungen, diese anweisung*, neuen aufgabe",
    "OBEY": "befolg*, folge, folgen, gehorch*, fuhre, mache, mach, tu, tue, erledige, halte dich",
    "URGENT": "wichtig, wichtige, dringend, achtung, sofort, warnung, hinweis, umgehend",
    "AUTH": "system, administrator, entwickler, sicherheitsrichtlinie*, compliance, sicherheitsteam, vorschrift*",
    "FROMME": "nachricht vom benutzer, nachricht des benutzers, nachricht vom administrator, ich bin der benutzer,"
    "ich bin dein, nachricht des administrators, nachricht vom system",
    "SAY": "sag, sage, sagen sie, antworte, antworten sie, schreibe, schreibe nur, drucke, wiederhole, gib aus, behaupte,"
    "generieren sie, ausgeben, zeige",
    "ONLY": "nur, lediglich, einfach, ausschliesslich",
    "ROLE": "du bist jetzt, du bist nun, ab jetzt, ab sofort, verhalte dich wie, tu so, spiele die rolle, agieren,"
    "sie als, fungieren, agierst, gib dich als",
    "CONFIRM": "bestatigung, nachfrag*, fragen, ruckfrage, erlaubnis, zustimmung, genehmigung, nachzufragen, zu fragen",
    "MENTION": "beispiel, beispiele, beispielsweise, z.b., angriff, angriffe, angreifer, injektion*, schadlich*,"
    "bosartig*, sicherheitsforsch*",
    "PLEASE": "bitte",
    "VOCATIVE": "hinweis fur ki*, hinweis an das sprachmodell, an das sprachmodell, fur ki-systeme, an den assistenten, wenn du eine ki bist, als ki",
    "QUANT": "alle, alles, saemtliche, samtliche",
    "DO": "losche, loschen, buche, kaufe, deaktiviere, lade herunter",
}
