"""What the keys of vPIC's patterns allow, and which of them can fit one VIN."""


def parse_key(key, formula=False):
    """What a key allows at each position, as sets of characters; `None` allows all."""
    out, at = [], 0
    while at < len(key):
        if key[at] == "[" and "]" in key[at:]:
            end = key.index("]", at)
            out.append(read_class(key[at + 1:end]))
            at = end
        elif key[at] == "*":
            out.append(None)
        elif key[at] == "#":
            out.append(set("0123456789") if formula else {"#"})
        else:
            out.append({key[at]})
        at += 1
    return out


def read_class(text):
    """The characters of a class. A range runs over letters that no VIN has: in NHTSA's list of what
    may stand there they are left out, but for those that the class names itself."""
    allowed, at = set(), 0
    while at < len(text):
        if at + 2 < len(text) and text[at + 1] == "-":
            within = {chr(c) for c in range(ord(text[at]), ord(text[at + 2]) + 1)}
            allowed |= {c.lower() if c in "IOQ" else c for c in within}
            at += 3
        else:
            allowed.add(text[at])
            at += 1
    return allowed


POSITIONS, WIDTH = 14, 40
ALPHABET = "0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ|#"
BIT = {c: 1 << i for i, c in enumerate(ALPHABET)}
CHARACTERS = sum(BIT[c] for c in ALPHABET if c not in "|#")  # some keys fill up with _
ANY = (1 << len(ALPHABET)) - 1
CARRY = sum(((1 << WIDTH) - 1 >> 1) << (WIDTH * p) for p in range(POSITIONS))
GUARD = sum(1 << (WIDTH * p + WIDTH - 1) for p in range(POSITIONS))


def mask(key, formula):
    """The key as one number: two keys overlap where every position has a bit in common."""
    allowed = parse_key(key, formula)
    allowed += [None] * (POSITIONS - len(allowed))
    return sum((ANY if a is None else sum(BIT.get(c.upper(), 0) for c in a)) << (WIDTH * p)
               for p, a in enumerate(allowed))


def overlap(one, other):
    return ((one & other) + CARRY) & GUARD == GUARD
