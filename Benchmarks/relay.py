#!/usr/bin/env python3
"""Stands between a controller and its helper, and notes when control is renewed: what a helper sees of the controller's punctuality.

usage: relay.py SOCKET HELPER-SOCKET

Prints the time of each Renew on CLOCK_MONOTONIC in ns, a line each.
"""
import os
import pathlib
import select
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from client import RENEW


def main(path, helper_path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    controller, _ = listener.accept()
    helper = socket.socket(socket.AF_UNIX)
    helper.connect(helper_path)
    frames = b""
    while True:
        for ready in select.select([controller, helper], [], [])[0]:
            part, now_ns = ready.recv(1 << 16), time.monotonic_ns()
            if not part:
                return
            (helper if ready is controller else controller).sendall(part)
            if ready is helper:
                continue
            frames += part
            while len(frames) >= 8 and len(frames) >= (length := 4 + struct.unpack_from("<I", frames)[0]):
                if frames[4] == RENEW:
                    print(now_ns, flush=True)
                frames = frames[length:]


if __name__ == "__main__":
    os.umask(0o077)
    main(*sys.argv[1:])
