"""Leads schemathesis to what exists, and writes down every answer.

Made-up ids are answered 404 and made-up sources 422, so on their own generated cases hardly get
past the front door. Part of the time, what a case asks for is therefore replaced by something
that is there. It happens in `before_call`, the last moment, because some of it is made during the
run: only a scan that was just submitted can still be called off.
"""

import json
import os
import random
import threading
from collections import deque
from http import HTTPStatus
from pathlib import Path

import requests
import schemathesis

# Which part of the cases is led; the others stay as they were generated, and are mostly refused.
LED = 0.6
# The same for submits: each that is accepted is work for the workers of this machine.
LED_TO_SUBMIT = 0.3
# Keys made during the run that are remembered, the newest last.
REMEMBERED = 64

STATE = json.loads(Path(os.environ["CERTUS_CONTRACT_STATE"]).read_text())
ANSWERS = Path(os.environ["CERTUS_CONTRACT_ANSWERS"])
STATE["needed"] = set(STATE["needed"])
ARCHIVE = Path(STATE["archive"]).read_bytes()

chance = random.Random(STATE["seed"])
lock = threading.Lock()
keys = deque(STATE["keys"], maxlen=REMEMBERED)
webhooks = deque(STATE["webhooks"], maxlen=REMEMBERED)
entries = deque(STATE["entries"], maxlen=REMEMBERED)


def submit():
    """A scan of one of the sources that there are."""
    source = chance.choice(
        [
            {"source_type": "directory", "directory_path": "shop"},
            {"source_type": "archive", "archive_path": STATE["upload"]},
            {"source_type": "archive", "archive_path": "shop.tar.gz"},
        ]
    )
    names = {
        "workspace_id": "acme",
        "component_id": "shop",
        "assessment_id": f"run-{chance.randrange(10**6)}",
    }
    return names | source


def word():
    """A name that nobody has taken."""
    return f"made-{chance.randrange(10**9)}"


def digest():
    """A SHA-256 of nothing that there is."""
    return f"{chance.getrandbits(256):064x}"


# What replaces a whole body, by the operation.
BODIES = {
    "submitScan": submit,
    "submitScans": lambda: {"scans": [submit()]},
    "uploadArchive": lambda: {"file": ARCHIVE},
    "createKey": lambda: {
        "user_id": STATE["user"],
        "name": word(),
        "scope": chance.choice(["read", "write"]),
    },
    "createOwnKey": lambda: {"name": word(), "expires_in_days": chance.randint(1, 3650)},
    "createTenant": lambda: {"id": word(), "name": word()},
    "changeTenant": lambda: {
        "weight": chance.randint(1, 1000),
        "on_error": chance.choice(["open", "closed"]),
    },
    "createUser": lambda: {"tenant_id": STATE["tenant"], "name": word(), "role": "tenant"},
    "changeUser": lambda: {"disabled": chance.choice([True, False])},
    "createWebhook": lambda: {"url": STATE["receiver"]},
    "keepGitCredential": lambda: {"name": "ci", "host": "git.example.com", "token": word()},
    "requestUpload": lambda: {"tier": chance.choice(["basic", "verified", "premium"])},
    "permitUpload": lambda: {
        "scan_id": chance.choice(STATE["scans"]),
        "tier": "basic",
        "artifacts": [],
    },
    "sign": lambda: {"artifact": digest(), "artifact_type": "report", "subject": word()},
    "verify": lambda: {"artifact": digest(), "signature": "MEUCIQ=="},
    "signArtifact": lambda: {
        "artifact_locations": {},
        "inner_signatures": {"files": []},
        "assessment_metadata": {"assessment_id": word()},
    },
    "verifyChain": lambda: {
        "artifact_locations": {},
        "signatures": {"inner": {"files": []}, "outer": {}},
    },
    # Nothing that the run rests on.
    "release": lambda: {"sha256": digest(), "reason": word()},
    "scanPrivacy": lambda: {
        "scan_id": STATE["publication"]["scan_id"],
        "dry_run": chance.choice([True, False]),
    },
    "executeUpload": lambda: dict(STATE["publication"]),
    "executeUploads": lambda: {"scans": [dict(STATE["publication"])]},
    "promote": lambda: {"keys": [f"{STATE['publication']['scan_id']}/incoming/scan.json"]},
    "uploadRaw": lambda: {"file": ARCHIVE},
    "revoke": lambda: {"kind": "plugin", "digest": digest(), "reason": word()},
}


