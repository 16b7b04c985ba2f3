"""A `files` scanner in Python: reports the word `forbidden`, and does what a file's first word says."""

from wit_world.exports import files
from wit_world.imports.types import Confidence, Finding, Location, Revision, Span

WORD = b"forbidden"


class Plugin:
    def configure(self, settings):
        pass


class Files:
    def scan(self, file: files.File):
        deed = DEEDS.get(bytes(file.content).split(b" ")[0])
        if deed is not None:
            deed()
        start = bytes(file.content).find(WORD)
        if start < 0:
            return []
        at = Location(file.path, Revision.HEAD, Span(start, start + len(WORD)))
        return [Finding("word", at, [], [], [], Confidence.HIGH, None)]


def loop():
    while True:
        pass


def allocate():
    hoard = []
    while True:
        hoard.append(b"\x01" * (1 << 20))


def recurse():
    import sys

    sys.setrecursionlimit(2**30)

    def down(n):
        return 1 + down(n + 1)

    down(0)


def throw():
    raise ValueError("as asked")


DEEDS = {b"loop": loop, b"allocate": allocate, b"recurse": recurse, b"throw": throw}
