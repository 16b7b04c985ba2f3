"""What the service answered, operation by operation, and whether that will do."""

import json
from collections import Counter, defaultdict
from pathlib import Path

# Less would mean that the cases hardly get past the checks of the request.
LEAST_SHARE = 0.30


def summarise(answers: Path, operations: list[str], wanted: int) -> list[str]:
    """Prints a row per operation and the totals; says what is wrong."""
    by_operation = defaultdict(Counter)
    faults = []
    with answers.open() as lines:
        for line in lines:
            answer = json.loads(line)
            by_operation[answer["operation"]][answer["status"] // 100] += 1
            if answer["status"] >= 500 or answer["status"] < 100:
                faults.append(f"{answer['request']} was answered {answer['status']}")

    print(f"{'operation':<20}{'cases':>8}{'2xx':>8}{'3xx':>8}{'4xx':>8}{'5xx':>8}")
    for name in operations:
        print(row(name, by_operation[name]))
    print(row("other methods", by_operation[None]))
    total = sum(by_operation.values(), Counter())
    print(row("all", total))
    cases = total.total()
    share = total[2] / max(cases, 1)
    print(
        f"contract: {cases} cases, {share:.1%} answered 2xx, "
        f"{len(faults)} answered 5xx or not at all"
    )

    wrong = list(faults)
    wrong += [f"{name} was never answered 2xx" for name in operations if not by_operation[name][2]]
    if share < LEAST_SHARE:
        wrong.append(f"{share:.1%} of the answers are 2xx; {LEAST_SHARE:.0%} have to be")
    if cases < wanted:
        wrong.append(f"{cases} cases were tried; {wanted} were asked for")
    return wrong


def row(name: str, classes: Counter) -> str:
    """One line of the table."""
    counts = "".join(f"{classes[first]:>8}" for first in (2, 3, 4, 5))
    return f"{name:<20}{classes.total():>8}{counts}"
