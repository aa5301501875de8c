"""Peers that send what they shouldn't, too slowly, or too much."""
import contextlib
import select
import socket
import struct
import time
import unittest

from harness import PACKAGE_0, HelperCase, make_zone
from powercap_client import MAGIC, RESTORE, VERSION, encode_frame


class MalformedTests(HelperCase):
    ITEM = struct.pack("<HB?QQ?Q", 0, 0, False, 60000000, 0, False, 0)

    # What is sent behind Hello, and the reason in the log.
    CASES = {
        "a length of 0": (struct.pack("<IBBH", 0, 8, 0, 1), "a frame shorter than its own header"),
        "a length of 65533": (struct.pack("<IBBH", 65533, 8, 0, 1), "a frame longer than 64 KiB"),
        "a length of 4 GiB": (struct.pack("<IBBH", 2**32 - 1, 6, 0, 1), "a frame longer than 64 KiB"),
        "a Ping of 1 byte": (struct.pack("<IBBHB", 5, 8, 0, 1, 0), "a payload of a length that its type can't have"),
        "an Apply of 65 items": (struct.pack("<IBBHQB", 13 + 65 * 29, 6, 0, 1, 1, 65) + 65 * ITEM,
                                 "a payload of a length that its type can't have"),
        "type 0": (struct.pack("<IBBH", 4, 0, 0, 1), "a frame of a type that isn't in the table"),
        "type 0x7f": (struct.pack("<IBBH", 4, 0x7F, 0, 1), "a frame of a type that isn't in the table"),
        "flags": (struct.pack("<IBBH", 4, 8, 1, 1), "a frame with flags set"),
        "a second Hello": (encode_frame("Hello", 1, {"magic": MAGIC, "lowest_version": VERSION, "highest_version": VERSION,
                                                     "client_name": "again"}), "a frame that may not be sent now"),
        "a reply": (encode_frame("Pong", 1, {}), "a frame that may not be sent now"),
        "an Apply that counts too many items": (struct.pack("<IBBHQB", 42, 6, 0, 1, 1, 2) + ITEM,
                                                "a payload that ends inside a field"),
        "an Apply that counts too few items": (struct.pack("<IBBHQB", 71, 6, 0, 1, 1, 1) + 2 * ITEM,
                                               "a payload with bytes after its last field"),
        "an Apply that counts 0 items": (struct.pack("<IBBHQB", 42, 6, 0, 1, 1, 0) + ITEM,
                                         "a field with a value that it can't have"),
        "a Release with disposal 3": (struct.pack("<IBBHQB", 13, 7, 0, 1, 1, 3), "a field with a value that it can't have"),
    }

    # The same as the first frame.
    FIRST = {
        "Ping": (encode_frame("Ping", 1, {}), "a frame that may not be sent now"),
        "AcquireControl": (encode_frame("AcquireControl", 1, {"lease_ms": 1, "previous_token": 0}),
                           "a frame that may not be sent now"),
        "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a frame longer than 64 KiB"),
        "another protocol's Hello": (struct.pack("<IBBHIBBB1s", 12, 1, 0, 1, MAGIC + 1, 1, 1, 1, b"a"),
                                     "a Hello without the magic number"),
        "a name with a space": (encode_frame("Hello", 1, {"magic": MAGIC, "lowest_version": VERSION, "highest_version": VERSION,
                                                          "client_name": "a b"}),
                                "a name that is empty, too long or not printable ASCII"),
        "versions in the wrong order": (encode_frame("Hello", 1, {"magic": MAGIC, "lowest_version": 2, "highest_version": 1,
                                                                  "client_name": "a"}),
                                        "a field with a value that it can't have"),
    }

    def test_a_malformed_frame_ends_its_connection_and_no_other(self):
        for greets, cases in ((True, self.CASES), (False, self.FIRST)):
            for name, (data, reason) in cases.items():
                with self.subTest(name, greets=greets):
                    helper = self.start()
                    other = self.connect()
                    client = self.connect(greet=greets)
                    client.socket.sendall(data)
                    self.assert_closed(client)
                    helper.wait_for_log(f'why="{reason}"')
                    other.ping()
                    helper.stop()

    def test_what_came_before_a_malformed_frame_is_answered(self):
        self.start()
        client = self.connect()
        client.socket.sendall(encode_frame("Ping", 1, {}) + encode_frame("Ping", 2, {}) + b"\0" * 8 + encode_frame("Ping", 3, {}))
        self.assertEqual([client.receive()[:2], client.receive()[:2]], [("Pong", 1), ("Pong", 2)])
        self.assert_closed(client)

    def test_every_split_of_a_request_gives_the_same_reply(self):
        self.start()
        client = self.connect()
        request = encode_frame("AcquireControl", 7, {"lease_ms": 1000, "previous_token": 0})
        for end in range(1, len(request)):
            client.socket.sendall(request[:end])
            # The pong of another connection shows that the helper has seen the first half.
            self.connect().ping()
            client.socket.sendall(request[end:])
            self.assertEqual(client.receive()[:2], ("Control", 7))

    def test_a_frame_that_is_cut_off_by_the_end_of_the_stream_is_not_carried_out(self):
        self.start()
        client, token = self.in_control()
        request = encode_frame("Release", 9, {"token": token, "disposal": RESTORE})
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        client.socket.sendall(request[:-1])
        client.socket.shutdown(socket.SHUT_WR)
        self.assert_closed(client)
        self.assertEqual(self.value(), 60000000)

    def test_a_client_that_shuts_down_its_sending_side_still_gets_its_replies(self):
        self.start()
        client = self.connect()
        client.socket.sendall(encode_frame("Ping", 1, {}) + encode_frame("ListZones", 2, {"first": 0}))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([client.receive()[:2], client.receive()[:2]], [("Pong", 1), ("Zones", 2)])
        self.assert_closed(client)

    def test_what_isn_t_finished_within_5_s_ends_the_connection_and_an_idle_one_stays(self):
        helper = self.start()
        idle, silent, dripping = self.connect(), self.connect(greet=False), self.connect()
        began = time.monotonic()
        drops = iter(encode_frame("AcquireControl", 1, {"lease_ms": 1000, "previous_token": 0}))
        ended = {}
        while len(ended) < 2:
            if dripping not in ended:
                with contextlib.suppress(BrokenPipeError):
                    dripping.socket.send(bytes([next(drops)]))
            readable, _, _ = select.select([each.socket for each in (silent, dripping) if each not in ended], [], [], 0.5)
            for client in (silent, dripping):
                if client.socket in readable:
                    self.assert_closed(client)
                    ended[client] = time.monotonic() - began
            self.assertLess(time.monotonic() - began, 8)
        for client, seconds in ended.items():
            self.assertTrue(4.9 < seconds < 7, seconds)
        helper.wait_for_log('why="a frame that isn\'t finished in time"')
        idle.ping()


