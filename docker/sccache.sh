#!/bin/sh
# Starts sccache's server, the program $1, in a step's container.  Exits when the server's socket exists; otherwise prints its log.
# $2: the server's log; then, if it needs hosts, the command of the relay to them.  The relay must not know any secrets.
program=$1 log=$2
shift 2
exec </dev/null
if [ $# -gt 0 ]; then
    env -i "$@" >"$log" 2>&1 || { tail -c 4000 "$log"; exit 1; }
fi
"$program" >>"$log" 2>&1 &
server=$!
for _ in $(seq 300); do
    [ -S "$SCCACHE_SERVER_UDS" ] && exit 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
kill "$server" 2>/dev/null
tail -c 4000 "$log"
exit 1
