"""Listens, and has a thread for each connection."""
import contextlib
import os
import socket
import threading
import traceback

from connection import Connection
from faults import Faults, Over


class Server:
    def __init__(self, api, port, context, say):
        self.api, self.port, self.context, self.say = api, port, context, say
        self.faults, self.requests = Faults(), []
        self.lock = threading.Lock()
        self.connections, self.wakers = set(), set()
        self.listen()

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Connections are refused from now on; those that are open are closed."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()

    def drop(self):
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):  # It may have gone already.
                    # Not SSLSocket's own, which another thread must not call.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def forget(self):
        """No faults any more; what is frozen is closed."""
        self.faults.forget()
        with self.lock:
            for waker in self.wakers:
                waker.wake()

    @contextlib.contextmanager
    def frozen(self, waker):
        with self.lock:
            self.wakers.add(waker)
        try:
            yield
        finally:
            with self.lock:
                self.wakers.discard(waker)

    def _accept(self, listener):
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return  # stop
            threading.Thread(target=self._serve, args=(connection, address), daemon=True).start()

    def _serve(self, connection, address):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self.lock:
            self.connections.add(connection)
        try:
            Connection(connection, address, self)
        except (Over, OSError):
            pass  # The client went, or a fault ended it.
        except Exception:  # A mistake of the double's own must end the test, not look like a fault.
            traceback.print_exc()
            os._exit(70)
        finally:
            with self.lock:
                self.connections.discard(connection)
            connection.close()