class LoadTests(HelperCase):
    def test_100_requests_behind_a_hello_are_answered_in_their_order(self):
        self.start()
        client = self.connect(greet=False)
        hello = {"magic": MAGIC, "lowest_version": VERSION, "highest_version": VERSION, "client_name": "a"}
        pings = b"".join(encode_frame("Ping", number, {}) for number in range(100))
        client.socket.sendall(encode_frame("Hello", 65535, hello) + pings)
        self.assertEqual(client.receive()[:2], ("Welcome", 65535))
        self.assertEqual([client.receive()[:2] for _ in range(100)], [("Pong", number) for number in range(100)])

    def test_a_peer_that_never_reads_is_closed_and_others_are_served(self):
        self.start()
        client, token = self.in_control()
        deaf = self.connect()
        sent = 0
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while sent < 10**6:
                deaf.send("ReadSample")
                sent += 1
                if sent % 100 == 0:
                    client.ping()
        self.assertEqual(client.renew(token), 30000)
        self.assertEqual(client.apply(token, [(PACKAGE_0, 0, 60000000)])[0]["effective_uw"], 60000000)


class SmallestTreeTests(HelperCase):
    def build_tree(self, root):
        make_zone(root / "a/b", "c")

    # The largest Zones is here smaller than the largest Error.
    def test_every_reply_fits_into_what_is_left_of_the_helper_s_buffer(self):
        (self.directory / "state").mkdir()
        (self.directory / "state/state").write_text("gibberish\n")
        self.start()
        refused = encode_frame("AcquireControl", 1, {"lease_ms": 1000, "previous_token": 0})
        for pings in range(14):
            client = self.connect()
            client.socket.sendall(39 * refused + pings * encode_frame("Ping", 2, {}) + refused)
            self.assertEqual([client.receive()[0] for _ in range(40 + pings)], 39 * ["Error"] + pings * ["Pong"] + ["Error"])


class LargestTreeTests(HelperCase):
    """128 zones of 4 constraints with names so long that Zones takes two frames, the first of them nearly full."""

    def build_tree(self, root):
        constraints = [(f"{index}{'n' * 54}", 150000000, 999424, 165000000) for index in range(4)]
        for index in range(128):
            make_zone(root / f"intel-rapl/intel-rapl:{index:x}", f"package-{index}", 2**64 - 1, constraints=constraints)

    def test_the_largest_replies_are_whole_and_32_of_them_may_be_outstanding(self):
        self.start()
        client, token = self.in_control()
        other = self.connect()
        zones = client.list_zones()["zones"]
        self.assertEqual((len(zones), len(zones[127]["constraints"])), (128, 4))
        self.assertEqual([zone["index"] for zone in zones], list(range(128)))
        first = client.call("ListZones", first=0)
        self.assertEqual((first["total"], first["zones"]), (128, zones[:len(first["zones"])]))
        self.assertTrue(64000 < len(encode_frame("Zones", 0, first)) <= 65536)
        self.assertEqual(client.call("ListZones", first=128)["zones"], [])
        self.assertEqual(client.call("ListZones", first=65535)["zones"], [])
        self.assertEqual(client.read_sample()["zones"][127]["reading"], 2**64 - 1)
        items = [{"zone": number // 4, "constraint": number % 4, "has_window": True, "limit_uw": 60000000 + number,
                  "window_us": 1000 + number, "has_fallback": False, "fallback_uw": 0} for number in range(64)]
        for reading in ("ListZones", "ReadSample"):
            for number in range(31):
                client.send("Apply", token=token, items=items)
                # Each reply is written on its own: the other's pong shows that it has been.
                other.ping()
            client.send(reading, **({"first": 0} if reading == "ListZones" else {}))
            other.ping()
            for number in range(31):
                reply, _, fields = client.receive()
                self.assertEqual((reply, len(fields["items"])), ("Applied", 64))
                self.assertEqual(fields["items"][63], {"effective_uw": 60000063, "effective_window_us": 1063, "pending": False})
            self.assertEqual(len(client.receive()[2]["zones"]), len(first["zones"]) if reading == "ListZones" else 128)
        self.assertEqual(client.release(token), {"restored": 64, "foreign": 0, "failed": 0, "fallback": 0})
