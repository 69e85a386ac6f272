"""What the measuring programs share: a client that fills databases, the load client, and Postgres."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Client:
    """One server process, asked one call at a time."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.next_id = 0
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                    "clientInfo": {"name": "bench", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def request(self, method, params):
        self.next_id += 1
        self.send({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params})
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == self.next_id:
                return message["result"]
        sys.exit("the server ended before it answered")

    def call(self, tool, **arguments):
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            sys.exit(f"{tool}: {result['content'][0]['text']}")
        return result["structuredContent"]["data"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def phone(number):
    return f"+1202{5_550_000 + number:07d}"


def write_calls(path, rows):
    """A file of arguments for the load client, which it calls in this order."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"@{path}"


def environment(folder, url, **settings):
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "DATABASE_URL": url,
            "SHOP_TIMEZONE": "America/New_York", "NHTSA_BASE_URL": "", **settings}


def add_server_option(parser):
    parser.add_argument("--server", help="a servicebay that is built already")


def read_options(parser, *variables):
    """The options, with the programs that these variables name and with a built server."""
    options = parser.parse_args()
    for name in variables:
        if name not in os.environ:
            parser.error(f"set {name}")
        setattr(options, name.lower(), os.path.abspath(os.environ[name]))
    if not options.server:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        target = os.environ.get("CARGO_TARGET_DIR", "target")
        options.server = str(ROOT / target / "release" / "servicebay")
    return options


def psql(url, *arguments, **more):
    """Runs psql, which stops at the first error; what it printed."""
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments, url]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


@contextlib.contextmanager
def postgres_database(label=""):
    """The URL of a fresh database, dropped in the end; `None` without TEST_POSTGRES_URL."""
    server = os.environ.get("TEST_POSTGRES_URL")
    if not server:
        yield None
        return
    name = f"servicebay_bench_{os.getpid()}{label and '_'}{label}"
    base, _, query = server.partition("?")
    psql(server, "-c", f"create database {name} template template0")
    try:
        yield base.rpartition("/")[0] + "/" + name + (f"?{query}" if query else "")
    finally:
        psql(server, "-c", f"drop database {name} with (force)")
