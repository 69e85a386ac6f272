"""Reads the tables of NHTSA's vPIC from a SQLite file, or from NHTSA's own dump in a Postgres."""

import csv
import io
import json
import sqlite3
import subprocess

# Which table holds the names of an element whose values are numbers ("lookup" elements). NHTSA keeps
# this in code, not in data.
LOOKUP_TABLES = {
    2: "batterytype", 3: "bedtype", 4: "bodycab", 5: "bodystyle", 10: "destinationmarket",
    15: "drivetype", 23: "entertainmentsystem", 24: "fueltype", 25: "grossvehicleweightrating",
    26: "make", 27: "manufacturer", 28: "model", 36: "steering", 37: "transmission",
    39: "vehicletype", 42: "brakesystem", 55: "airbaglocations", 56: "airbaglocations",
    60: "wheelbasetype", 62: "valvetraindesign", 64: "engineconfiguration", 65: "airbaglocfront",
    66: "fueltype", 67: "fueldeliverytype", 69: "airbaglocknee", 72: "evdriveunit", 75: "country",
    78: "pretensioner", 79: "seatbeltsall", 81: "adaptivecruisecontrol", 86: "abs",
    87: "autobrake", 88: "blindspotmonitoring", 99: "ecs", 100: "tractioncontrol",
    101: "forwardcollisionwarning", 102: "lanedeparturewarning", 103: "lanekeepsystem",
    104: "rearvisibilitycamera", 105: "parkassist", 107: "airbaglocations", 116: "trailertype",
    117: "trailerbodytype", 122: "coolingtype", 126: "electrificationlevel", 127: "chargerlevel",
    135: "turbo", 145: "axleconfiguration", 148: "busfloorconfigtype", 149: "bustype",
    151: "custommotorcycletype", 152: "motorcyclesuspensiontype", 153: "motorcyclechassistype",
    168: "tpms", 170: "dynamicbrakesupport", 171: "pedestrianautomaticemergencybraking",
    172: "autoreversesystem", 173: "automaticpedestrainalertingsound", 174: "can_aacn", 175: "edr",
    176: "keylessignition", 177: "daytimerunninglight", 178: "lowerbeamheadlamplightsource",
    179: "semiautomaticheadlampbeamswitching", 180: "adaptivedrivingbeam",
    183: "rearcrosstrafficalert", 184: "grossvehicleweightrating",
    185: "grossvehicleweightrating", 190: "grossvehicleweightrating",
    192: "rearautomaticemergencybraking", 193: "blindspotintervention",
    194: "lanecenteringassistance", 195: "nonlanduse", 200: "fueltanktype",
    201: "fueltankmaterial", 202: "combinedbrakingsystem", 203: "wheeliemitigation",
}


class Sqlite:
    """The tables in a SQLite file, named in lower case as in NHTSA's Postgres dump."""

    def __init__(self, path):
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def columns(self, table):
        return [row[1] for row in self.connection.execute(f"pragma table_info({table})")]

    def query(self, table, expressions):
        return self.connection.execute(f"select {', '.join(expressions)} from {table}").fetchall()


class Postgres:
    """The tables in a Postgres database, in NHTSA's schema `vpic`, read by `psql`."""

    NULL = "\\N"

    def __init__(self, url):
        self.url = url

    def copy(self, select):
        command = f"copy ({select}) to stdout with (format csv, null '{self.NULL}')"
        run = subprocess.run(["psql", "-X", "-q", "-d", self.url, "-c", command],
                             check=True, capture_output=True)
        rows = csv.reader(io.StringIO(run.stdout.decode(), newline=""))
        return [tuple(None if cell == self.NULL else cell for cell in row) for row in rows]

    def columns(self, table):
        return [name for (name,) in self.copy(
            "select column_name::text from information_schema.columns "
            f"where table_schema = 'vpic' and table_name = '{table}'")]

    def query(self, table, expressions):
        return self.copy(f"select {', '.join(expressions)} from vpic.{table}")


class Tables:
    """The tables, with numbers as numbers and without the differences between their sources."""

    def __init__(self, database, supplement=None):
        self.database = database
        self.supplement = supplement or {}

    def read(self, table, *columns):
        """Rows of these columns; `#name` is a number, `@changed` when a row was last changed."""
        present = self.database.columns(table)
        if not present:
            raise SystemExit(f"the table {table} is missing")
        expressions = [self.expression(present, column) for column in columns]
        convert = [number if column[0] == "#" else None for column in columns]
        return [tuple(value if how is None else how(value) for how, value in zip(convert, row))
                for row in self.database.query(table, expressions)]

    @staticmethod
    def expression(present, column):
        if column == "@changed":
            names = [name for name in ("changedon", "updatedon", "createdon") if name in present]
            return f"coalesce({', '.join(names)})" if len(names) > 1 else names[0]
        choices = column.lstrip("#").split("|")
        return next(name for name in choices if name in present)

    def lookup(self, table):
        """The names of a lookup table by number."""
        if "tbl" in self.database.columns("lookups"):
            if "lookups" not in self.__dict__:
                self.lookups = {}
                for name, key, text in self.read("lookups", "tbl", "#id", "name"):
                    self.lookups.setdefault(name, {})[key] = text
            return self.lookups[table]
        return dict(self.read(table, "#id", "name"))

    def descriptors(self):
        """(descriptor, model year) of vehicles whose year NHTSA fixed by hand."""
        if self.database.columns("vindescriptor"):
            return self.read("vindescriptor", "descriptor", "#modelyear")
        return [tuple(row) for row in self.given("vindescriptor")]

    def errors(self):
        """(number, text, additional text, weight) of the error codes."""
        if self.database.columns("errorcode"):
            return self.read("errorcode", "#id", "name", "additionalerrortext", "#weight")
        names = ("id", "name", "additionalerrortext", "weight")
        return [tuple(row[name] for name in names) for row in self.given("errorcode")]

    def given(self, table):
        if table not in self.supplement:
            raise SystemExit(f"the table {table} is missing; give it by --supplement")
        return self.supplement[table]


def number(value):
    """A number that a source may hand over as text; nothing stays nothing."""
    if isinstance(value, str):
        value = value.strip().lower()
        value = {"": None, "t": 1, "f": 0, "true": 1, "false": 0}.get(value, value)
    return None if value is None else int(value)


def open_tables(source, supplement):
    """The tables of a `postgres://` address or of a SQLite file."""
    is_postgres = source.startswith(("postgres://", "postgresql://"))
    database = Postgres(source) if is_postgres else Sqlite(source)
    extra = {}
    if supplement:
        with open(supplement, encoding="utf-8") as file:
            extra = json.load(file)
    return Tables(database, extra)
