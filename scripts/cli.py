"""`chuzheng`: the command line. Thin: a command parses, calls a room below, prints.

Each command imports what it needs when it runs, so that `--help` and the judging of one receipt start fast.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer

from ledger.errors import ChuzhengError
from scripts import output
from scripts.commands import (
    anchor,
    archive,
    backfill,
    bundle,
    content,
    council,
    erase,
    local,
    network,
    receipt,
    reconcile,
    record,
    snapshot,
    status,
    store,
    verify,
    witness,
)
from scripts.help import App, usage_error

app = App(
    name="chuzheng",
    help="楚证：登记、核验证照与文件。/ Anchor and verify certificates and documents.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for part in (
    network,
    record,
    anchor,
    backfill,
    receipt,
    verify,
    status,
    erase,
    snapshot,
    council,
    local,
    store,
    witness,
    content,
    bundle,
    reconcile,
    archive,
):
    part.register(app)


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code (verification.md, exit codes)."""
    as_json = "--json" in arguments
    try:
        value: Any = app(arguments, standalone_mode=False)
        sys.stdout.flush()  # what can't be written any more shows here, not in the interpreter's last words
    except typer.Abort:
        output.say("cli.cancelled")
        return output.EXIT_CANCELLED
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError" and not as_json:
            error.show()  # type: ignore[attr-defined]  # the help of the group
            return output.EXIT_USAGE
        return output.failed(usage_error(error), as_json=as_json)
    except ChuzhengError as error:
        return output.failed(error, as_json=as_json)
    except KeyboardInterrupt:
        return output.EXIT_INTERRUPTED
    except BrokenPipeError:
        output.give_up_stdout()
        return output.EXIT_UNEXPECTED
    except Exception as error:  # the door: nobody sees a traceback who didn't ask for one
        if os.environ.get("CHUZHENG_DEBUG"):
            traceback.print_exc()
        return output.unexpected(error, as_json=as_json)
    return value if isinstance(value, int) else output.EXIT_OK


def main() -> None:
    """Entry point of the `chuzheng` script."""
    output.prepare_streams()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
