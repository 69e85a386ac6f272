"""Packs vPIC's tables into the flat form that `src/domain/vin/vpic/data.rs` reads.

All numbers are little-endian. Lookups are resolved, ids and dates are gone; of the order in which
NHTSA prefers one pattern to another, only what two patterns can ever dispute about is kept.
"""

import re
import struct
from collections import defaultdict
from itertools import combinations

from vpic_form import NONE, array_of, seconds, u16, u24, u32
from vpic_keys import BIT, CHARACTERS, POSITIONS, mask, overlap, parse_key
from vpic_source import LOOKUP_TABLES
from vpic_values import FROM_ELSEWHERE, MAKE, MANUFACTURER, TEXTS, VEHICLE_TYPE, Values

BODY_CLASS, MODEL = 5, 28
# Elements that keep all their values.
MULTIPLE = {114, 121, 129, 150, 154, 155, 169, 186}
# One is computed from another, so that their patterns dispute with each other.
DISPLACEMENTS = {11, 12, 13}
# What the decoder computes, by (from, to); anything else in the table would be news to it.
CONVERSIONS = {(11, 12): "/16.387064", (12, 11): "*16.387064", (11, 13): "/1000.",
               (13, 11): "*1000", (12, 13): "*0.016387064", (13, 12): "/0.016387064"}
FOREVER = 2999


