"""What the Python clients here share: one line of JSON, 0 or 1, and the statement's subject."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path


def json_of(path: str) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def about(client: str, payload: bytes, artifact: bytes) -> dict:
    """Compares the statement's subject `index.json` with the artifact, which no client here does by itself."""
    statement = json.loads(payload)
    digest = hashlib.sha256(artifact).hexdigest()
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    if subjects.get("index.json") != digest:
        raise ValueError(f"the statement is not about these bytes: index.json has {digest}")
    return {"client": client, "predicateType": statement["predicateType"], "sha256": digest}


def answer(verify: Callable[..., dict], arguments: list[str]) -> None:
    """Runs `verify` and ends the process. Whatever a client raises is its refusal."""
    try:
        said = {"verified": True, **verify(*arguments)}
    except Exception as refusal:  # noqa: BLE001
        said = {"verified": False, "why": f"{type(refusal).__name__}: {refusal}"}
    print(json.dumps(said))
    sys.exit(0 if said["verified"] else 1)
