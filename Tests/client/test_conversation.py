"""What docs/protocol.md says of requests and replies, by a helper."""
import contextlib
import os
import pathlib
import signal
import time

from harness import CODE, DRAM_0, DRAM_1, MMIO, PACKAGE_0, PACKAGE_1, PSYS, WRITES, HelperCase, numbers
from powercap_client import HOLD, MAGIC, RESTORE, VERSION, Failed, encode_frame


class GreetingTests(HelperCase):
    def test_hello_is_answered_with_the_helper_s_terms(self):
        self.start("--lease-time", "45", "--on-lease-expiry", "hold")
        welcome = self.connect(greet=False).hello()
        boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
        self.assertEqual(f"{welcome['boot_id_high']:016x}{welcome['boot_id_low']:016x}", boot_id)
        self.assertEqual((welcome["version"], welcome["writes"], welcome["on_lease_expiry"]), (VERSION, WRITES["accepted"], HOLD))
        self.assertEqual((welcome["lease_minimum_ms"], welcome["lease_maximum_ms"]), (1000, 45000))
        bits = numbers("Sandbox bits")
        for name in ("not-dumpable", "no-new-privileges", "capabilities-empty"):
            self.assertTrue(welcome["sandbox"] >> bits[name] & 1, name)

    def test_a_client_of_other_versions_is_refused_and_closed(self):
        self.start()
        for lowest, highest in ((1, 1), (0, 1), (4, 5)):
            with self.subTest(lowest=lowest, highest=highest):
                client = self.connect(greet=False)
                with self.assertRaises(Failed) as caught:
                    client.hello(lowest=lowest, highest=highest)
                self.assertEqual(caught.exception.fields["reason"], numbers("Refusal reasons")["noCommonVersion"])
                self.assertIn("speaks versions 2 and 3", caught.exception.fields["text"])
                self.assert_closed(client)

    def test_of_several_versions_the_common_one_is_chosen(self):
        self.start()
        self.assertEqual(self.connect(greet=False).hello(lowest=0, highest=9)["version"], VERSION)

    def test_a_peer_that_isn_t_on_the_list_is_closed_without_an_answer(self):
        self.start(uid=os.getuid() + 1)
        client = self.connect(greet=False)
        with contextlib.suppress(BrokenPipeError):
            client.send("Hello", magic=MAGIC, lowest_version=VERSION, highest_version=VERSION, client_name="stranger")
        self.assert_closed(client)


