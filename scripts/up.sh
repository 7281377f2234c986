#!/usr/bin/env bash
# Starts everything in one command: sets up what is missing, then `chuzheng up` with the arguments given here.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
install_python requirements.lock
install_node --omit=dev
exec .venv/bin/chuzheng up "$@"
