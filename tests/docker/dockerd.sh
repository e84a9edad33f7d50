#!/bin/sh
# Starts dockerd so that it cannot see the folder $1 of this machine, as one on another machine could not: what is below it
# has to be copied to containers, and the rest can be mounted.  Needs root; who called it by sudo may use the daemon.
set -eu
mkdir -p "$1"
# shellcheck disable=SC2016 # the inner shell's
exec unshare --mount sh -c 'mount -t tmpfs none "$1" && exec dockerd --group "$2"' sh "$1" "${SUDO_GID:-0}"
