"""Holds a running service to its own description (OpenAPI) with schemathesis and an API key.

`python tests/contract/run.py --certus target/debug/certus --folder /tmp/contract`; its usual
caller is `cargo xtask contract`. The exit code is 1 when an answer is a 5xx or not as described,
when an operation is never answered 2xx, or when too few answers are.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from service import Client, Service, fill, install, lose_worker
from summary import summarise

# How many cases are tried at least.
LONG = 5_000
SHORT = 600
# Of the long form, the cases that schemathesis derives from examples and bounds, at the least.
DERIVED = 1_200
# Operations that take neither a parameter nor a body nor a key: health, also of Trust, metrics and
# statistics.
TAKE_NOTHING = 7
HERE = Path(__file__).resolve().parent
METHODS = ("get", "put", "post", "patch", "delete")
# Those that hold an answer against the description. The checks that hold the answer against what
# was sent are left out: the hooks change what is sent after schemathesis has judged it.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)


def main() -> int:
    """Makes the service, tries it, and says what came of it."""
    wish = arguments()
    # Whoever ends this ends the service with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wish.folder.mkdir(parents=True)
    service = Service(wish.certus.resolve(), wish.folder.resolve())
    key = install(service)
    client = Client(service, key)
    with service.process("serve", "--no-workers") as process:
        service.await_ready(process)
        lost = lose_worker(service, client)
    with service.process("serve") as process:
        service.await_ready(process)
        state = fill(service, client, lost)
        described = client.ask("GET", "/openapi.json")
        operations = [
            operation["operationId"]
            for path in described["paths"].values()
            for method, operation in path.items()
            if method in METHODS
        ]
        answers = wish.folder / "answers.jsonl"
        status = schemathesis(service, key, state, answers, wish, len(operations))
        alive = process.poll() is None
    wrong = summarise(answers, operations, wish.cases)
    if status != 0:
        wrong.append(f"schemathesis ended with {status}: see above")
    if not alive:
        wrong.append("the service ended during the run")
    for line in wrong:
        print(f"contract: {line}", file=sys.stderr)
    return 1 if wrong else 0


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--certus", type=Path, required=True, help="the program")
    parser.add_argument(
        "--folder", type=Path, required=True, help="where the service lives; must not exist"
    )
    parser.add_argument("--short", action="store_true", help="600 cases, in place of 5,000")
    parser.add_argument("--seed", type=int, default=20261122, help="what the cases are made from")
    wish = parser.parse_args()
    wish.cases = SHORT if wish.short else LONG
    return wish


def schemathesis(
    service: Service, key: str, state: dict, answers: Path, wish, operations: int
) -> int:
    """Runs schemathesis from this Python's own environment.

    The short form leaves out the cases that it derives one by one from the bounds of every field,
    for they alone are more than it may try.
    """
    state |= {
        "seed": wish.seed,
        "url": service.url,
        "archive": str(service.workspace / "shop.tar.gz"),
    }
    kept = wish.folder / "state.json"
    kept.write_text(json.dumps(state))
    answers.touch()
    made_up = wish.cases if wish.short else wish.cases - DERIVED
    command = [
        Path(sys.executable).with_name("st"),
        "run",
        f"{service.url}/openapi.json",
        "--header",
        f"Authorization: Bearer {key}",
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,fuzzing" if wish.short else "examples,coverage,fuzzing",
        "--max-examples",
        # Operations that take nothing have one case each.
        # Some run out of cases before the others: a quarter more is asked for.
        str(made_up * 5 // 4 // (operations - TAKE_NOTHING) + 1),
        "--seed",
        str(wish.seed),
        "--request-timeout",
        "30",
        "--continue-on-failure",
        "--no-shrink",
        "--generation-database",
        "none",
        "--suppress-health-check",
        "all",
        "--no-color",
    ]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CERTUS_CONTRACT_KEY": key,
        "CERTUS_CONTRACT_STATE": str(kept),
        "CERTUS_CONTRACT_ANSWERS": str(answers),
    }
    return subprocess.run(command, cwd=wish.folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