class ReadingTests(HelperCase):
    def test_the_zones_are_those_of_the_tree(self):
        self.start()
        zones = self.connect().list_zones()
        self.assertEqual((zones["lease_holder"], zones["lease_remaining_ms"]), ("-", 0))
        self.assertEqual(
            [(zone["index"], zone["parent"], zone["control_type"], zone["id"], zone["name"], len(zone["constraints"]))
             for zone in zones["zones"]],
            [(PACKAGE_0, None, "intel-rapl", "intel-rapl:0", "package-0", 3),
             (DRAM_0, PACKAGE_0, "intel-rapl", "intel-rapl:0:0", "dram", 1),
             (PSYS, None, "intel-rapl", "intel-rapl:1", "psys", 1),
             (PACKAGE_1, None, "intel-rapl", "intel-rapl:2", "package-1", 3),
             (DRAM_1, PACKAGE_1, "intel-rapl", "intel-rapl:2:0", "dram", 0),
             (MMIO, None, "intel-rapl-mmio", "intel-rapl-mmio:0", "package-0", 1)])
        self.assertEqual(zones["zones"][PACKAGE_0]["max_energy_range_uj"], 262143328850)
        self.assertEqual([zone["reading"] for zone in zones["zones"]], [1, 1, 0, 1, 1, 1])
        self.assertEqual(zones["zones"][PSYS]["max_energy_range_uj"], 0)
        common = {"obstacle": 0, "floor_uw": 10000000, "requested_uw": 0, "fallback_uw": 0, "step_uw": 125000}
        self.assertEqual(zones["zones"][PACKAGE_0]["constraints"], [
            {"index": 0, "name": "long_term", "flags": 3, "original_uw": 150000000, "max_power_uw": 165000000,
             "ceiling_uw": 165000000, "original_window_us": 999424, **common},
            {"index": 1, "name": "short_term", "flags": 3, "original_uw": 180000000, "max_power_uw": 0,
             "ceiling_uw": 180000000, "original_window_us": 2440, **common},
            {"index": 2, "name": "peak_power", "flags": 1, "original_uw": 330000000, "max_power_uw": 330000000,
             "ceiling_uw": 330000000, "original_window_us": 0, **common}])
        self.assertEqual(zones["zones"][DRAM_0]["constraints"], [
            {"index": 0, "name": "long_term", "flags": 3, "original_uw": 0, "max_power_uw": 0, "ceiling_uw": 0,
             "original_window_us": 976, **common, "obstacle": numbers("Obstacles")["ceilingBelowFloor"]}])

    def test_a_sample_is_what_the_files_hold_now(self):
        self.start()
        client = self.connect()
        before = client.read_sample()
        self.assertEqual([zone["index"] for zone in before["zones"]], list(range(6)))
        self.assertEqual(before["zones"][PACKAGE_0], {
            "index": PACKAGE_0, "flags": 0, "enabled": 1, "reading_errno": 0, "reading": 261983000122, "last_write": 0, "limits": [
                {"errno": 0, "limit_uw": 150000000}, {"errno": 0, "limit_uw": 180000000}, {"errno": 0, "limit_uw": 330000000}]})
        self.file("energy_uj").write_text("1000\n")
        self.file("enabled").write_text("0\n")
        after = client.read_sample()
        self.assertEqual((after["zones"][PACKAGE_0]["reading"], after["zones"][PACKAGE_0]["enabled"]), (1000, 0))
        self.assertGreater(after["time_ns"], before["time_ns"])
        self.assertLess(abs(after["time_ns"] - time.monotonic_ns()), 10**9)

    def test_what_cannot_be_read_has_an_errno_and_is_not_a_zero(self):
        self.start()
        self.file("energy_uj").write_text("soon\n")
        self.file("constraint_1_power_limit_uw").write_text("\n")
        self.file("enabled").write_text("maybe\n")
        zones = self.connect().read_sample()["zones"]
        self.assertEqual((zones[PACKAGE_0]["reading_errno"], zones[PACKAGE_0]["reading"]), (74, 0))
        self.assertEqual(zones[PACKAGE_0]["limits"][1], {"errno": 74, "limit_uw": 0})
        self.assertEqual(zones[PACKAGE_0]["enabled"], 2)
        self.assertEqual((zones[PSYS]["reading_errno"], zones[PSYS]["reading"]), (2, 0))

    def test_samples_that_are_asked_for_at_once_have_times_of_their_own(self):
        self.start()
        client = self.connect()
        client.socket.sendall(encode_frame("ReadSample", 1, {}) + encode_frame("ReadSample", 2, {}))
        first, second = client.receive()[2], client.receive()[2]
        self.assertGreater(second["time_ns"], first["time_ns"])


