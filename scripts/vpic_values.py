"""The texts of vPIC's elements, numbered."""

import re
from collections import defaultdict

from vpic_form import NONE
from vpic_source import LOOKUP_TABLES

MAKE, MANUFACTURER, VEHICLE_TYPE = 26, 27, 39
# Elements that do not come from patterns, whatever the patterns say.
FROM_ELSEWHERE = {MAKE, MANUFACTURER, 29, VEHICLE_TYPE}
TEXTS = 255  # the element under which texts that belong to none are filed


class Values:
    """The texts of each element, numbered from 0 within it."""

    def __init__(self, tables, elements):
        self.names = {element: {str(key): text for key, text in tables.lookup(table).items()}
                      for element, table in LOOKUP_TABLES.items()}
        unknown = [row[0] for row in elements if row[4] == "lookup" and row[5] and not row[3]
                   and row[5] != "Decoding" and row[0] not in LOOKUP_TABLES]
        if unknown:
            raise SystemExit(f"elements {unknown} need a table of names in vpic_source.py")
        self.attributes = defaultdict(set)
        self.number = {}

    def text(self, element, attribute):
        if element in self.names:
            attribute = self.names[element].get(str(attribute), "")
        text = re.sub("[\t\r\n]", " ", str(attribute))
        return text.upper() if element in FROM_ELSEWHERE else text

    def note(self, element, attribute):
        self.attributes[element].add(str(attribute))

    def freeze(self):
        """Numbers all that was noted; their texts in order."""
        bases, texts = [], []
        for element in range(256):
            bases.append(len(texts))
            known = sorted((self.text(element, a), a) for a in self.attributes[element])
            assert len(known) < NONE, f"element {element} has too many values"
            for index, (text, attribute) in enumerate(known):
                self.number[element, attribute] = index
                texts.append(text)
        bases.append(len(texts))
        self.bases = bases
        return bases, texts

    def __call__(self, element, attribute):
        return self.number[element, str(attribute)]

    def other(self, text):
        """The number, among all texts, of one that belongs to no element."""
        return self.bases[TEXTS] + self.number[TEXTS, text]
