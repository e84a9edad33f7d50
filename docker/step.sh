#!/bin/sh
# The first command of a step's container: runs each line of the file `commands`, and writes the CPU times to `tmp/times`.
trap 'times >tmp/times' EXIT
set -eu
# shellcheck disable=SC1091 # made for each step
. ./commands