def ended():
    """A scan that has ended: its stream ends too, and its bundle is there."""
    return {"test_id": chance.choice(STATE["scans"])}


def fresh():
    """A scan that was submitted just now: it can still be called off."""
    headers = {"Authorization": f"Bearer {os.environ['CERTUS_CONTRACT_KEY']}"}
    address = f"{STATE['url']}/v1/security-scans"
    answer = requests.post(address, json=submit(), headers=headers, timeout=30)
    return answer.json()["test_id"]


# What replaces path parameters, by the operation.
PATHS = {
    "changeTenant": lambda: {"id": STATE["tenant"]},
    "changeUser": lambda: {"id": STATE["user"]},
    "revokeKey": lambda: {"id": chance.choice(keys)},
    "revokeOwnKey": lambda: {"id": chance.choice(keys)},
    "dropWebhook": lambda: {"id": chance.choice(webhooks)},
    "dropGitCredential": lambda: {"id": "ci"},
    "getScan": ended,
    "listArtifacts": ended,
    "listFindings": ended,
    "followScan": ended,
    "requestUpload": ended,
    "getUpload": ended,
    "getProvenance": ended,
    "getEntry": lambda: {"id": chance.choice(entries)},
    "getArtifact": lambda: ended() | {"path": chance.choice(STATE["artifacts"])},
    "cancelScan": lambda: {"test_id": fresh()},
    "replayScan": lambda: {"test_id": STATE["dead_letter"]},
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Replaces ids and bodies part of the time, and always an id that would end the run."""
    operation = operation_id(case)
    with lock:
        if operation in PATHS and (is_needed(case) or chance.random() < LED):
            case.path_parameters = PATHS[operation]()
        share = LED_TO_SUBMIT if operation in ("submitScan", "submitScans") else LED
        if operation in BODIES and is_body_expected(case) and chance.random() < share:
            case.body = BODIES[operation]()
            case.headers.pop("Idempotency-Key", None)


@schemathesis.hook
def after_call(context, case, response):
    """Writes the answer down, and remembers what it made."""
    operation = operation_id(case)
    if response.status_code == HTTPStatus.CREATED and operation in ("createKey", "createOwnKey"):
        keys.append(response.json()["id"])
    if response.status_code == HTTPStatus.CREATED and operation == "createWebhook":
        webhooks.append(response.json()["id"])
    if response.status_code == HTTPStatus.ACCEPTED and operation == "sign":
        entries.append(response.json()["entry_id"])
    is_own_method = case.method.upper() == case.operation.method.upper()
    answer = {
        # A method that the path does not have is an answer of no operation.
        "operation": operation if is_own_method else None,
        "request": f"{response.request.method} {response.request.path_url}",
        "status": response.status_code,
        "seconds": response.elapsed,
    }
    with lock, ANSWERS.open("a") as answers:
        answers.write(json.dumps(answer) + "\n")


@schemathesis.hook
def after_network_error(context, case, request):
    """A request without an answer is one, too: a fault."""
    with lock, ANSWERS.open("a") as answers:
        answers.write(
            json.dumps({"operation": operation_id(case), "request": request.method, "status": 0})
            + "\n"
        )


def operation_id(case):
    """The name that the description gives the operation."""
    return case.operation.definition.raw["operationId"]


def is_needed(case):
    """Whether the case names the run's own key, user or tenant.

    Schemathesis learns ids from the lists it reads, and would revoke the one and disable the
    others.
    """
    return not STATE["needed"].isdisjoint(map(str, case.path_parameters.values()))


def is_body_expected(case):
    """Whether the case is of the method and the media type that the operation takes."""
    return (
        case.media_type in ("application/json", "multipart/form-data")
        and case.method == case.operation.method.upper()
    )
