"""A database of vulnerabilities with OSV's interface, on this machine.

https://google.github.io/osv.dev/post-v1-query/
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Database:
    """Knows vulnerabilities by the name of a package; counts what it is asked."""

    def __init__(self, known=None, status=200):
        self.known, self.status, self.asked = known or {}, status, []
        database = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                database.asked.append((query["package"]["name"], query["version"]))
                answer = json.dumps(database.answer(query)).encode()
                self.send_response(database.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/query"

    def answer(self, query):
        fixed = self.known.get(query["package"]["name"])
        if fixed is None:
            return {}
        package = {"name": query["package"]["name"], "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
        affected = [{"package": package, "ranges": ranges}]
        moment = "2026-11-01T00:00:00Z"
        known = {"id": "GHSA-test", "modified": moment, "published": moment, "summary": "bad", "aliases": ["CVE-1-1"]}
        return {"vulns": [{**known, "details": "very bad", "affected": affected}]}

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
