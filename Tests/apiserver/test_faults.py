"""Each fault of the double does what its help says."""
import gzip
import http.client
import json
import socket
import struct
import time
import unittest

from faults import DELIVERIES, FILLINGS, HEADS, INSTEAD
from harness import MERGE, DoubleCase, lines

NODE = "/api/v1/nodes/node-a"
WATCH = "/api/v1/nodes?watch=1&resourceVersion=1"
GONE = (ConnectionResetError, BrokenPipeError)


class FaultCase(DoubleCase):
    def setUp(self):
        self.double = self.start("--plain")

    def get(self, **keywords):
        return self.send(self.double, "GET", NODE, token=self.double.facts["admin_token"], **keywords)


class RequestTests(FaultCase):
    """Faults of a request. Each test's name starts with its fault's."""

    def test_freeze_gives_nothing_until_it_is_forgotten(self):
        self.double.tell("fault 1 get * freeze")
        connection = self.double.connect()
        self.addCleanup(connection.close)
        connection.request("GET", NODE)
        self.assertRegex(self.double.next("request GET"), f"request GET {NODE} - [1-9][0-9]* 0 system:anonymous freeze")
        self.double.wait_for(f"frozen {NODE}")
        self.double.tell("forget")
        self.assertRaises(http.client.RemoteDisconnected, connection.getresponse)

    def test_reset_is_seen_as_a_reset(self):
        self.double.tell("fault 1 get * reset")
        self.assertRaises(ConnectionResetError, self.get)

    def test_close_is_seen_as_an_end(self):
        self.double.tell("fault 1 get * close")
        self.assertRaises(http.client.RemoteDisconnected, self.get)

    def test_status_gives_a_refusal_and_the_time_to_wait(self):
        for code, reason in ((401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"), (409, "Conflict"), (410, "Expired"),
                             (422, "Invalid"), (429, "TooManyRequests"), (500, "InternalError"), (502, "Unknown"),
                             (503, "ServiceUnavailable"), (504, "Timeout")):
            self.double.tell(f"fault 1 get * status {code} 7")
            response = self.get()
            body = json.loads(response.read())
            self.assertEqual((response.status, response.headers["Retry-After"], body["reason"], body["code"]),
                             (code, "7", reason, code))
        self.double.tell("fault 1 get * status 429")
        self.assertIsNone(self.get().headers["Retry-After"])

    def test_body_gives_what_the_test_says(self):
        for text in ('{"kind": "Node", "metadata": {', "[1, 2]", ""):
            self.double.tell(f"fault 1 get * body {text}".rstrip())
            response = self.get()
            self.assertEqual((response.status, response.read().decode()), (200, text))

    def test_garbage_is_no_text(self):
        self.double.tell("fault 1 get * garbage")
        self.assertRaises(UnicodeDecodeError, self.get().read().decode)

    def test_endless_goes_on_until_it_is_too_much(self):
        self.double.tell("fault 1 get * endless 2")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.get().read()
        self.assertGreater(len(caught.exception.partial), 2 << 20)

    def test_fill_is_as_large_as_it_says_and_of_its_kind(self):
        for kind in FILLINGS:
            self.double.tell(f"fault 1 get * fill {kind} 300")
            data = self.get().read()
            self.assertLess(abs(len(data) - 300_000), 2_000, kind)
            if kind != "deep":
                self.assertEqual(json.loads(data)["metadata"]["resourceVersion"], "1", kind)
            else:
                self.assertIn(b"[" * 100_000, data)

    def receive(self, size):
        """What comes first of an answer that has no end."""
        client = self.double.connect_plainly()
        self.addCleanup(client.close)
        client.sendall(f"GET {NODE} HTTP/1.1\r\n\r\n".encode())
        data = b""
        while len(data) < size:
            data += client.recv(65536)
        return data

    def test_headers_go_on_and_on(self):
        self.double.tell("fault 1 get * headers")
        data = self.receive(1 << 20)
        self.assertGreater(data.count(b"\r\nX-Header-"), 900)
        self.assertNotIn(b"\r\n\r\n", data)

    def test_header_goes_on_and_on(self):
        self.double.tell("fault 1 get * header")
        self.assertEqual(self.receive(1 << 20).count(b"\r\n"), 1)

    def test_hints_come_again_and_again(self):
        self.double.tell("fault 1 get * hints")
        self.assertGreater(self.receive(1 << 18).count(b"HTTP/1.1 103 "), 1_000)

    def test_gzip_is_small_and_becomes_large(self):
        self.double.tell("fault 1 get * gzip")
        response = self.get()
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        data = response.read()
        self.assertLess(len(data), 1 << 20)
        self.assertEqual(len(gzip.decompress(data)), 64 << 20)
        self.double.tell("fault 1 get * gzip transfer")
        self.assertEqual(self.get().headers["Transfer-Encoding"], "gzip")

    def test_trickle_never_ends(self):
        self.double.tell("fault 1 get * trickle")
        self.assertEqual(self.get().read(20), b" " * 20)

    def test_webhook_changes_what_is_written(self):
        self.double.tell("fault 2 patch * webhook")
        seen = set()
        for number in "12":
            patch = {"metadata": {"labels": {"rapl/pmax": number}}}
            body = json.loads(self.send(self.double, "PATCH", NODE, patch, Content_Type=MERGE).read())
            self.assertEqual(body["metadata"]["labels"]["rapl/pmax"], number)
            seen.add(body["metadata"]["annotations"]["powercap.dev/limit"])
        self.assertEqual(len(seen), 2)

    def test_redirect_points_elsewhere(self):
        self.double.tell("fault 1 get * redirect http://127.0.0.1:1/")
        response = self.get()
        self.assertEqual((response.status, response.headers["Location"]), (302, "http://127.0.0.1:1/"))

    def test_nohttp_is_another_protocol(self):
        self.double.tell("fault 1 get * nohttp")
        self.assertRaises(http.client.BadStatusLine, self.get)

    def test_delay_answers_later(self):
        self.double.tell("fault 1 get * delay 1000")
        started = time.monotonic()
        self.assertEqual(self.get().status, 200)
        self.assertGreaterEqual(time.monotonic() - started, 1)

    def test_late_is_carried_out_though_nobody_waits_any_more(self):
        self.double.tell("fault 1 patch * late 1500")
        connection = self.double.connect()
        connection.request("PATCH", NODE, json.dumps({"metadata": {"labels": {"a": "late"}}}), {
            "Authorization": f"Bearer {self.double.facts['admin_token']}", "Content-Type": MERGE})
        self.double.wait_for(f"late {NODE}")
        connection.close()

        def label():
            return json.loads(self.get().read())["metadata"]["labels"].get("a")
        self.assertIsNone(label())
        self.assertRegex(self.double.next("request PATCH"), f"request PATCH {NODE} 200 .* late")
        self.assertEqual(label(), "late")

    def test_drip_gives_all_in_pieces(self):
        self.double.tell("fault 1 get * drip")
        with self.double.connect_plainly() as client:
            client.sendall(f"GET {NODE} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
            pieces = list(iter(lambda: client.recv(65536), b""))
            # Whoever reads late gets several pieces at once. The kernel has counted them: tcpi_data_segs_in (linux/tcp.h).
            segments, = struct.unpack_from("I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)
        self.assertGreater(segments, 1)
        self.assertEqual(json.loads(b"".join(pieces).split(b"\r\n\r\n")[1])["reason"], "Forbidden")

    def test_half_ends_in_the_middle(self):
        self.double.tell("fault 1 get * half")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.get().read()
        self.assertGreater(len(caught.exception.partial), 300)
        self.double.tell("fault 1 get * half reset")
        self.assertRaises(ConnectionResetError, lambda: self.get().read())
        self.double.tell("fault 1 get * half freeze")
        response = self.get()
        self.assertTrue(response.read(300))
        self.double.wait_for("frozen ")
        self.double.tell("forget")
        self.assertRaises(http.client.IncompleteRead, response.read)

    def test_lost_carries_out_and_says_nothing(self):
        self.double.tell("fault 1 patch * lost")
        with self.assertRaises(ConnectionResetError):
            self.send(self.double, "PATCH", NODE, {"metadata": {"labels": {"rapl/pmax": "1"}}}, Content_Type=MERGE)
        self.assertEqual(self.double.ask(f"show {NODE}")["metadata"]["labels"]["rapl/pmax"], "1")

    def test_a_refused_request_is_not_carried_out(self):
        for fault in ("status 500", "reset", "body {}"):
            self.double.tell(f"fault 1 patch * {fault}")
            try:
                self.send(self.double, "PATCH", NODE, {"metadata": {"labels": {"rapl/pmax": "1"}}}, Content_Type=MERGE).read()
            except ConnectionResetError:
                pass
        self.assertNotIn("rapl/pmax", self.double.ask(f"show {NODE}")["metadata"]["labels"])

    def test_a_fault_happens_as_often_as_it_says_and_to_what_matches(self):
        for line in ("fault 2 get */node-a status 500", "fault every patch /api/v1/nodes/*/status status 503"):
            self.double.tell(line)
        self.assertEqual([self.get().status for _ in range(3)], [500, 500, 200])
        self.assertEqual(self.send(self.double, "GET", "/api/v1/nodes").status, 200)
        for path, status in ((NODE + "/status", 503), (NODE + "/status", 503), (NODE, 200)):
            self.assertEqual(self.send(self.double, "PATCH", path, "{}", Content_Type=MERGE).status, status)
        self.double.tell("forget")
        self.assertEqual(self.send(self.double, "PATCH", NODE + "/status", "{}", Content_Type=MERGE).status, 200)

    def test_every_fault_is_tested_on_a_request_and_on_an_event(self):
        for case in (RequestTests, EventTests):
            tested = {name.split("_")[1] for name in dir(case) if name.startswith("test_")}
            faults = (set(INSTEAD) | set(DELIVERIES)) - (HEADS if case is EventTests else set())
            self.assertLessEqual(faults, tested, case.__name__)


class EventTests(FaultCase):
    """Faults of a running watch. Each test's name starts with its fault's."""

    def watch(self, fault):
        """A watch to which one event came as it is to; the fault is to happen to the next one."""
        response = self.send(self.double, "GET", WATCH)
        self.double.next("watch ")
        self.double.tell("annotate node-a example=one")
        self.assertEqual(next(lines(response))["type"], "MODIFIED")
        self.double.tell(f"fault 1 event /api/v1/nodes {fault}")
        self.double.tell("annotate node-a example=two")
        return response

    def assert_ends(self, cause):
        self.assertEqual(self.double.next("watched ").split()[-1], cause)

    def test_freeze_is_silence(self):
        response = self.watch("freeze")
        self.double.tell("annotate node-a example=three")
        self.double.wait_for("frozen ")
        self.double.tell("forget")
        with self.assertRaises(http.client.IncompleteRead) as caught:
            response.read()
        self.assertEqual(caught.exception.partial, b"")
        self.assert_ends("fault")

    def test_reset_is_seen_as_a_reset(self):
        self.assertRaises(ConnectionResetError, self.watch("reset").read)
        self.assert_ends("fault")

    def test_close_comes_without_the_end_of_the_response(self):
        self.assertRaises(http.client.IncompleteRead, self.watch("close").read)

    def test_status_is_an_error_event_and_the_last(self):
        (event,) = lines(self.watch("status 410"))
        self.assertEqual((event["type"], event["object"]["code"], event["object"]["reason"]), ("ERROR", 410, "Expired"))
        self.assert_ends("fault")

    def test_body_is_a_line(self):
        response = self.watch('body {"type": "MODIFIED"')
        self.assertEqual(response.readline(), b'{"type": "MODIFIED"\n')
        self.double.tell("annotate node-a example=three")
        self.assertEqual(next(lines(response))["object"]["metadata"]["annotations"]["example"], "three")

    def test_garbage_is_a_line_of_no_text(self):
        self.assertRaises(UnicodeDecodeError, self.watch("garbage").readline().decode)

    def test_endless_is_a_line_without_end(self):
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.watch("endless 2").read()
        self.assertGreater(len(caught.exception.partial), 2 << 20)
        self.assertNotIn(b"\n", caught.exception.partial)

    def test_fill_is_an_event_of_a_size(self):
        event = self.watch("fill own 300").readline()
        self.assertLess(abs(len(event) - 300_000), 2_000)
        self.assertEqual(json.loads(event)["type"], "MODIFIED")

    def test_trickle_never_ends_a_line(self):
        self.assertEqual(self.watch("trickle").read(20), b" " * 20)

    def test_redirect_is_no_chunk(self):
        self.assertRaises(http.client.IncompleteRead, self.watch("redirect http://127.0.0.1:1/").read)

    def test_nohttp_is_no_chunk(self):
        self.assertRaises(http.client.IncompleteRead, self.watch("nohttp").read)

    def test_delay_comes_later(self):
        started = time.monotonic()
        next(lines(self.watch("delay 1000")))
        self.assertGreaterEqual(time.monotonic() - started, 1)

    def test_drip_gives_the_whole_event(self):
        self.assertEqual(next(lines(self.watch("drip")))["object"]["metadata"]["annotations"]["example"], "two")

    def test_half_is_a_part_of_a_line(self):
        for how, error in (("close", http.client.IncompleteRead), ("reset", ConnectionResetError)):
            self.assertRaises(error, self.watch(f"half {how}").read)
        response = self.watch("half freeze")
        self.assertTrue(response.read1().startswith(b'{"type":"MODIFIED"'))
        self.double.wait_for("frozen ")
        self.double.tell("forget")

    def test_lost_is_seen_as_a_reset(self):
        self.assertRaises(ConnectionResetError, self.watch("lost").read)

    def test_a_watch_can_go_wrong_before_its_first_event(self):
        for fault, error in (("lost", ConnectionResetError), ("half", http.client.IncompleteRead)):
            self.double.tell(f"fault 1 watch * {fault}")
            with self.assertRaises(error):
                self.send(self.double, "GET", WATCH).read()


class ConnectionTests(DoubleCase):
    """Faults of a connection that isn't secure yet."""

    def test_a_connection_that_freezes_gets_no_handshake(self):
        double = self.start()
        double.tell("fault 1 connect * freeze")
        with double.connect_plainly() as client:
            double.next("connect freeze")
            double.wait_for("frozen -")
            double.tell("forget")
            self.assertEqual(client.recv(1), b"")

    def test_a_connection_that_is_reset(self):
        double = self.start()
        double.tell("fault 1 connect * reset")
        self.assertRaises(GONE, self.send, double, "GET", "/version")
        self.assertEqual(self.send(double, "GET", "/version").status, 200)


if __name__ == "__main__":
    unittest.main()