class Pack:
    def __init__(self, tables):
        self.tables = tables
        self.elements = tables.read("element", "#id", "name", "code", "#isprivate", "datatype",
                                    "decode", "#weight")
        self.values = Values(tables, self.elements)
        self.public = {row[0] for row in self.elements if row[5] and not row[3]}
        self.sections = {}
        self.check_conversions()

    def check_conversions(self):
        found = {(a, b): re.sub(r"\s|#x#", "", formula) for a, b, formula in
                 self.tables.read("conversion", "#fromelementid", "#toelementid", "formula")}
        if found != CONVERSIONS:
            raise SystemExit(f"the conversions have changed: {found}")

    def run(self):
        self.read()
        bases, texts = self.values.freeze()
        self.add("bases", array_of("I", bases))
        self.add_texts("texts", texts)
        self.pack_elements()
        self.pack_schemas()
        self.pack_wmis()
        self.pack_models()
        self.pack_engines()
        self.pack_specs()
        self.pack_rest()
        return self.sections

    def add(self, name, data):
        self.sections[name] = bytes(data)

    def add_texts(self, name, texts):
        encoded = [text.encode() for text in texts]
        ends = [0]
        for text in encoded:
            ends.append(ends[-1] + len(text))
        self.add(name + "_ends", array_of("I", ends))
        self.add(name, b"".join(encoded))

    def read(self):
        """Reads all tables and notes their values."""
        read, note = self.tables.read, self.values.note
        self.wmis = sorted(read("wmi", "wmi", "#id", "#manufacturerid", "#vehicletypeid",
                                "#trucktypeid", "publicavailabilitydate"))
        self.wmis = [row for row in self.wmis if row[5] is not None]
        self.links = defaultdict(list)
        for wmi, schema, first, last in read("wmi_vinschema", "#wmiid", "#vinschemaid",
                                             "#yearfrom", "#yearto"):
            self.links[wmi].append((first, FOREVER if last is None else last, schema))
        linked = {schema for row in self.wmis for _, _, schema in self.links[row[1]]}
        patterns = read("pattern", "#vinschemaid", "keys", "#elementid", "attributeid",
                        "@changed", "#id")
        self.newest = max(row[4] for row in patterns)
        self.patterns = [row for row in patterns if row[0] in linked]
        kept = {element for element in self.public if element not in FROM_ELSEWHERE}
        for _, key, element, attribute, _, _ in self.patterns:
            if element in kept or "#" in key:
                note(element, attribute)
        self.kept = kept
        self.makes_of = defaultdict(set)
        for wmi, make in read("wmi_make", "#wmiid", "#makeid"):
            self.makes_of[wmi].add(make)
        self.make_of = {model: make for make, model in read("make_model", "#makeid", "#modelid")}
        for row in self.wmis:
            note(MANUFACTURER, row[2])
            note(VEHICLE_TYPE, row[3])
            for make in self.makes_of[row[1]]:
                note(MAKE, make)
        for make in self.make_of.values():
            note(MAKE, make)
        self.read_rest()

    def read_rest(self):
        read, note = self.tables.read, self.values.note
        self.engines = read("enginemodelpattern", "#enginemodelid", "#elementid", "attributeid",
                            "@changed", "#id")
        self.specs = read("vehiclespecpattern", "#vspecschemapatternid", "#iskey", "#elementid",
                          "attributeid", "@changed", "#id")
        self.defaults = read("defaultvalue", "#vehicletypeid", "#elementid", "defaultvalue")
        for element, attribute in [row[1:3] for row in self.engines] + [row[2:4] for row in self.specs]:
            note(element, attribute)
        self.engine_names = dict(read("enginemodel", "#id", "name"))
        self.errors = sorted(self.tables.errors())
        for _, element, value in self.defaults:
            note(TEXTS, self.default(element, value))
        texts = [text or "" for _, name, more, _ in self.errors for text in (name, more)]
        texts += [text for row in self.elements for text in row[1:3]]
        texts += [name.strip().lower() for name in self.engine_names.values()]
        for text in texts:
            note(TEXTS, text)

    def default(self, element, value):
        if element in LOOKUP_TABLES:
            return "Not Applicable" if value == "0" else self.values.text(element, value)
        return value or ""

    def pack_elements(self):
        rows = {row[0]: row for row in self.elements}
        out = bytearray()
        for number in range(TEXTS):
            if number not in rows:
                out += bytes(12)
                continue
            _, name, code, private, kind, decode, weight = rows[number]
            flags = (1 | (private or 0) << 1 | bool(decode) << 2 | (kind == "lookup") << 3
                     | (number in MULTIPLE) << 4)
            text = self.values.other
            out += struct.pack("<IIhBB", text(name), text(code), weight or 0, flags, 0)
        self.add("elements", out)

    def pack_schemas(self):
        """Schemas, in the order of the manufacturers and years that use them, so that like is
        beside like; of each its distinct keys, and of each key its rows."""
        order = {}
        for wmi, *row in sorted(self.wmis):
            for first, _, schema in self.links[row[0]]:
                order[schema] = min(order.get(schema, (wmi, first, schema)), (wmi, first, schema))
        by_schema = defaultdict(list)
        for schema, key, element, attribute, changed, number in self.patterns:
            by_schema[schema].append((key, element, attribute, changed, number))
        self.schemas = sorted(by_schema, key=order.__getitem__)
        self.schema_index = {schema: index for index, schema in enumerate(self.schemas)}
        keys = sorted({row[1] for row in self.patterns})
        key_index = {key: index for index, key in enumerate(keys)}
        self.add_texts("keys", keys)
        key_starts, row_starts, schema_keys, counts, kinds, codes = [], [], bytearray(), [], [], []
        self.rows, self.rows_of = [], defaultdict(list)
        for schema in self.schemas:
            key_starts.append(len(counts))
            row_starts.append(len(kinds))
            rows = sorted(by_schema[schema], key=lambda row: (key_index[row[0]], row[1], row[4]))
            last = None
            for key, element, attribute, changed, number in rows:
                if key != last:
                    schema_keys += u24(key_index[key])
                    counts.append(0)
                    last = key
                if element not in self.kept and "#" not in key:
                    continue
                counts[-1] += 1
                self.rows_of[schema].append((len(kinds), key, element, changed, number))
                kinds.append(element)
                codes.append(self.values(element, attribute))
        key_starts.append(len(counts))
        row_starts.append(len(kinds))
        assert max(counts) < 1 << 16
        self.add("schema_keys", array_of("I", key_starts))
        self.add("schema_rows", array_of("I", row_starts))
        self.add("key_numbers", schema_keys)
        self.add("key_rows", array_of("H", counts))
        self.add("row_elements", array_of("B", kinds))
        self.add("row_values", array_of("H", codes))
        self.pack_allowed(by_schema)
        self.pack_ranks()

    def pack_allowed(self, by_schema):
        """Which characters the keys of a schema know at positions 4 to 8 and 11 to 14."""
        places = [0, 1, 2, 3, 4, 7, 8, 9, 10]
        sets, numbers, parsed = {0: 0}, [], {}
        for schema in self.schemas:
            allowed = [0] * len(places)
            for key in {row[0] for row in by_schema[schema]}:
                if key not in parsed:
                    at = parse_key(key, True) + [None] * POSITIONS
                    parsed[key] = [sum(BIT.get(c, 0) for c in at[p] or ()) & CHARACTERS
                                   for p in places]
                allowed = [a | b for a, b in zip(allowed, parsed[key])]
            numbers += [sets.setdefault(characters, len(sets)) for characters in allowed]
        self.add("allowed", array_of("H", numbers))
        self.add("character_sets", b"".join(struct.pack("<Q", each) for each in sets))

    def pack_ranks(self):
        """When each disputed row was last changed, and which of them is the older one.

        Two rows dispute if they are of one element (or compute it), of one schema or of two that
        a manufacturer has from the same year on, and if some VIN fits both of their keys."""
        masks, groups, disputed = {}, {}, set()
        for schema in self.schemas:
            mine = defaultdict(list)
            for row, key, element, _, _ in self.rows_of[schema]:
                if element in MULTIPLE:
                    continue
                formula = "#" in key
                if (key, formula) not in masks:
                    masks[key, formula] = mask(key, formula)
                kind = 11 if element in DISPLACEMENTS else element
                mine[kind, formula].append((row, masks[key, formula]))
            groups[schema] = mine
            for rows in mine.values():
                for (a, one), (b, other) in combinations(rows, 2):
                    if overlap(one, other):
                        disputed.update((a, b))
        for one, other, same_year in self.neighbours():
            for kind in groups[one].keys() & groups[other].keys():
                # All formulas of a manufacturer have one priority, whatever their years.
                if not (same_year or kind[1]):
                    continue
                for a, first in groups[one][kind]:
                    for b, second in groups[other][kind]:
                        if overlap(first, second):
                            disputed.update((a, b))
        rows = [row for schema in self.schemas for row in self.rows_of[schema] if row[0] in disputed]
        times = {t: n for n, t in enumerate(sorted({row[3] for row in rows}, reverse=True))}
        numbers = {t: n for n, t in enumerate(sorted(row[4] for row in rows))}
        self.add("ranked_rows", array_of("I", [row[0] for row in rows]))
        self.add("ranked_times", b"".join(u24(times[row[3]]) for row in rows))
        self.add("ranked_numbers", b"".join(u24(numbers[row[4]]) for row in rows))

    def neighbours(self):
        """Pairs of schemas that one manufacturer has, and whether from the same year on."""
        pairs = {}
        with_formulas = {row[0] for row in self.patterns if "#" in row[1]}
        for _, wmi, *_ in self.wmis:
            mine = sorted({(first, schema) for first, _, schema in self.links[wmi]
                           if schema in self.schema_index}, key=lambda link: link[1])
            for (first, one), (second, other) in combinations(mine, 2):
                if one != other and (first == second or {one, other} <= with_formulas):
                    pairs[one, other] = pairs.get((one, other), False) or first == second
        return [(*pair, same_year) for pair, same_year in sorted(pairs.items())]

    def pack_wmis(self):
        out, links, makes = bytearray(), bytearray(), []
        n_links = 0
        for text, number, manufacturer, kind, truck, published in self.wmis:
            mine = sorted((first, self.schema_index[schema], last)
                          for first, last, schema in self.links[number]
                          if schema in self.schema_index)
            owned = sorted(self.values(MAKE, make) for make in self.makes_of[number])
            light = kind in (2, 7) or (kind == 3 and truck == 1)
            out += text.encode().ljust(6) + struct.pack(
                "<BBHHIHHI", kind, light, self.values(MANUFACTURER, manufacturer),
                self.values(VEHICLE_TYPE, kind), n_links, len(mine), len(owned), len(makes))
            out += u32(seconds(published))
            for first, schema, last in mine:
                links += struct.pack("<HHH", schema, first, last)
            n_links += len(mine)
            makes += owned
        self.add("wmis", out)
        self.add("links", links)
        self.add("wmi_makes", array_of("H", makes))

    def pack_models(self):
        models = sorted((self.values(MODEL, a), a) for a in self.values.attributes[MODEL])
        makes = [self.make_of.get(int(a)) if a.isdigit() else None for _, a in models]
        self.models = [a for _, a in models]
        bodies = sorted((self.values(BODY_CLASS, a), int(a)) for a in self.values.attributes[BODY_CLASS])
        self.add("body_classes", array_of("H", [number for _, number in bodies]))
        self.add("model_makes", array_of(
            "H", [NONE if make is None else self.values(MAKE, make) for make in makes]))

    def pack_engines(self):
        by_name = defaultdict(list)
        times = {t: n for n, t in enumerate(sorted({row[3] for row in self.engines}, reverse=True))}
        for engine, element, attribute, changed, number in self.engines:
            name = self.engine_names[engine].strip().lower()
            # What has no public element is never told and decides nothing.
            if element in self.public:
                by_name[name].append((number, element, attribute, times[changed]))
        index, rows = bytearray(), bytearray()
        # By bytes, as the decoder searches.
        for name in sorted(by_name, key=str.encode):
            index += struct.pack("<III", self.values.other(name), len(rows) // 5, len(by_name[name]))
            for _, element, attribute, time in sorted(by_name[name]):
                rows += struct.pack("<BHH", element, self.values(element, attribute), time)
        self.add("engines", index)
        self.add("engine_rows", rows)

    def pack_specs(self):
        """The second stage: of each model its schemas, of each schema its rules."""
        read = self.tables.read
        rules, times = defaultdict(lambda: ([], [])), {row[4] for row in self.specs if not row[1]}
        times = {t: n for n, t in enumerate(sorted(times, reverse=True))}
        for pattern, is_key, element, attribute, changed, number in sorted(self.specs, key=lambda r: r[5]):
            if is_key:
                rules[pattern][0].append((element, self.values(element, attribute)))
            elif element in self.public:
                rules[pattern][1].append((element, self.values(element, attribute), times[changed]))
        of_schema, years, of_model = defaultdict(list), defaultdict(list), defaultdict(list)
        for pattern, schema in sorted(read("vspecschemapattern", "#id", "#schemaid")):
            if rules[pattern][0] and rules[pattern][1]:
                of_schema[schema].append(rules[pattern])
        for schema, year in read("vehiclespecschema_year", "#schemaid|vehiclespecschemaid", "#year"):
            years[schema].append(year)
        for schema, model in read("vehiclespecschema_model", "#schemaid|vehiclespecschemaid", "#modelid"):
            of_model[str(model)].append(schema)
        out, starts = bytearray(), {}
        for schema, make, kind in sorted(read("vehiclespecschema", "#id", "#makeid", "#vehicletypeid")):
            is_usable = (MAKE, str(make)) in self.values.number and 0 < (kind or 0) < 256
            if not (of_schema[schema] and is_usable):
                continue
            starts[schema] = len(out)
            out += struct.pack("<HBB", self.values(MAKE, make), kind, len(years[schema]))
            out += array_of("H", sorted(years[schema])) + u16(len(of_schema[schema]))
            for keys, told in of_schema[schema]:
                out += struct.pack("<BB", len(keys), len(told))
                out += b"".join(struct.pack("<BH", *row) for row in keys)
                out += b"".join(struct.pack("<BH", *row[:2]) + u24(row[2]) for row in told)
        self.add("specs", out)
        first, list_of = [0], []
        for model in self.models:
            list_of += [starts[schema] for schema in sorted(of_model[model]) if schema in starts]
            first.append(len(list_of))
        self.add("model_specs", array_of("I", first))
        self.add("spec_starts", array_of("I", list_of))

    def pack_rest(self):
        text = self.values.other
        self.add("defaults", b"".join(
            struct.pack("<BBI", kind, element, text(self.default(element, value)))
            for kind, element, value in sorted(self.defaults, key=lambda row: row[:2])
            if element in self.public and value is not None))
        vins = self.tables.read("vinexception", "vin", "#checkdigit")
        self.add("exceptions", "".join(sorted(
            vin for vin, applies in vins if applies and len(vin) == 17)).encode())
        self.add("descriptors", b"".join(
            descriptor.encode().ljust(14) + u16(year)
            for descriptor, year in sorted(self.tables.descriptors())))
        self.add("errors", b"".join(
            struct.pack("<HhII", number, weight or 0, text(name), text(more or ""))
            for number, name, more, weight in self.errors))