class ControlTests(HelperCase):
    def test_control_is_granted_to_one_client_at_a_time(self):
        self.start()
        first, second = self.connect("first"), self.connect("second")
        control = first.acquire(30000)
        self.assertNotEqual(control["token"], 0)
        self.assertEqual((control["lease_ms"], control["resumed"]), (30000, False))
        self.assert_fails("controlHeld", second.acquire, 30000)
        zones = second.list_zones()
        self.assertEqual(zones["lease_holder"], "first")
        self.assertTrue(29000 < zones["lease_remaining_ms"] <= 30000)
        first.release(control["token"])
        self.assertEqual(second.list_zones()["lease_holder"], "-")
        self.assertFalse(second.acquire(30000)["resumed"])

    def test_a_lease_is_moved_into_the_helper_s_bounds(self):
        self.start("--lease-time", "45")
        client = self.connect()
        self.assert_fails("leaseOutOfRange", client.acquire, 0)
        self.assertEqual(client.acquire(1)["lease_ms"], 1000)
        self.assertEqual(client.acquire(2**32 - 1)["lease_ms"], 45000)

    def test_without_the_token_nothing_is_done(self):
        self.start()
        client, token = self.in_control()
        stranger = self.connect()
        for who, wrong in ((client, token ^ 1), (client, 0), (stranger, token), (stranger, 0)):
            self.assert_fails("notInControl", who.renew, wrong)
            self.assert_fails("notInControl", who.apply, wrong, [(PACKAGE_0, 0, 60000000)])
            self.assert_fails("notInControl", who.release, wrong)
        self.assertEqual(self.value(), 150000000)
        self.assertEqual(client.renew(token), 30000)

    def test_the_previous_token_moves_control_to_a_new_connection(self):
        self.start()
        first, token = self.in_control()
        second = self.connect("second")
        control = second.acquire(20000, token)
        self.assertEqual(control, {"token": token, "lease_ms": 20000, "resumed": True})
        self.assert_fails("notInControl", first.renew, token)
        self.assertEqual(second.renew(token), 20000)
        self.assertEqual(first.list_zones()["lease_holder"], "second")

    def test_a_second_acquire_without_the_token_gives_a_new_one(self):
        self.start()
        client, token = self.in_control()
        control = client.acquire(30000)
        self.assertFalse(control["resumed"])
        self.assertNotEqual(control["token"], token)
        self.assert_fails("notInControl", client.renew, token)
        client.renew(control["token"])

    def test_a_closed_connection_keeps_its_limits_and_can_be_resumed_or_taken_over(self):
        self.start()
        for resumes in (True, False):
            with self.subTest(resumes=resumes):
                first, token = self.in_control()
                second = self.connect("second")
                first.apply(token, [(PACKAGE_0, 0, 60000000)])
                self.assert_fails("controlHeld", second.acquire, 30000)
                first.close()
                # The helper may see the request before the end of the other connection.
                self.eventually(lambda: resumes or self.can_acquire(second))
                control = second.acquire(30000, token if resumes else 0)
                self.assertEqual((control["resumed"], control["token"] == token), (resumes, resumes))
                long_term = second.list_zones()["zones"][PACKAGE_0]["constraints"][0]
                self.assertEqual((self.value(), long_term["requested_uw"], long_term["flags"] & 4), (60000000, 60000000, 4))
                self.assertEqual(second.release(control["token"])["restored"], 1)
                self.assertEqual(self.value(), 150000000)

    def can_acquire(self, client):
        try:
            return client.acquire(30000) is not None
        except Failed as failed:
            self.assertEqual(failed.code, CODE["controlHeld"])
            return False

    def test_renew_and_apply_are_signs_of_life_and_other_requests_are_not(self):
        self.start()
        client, token = self.in_control()

        def remaining():
            return client.list_zones()["lease_remaining_ms"]

        def let_some_pass():
            self.eventually(lambda: (client.ping(), client.read_sample(), remaining())[2] < 29500)

        let_some_pass()
        client.renew(token)
        self.assertGreater(remaining(), 29600)
        let_some_pass()
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        self.assertGreater(remaining(), 29600)
        let_some_pass()
        self.assert_fails("belowFloor", client.apply, token, [(PACKAGE_0, 0, 1)])
        self.assertGreater(remaining(), 29600)
        let_some_pass()
        self.assert_fails("notInControl", client.apply, token ^ 1, [(PACKAGE_0, 0, 60000000)])
        self.assertLess(remaining(), 29600)

    def test_when_the_lease_runs_out_the_original_limits_come_back(self):
        self.start("--lease-time", "1")
        client, token = self.in_control()
        began = time.monotonic()
        client.apply(token, [(PACKAGE_0, 0, 60000000), (PACKAGE_1, 0, 70000000, 500000)])
        self.assertEqual(self.value(), 60000000)
        self.eventually(lambda: self.value() == 150000000)
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.eventually(lambda: self.value("constraint_0_time_window_us", "intel-rapl/intel-rapl:2") == 999424)
        self.assert_fails("notInControl", client.renew, token)
        self.assertFalse(client.acquire(1000, token)["resumed"])

    def test_when_the_lease_runs_out_limits_can_be_held_until_the_helper_stops(self):
        helper = self.start("--lease-time", "1", "--on-lease-expiry", "hold")
        client, token = self.in_control()
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        self.eventually(lambda: client.list_zones()["lease_holder"] == "-")
        self.assertEqual(self.value(), 60000000)
        self.assertEqual(helper.stop(), 0)
        self.assertEqual(self.value(), 150000000)


