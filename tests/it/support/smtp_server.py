"""An SMTP receiver that answers address by address; see the table in smtp.rs.

Usage: smtp_server.py FOLDER [starttls]. Chooses a free port of 127.0.0.1 and writes it to FOLDER/port;
every accepted message becomes a line of FOLDER/accepted.jsonl before it is answered.
"""

import asyncio
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

REFUSED = {
    "no550": "550 5.1.1 no such user",
    "policy550": "550 5.7.1 refused by policy",
    "later450": "450 4.2.1 try again later",
    "full552": "552 5.2.2 mailbox full",
}
AFTER_DOT = {
    "dot451": "451 4.3.0 try again later",
    "dot554": "554 5.6.0 refused",
}
SLOW_SECONDS = 2


def scripted(table, address):
    return next((answer for prefix, answer in table.items() if address.startswith(prefix)), None)


class Handler:
    def __init__(self, folder):
        self.accepted = open(os.path.join(folder, "accepted.jsonl"), "a", encoding="utf-8")
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        answer = scripted(REFUSED, address)
        if answer is None and address.startswith("once450") and address not in self.seen:
            self.seen.add(address)
            answer = REFUSED["later450"]
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        for address in envelope.rcpt_tos:
            answer = scripted(AFTER_DOT, address)
            if answer is not None:
                return answer
        line = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "raw": envelope.original_content.decode("latin-1"),
        }
        self.accepted.write(json.dumps(line) + "\n")
        self.accepted.flush()
        if any(address.startswith("slow") for address in envelope.rcpt_tos):
            await asyncio.sleep(SLOW_SECONDS)
        if any(address.startswith("drop") for address in envelope.rcpt_tos):
            server.transport.abort()
        return "250 2.0.0 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"winback", b"secret")
    return AuthResult(success=right, handled=False)


async def serve(folder, starttls):
    handler = Handler(folder)
    options = {"hostname": "scripted.test", "enable_SMTPUTF8": True, "data_size_limit": 0}
    if starttls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem"))
        options.update(tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with open(os.path.join(folder, "port.new"), "w", encoding="ascii") as file:
        file.write(str(port))
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], "starttls" in sys.argv[2:]))
