"""The signals one may send, and what each usually does."""

from __future__ import annotations

SIGNALS = {
    "TERM": "asks it to end; most programs finish what they have begun",
    "INT": "as Ctrl+C: most programs end, workers often without finishing",
    "HUP": "many servers read their configuration again; others end",
    "QUIT": "ends with a core dump; nginx and gunicorn use it to shut down gently, Go and Java print their stacks",
    "USR1": "what the program chose, often: open the log files again; a program that did not choose ends",
    "USR2": "what the program chose, often: replace itself with a new version; a program that did not choose ends",
    "KILL": "ends it at once; nothing is finished, saved or cleaned up",
    "STOP": "stands still until CONT; connections stay open and get no answer",
    "CONT": "goes on after STOP",
}
