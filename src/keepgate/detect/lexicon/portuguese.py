"""Portuguese."""

WORDS = {
    "NOT": "nao, nunca, sem, jamais, nem, evite",
    "IGNORE": "deixe de lado, nao obedeca, "
    "ignore, ignora, ignorar, ignorem, ignorando, esqueca, esquece, esquecer, desconsider*, descart*,"
    "desobedec*, nao siga, anul*",
    "PRIOR": "anterior, anteriores, previa*, previo*, todas, todos, tudo, acima, existente*, original, originais,"
    "inicia*, as, suas, seus, tuas, dadas, antes",
    "INSTR": "pedido, solicitacao, tarefa, "
    "instrucao, instrucoes, ordem, ordens, regra, regras, diretriz, diretrizes, comandos, orientacoes, prompt,"
    "mensagem do sistema, restricoes, contexto, disse",
    "TELL": "fale, saiba, comente, avise ninguem, "
    "diga, digas, dizer, conte, contar, informe, informar, mencione, mencionar, revele, revelar, mostre,"
    "mostrar, notifique, notificar, avise, avisar",
    "USER": "cliente, usuario, usuarios, usuaria, utilizador, utilizadores, humano, ninguem, operador",
    "COVERT": "em segredo, secretamente, silenciosamente, discretamente, as escondidas, em silencio, sem que, ocult*,"
    "em segundo plano, sem o conhecimento, sem avisar",
    "MODEL": "assistente, modelo, agente, inteligencia artificial, ia, assistente de ia, modelo de linguagem",
    "MUST": "devem, ser sempre, "
    "deve, deves, devera, sempre, obrigatori*, tem que, precisa, certifique-se, e necessario, tens de",
    "STRONG": "cada, todas as, deve, deves, devera, sempre, obrigatori*, tem que, tens de",
    "CALL": "chame, chamar, chama, use, usar, utilize, utilizar, execute, executar, invoque, invocar",
    "TOOL": "ferramenta, ferramentas, funcao, funcoes, operacao, operacoes, tarefa, solicitacao, pedido",
    "THISTOOL": "esta ferramenta, essa ferramenta, esta funcao",
    "OTHERTOOL": "qualquer outra ferramenta, outras ferramentas, qualquer ferramenta, outra ferramenta,"
    "qualquer operacao, qualquer outra",
    "BEFORE": "antes de, antes, primeiro, previamente",
    "WHEN": "quando, se, sempre que, cada vez, toda vez, ao",
    "PARAM": "parametro, parametros, argumento, destinatario, endereco, campo, valor, quantia, caminho, assunto",
    "CHANGE": "trocado, trocar, substituido, ser trocad*, ser substituid*, alterado, "
    "mude, mudar, altere, alterar, altera, substitua, substituir, modifique, modificar, adicione, adicionar,"
    "troque, redirecion*",
    "INSTEAD": "nao importa, mesmo que, em vez de, ao inves de, no lugar de, independentemente",
    "SEND": "passe, mande, "
    "envie, enviar, envia, mande, mandar, encaminhe, encaminhar, transmita, transmitir, transfira, transferir,"
    "compartilhe, compartilhar, partilhe, publique, carregue",
    "INCLUDE": "passe o, coloque, passe, "
    "inclua, incluir, adicione, anexe, anexar, passe, insira, escreva, cole",
    "READ": "leia, ler, abra, abrir, acesse, acessar, aceda, obtenha, obter, colete, extraia, extrair, recolha, busque,"
    "copie, mostre, imprima, resuma",
    "SECRET": "codigo de verificacao, numero do cartao, contatos, chave pix, "
    "senha, senhas, palavra-passe, palavras-passe, credencial, credenciais, chave api, chave de api,"
    "chaves de api, chaves api, chave privada, chaves, token, tokens, segredo*, dados pessoais, cartao*, confidencia*,"
    "variaveis de ambiente, dados bancarios, dados sensiveis",
    "TALK": "conversa inteira, toda a conversa, historico completo, "
    "historico, conversa, historico da conversa, prompt do sistema, mensagens anteriores,"
    "instrucoes do sistema, suas instrucoes, seu prompt",
    "NEWTASK": "nova tarefa, novas instrucoes, seguinte instrucao, seguintes instrucoes, o seguinte, sua tarefa,"
    "esta instrucao, estas instrucoes, nova instrucao",
    "OBEY": "siga, seguir, cumpra, cumprir, obedeca, obedecer, faca, fazer, realize, execute",
    "URGENT": "importante, urgente, atencao, imediatamente, aviso, critico",
    "AUTH": "sistema, administrador, desenvolvedor, politica de seguranca, conformidade, equipe de seguranca",
    "FROMME": "mensagem do usuario, mensagem do administrador, sou o usuario, sou seu, mensagem do sistema",
    "SAY": "diga, responda, escreva, imprima, repita, mostre, afirme, declare",
    "ONLY": "apenas, somente, so, simplesmente",
    "ROLE": "voce agora e, aja como, finja ser, a partir de agora, atue como, agora voce e",
    "CONFIRM": "confirmacao, perguntar, permissao, aprovacao, consentimento, confirmar, pedir",
    "MENTION": "exemplo, exemplos, ataque, ataques, atacante, injecao, malicios*, por exemplo",
    "PLEASE": "por favor",
    "VOCATIVE": "assistente:, o assistente deve, o agente deve, para a ia, instrucao para, "
    "nota para o assistente, para o assistente, se voce e uma ia, assistente virtual, como ia",
    "QUANT": "todas, todos, tudo",
    "DO": "cancele, publique, pague, transfira, recomende, reserve, apague, exclua, compre, desative",
    "PRETEXT": "politica, politicas, conformidade, seguranca, integridade, consistencia, compatibilidade, auditoria",
    "GLOBAL": "todas as solicitacoes, cada mensagem, cada pagamento, toda requisicao, qualquer operacao de arquivo, todos os pagamentos",
    "DISPARAGE": "insegur*, obsolet*, incorret*, proibid*",
    "ASKED": "do que o usuario, o usuario pedir, o usuario pediu, informado pelo usuario",
    "BEST": "melhor ferramenta, a melhor ferramenta, unica ferramenta",
    "UNBOUND": "sem restricoes, sem limites, sem filtros",
    "TASKDONE": "tarefa concluida, pedido do usuario",
}
