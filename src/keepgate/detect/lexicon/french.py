"""French."""

WORDS = {
    "NOT": "ne, n', pas, jamais, sans, ni, aucun, aucune, evite, evitez",
    "IGNORE": "laisse de cote, ne respecte plus, ne reponds pas a, "
    "ignore, ignorez, ignorer, ignores, oublie, oubliez, oublier, neglig*, ne tiens pas compte,"
    "ne tenez pas compte, ne tenez aucun compte, fais abstraction, faites abstraction, outrepass*, contourne*, ecarte*",
    "PRIOR": "precedent*, precedemment, anterieur*, toutes, tous, tout, ci-dessus, initial*, existant*, originale*,"
    "vos, tes, les, ton, votre, ce que, donnees, avant",
    "INSTR": "question, demande, demande de, "
    "instruction, instructions, consigne, consignes, directive, directives, regle, regles, ordre, ordres,"
    "commandes, prompt, prompts, message systeme, contraintes, contexte, restrictions",
    "TELL": "rien dire, n'en parle, en parle, sache, savoir, en parler, prevenir, "
    "dis, dire, dites, informe, informez, informer, mentionn*, revel*, montre*, montrer, notifie, notifiez, notifier, avert*, preven*, signale*,"
    "divulgu*, parle, parlez, parler",
    "USER": "le client, du client, au client, un client, votre client, les clients, vos clients, "
    "utilisateur, utilisateurs, utilisatrice, l'utilisateur, humain, operateur, personne",
    "COVERT": "secretement, en secret, discretement, silencieusement, en silence, a l'insu, furtivement, en arriere-plan,"
    "sans que, en cachette, dissimul*, cache cela, cache ceci, cache-le, cache la, cache le, cache les, cache cette, cachez",
    "MODEL": "assistant, modele, agent, l'assistant, intelligence artificielle, ia, modele de langage, l'agent, l'ia",
    "MUST": "doivent, doit etre, il convient, "
    "dois, devez, doit, toujours, obligatoire*, obligatoirement, il faut, assure-toi, assurez-vous, necessaire,"
    "imperatif, imperativement",
    "STRONG": "chaque, systematiquement, "
    "dois, devez, doit, toujours, obligatoire*, obligatoirement, imperativement",
    "CALL": "est utilise, appeler celui-ci, passer par, telecharg*, "
    "appelle*, appeler, appelez, utilise*, utiliser, utilisez, execute*, executer, executez, invoque*, lance*",
    "TOOL": "outil, outils, l'outil, fonction, fonctions, operation, operations, requete, tache, action",
    "THISTOOL": "cet outil, cette fonction, cette methode",
    "OTHERTOOL": "tout autre outil, autres outils, tous les outils, autre outil, n'importe quel outil, toute operation,"
    "toute autre, chaque outil, d'autres outils",
    "BEFORE": "avant, avant de, d'abord, au prealable, prealablement, premierement",
    "WHEN": "quand, lorsque, lorsqu'*, si, chaque fois, a chaque fois, des que, lors",
    "PARAM": "parametre, parametres, argument, destinataire, adresse, champ, valeur, montant, chemin, objet, contenu",
    "CHANGE": "remplace toujours, etre remplace*, mets, mettre, "
    "change*, changer, changez, remplace*, remplacer, remplacez, modifi*, ajout*, substitu*, redirig*",
    "INSTEAD": "quoi que dise, meme si, peu importe, "
    "au lieu, plutot que, a la place, quel que soit, independamment",
    "SEND": "fais parvenir, envoie-*, en copie, "
    "envoie*, envoye*, envoyer, envoyez, transmet*, transmettre, transfere*, transferer, transferez, televers*,"
    "partage*, partager, partagez, publie*, poste, virez",
    "INCLUDE": "passant, en lui passant, mets, mettre, en copie cachee, fournis, fournir, "
    "inclu*, inclure, ajoute*, ajouter, ajoutez, joins, joignez, insere*, passe, passez, ecris, ecrivez",
    "READ": "lis, lire, lisez, ouvre*, ouvrir, ouvrez, accede*, acceder, recuper*, obten*, obtenir, collect*,"
    "extrai*, extraire, cherche*, copie*, affiche*, resume*",
    "SECRET": "code de verification, numero de carte, contacts, fichiers prives, "
    "mot de passe, mots de passe, identifiants, cle api, cles api, cle d'api, cles d'api, cle privee,"
    "cles privees, jeton, jetons, secret*, donnees personnelles, carte bancaire, carte de credit, confidentiel*,"
    "variables d'environnement, donnees sensibles, donnees bancaires, token, tokens",
    "TALK": "historique complet, l'historique complet, toute la conversation, "
    "historique, historique de la conversation, conversation, prompt systeme, l'historique, messages precedents,"
    "invite systeme, instructions systeme, tes instructions, vos instructions, ton prompt",
    "NEWTASK": "nouvelle tache, nouvelles instructions, instruction suivante, instructions suivantes, ce qui suit,"
    "ta tache, votre tache, cette instruction, ces instructions, nouvelle instruction",
    "OBEY": "suis, suivez, suivre, obeis, obeissez, respecte*, respectez, fais, faites, effectue*, execute*",
    "URGENT": "important*, urgent*, attention, immediatement, avertissement, critique",
    "AUTH": "systeme, administrateur, developpeur, politique de securite, conformite, equipe de securite",
    "FROMME": "message de l'utilisateur, message de l'administrateur, je suis l'utilisateur, je suis ton, je suis votre,"
    "message du systeme",
    "SAY": "donne-moi, revele, "
    "dis, dites, reponds, repondez, ecris, ecrivez, affiche, affichez, repete, repetez, imprime*, indique*,"
    "declare*, affirme*",
    "ONLY": "seulement, uniquement, juste, simplement, rien d'autre",
    "ROLE": "tu es maintenant, vous etes maintenant, agis comme, agissez comme, desormais, a partir de maintenant,"
    "fais semblant, faites semblant, joue le role",
    "CONFIRM": "confirmation, demander, permission, autorisation, consentement, approbation, confirmer",
    "MENTION": "exemple, exemples, attaque, attaques, attaquant, injection, malveillant*, par exemple",
    "PLEASE": "veuillez, s'il te plait, s'il vous plait, merci de",
    "VOCATIVE": "instruction pour l'ia, consigne pour l'agent, l'assistant doit, l'agent doit, assistant :, pour l'ia, "
    "a l'attention de l'agent, a l'attention de l'ia, note pour l'assistant, si vous etes une ia, agent ia, pour l'assistant",
    "QUANT": "toutes, tous, tout",
    "DO": "annule, publie, telecharge, paie, recommande, transfere, "
    "supprime, supprimez, reserve, achete, desactive",
    "PRETEXT": "politique, conformite, securite, integrite, coherence, compatibilite, reglement*, audit",
    "GLOBAL": "chaque requete, toutes les requetes, chaque message, chaque appel, tous les appels, tous les messages, chaque operation",
    "DISPARAGE": "dangereu*, obsolete*, incorrect*, interdit*, peu fiable*, non securise*",
    "ASKED": "demande par l'utilisateur, indique par l'utilisateur, choisi par l'utilisateur, que l'utilisateur",
    "BEST": "meilleur outil, le meilleur outil, seul outil",
    "UNBOUND": "sans restriction*, sans limite*, sans filtre*",
    "TASKDONE": "tache terminee, demande de l'utilisateur, question posee",
}
