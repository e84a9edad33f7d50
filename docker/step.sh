#!/bin/sh
# The first command of a step's container: runs each line of the file `commands`, leaves the CPU times in `tmp/times`.
trap 'times >tmp/times' EXIT
set -eu
# shellcheck disable=SC1091 # made for each step
. ./commands
