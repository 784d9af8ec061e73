"""The `client --command` of the suite's `auth/*` scenarios: keepgate is the OAuth client of the suite's server.

usage: authclient.py SUITE_URL

The MCP client in front knows nothing of OAuth: it calls tools of keepgate. Told to log somebody in, it plays the
browser of that person: it opens keepgate's page, goes where that leads, and comes back to keepgate.

Environment: KEEPGATE_GWCLIENT_LOG, a file that keepgate's output is appended to.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import httpx2

from tests.support.processes import allow_all, clean_env, free_port, running, write_config

SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
REVISION = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25")
LOGINS = 4
"""Logins that a person puts up with."""


def issuer_of(server: str) -> str:
    """What an administrator would know: the suite does not say it in its context."""
    origin, _, path = server.partition("://")[2].partition("/")
    for place in (f"/.well-known/oauth-protected-resource/{path}", "/.well-known/oauth-protected-resource"):
        answer = httpx2.get(f"http://{origin}{place}")
        if answer.status_code == 200:
            return answer.json()["authorization_servers"][0]
    raise RuntimeError("the suite's server has no metadata")


def auth(server: str) -> tuple[dict, dict]:
    """The configuration for a scenario, and the secrets it names."""
    if not CONTEXT.get("client_id"):
        return {
            "type": "oauth",
            "client_metadata_url": "https://conformance-test.local/client-metadata.json",
        }, {}
    known = {"client_id": CONTEXT["client_id"], "issuer": issuer_of(server)}
    secrets = {}
    if "client_secret" in CONTEXT:
        known["client_secret"], secrets["SECRET"] = {"secret": "env:SECRET"}, CONTEXT["client_secret"]
    if "private_key_pem" in CONTEXT:
        known["client_key"], secrets["KEY"] = {"secret": "env:KEY"}, CONTEXT["private_key_pem"]
        known["client_algorithm"] = CONTEXT.get("signing_algorithm", "ES256")
    if SCENARIO.startswith("auth/client-credentials"):
        return {"type": "client_credentials", **known}, secrets
    if "idp_id_token" in CONTEXT:
        secrets["SUBJECT"] = CONTEXT["idp_id_token"]
        idp = {"client_id": CONTEXT["idp_client_id"], "token_url": CONTEXT["idp_token_endpoint"]}
        subject = {"subject": "id_token", "subject_token": {"secret": "env:SUBJECT"}}
        return {"type": "id_jag", **known, **subject, "idp": idp}, secrets
    return {"type": "oauth", **known}, secrets


class Caller:
    """A bare MCP client of either era."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.Client(timeout=30)
        self.session: dict[str, str] = {}
        self.stateless = REVISION >= "2026-07-28"
        self.ids = iter(range(1, 1000))

    def ask(self, method: str, params: dict) -> dict:
        headers = {"Accept": "application/json, text/event-stream", **self.session}
        if self.stateless:
            headers |= {"MCP-Protocol-Version": REVISION, "Mcp-Method": method}
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
            meta = "io.modelcontextprotocol"
            params = {
                **params,
                "_meta": {
                    f"{meta}/protocolVersion": REVISION,
                    f"{meta}/clientInfo": {"name": "c", "version": "1"},
                    f"{meta}/clientCapabilities": {},
                },
            }
        body = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params}
        answer = self.http.post(self.url, json=body, headers=headers)
        print(method, answer.status_code, answer.text[:600], flush=True)
        if "mcp-session-id" in answer.headers:
            self.session = {
                "Mcp-Session-Id": answer.headers["mcp-session-id"],
                "MCP-Protocol-Version": REVISION,
            }
        text = answer.text
        if answer.headers["content-type"].startswith("text/event-stream"):
            events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
            text = events[-1]
        return json.loads(text)

    def everything(self) -> dict:
        """Connect, list, call the first tool; the last answer."""
        if not self.stateless and not self.session:
            hello = {
                "protocolVersion": REVISION,
                "capabilities": {},
                "clientInfo": {"name": "c", "version": "1"},
            }
            opened = self.ask("initialize", hello)
            if "error" in opened:
                return opened
        listed = self.ask("tools/list", {})
        tools = listed.get("result", {}).get("tools", [])
        return self.ask("tools/call", {"name": tools[0]["name"], "arguments": {}}) if tools else listed


def log_in(answer: dict) -> bool:
    """Be the person and the browser, if the answer asks for that."""
    text = json.dumps(answer)
    if "/login/" not in text:
        return False
    page = "http" + text.split("open http", 1)[1].split(" ", 1)[0]
    with httpx2.Client(timeout=30) as browser:
        shown = browser.post(page)
        print("page", shown.status_code, shown.text, flush=True)
        if "href=" not in shown.text:
            return False
        there = shown.text.split('href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
        back = httpx2.get(there)
        print("authorized", back.status_code, back.headers.get("location"), flush=True)
        done = browser.get(back.headers["location"])
        print("callback", done.status_code, done.text, flush=True)
        return done.status_code == 200


def main(server: str) -> int:
    with tempfile.TemporaryDirectory(prefix="keepgate-authclient-") as name:
        directory, port = Path(name), free_port()
        entry, secrets = auth(server)
        config = allow_all(port, directory, {"suite": {"url": server, "prefix": "", "auth": entry}})
        file = write_config(directory / "keepgate.yaml", config)
        command = [sys.executable, "-m", "keepgate", "serve", "--config", str(file)]
        try:
            with running(command, directory / "gateway.log", env=clean_env(directory) | secrets) as gateway:
                gateway.wait_for_line("ready: ")
                caller = Caller(f"http://127.0.0.1:{port}/mcp/suite")
                answer = caller.everything()
                for _ in range(LOGINS):
                    if not log_in(answer):
                        break
                    answer = caller.everything()
                return 0 if "result" in answer and not answer["result"].get("isError") else 1
        finally:
            log = os.environ.get("KEEPGATE_GWCLIENT_LOG")
            if log:
                with open(log, "ab") as out:
                    out.writelines(each.read_bytes() for each in sorted(directory.glob("*.log")))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
