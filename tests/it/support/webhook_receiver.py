"""A webhook receiver that answers by path; see the table in webhook.rs.

Usage: webhook_receiver.py FOLDER SECRET. Chooses a free port of 127.0.0.1 and writes it to FOLDER/port;
every request becomes a line of FOLDER/requests.jsonl before it is answered.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

FOLDER, SECRET = sys.argv[1], sys.argv[2]
SLOW_SECONDS = 2

lock = threading.Lock()
attempts = Counter()
log = open(os.path.join(FOLDER, "requests.jsonl"), "a", encoding="utf-8")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        webhook_id = self.headers.get("webhook-id")
        status = self.status(webhook_id)
        line = {
            "path": self.path,
            "id": webhook_id,
            "verified": self.verified(body),
            "status": status,
            "body": body.decode("utf-8", "replace"),
            "idempotency_key": self.headers.get("idempotency-key"),
        }
        with lock:
            log.write(json.dumps(line) + "\n")
            log.flush()
        if self.path.startswith("/slow"):
            time.sleep(SLOW_SECONDS)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    # Whoever follows a redirect does it with GET; it is logged like the rest.
    do_GET = do_POST

    def status(self, webhook_id):
        first = self.path.split("/")[1]
        if first.isdigit():
            return int(first)
        if first == "redirect":
            return 302
        if first == "flaky":
            with lock:
                attempts[webhook_id] += 1
                return 500 if attempts[webhook_id] <= 2 else 200
        return 200 if first in ("ok", "slow") else 404

    def verified(self, body):
        try:
            Webhook(SECRET).verify(body, dict(self.headers.items()), json_parse=False)
            return True
        except Exception:
            return False

    def log_message(self, format, *arguments):
        pass


server = Server(("127.0.0.1", 0), Handler)
with open(os.path.join(FOLDER, "port.new"), "w", encoding="ascii") as file:
    file.write(str(server.server_address[1]))
os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
server.serve_forever()
