"""A machine's power tree as rows of text (docs/formats.md, "Listings of machines"): read, and made again as plain files."""
import os
import re

KINDS = ("directory", "file", "link", "fails", "asleep", "other")


class BadListing(ValueError):
    pass


class Row:
    def __init__(self, kind, mode, path, rest):
        self.kind, self.mode, self.path, self.rest = kind, mode, path, rest

    def bytes(self):
        """What the file holds: its line end isn't written in a listing, its absence is."""
        text = self.rest
        end = b"\n"
        if text.endswith("\\c"):
            text, end = text[:-2], b""
        return unescaped(text) + end


def unescaped(text):
    def byte(match):
        word = match.group(1)
        if word == "n":
            return "\n"
        if re.fullmatch("x[0-9a-f]{2}", word):
            return chr(int(word[1:], 16))
        raise BadListing(f"\\{word} stands for nothing")
    return re.sub(r"\\(x..|.|$)", byte, text).encode("latin-1")


def parse(text):
    """The comments of a listing, and its rows."""
    comments, rows = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            comments.append(line[1:].strip())
            continue
        # A value may begin with blanks, so that only three are separators.
        words = line.split(" ", 3)
        if len(words) < 3 or words[0] not in KINDS or not re.fullmatch("0[0-7]{3}", words[1]):
            raise BadListing(f"line {number} is no row: {line[:80]!r}")
        path = unescaped(words[2]).decode("latin-1")
        if path.startswith("/") or ".." in path.split("/"):
            raise BadListing(f"line {number} leads out of the tree: {path!r}")
        rows.append(Row(words[0], int(words[1], 8), path, words[3] if len(words) > 3 else ""))
    return comments, rows


def make(rows, root):
    """Makes the tree below `root`. What couldn't be read on the machine isn't there: no plain file fails like that. What was asleep is empty,
    which is what a driver prints that can't say."""
    modes = []
    for row in rows:
        path = os.fsencode(root) + b"/" + row.path.encode("latin-1")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if row.kind == "directory":
            os.makedirs(path, exist_ok=True)
        elif row.kind == "file":
            with open(path, "wb") as file:
                file.write(row.bytes())
        elif row.kind == "link":
            os.symlink(unescaped(row.rest), path)
        elif row.kind == "asleep":
            with open(path, "wb") as file:
                file.write(b"\n")
        elif row.kind == "other":
            os.mkfifo(path)
        if row.kind not in ("link", "fails"):
            modes.append((path, row.mode))
    # Last, and what lies deeper first: a directory may be one that nobody writes in.
    for path, mode in reversed(modes):
        os.chmod(path, mode)
