"""Small programs that run inside test containers (`python3 -c`): each makes one figure take a known value."""

SLEEP = "import time; time.sleep(100000)"

BURN = "while True: pass"

SLEEP_30_TIMES = """
import subprocess
held = [subprocess.Popen(["sleep", "100000"]) for _ in range(30)]
held[0].wait()
"""

HOLD_100_MIB = """
import time
held = bytearray(b"x") * (100 << 20)
time.sleep(100000)
"""

# Written once and not read back: the kernel keeps the pages as inactive, first to be dropped.
WRITE_200_MIB = """
import os, time
with open("/var/tmp/big", "wb") as file:
    for _ in range(200):
        file.write(os.urandom(1 << 20))
    os.fsync(file.fileno())
time.sleep(100000)
"""

# Read again and again: now the kernel takes the pages for a working set.
READ_200_MIB_TWICE = WRITE_200_MIB.replace(
    "time.sleep(100000)",
    """
for _ in range(2):
    with open("/var/tmp/big", "rb") as file:
        while file.read(1 << 20):
            pass
time.sleep(100000)
""",
)

OPEN_300_FILES = """
import time
held = [open("/dev/null") for _ in range(300)]
time.sleep(100000)
"""

EAT_MEMORY = """
held = []
while True:
    held.append(bytearray(b"x") * (1 << 20))
"""

LOSE_A_CHILD_TO_THE_OOM_KILLER = f"""
import subprocess, time
subprocess.run(["python3", "-c", '''{EAT_MEMORY}'''])
time.sleep(100000)
"""

FAIL_AFTER_A_MOMENT = "import time; time.sleep(0.3); raise SystemExit(3)"

# Accepts 20 connections and closes 5 of them; whoever is at the other end of those is left in CLOSE_WAIT.
SERVE_20_CLOSE_5 = """
import socket, time
server = socket.create_server(("", 9000), backlog=32)
held = [server.accept()[0] for _ in range(20)]
for each in held[:5]:
    each.close()
time.sleep(100000)
"""


def connect_20(address: str) -> str:
    """A client that opens 20 connections and never looks at them again."""
    return f"""
import socket, time
def connect():
    while True:
        try:
            return socket.create_connection(("{address}", 9000), timeout=5)
        except OSError:
            time.sleep(0.2)
held = [connect() for _ in range(20)]
time.sleep(100000)
"""


def send_paced(address: str) -> str:
    """Sends ten datagrams of 10 kB a second: 100 kB/s, held to by the clock."""
    return f"""
import socket, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
due = time.monotonic()
while True:
    sender.sendto(b"x" * 10_000, ("{address}", 9))
    due += 0.1
    time.sleep(max(0, due - time.monotonic()))
"""


# Its backlog is 4, and the kernel lets one more in than that.
LISTEN_AND_NEVER_ACCEPT = """
import socket, time
server = socket.create_server(("", 9000), backlog=4)
time.sleep(100000)
"""

# Its file outlives a run, but not the container. The children are killed, and counted, in each run.
FAIL_TWICE_THEN_STAY = f"""
import subprocess, time
with open("/var/tmp/runs", "a") as file:
    file.write("x")
subprocess.run(["python3", "-c", '''{EAT_MEMORY}'''])
if len(open("/var/tmp/runs").read()) < 3:
    raise SystemExit(3)
time.sleep(100000)
"""
