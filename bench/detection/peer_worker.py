"""Runs where the peers are installed (.cache/detection): artifacts in, what each peer says out, one line each.

Nothing of keepgate is imported here, and nothing that a peer would fetch: only its rules are used.
"""

import io
import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path

Says = Callable[[str, str, str, dict], bool]
"""Of (kind, name, text, schema)."""


def cisco() -> Says:
    """The YARA rules of mcp-scanner."""
    import yara

    spec = next(Path(place) for place in sys.path if (Path(place) / "mcpscanner").is_dir())
    files = sorted((spec / "mcpscanner" / "data" / "yara_rules").glob("*.yara"))
    rules = yara.compile(sources={file.stem: file.read_text() for file in files})
    return lambda _kind, name, text, _schema: bool(rules.match(data=f"{name}\n{text}"))


def agent_os() -> Says:
    """Microsoft's agent-os: the MCP scanner for tools, the response scanner for results, the rest for prompts.

    Without the schema: with it, it flags every tool that has no parameters.
    """
    from agent_os.mcp_response_scanner import MCPResponseScanner
    from agent_os.mcp_security import MCPSecurityScanner
    from agent_os.prompt_injection import PromptInjectionDetector

    tools, results, prompts = MCPSecurityScanner(), MCPResponseScanner(), PromptInjectionDetector()

    def says(kind: str, name: str, text: str, _schema: dict) -> bool:
        if kind == "tool":
            return bool(tools.scan_tool(name, text))
        if kind == "prompt":
            return prompts.detect(text).is_injection
        return not results.scan_response(text).is_safe

    return says


PEERS = {"Cisco mcp-scanner, YARA": cisco, "Microsoft agent-os": agent_os}


def main() -> None:
    warnings.simplefilter("ignore")
    import logging

    logging.disable(logging.CRITICAL)
    there: dict[str, Says] = {}
    for name, make in PEERS.items():
        with suppress(Exception), redirect_stdout(io.StringIO()):
            there[name] = make()
    print(json.dumps(sorted(there)), flush=True)
    for line in sys.stdin:
        artifact = json.loads(line)
        tool = artifact.get("tool") or {}
        text = tool.get("description", "") if tool else artifact["text"]
        flags, took = {}, {}
        for name, says in there.items():
            start = time.perf_counter()
            flags[name] = says(artifact["kind"], tool.get("name", ""), text, tool.get("inputSchema", {}))
            took[name] = time.perf_counter() - start
        print(json.dumps({"id": artifact["id"], "flags": flags, "took": took}), flush=True)


if __name__ == "__main__":
    main()