class ApplyTests(HelperCase):
    def test_a_limit_is_written_read_back_and_restored_on_release(self):
        self.start()
        before = self.contents()
        client, token = self.in_control()
        self.assertEqual(
            client.apply(token, [(PACKAGE_0, 0, 60000000), (PACKAGE_1, 0, 75500000, 500000)]),
            [{"effective_uw": 60000000, "effective_window_us": 0, "pending": False},
             {"effective_uw": 75500000, "effective_window_us": 500000, "pending": False}])
        self.assertEqual((self.value(), self.value(zone="intel-rapl/intel-rapl:2")), (60000000, 75500000))
        self.assertEqual(self.value("constraint_0_time_window_us", "intel-rapl/intel-rapl:2"), 500000)
        sample = client.read_sample()["zones"]
        self.assertEqual(sample[PACKAGE_1]["limits"][0], {"errno": 0, "limit_uw": 75500000})
        zones = client.list_zones()["zones"]
        changed = [(zone["index"], each["index"]) for zone in zones for each in zone["constraints"] if each["flags"] & 4]
        self.assertEqual(changed, [(PACKAGE_0, 0), (PACKAGE_1, 0)])
        self.assertEqual(zones[PACKAGE_1]["constraints"][0]["original_uw"], 150000000)
        self.assertEqual(client.release(token), {"restored": 2, "foreign": 0, "failed": 0, "fallback": 0})
        self.assertEqual({path: text.split("\n")[0] for path, text in self.contents().items()},
                         {path: text.split("\n")[0] for path, text in before.items()})

    def test_a_release_can_hold_the_limits_until_the_next_restore(self):
        self.start()
        client, token = self.in_control()
        client.apply(token, [(PACKAGE_0, 0, 60000000)])
        self.assertEqual(client.release(token, HOLD), {"restored": 0, "foreign": 0, "failed": 0, "fallback": 0})
        self.assertEqual(self.value(), 60000000)
        self.assertEqual(client.list_zones()["zones"][PACKAGE_0]["constraints"][0]["flags"] & 4, 4)
        self.assertEqual(client.release(client.acquire(30000)["token"], RESTORE)["restored"], 1)
        self.assertEqual(self.value(), 150000000)

    def test_a_limit_that_another_party_has_set_since_is_left_alone(self):
        self.start()
        client, token = self.in_control()
        client.apply(token, [(PACKAGE_0, 0, 60000000), (PACKAGE_1, 0, 60000000)])
        self.file("constraint_0_power_limit_uw").write_text("99000000\n")
        self.assertEqual(client.release(token), {"restored": 1, "foreign": 1, "failed": 0, "fallback": 0})
        self.assertEqual((self.value(), self.value(zone="intel-rapl/intel-rapl:2")), (99000000, 150000000))

    def test_limits_come_back_when_the_helper_stops_and_when_it_is_started_after_it_was_killed(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number.name):
                helper = self.start()
                client, token = self.in_control()
                client.apply(token, [(PACKAGE_0, 0, 60000000)])
                client.release(token, HOLD)
                helper.stop(number)
                self.assertEqual(self.value(), 60000000 if number == signal.SIGKILL else 150000000)
                self.assert_closed(client)
                self.start().stop()
                self.assertEqual(self.value(), 150000000)

    def test_an_item_that_is_wrong_is_reported_and_nothing_of_its_batch_is_written(self):
        self.start()
        self.file("constraint_1_power_limit_uw", "intel-rapl/intel-rapl:2").write_text("?\n")
        before = self.contents()
        client, token = self.in_control()
        good = (PACKAGE_0, 0, 60000000)
        for code, wrong in {
            "unknownZone": (6, 0, 60000000),
            "unknownConstraint": (PACKAGE_1, 3, 60000000),
            "notWritable": (DRAM_0, 0, 60000000),
            "belowFloor": (PACKAGE_1, 0, 9999999),
            "aboveCeiling": (PACKAGE_1, 0, 165000001),
            "noTimeWindow": (PACKAGE_1, 2, 60000000, 1000),
            "windowOutOfRange": (PACKAGE_1, 0, 60000000, 999),
            "windowNotRestorable": (PACKAGE_0, 1, 60000000, 1000),
            "duplicateItem": (PACKAGE_0, 0, 61000000),
            "readFailed": (PACKAGE_1, 1, 60000000),
        }.items():
            with self.subTest(code):
                error = self.assert_fails(code, client.apply, token, [good, wrong])
                self.assertEqual(error["item"], 1)
                self.assertEqual((error["errno"], error["effective_uw"]), (74 if code == "readFailed" else 0, 0))
                self.assertEqual(self.contents(), before)
        for value in (0, 1, 2**64 - 1):
            code = "belowFloor" if value < 2 else "aboveCeiling"
            self.assert_fails(code, client.apply, token, [good, (PACKAGE_1, 0, value)])
        for window in (0, 3600000001, 2**64 - 1):
            self.assert_fails("windowOutOfRange", client.apply, token, [good, (PACKAGE_1, 0, 60000000, window)])
        self.assert_fails("unknownZone", client.apply, token, [good, (65535, 255, 60000000)])
        self.assertEqual(self.contents(), before)
        client.apply(token, [(PACKAGE_0, 0, 10000000), (PACKAGE_1, 0, 165000000)])

    def test_a_helper_that_takes_no_limits_says_why(self):
        (self.directory / "state").mkdir()
        for policy, flags in {
            "readOnly": ["--read-only"], "stateUnreadable": [], "stateUnwritable": ["--state-dir", f"{self.directory}/no/where"],
        }.items():
            with self.subTest(policy):
                if policy == "stateUnreadable":
                    (self.directory / "state/state").write_text("gibberish\n")
                helper = self.start(*flags)
                client = self.connect(greet=False)
                self.assertEqual(client.hello()["writes"], WRITES[policy])
                self.assert_fails(policy, client.acquire, 30000)
                self.assert_fails(policy, client.apply, 1, [(PACKAGE_0, 0, 60000000)])
                self.assertEqual(client.read_sample()["zones"][PACKAGE_0]["limits"][0]["limit_uw"], 150000000)
                helper.stop()
