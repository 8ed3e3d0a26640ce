"""Parses the .eml files of a folder and writes what is in them as a JSON list; see mail.rs.

Usage: parse_mail.py FOLDER
"""

import email
import email.policy
import json
import pathlib
import sys
from html.parser import HTMLParser


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag in ("a", "area"):
            self.found.extend(value for name, value in attributes if name == "href" and value is not None)


def describe(defects):
    return [f"{type(defect).__name__}: {defect}" for defect in defects]


def parse(path):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.SMTP)
    defects = describe(message.defects)
    for name, value in message.items():
        defects.extend(f"{name}: {defect}" for defect in describe(value.defects))
    parts, links = [], Links()
    for part in message.walk():
        if part is not message:
            defects.extend(describe(part.defects))
        if part.is_multipart():
            continue
        text = part.get_content() if part.get_content_maintype() == "text" else ""
        parts.append({"content_type": part.get_content_type(), "text": text})
        if part.get_content_type() == "text/html":
            links.feed(text)
    return {
        "headers": [(name, str(value)) for name, value in message.items()],
        "parts": parts,
        "links": links.found,
        "defects": defects,
    }


json.dump([parse(path) for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))], sys.stdout)
