#!/usr/bin/env python3
"""Writes the four CSV files of a shop of any size, the same ones for the same seed.

    benches/records.py FOLDER [--customers N] [--seed N]

For N customers there are 1.6 N vehicles, 3 N visits of the last ten years in the order of their time, some
visits in the months to come, and up to 20,000 products. Names, phone numbers, plates and VINs look like real
ones: the check digits fit, and no number is anybody's twice.
"""
import argparse
import csv
import datetime
import itertools
import pathlib
import random

FIRST = ("James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph "
         "Jessica Thomas Sarah Charles Karen José Renée Zoë Björn Anaïs Siobhán Łukasz Noah Mia Aiden Chloë").split()
LAST = ("Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
        "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris O'Neil Núñez Müller Dvořák "
        "Saint-Pierre van-Dyke").split()
MODELS = [("Honda", "Accord", "1HGCM826"), ("Toyota", "Camry", "4T1BF1FK"), ("Ford", "F-150", "1FTFW1ET"),
          ("Chevrolet", "Silverado", "1GCUKREC"), ("Nissan", "Altima", "1N4AL3AP"), ("Subaru", "Outback", "4S4BSANC"),
          ("BMW", "328i", "WBA3A5C5"), ("Volkswagen", "Jetta", "3VWD17AJ")]
COLORS = ["Black", "White", "Silver", "Gray", "Blue", "Red", "Green"]
SERVICES = ["oil_change"] * 5 + ["tire_rotation", "brake_service", "brake_inspection", "inspection",
                                 "engine_diagnostics", "general_maintenance", "repair", "diagnostic", "recall", "other"]
STATUSES = ["completed"] * 17 + ["cancelled"] * 2 + ["no_show"]
CONCERNS = ["", "", "", "Squeals when braking", "Check engine light is on", "Pulls to the left, mostly on highways",
            'Says "it rattles" when cold']
NOTES = ["", "", "", "", "Prefers text messages", "Call after 5 pm, works nights"]
CATEGORIES = ["filters", "oil", "brakes", "tires", "batteries", "wipers", "fluids", "belts"]
# 49 CFR 565.15, tables III and IV.
VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
                  [*range(10), 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"
FILES = {
    "customers": "external_id,first_name,last_name,email,phone_number,created_at,notes",
    "vehicles": "external_id,customer_external_id,vin,year,make,model,trim,color,license_plate,current_mileage,"
                "is_primary_vehicle",
    "appointments": "external_id,customer_external_id,vehicle_external_id,scheduled_at,duration_minutes,service_type,"
                    "status,service_description,customer_concerns,notes",
    "products": "sku,name,price,stock_quantity,category"}
YEARS_BACK = 10


def vin(number, beginning, year):
    letters = list(f"{beginning}0{YEAR_CODES[(year - 1980) % 30]}A{number % 1_000_000:06d}")
    # The millions go where the plant's own sign stands.
    letters[10] = "ABCDEFGHJK"[number // 1_000_000 % 10]
    rest = sum(VALUES[letter] * weight for letter, weight in zip(letters, WEIGHTS)) % 11
    letters[8] = "X" if rest == 10 else str(rest)
    return "".join(letters)


def phone(number, chance):
    # Scattered, as numbers are, and no two of them alike: 7919 has no factor in common with the rest.
    national = 2_000_000_000 + number * 7_919_001 % 7_999_999_999
    area, office, line = national // 10_000_000, national // 10_000 % 1000, national % 10_000
    return chance.choice([f"({area:03d}) {office:03d}-{line:04d}", f"+1{national}", f"{area:03d}-{office:03d}-{line:04d}"])


def customers(count, chance, today):
    for number in range(1, count + 1):
        first, last = chance.choice(FIRST), chance.choice(LAST)
        email = f"{first}.{last}{number}@example.com" if number % 10 else ""
        day = today - datetime.timedelta(days=chance.randrange(1, 365 * YEARS_BACK))
        yield (f"C{number:07d}", first, last, email, phone(number, chance),
               f"{day}T{chance.randrange(8, 18):02d}:{chance.randrange(60):02d}:00", chance.choice(NOTES))


def owner_of(vehicle, count):
    """Every customer has a vehicle, and some have another one."""
    return vehicle if vehicle <= count else (vehicle - count) * 5 // 3 % count + 1


def vehicles(count, chance, today):
    for number in range(1, count * 8 // 5 + 1):
        make, model, beginning = chance.choice(MODELS)
        year = chance.randrange(1998, today.year + 1)
        plate = f"{chance.choice('ABCDEFGH')}{chance.choice('KLMNPRST')}{chance.choice('UVWXYZ')}-{number % 10_000:04d}"
        yield (f"V{number:07d}", f"C{owner_of(number, count):07d}", vin(number, beginning, year), year, make, model,
               chance.choice(["", "EX", "LE", "XLT", "Sport"]), chance.choice(COLORS), plate,
               chance.randrange(0, 200_000), "true" if number <= count else "false")


def visit(number, day, slot, status, count, chance):
    vehicle = chance.randrange(1, count * 8 // 5 + 1)
    return (f"A{number:08d}", f"C{owner_of(vehicle, count):07d}", f"V{vehicle:07d}",
            f"{day}T{slot // 2:02d}:{slot % 2 * 30:02d}:00", chance.choice([30, 60, 60, 90]), chance.choice(SERVICES),
            status, "", chance.choice(CONCERNS), "")


def appointments(count, chance, today, bays):
    past, numbers = count * 3, itertools.count(1)
    days = 365 * YEARS_BACK
    for back in range(days, 0, -1):
        day = today - datetime.timedelta(days=back)
        share = past * (days - back + 1) // days - past * (days - back) // days
        for slot in sorted(chance.choices(range(16, 36), k=share)):
            yield visit(next(numbers), day, slot, chance.choice(STATUSES), count, chance)
    # What is to come keeps to the usual hours, and to the bays.
    for ahead in range(1, 60):
        day = today + datetime.timedelta(days=ahead)
        if day.weekday() < 5:
            for slot, _ in itertools.product((18, 21, 26, 29), range(min(bays, count))):
                row = visit(next(numbers), day, slot, "scheduled", count, chance)
                yield (*row[:4], 60, *row[5:])


def products(count, chance):
    for number in range(1, min(count, 20_000) + 1):
        category = chance.choice(CATEGORIES)
        yield (f"SKU-{number:05d}", f"{category.capitalize()} no. {number}", f"{chance.randrange(100, 50_000) / 100:.2f}",
               chance.randrange(0, 200), category)


def write(folder, count, seed=1, bays=20):
    """The four files; their paths and numbers of rows by name."""
    chance, today = random.Random(seed), datetime.date.today()
    rows = {"customers": customers(count, chance, today), "vehicles": vehicles(count, chance, today),
            "appointments": appointments(count, chance, today, bays), "products": products(count, chance)}
    written = {}
    for name, header in FILES.items():
        path = pathlib.Path(folder) / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer, total = csv.writer(file, lineterminator="\n"), 0
            writer.writerow(header.split(","))
            for total, row in enumerate(rows[name], 1):
                writer.writerow(row)
        written[name] = (path, total)
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, (path, total) in write(options.folder, options.customers, options.seed).items():
        print(f"{total:>9} {name} in {path}")


if __name__ == "__main__":
    main()
