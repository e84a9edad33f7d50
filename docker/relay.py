"""Relay connections from local addresses to sockets in a mounted folder.  Runs in a step's container, which has no network.

Arguments: the folder, then the address and port that each of its sockets 0, 1, ... stands for.
"""

import os
import socket
import sys
import threading


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way and pass on their end, so that the other way can continue."""
    try:
        while True:
            block = source.recv(65536)
            if not block:
                break
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


def serve(listener: socket.socket, path: str) -> None:
    """Connect the listener's connections to the socket at the path, until the container ends."""
    while True:
        inside, _ = listener.accept()
        outside = socket.socket(socket.AF_UNIX)
        try:
            outside.connect(path)
        except OSError:
            inside.close()
            continue
        for ends in ((inside, outside), (outside, inside)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


folder, *places = sys.argv[1:]
listeners = [socket.create_server((address, int(port))) for address, port in (place.split(":") for place in places)]
# When this process exits, its caller knows that all of them listen.
if os.fork():
    os._exit(0)
for number, listener in enumerate(listeners):
    threading.Thread(target=serve, args=(listener, f"{folder}/{number}")).start()
