"""Who is answered by a coordinator, and what to."""
import json
import socket
import tempfile
import time

from coordinators import Certificate, FleetCase, W, wait


class Doors(FleetCase):
    """Who is answered, and what others are told."""

    def setUp(self):
        super().setUp()
        self.budget(limitMilliwatts=600_000)
        self.ours = self.nodes(2)
        self.leading = self.leader()
        self.port = self.leading.port

    def known(self, node, **others):
        return wait("an answer", lambda: (answer := node.send(self.port, node.report(), **others)).status != 503 and answer)

    def test_tokens(self):
        node = self.ours[0]
        cases = {
            "no token": ({"headers": {}}, 401, "no token was shown"),
            "no scheme": ({"headers": {"Authorization": node.token}}, 401, "no token was shown"),
            "another scheme": ({"headers": {"Authorization": f"Basic {node.token}"}}, 401, "no token was shown"),
            "not a token": ({"token": "abc"}, 401, ""),
            "another audience": ({"token": self.token("n0", "-")}, 401, ""),
            "a pod on no node": ({"token": self.token("-")}, 403, ""),
            "another account": ({"token": self.token("n0", account="default/default")}, 403, "isn't of the account"),
            "another node": ({"token": self.token("n1")}, 403, "is of a pod on the node n1, and the report is one of n0"),
        }
        for name, (others, status, words) in cases.items():
            with self.subTest(name):
                answer = self.known(node, **others)
                self.assertEqual(answer.status, status, answer)
                self.assertIn(words, answer.error)
                self.assertNotIn(node.token, answer.error)

    def test_reports(self):
        node = self.ours[0]
        self.assertEqual(self.known(node).status, 200)
        cases = {
            "nothing": (b"", 400), "no JSON": (b"{", 400), "a list": (b"[]", 400), "another version": (node.report(version=2), 426),
            "a negative power": (node.report(inForceMicrowatts=-1), 400), "a floor above the ceiling": (node.report(floorMicrowatts=900 * W), 400),
            "no boot": (node.report(boot="x"), 400), "too much": (b" " * 20_000, 413),
        }
        for name, (body, status) in cases.items():
            with self.subTest(name):
                time.sleep(0.25)
                try:
                    answer = node.send(self.port, body)
                except json.JSONDecodeError:
                    self.assertEqual(status, 413)
                    continue
                self.assertEqual(answer.status, status, answer)

    def test_an_old_report_grants_nothing(self):
        node = self.ours[0]
        self.assertEqual(self.known(node).status, 200)
        answer = node.send(self.port, node.report(nonce=1))
        self.assertEqual(answer.status, 503)
        self.assertIn("newer report", answer.error)

    def test_whoever_asks_all_the_time_is_told_to_wait_and_others_are_answered(self):
        node, other = self.ours
        self.assertEqual(self.known(node).status, 200)
        answers = [node.send(self.port, node.report()) for _ in range(30)]
        refused = [answer for answer in answers if answer.status == 429]
        self.assertGreater(len(refused), 10)
        self.assertEqual(refused[0].headers["Retry-After"], "1")
        self.assertEqual(self.known(other).status, 200)

    def test_other_places_and_methods(self):
        node = self.ours[0]
        self.assertEqual(node.send(self.port, b"", path="/").status, 404)
        self.assertEqual(node.send(self.port, b"", method="GET").status, 405)
        self.assertEqual(self.leading.get("/v1/grant")[0], 404)

    def test_a_token_that_ended_is_refused(self):
        node = self.ours[0]
        node.token = self.token("n0", seconds=3)
        self.assertEqual(self.known(node).status, 200)
        wait("the refusal", lambda: self.known(node).status == 401)

    def test_what_is_so_can_be_read(self):
        self.settle(self.ours, self.port)
        status, page = self.leading.get("/")
        self.assertEqual(status, 200)
        self.assertIn("All budgets are kept.", page)
        status, metrics = self.leading.get("/metrics")
        for line in ('powercap_fleet_budget_limit_watts{budget="site",shard="0"} 600', "powercap_fleet_leader 1",
                     'powercap_fleet_budget_nodes{budget="site",shard="0",state="silent"} 0'):
            self.assertIn(line, metrics.splitlines())
        self.assertEqual(self.leading.get("/healthz"), (200, "ok\n"))


class Certificates(FleetCase):
    def test_one_that_is_renewed_is_shown_from_then_on_and_grants_go_on(self):
        with tempfile.TemporaryDirectory() as directory:
            self.certificate = Certificate(directory)
            self.budget(limitMilliwatts=400_000)
            nodes = self.nodes(2)
            leader = self.leader()
            self.settle(nodes, leader.port, 400)

            def shown():
                with socket.create_connection(("127.0.0.1", leader.port), timeout=5) as plain:
                    with nodes[0].context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                        return connection.getpeercert()["serialNumber"]

            before = shown()
            for _ in range(2):
                self.certificate.renew()
                for _ in range(6):
                    for node in nodes:
                        self.assertEqual(node.ask(leader.port).status, 200)
                    time.sleep(0.2)
                wait("the new one", lambda: shown() != before)
                before = shown()
            self.assertEqual(nodes[0].epoch, 1)
