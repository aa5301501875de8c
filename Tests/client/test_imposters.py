"""Peers that aren't who they seem to be, or bring what they shouldn't."""
import os
import select
import socket
import struct
import subprocess
import sys
import time
import unittest

from harness import DEADLINE_S, PACKAGE_0, HelperCase
from powercap_client import Client, Failed, encode_frame

# Linux 6.16.
SO_PASSRIGHTS = 83


def kernel_refuses_descriptors():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
        except OSError:
            return False
        return True


class TokenTests(HelperCase):
    GUESSES = 5000

    def test_guessing_tokens_gives_no_control_and_disturbs_nobody(self):
        helper = self.start()
        client, token = self.in_control()
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        guesser = self.connect("guesser")
        # Those that differ from the right one by a bit, too.
        guesses = [token ^ 1 << bit for bit in range(64)] + [int.from_bytes(os.urandom(8)) for _ in range(self.GUESSES)]
        began = time.monotonic()
        for guess in guesses:
            self.assert_fails("controlHeld", guesser.acquire, 30000, guess)
            self.assert_fails("notInControl", guesser.renew, guess)
            self.assert_fails("notInControl", guesser.release, guess)
        rate = 3 * len(guesses) / (time.monotonic() - began)
        print(f"\n{3 * len(guesses)} tokens guessed, {rate:.0f}/s, 0 right; all 2^64 take {2**64 / rate / 3.15e7:.0e} years",
              flush=True)
        self.assertEqual((client.renew(token), self.value()), (30000, 60000000))
        helper.wait_for_log('msg="refused control" why="another controller holds control" client=guesser')

    def test_no_token_comes_twice_and_every_bit_of_them_varies(self):
        self.start()
        client = self.connect()
        tokens = [client.acquire(1000)["token"] for _ in range(1000)]
        self.assertEqual(len(set(tokens)), 1000)
        for bit in range(64):
            ones = sum(token >> bit & 1 for token in tokens)
            # Ten standard deviations from the mean.
            self.assertTrue(340 < ones < 660, (bit, ones))


@unittest.skipUnless(os.geteuid() == 0, "only root can be several users")
class IdentityTests(HelperCase):
    """The helper knows a peer by the uid and gid that it had when it connected, whoever has the connection now."""
    OTHER = 12345
    # Connects, becomes somebody else, greets, and passes the connection on.
    PROGRAM = """
import os, socket, sys
sys.path.insert(0, sys.argv[1])
from powercap_client import Client
path, before, after, pair = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), socket.socket(fileno=int(sys.argv[5]))
if before:
    os.setgroups([]), os.setresgid(before, before, before), os.setresuid(before, before, before)
client = Client(path)
if after != before:
    os.setgroups([]), os.setresgid(after, after, after), os.setresuid(after, after, after)
socket.send_fds(pair, [b"!"], [client.socket.fileno()])
try:
    client.hello()
    print("served", os.getuid())
except (EOFError, OSError):
    print("refused", os.getuid())
"""

    def connect_as(self, before, after):
        """What the helper says to a process that connects as one user and goes on as another, and its connection."""
        self.directory.chmod(0o755)
        near, far = socket.socketpair()
        with near, far:
            ran = subprocess.run(
                [sys.executable, "-c", self.PROGRAM, os.path.dirname(__file__), self.helper.path, str(before), str(after),
                 str(far.fileno())], pass_fds=[far.fileno()], stdout=subprocess.PIPE, text=True, check=True)
            _, (number,), _, _ = socket.recv_fds(near, 1, 1)
        passed = socket.socket(fileno=number)
        passed.settimeout(DEADLINE_S)
        self.stack.callback(passed.close)
        return ran.stdout.strip(), passed

    def test_a_process_that_changed_its_uid_after_it_connected_is_who_it_was(self):
        self.start("--socket-mode", "0666")
        self.assertEqual(self.connect_as(0, self.OTHER)[0], f"served {self.OTHER}")

    def test_a_stranger_s_connection_is_refused_also_in_the_hands_of_a_peer_that_is_served(self):
        helper = self.start("--socket-mode", "0666")
        said, passed = self.connect_as(self.OTHER, self.OTHER)
        self.assertEqual(said, f"refused {self.OTHER}")
        self.assertEqual(passed.recv(1), b"")
        helper.wait_for_log(f"refused a peer that isn't on the list\" uid={self.OTHER} gid={self.OTHER}")

    def test_a_uid_that_is_used_again_is_served_again_and_has_no_control_without_the_token(self):
        self.start("--socket-mode", "0666", "--allow-uid", str(self.OTHER))
        client, token = self.in_control()
        said, passed = self.connect_as(self.OTHER, self.OTHER)
        self.assertEqual(said, f"served {self.OTHER}")
        # The process is gone, its connection isn't.
        again = Client.__new__(Client)
        again.socket, again.request_id = passed, 0
        self.assert_fails("controlHeld", again.acquire, 1000)
        self.assertEqual(client.renew(token), 30000)


class DescriptorTests(HelperCase):
    """Descriptors that a peer sends along (SCM_RIGHTS, unix(7)). The protocol has none."""

    def send_along(self, client, numbers):
        socket.send_fds(client.socket, [encode_frame("Ping", 9, {})], numbers)

    def test_descriptors_that_are_passed_are_refused_or_closed(self):
        self.start()
        client = self.connect()
        reading, writing = os.pipe()
        self.stack.callback(os.close, reading)
        if kernel_refuses_descriptors():
            with self.assertRaises(PermissionError):
                self.send_along(client, 100 * [writing])
            os.close(writing)
        else:
            self.send_along(client, 100 * [writing])
            os.close(writing)
            self.assertEqual(client.receive()[:2], ("Pong", 9))
        # The end of the file: nobody else has it open for writing.
        self.assertEqual(select.select([reading], [], [], 20)[0], [reading])
        self.assertEqual(os.read(reading, 1), b"")
        client.ping()

    @unittest.skipUnless(kernel_refuses_descriptors(), "before Linux 6.16 a descriptor that is passed can't be refused")
    def test_a_descriptor_whose_closing_takes_a_minute_holds_nobody_up(self):
        self.start()
        client, token = self.in_control()
        other = self.connect()
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as lingering:
            lingering.connect(server.getsockname())
            accepted, _ = server.accept()
            with accepted:
                # What isn't read at the other end can't be sent, and closing waits for that (socket(7), SO_LINGER).
                lingering.setblocking(False)
                while select.select([], [lingering], [], 0.1)[1]:
                    lingering.send(bytes(65536))
                lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
                with self.assertRaises(PermissionError):
                    self.send_along(other, [lingering.fileno()])
                lingering.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        self.assertEqual(client.renew(token), 30000)
        with self.assertRaises(Failed):
            other.acquire(1000)
