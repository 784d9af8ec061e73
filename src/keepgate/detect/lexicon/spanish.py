"""Spanish."""

WORDS = {
    "NOT": "no, nunca, sin, jamas, ni, evita, evite",
    "IGNORE": "olvides, dejar de lado, deja de lado, ignora lo, "
    "ignora, ignore, ignorar, ignoren, ignoras, ignorando, olvida, olvide, olvidar, olvidese, descarta*,"
    "omite, omita, omitir, anula*, haz caso omiso, haga caso omiso, no sigas, desobedece*, pasa por alto",
    "PRIOR": "peticion, lo que te, lo anterior, "
    "anterior, anteriores, previa*, previo*, todas, todo, todos, toda, lo que, existentes, original*, tus, sus,"
    "inicial*, las, dadas, de arriba",
    "INSTR": "peticion, solicitud, pedido, restriccion, "
    "instruccion, instrucciones, indicacion, indicaciones, orden, ordenes, regla*, directriz, directrices,"
    "comandos, mensaje del sistema, prompt, digo, dicho, contexto, directivas, restricciones, normas",
    "TELL": "digas, se entere, enterarse, sepa, preguntes, comentes, comente, lo digas, "
    "digas, decir, diga, decirle, decirselo, informes, informar, informe, informarle, menciones, mencionar,"
    "mencione, reveles, revelar, revele, muestres, mostrar, muestre, notifiques, notificar, avises, avisar, cuentes,"
    "comuniques, comunicar",
    "USER": "cliente, persona, usuario, usuarios, usuaria, humano, operador, nadie",
    "COVERT": "en secreto, secretamente, silenciosamente, discretamente, en silencio, a escondidas, sin que, ocult*,"
    "sin avisar, en segundo plano, sin el conocimiento",
    "MODEL": "asistente, modelo, agente, inteligencia artificial, ia, asistente de ia, modelo de lenguaje",
    "MUST": "ha de, deben, haber que, "
    "debes, debe, deberas, debera, tienes que, tiene que, obligatori*, siempre, es necesario, asegurate, hay que",
    "STRONG": "cada, todos los, todas las, debes, debe, deberas, siempre, obligatori*, tienes que, tiene que",
    "CALL": "pasar por, llamarse, invocar, "
    "llama, llamar, llame, usa, usar, use, utiliza*, utilice, utilizar, ejecuta, ejecutar, ejecute, invoca*",
    "TOOL": "herramienta, herramientas, funcion, funciones, operacion, operaciones, tarea, solicitud",
    "THISTOOL": "esta herramienta, esta funcion, este metodo",
    "OTHERTOOL": "cualquier otra herramienta, otras herramientas, cualquier herramienta, otra herramienta,"
    "cualquier operacion, cualquier otra",
    "BEFORE": "antes de usar, primero por, antes de cualquier, antes de, primero, antes, previamente",
    "WHEN": "cuando, si, cada vez, siempre que, al",
    "PARAM": "iban, cuenta, nota, mensaje, "
    "parametro, parametros, argumento, destinatario, direccion, campo, valor, cantidad, ruta, asunto, importe",
    "CHANGE": "sustituirse, sustituir, cambiar, cambiarse, reemplazarse, ser reemplazad*, pon, poner, "
    "cambia*, cambie, reemplaza*, reemplace, modifica*, modifique, sustituye*, sustituya, anade*, agrega*,"
    "agregue, redirig*, redirija",
    "INSTEAD": "sin importar, aunque el usuario, diga lo que diga, "
    "en lugar de, en vez de, independientemente",
    "SEND": "enviar su, publica, publicar, envialas, enviala, pasala, "
    "envia, enviar, envie, envies, enviarla*, enviarlo*, enviaselo, manda, mandar, mande, reenvia*, reenvie,"
    "sube, subir, suba, transmite, transmitir, transferir, transfiere, transfiera, comparte, compartir, publica",
    "INCLUDE": "incluyendo, pasar, pasarle, pon, "
    "incluye, incluya, incluir, anade, agrega, pasa, adjunta*, adjunte, pega, escribe",
    "READ": "lee, leer, lea, abre, abrir, abra, accede, acceder, obten, obtener, obtenga, recopila*, extrae, extraer,"
    "busca, copia, muestra, imprime, resume",
    "SECRET": "codigo de verificacion, numero de tarjeta, contrasenas guardadas, contactos, "
    "contrasena, contrasenas, credenciales, clave, claves, clave api, claves api, clave privada, token, tokens,"
    "secreto*, datos personales, tarjeta*, informacion confidencial, datos confidenciales, variables de entorno,"
    "cuenta bancaria, clave de api, claves de api",
    "TALK": "conversacion completa, toda la conversacion, historial completo, "
    "historial, conversacion, historial de conversacion, historial de la conversacion, prompt del sistema,"
    "mensajes anteriores, instrucciones del sistema, tu prompt, tus instrucciones",
    "NEWTASK": "nueva tarea, nuevas instrucciones, siguiente instruccion, siguientes instrucciones, lo siguiente,"
    "esta instruccion, estas instrucciones, tu tarea, nueva instruccion",
    "OBEY": "sigue, siga, seguir, cumple, cumpla, obedece, obedezca, haz, haga, realiza, realice, ejecuta",
    "URGENT": "importante, urgente, atencion, inmediatamente, aviso, critico, obligatorio",
    "AUTH": "sistema, administrador, desarrollador, politica de seguridad, cumplimiento, equipo de seguridad",
    "FROMME": "mensaje del usuario, mensaje del administrador, soy el usuario, soy tu, mensaje del sistema",
    "SAY": "di, diga, decir, dile, responde, responda, escribe, escriba, imprime, repite, muestra, afirma, indica, dí",
    "ONLY": "solo, solamente, unicamente, simplemente, tienes que",
    "ROLE": "actua sin, haz de, "
    "actua como, actues como, ahora eres, a partir de ahora, finge ser, hazte pasar, eres ahora",
    "CONFIRM": "confirmacion, preguntar, permiso, aprobacion, consentimiento, confirmar, pedir",
    "MENTION": "ejemplo, ejemplos, ataque, ataques, atacante, inyeccion, malicios*, seguridad informatica",
    "PLEASE": "por favor",
    "VOCATIVE": "asistente:, el asistente debe, instruccion para el asistente, para la ia, el agente debe, agente:, "
    "nota para el asistente, para el asistente, nota interna para el asistente, si eres una ia, como ia, asistente virtual",
    "QUANT": "todas, todo, todos, toda",
    "DO": "cancela, publica, transfiere, paga, recomienda, concede, "
    "elimina, borra, reserva, compra, desactiva, descarga",
    "PRETEXT": "politica, politicas, cumplimiento, seguridad, integridad, coherencia, consistencia, compatibilidad, auditoria, normativa",
    "GLOBAL": "todas las solicitudes, cada mensaje, cada correo, todos los mensajes, cada operacion, todas las peticiones, cada solicitud, cada transferencia",
    "DISPARAGE": "insegura, inseguro, obsolet*, incorrect*, no es fiable, prohibid*",
    "ASKED": "lo que pida el usuario, el usuario indique, indicado por el usuario, el usuario pida, pedido por el usuario, haya pedido",
    "BEST": "la mejor herramienta, mejor herramienta, la unica herramienta",
    "UNBOUND": "sin restricciones, sin limites, sin filtros, sin reglas",
    "TASKDONE": "tarea completada, tarea del usuario, peticion anterior, solicitud del usuario",
}
