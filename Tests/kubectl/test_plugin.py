#!/usr/bin/env python3
"""kubectl-powercap: what it shows and what it asks for, run by a real kubectl. All tests of this directory, run as a program.

Exit status 77, with the reason as the last line: this machine has no kubectl.
"""
import json
import os
import pathlib
import pty
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import KUBECTLS, ClusterCase, ago, ahead, plugin  # noqa: E402
from test_values import SourceTests, ValueTests  # noqa: E402, F401

LIMIT, PAUSED, WHY = "powercap.dev/limit", "powercap.dev/paused", "powercap.dev/override-reason"


class ListTests(ClusterCase):
    def test_nodes_are_a_table_in_their_order_and_those_without_a_controller_have_dashes(self):
        for name in ("node-c", "node-b"):
            self.double.tell(f"node {name}")
        self.report("node-b", **{LIMIT: "90 W", LIMIT + "-until": "2020-01-01T00:00:00Z"}, status="True", reason="FloorsExceedSource")
        self.report("node-a", limit=12_500, reference=20_000, **{PAUSED: "true", LIMIT: "90W"}, state="paused", reason="Paused")
        self.assertEqual(self.powercap().output.splitlines(), [
            "NODE     LIMIT     REFERENCE   SOURCE   STATE     REASON               OVERRIDE      AGE",
            "node-a   12.5 kW   20 kW       static   paused    Paused               paused, 90W   3m",
            "node-b   90 W      200 W       static   managed   FloorsExceedSource   90 W ended    3m",
            "node-c   -         -           -        -         -                    -             -"])
        self.assertEqual(self.powercap("nodes").output, self.powercap().output)

    def test_an_end_is_a_time_of_day_or_a_day(self):
        now = time.time()
        for seconds in (30, 86_400 * 2, 86_400 * 400):
            end = time.gmtime(now + seconds)
            self.report("node-a", **{LIMIT: "90W", LIMIT + "-until": time.strftime("%Y-%m-%dT%H:%M:%SZ", end)})
            form = "%Y-%m-%d" if end.tm_year > time.gmtime(now).tm_year else (
                "%H:%MZ" if end.tm_yday == time.gmtime(now).tm_yday else "%m-%dT%H:%MZ")
            self.assertIn("   90W until " + time.strftime(form, end) + "   ", self.powercap().output)
        self.report("node-a", **{LIMIT + "-until": "tomorrow"})
        self.assertIn("   90W bad end   ", self.powercap().output)

    def test_a_table_is_no_wider_than_100_columns_for_what_overrides_say(self):
        self.report("node-a", **{LIMIT: "90W", LIMIT + "-until": ahead(99), PAUSED: "true", "powercap.dev/max-source": "80W",
                                 "powercap.dev/min-power": "15W"})
        lines = self.powercap().output.splitlines()
        self.assertLessEqual(max(map(len, lines)), 100, lines)
        self.assertRegex(lines[1], "   paused, 90W until .*…   3m$")
        wide = self.powercap("-o", "wide").output
        self.assertIn("max-source 80W, min-power 15W", wide)
        self.assertRegex(wide, r"BY +SINCE +MESSAGE\n.* source +20.*Z +Limits are in force\n")

    def test_a_selector_is_kubectls(self):
        self.double.tell("node node-b")
        self.double.tell("label node-b rack=4")
        for selector, names in (("rack=4", ["node-b"]), ("rack!=4", ["node-a"]), ("rack in (3,4)", ["node-b"]), ("!rack", ["node-a"])):
            output = self.powercap("nodes", "-l", selector).output
            self.assertEqual([line.split()[0] for line in output.splitlines()[1:]], names, selector)
        ran = self.powercap("-l", "rack=5")
        self.assertEqual((ran.output, ran.errors), ("", "no nodes found\n"))

    def test_nodes_are_in_the_order_of_their_numbers(self):
        for name in ("node-10", "node-2", "10", "node-2b"):
            self.double.tell(f"node {name}")
        names = ["10", "node-2", "node-2b", "node-10", "node-a"]
        self.assertEqual([line.split()[0] for line in self.powercap().output.splitlines()[1:]], names)
        self.assertEqual([node["node"] for node in json.loads(self.powercap("-o", "json").output)], names)

    def test_json_is_for_programs(self):
        self.report("node-a", **{LIMIT: "90W", LIMIT + "-until": "2020-01-01T00:00:00Z", WHY: "x"})
        node, = json.loads(self.powercap("-o", "json").output)
        self.assertEqual((node["node"], node["limit_uw"], node["reference_uw"]), ("node-a", 90_000_000, 200_000_000))
        self.assertEqual(node["condition"]["reason"], "LimitInForce")
        self.assertEqual(node["overrides"], [
            {"annotation": LIMIT, "value": "90W", "until": "2020-01-01T00:00:00Z", "ended": True}])

    def test_nothing_of_the_cluster_reaches_a_terminal_as_more_than_text(self):
        evil = "\x1b[31m\u202e\u009b0m\n"
        self.report("node-a", source=evil, reason="Évil\x07", message=evil, **{LIMIT: evil, WHY: evil, LIMIT + "-until": evil})
        self.double.tell("label node-a rapl/pmax=x")
        for arguments in ((), ("-o", "wide"), ("explain", "node-a")):
            output = self.powercap(*arguments).output
            self.assertFalse([letter for letter in output if not letter.isprintable() and letter != "\n"], output)
            self.assertIn(r"\u{1b}[31m\u{202e}\u{9b}0m\n", output)

    def test_colours_are_for_a_terminal_alone(self):
        self.report("node-a", status="False", reason="LimitRefused")

        def shown(**environment):
            master, slave = pty.openpty()
            subprocess.run([self.kubectl, "powercap"], stdout=slave, stdin=subprocess.DEVNULL, timeout=60, check=True,
                           env=self.environment | {"TERM": "xterm"} | environment)
            os.close(slave)
            with os.fdopen(master, "rb") as reader:
                return reader.read1(65536).decode()

        self.assertIn("\033[31mLimitRefused\033[0m", shown())
        self.assertNotIn("\033", shown(NO_COLOR="1"))
        self.assertNotIn("\033", self.powercap().output)


class ExplainTests(ClusterCase):
    def first(self, status=0):
        return self.powercap("explain", "node-a", status=status).output.splitlines()[0]

    def test_the_answer_comes_first_and_the_exit_status_says_the_same(self):
        self.assertEqual(self.first(status=1), "node-a: no controller of powercap has reported on this node")
        self.report("node-a")
        self.assertEqual(self.first(), "node-a is limited to 90 W of 200 W, by its source (static)")
        end = ahead(3_600)
        self.report("node-a", by="override", **{LIMIT: "90W", LIMIT + "-until": end})
        self.assertRegex(self.first(), rf"^node-a is limited to 90 W of 200 W, by {LIMIT}=90W until {end} \((60|59)m left\)$")
        self.report("node-a", status="False", reason="LimitRefused")
        self.assertEqual(self.first(status=1), "node-a: its limit is not in force: LimitRefused")
        self.report("node-a", status="Unknown", reason="NoControl")
        self.assertEqual(self.first(status=1), "node-a: whether it is limited nobody knows: NoControl")

    def test_it_has_the_condition_what_to_do_the_overrides_with_whose_they_are_and_the_last_events(self):
        self.report("node-a", reason="HeldLower", message="Another register holds less")
        self.double.tell(f"annotate node-a {LIMIT}=90W {LIMIT}-until=soon '{WHY}=rack 4 moves' {PAUSED}=true")
        for number, (reporter, note) in enumerate((("powercap.dev/controller", "the first"), ("kubelet", "another's"),
                                                   ("powercap.dev/controller", "the last"))):
            self.double.tell("put " + json.dumps({
                "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": f"e{number}", "namespace": "default"},
                "eventTime": ago(190 - number).replace("Z", ".000000Z"), "reason": "PowerLimitChanged", "note": note,
                "action": "ApplyLimit", "type": "Normal", "reportingController": reporter, "reportingInstance": "node-a",
                "regarding": {"apiVersion": "v1", "kind": "Node", "name": "node-a"}}))
        self.double.tell("put " + json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": "powercap-x", "namespace": "powercap-system", "labels": {"app.kubernetes.io/name": "powercap"}},
            "spec": {"nodeName": "node-a", "containers": [{"name": "powercap-controller", "image": "registry/controller@sha256:1"}]}}))
        output = self.powercap("explain", "node-a").output
        for line in (
                r"Condition   PowerCapped=True HeldLower since 20\S+Z \(3m ago\)", "            Another register holds less",
                "To do       find out who sets the register that the message names .*", "State       managed; source static; .*",
                "Overrides   powercap.dev/paused=true without an end",
                '            powercap.dev/limit=90W without an end: powercap.dev/limit-until="soon" is no point in time',
                r"              set by kubectl-annotate at 20\S+Z", '            reason: "rack 4 moves"',
                "Events        3m  PowerLimitChanged: the first\n              3m  PowerLimitChanged: the last",
                "Versions    kubectl-powercap .*", "            powercap-controller: registry/controller@sha256:1"):
            self.assertRegex(output, rf"(?m)^{line}$")
        self.assertNotIn("another's", output)
        self.assertIn("no pod of powercap in the namespace elsewhere", self.powercap("explain", "node-a", "-n", "elsewhere").output)

    def test_what_an_operator_on_the_node_has_ordered_stands_beside(self):
        words = "120 W until 2026-06-21T15:00:00Z by uid 0: maintenance"
        self.report("node-a", by="override", **{"powercap.dev/operator": words})
        self.assertEqual(self.first(), f"node-a is limited to 90 W of 200 W, by an operator on the node: {words}")
        self.assertIn("operator 120 W until 2026-06-21T15:00:00Z   ", self.powercap("-o", "wide").output)
        self.double.tell(f"annotate node-a {LIMIT}=90W")
        self.assertEqual(self.first(), "node-a is limited to 90 W of 200 W, by an override")
        self.assertIn(f"\n            an operator on the node: {words}\n", self.powercap("explain", "node-a").output)

    def test_what_may_not_be_read_is_said_and_the_rest_is_shown(self):
        self.report("node-a")
        self.double.tell("fault every list */events status 403")
        self.double.tell("fault every list */pods status 403")
        output = self.powercap("explain", "node-a").output
        self.assertRegex(output, "(?m)^Events      can't be read: .*Forbidden.*$")
        self.assertRegex(output, "(?m)^            pods can't be read: .*Forbidden.*$")


class BudgetTests(ClusterCase):
    PATH = "/apis/powercap.dev/v1alpha1/powerbudgets"

    def budget(self, name, conditions, **status):
        thing = {"apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudget", "metadata": {"name": name},
                 "spec": {"limitMilliwatts": 600_000, "maximumMilliwatts": 200_000}}
        self.double.tell(f"put {json.dumps(thing)}")
        all_of = [{"type": kind, "status": word, "reason": reason, "message": f"{kind} says so.", "lastTransitionTime": ago(190)}
                  for kind, word, reason in conditions]
        self.double.tell(f"patch {self.PATH}/{name}/status {json.dumps({'status': {'conditions': all_of} | status})}")

    def part(self, shard, count, limit, budget="site", **status):
        """A part as its coordinator has left it; the only one where no number of shards is given, as a release before there were several made it."""
        labels = {"powercap.dev/shards": str(count), "powercap.dev/shard": str(shard)} if count else {}
        self.double.tell("put " + json.dumps({
            "apiVersion": "powercap.dev/v1alpha1", "kind": "PowerBudgetShard", "metadata": {"name": f"{budget}-{shard}", "labels": labels},
            "spec": {"budget": budget, "shard": shard, "limitMilliwatts": limit}, "status": status}))

    def share(self, shard):
        return {"shard": shard, "limitMilliwatts": 1, "acknowledgedMilliwatts": 1, "countedMilliwatts": 1, "nodes": 1, "silent": 0}

    GOOD = [("Ready", "True", "Accepted"), ("WithinBudget", "True", "WithinLimit"), ("Degraded", "False", "AsExpected")]

    def test_budgets_are_a_table_with_what_is_not_as_it_should_be(self):
        self.assertIn("no budgets found", self.powercap("budget").errors)
        self.budget("site", self.GOOD, limitMilliwatts=600_000, countedMilliwatts=590_500, inForceMilliwatts=480_000,
                    nodes={"total": 5, "heard": 4, "silent": 1}, shards=[self.share(0), self.share(1)])
        self.budget("row", [("Ready", "False", "Invalid"), ("Degraded", "True", "SourceStale")])
        lines = self.powercap("budget").output.splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["BUDGET", "row", "site"])
        self.assertRegex(lines[1], r"^row +- +- +- +- +- +- +False Invalid +- +True SourceStale +\d+s$")
        self.assertRegex(lines[2], r"^site +600 W +590.5 W +480 W +2 +5 +1 +True +True +False +\d+s$")

    def test_one_budget_has_its_conditions_its_part_and_its_nodes(self):
        self.budget("site", self.GOOD, limitMilliwatts=600_000, countedMilliwatts=590_500, nodes={"total": 2, "heard": 2, "silent": 0})
        self.part(0, None, 600_000, grantSeconds=20, demandMilliwatts=900_000, nodes=[
            {"name": "n1", "ceilingMilliwatts": 200_000, "restMilliwatts": 50_000, "bootsAtRest": True}])
        output = self.powercap("budget", "site").output
        self.assertEqual(output.splitlines()[0], "site: 590.5 W counted of 600 W, 0 of 2 nodes silent")
        self.assertIn("WithinBudget=True WithinLimit: WithinBudget says so.", output)
        self.assertIn("\n\nPart 0: 600 W, 900 W wanted, grants hold 20 s\n", output)
        self.assertRegex(output, r"NODE +RESTS AT +CEILING +BOOTS AT REST\nn1 +50 W +200 W +yes\n")
        # Of one shard the budget's own line has it all.
        self.assertNotIn("SHARD", output)

    def test_several_parts_are_listed_and_added_up(self):
        self.budget("site", self.GOOD, limitMilliwatts=900_000, countedMilliwatts=590_500)
        self.part(1, 2, 200_000, acknowledgedMilliwatts=250_000, countedMilliwatts=190_500, inForceMilliwatts=150_000, demandMilliwatts=300_000,
                  nodesTotal=2, nodesSilent=1)
        self.part(0, 2, 400_000, acknowledgedMilliwatts=400_000, countedMilliwatts=400_000, inForceMilliwatts=0, demandMilliwatts=500_000,
                  nodesTotal=3, nodesSilent=0)
        self.part(0, None, 1_000, budget="row")
        output = self.powercap("budget", "site").output
        self.assertIn("\n\n" + "\n".join([
            "SHARD   MAY GIVE   KEEPS TO   COUNTED   IN FORCE   WANTED   NODES   SILENT",
            "0       400 W      400 W      400 W     0 W        500 W    3       0",
            "1       200 W      250 W      190.5 W   150 W      300 W    2       1",
            "all     600 W      650 W      590.5 W   150 W      800 W    5       1"]) + "\n\nPart 0: 400 W", output)
        self.assertNotIn("Note", output)

    def test_a_shard_that_is_missing_is_told_and_nothing_is_added_up_without_it(self):
        self.budget("site", self.GOOD, limitMilliwatts=900_000)
        self.part(0, 4, 400_000, acknowledgedMilliwatts=400_000, countedMilliwatts=400_000)
        self.part(2, 4, 0)
        output = self.powercap("budget", "site").output
        self.assertRegex(output, r"(?m)^1( +-){7}$")
        self.assertRegex(output, r"(?m)^3( +-){7}$")
        self.assertRegex(output, r"(?m)^2 +0 W( +-){6}$")
        self.assertRegex(output, r"(?m)^all( +-){7}$")
        self.assertIn("no part of shard 1, 3: nothing is known of its nodes", output)
        self.assertNotIn("different numbers", output)

    def test_parts_are_in_the_order_of_their_numbers(self):
        self.budget("site", self.GOOD, limitMilliwatts=900_000)
        for shard in (10, 2):
            self.part(shard, 11, 0)
        lines = self.powercap("budget", "site").output.splitlines()
        self.assertEqual([line.split(":")[0] for line in lines if line.startswith("Part")], ["Part 2", "Part 10"])

    def test_parts_of_different_numbers_of_shards_are_told(self):
        self.budget("site", self.GOOD, limitMilliwatts=900_000)
        self.part(0, None, 400_000)
        self.part(1, 2, 0)
        output = self.powercap("budget", "site").output
        self.assertIn("parts are of different numbers of shards", output)
        self.assertNotIn("no part of shard", output)

    def test_the_exit_status_says_whether_it_is_kept(self):
        self.budget("site", [("Ready", "True", "Accepted"), ("WithinBudget", "False", "Shrinking")])
        self.powercap("budget", "site", status=1)
        self.assertIn("not found", self.powercap("budget", "none", status=1).errors.lower())


class OrderTests(ClusterCase):
    def seconds_left(self, name):
        found = plugin().instant(self.notes()[f"powercap.dev/{name}-until"])
        return found.timestamp() - time.time()

    def test_a_limit_is_two_annotations_in_one_request_and_ends_in_an_hour(self):
        self.report("node-a")
        output = self.powercap("set", "node-a", "90 W", "--reason", "rack 4: it's warm").output
        notes = self.notes()
        self.assertEqual((notes[LIMIT], notes[WHY]), ("90 W", "rack 4: it's warm"))
        self.assertTrue(3_500 < self.seconds_left("limit") <= 3_601)
        self.assertEqual(len(self.requests("PATCH")), 1)
        self.assertEqual(output, f"node-a: {LIMIT}=90 W until {notes[LIMIT + '-until']} (60m left)\n"
                                 "See what comes of it: kubectl powercap explain node-a\n")

    def test_an_end_is_as_far_as_it_is_said_and_ever_has_none(self):
        self.report("node-a")
        for text, seconds in (("90", 90), ("1500ms", 2), ("5m", 300), ("1.5h", 5_400), ("2 d", 172_800)):
            self.powercap("set", "node-a", "90W", "--for", text)
            self.assertTrue(seconds - 60 < self.seconds_left("limit") <= seconds + 1, text)
        output = self.powercap("set", "node-a", "80W", "--for", "ever").output
        self.assertEqual(self.notes()[LIMIT], "80W")
        self.assertNotIn(LIMIT + "-until", self.notes())
        self.assertIn("It has no end: it holds until `kubectl powercap unset node-a`.\n", output)

    def test_a_pause_is_said_to_hold_a_limit_back_and_each_is_taken_back_by_itself(self):
        self.report("node-a")
        self.powercap("pause", "node-a", "--for", "2h", "--reason", "maintenance")
        self.assertEqual((self.notes()[PAUSED], self.notes()[WHY]), ("true", "maintenance"))
        self.assertTrue(7_000 < self.seconds_left("paused") <= 7_201)
        output = self.powercap("set", "node-a", "90W").output
        self.assertIn("The node is paused: its limits stay as they are until the pause is over.\n", output)
        # The pause goes on to have its reason.
        self.assertEqual(self.notes()[WHY], "maintenance")
        output = self.powercap("resume", "node-a").output
        self.assertIn(f"node-a: removed {PAUSED}, {PAUSED}-until\nnode-a: {LIMIT}=90W until ", output)
        self.assertNotIn(PAUSED, self.notes())
        output = self.powercap("unset", "node-a").output
        self.assertEqual(output, f"node-a: removed {LIMIT}, {LIMIT}-until, {WHY}\nnode-a: no override stands\n"
                                 "See what comes of it: kubectl powercap explain node-a\n")
        self.assertFalse({LIMIT, LIMIT + "-until", PAUSED, PAUSED + "-until", WHY} & set(self.notes()))
        patches = len(self.requests("PATCH"))
        self.assertEqual(self.powercap("unset", "node-a").output,
                         f"node-a: there is no {LIMIT}, so nothing is changed\n")
        self.assertEqual(len(self.requests("PATCH")), patches)

    def test_a_new_limit_does_not_keep_the_last_ones_reason(self):
        self.report("node-a")
        self.powercap("set", "node-a", "90W", "--reason", "rack 4")
        self.powercap("set", "node-a", "80W")
        self.assertNotIn(WHY, self.notes())

    def test_an_order_that_nobody_follows_is_given_and_that_is_said(self):
        self.assertIn("No controller of powercap manages node-a: nothing follows this before one does.\n",
                      self.powercap("set", "node-a", "90W").output)
        self.report("node-a", state="stopped")
        self.assertIn("No controller", self.powercap("unset", "node-a").output)

    def test_what_is_no_value_is_refused_before_anything_is_asked(self):
        before = len(self.requests())
        for arguments, words in (
                (("set", "node-a", "90"), '"90" is below 1 W: give microwatts'), (("set", "node-a", "90X"), "unknown unit"),
                (("set", "node-a", "2000kW"), "is above 1000 kW"), (("set", "node-a", "90W", "--for", "1w"), "has the unknown unit"),
                (("set", "node-a", "90W", "--for", "0"), "is below 1 s"), (("pause", "node-a", "--for", "9999d"), "is above 3650 d"),
                (("pause", "node-a", "--for", ""), "is empty"), (("pause", "node-a", "--reason", "ü" * 129), "at most 256 bytes"),
                (("set", "node-a"), "required: POWER"), (("set", "", "90W"), "can't be a Node's name"),
                (("explain", "node-a", "-o", "json"), "unrecognized arguments"), (("-o", "json", "explain", "node-a"), "not an option"),
                (("set", "../pods", "90W"), "can't be a Node's name"), (("sett", "node-a", "90W"), "invalid choice")):
            with self.subTest(arguments):
                self.assertIn(words, self.powercap(*arguments, status=2).errors)
        self.assertEqual(len(self.requests()), before)

    def test_an_unknown_node_is_refused_with_kubectls_words(self):
        for arguments in (("set", "nope", "90W"), ("unset", "nope"), ("pause", "nope"), ("resume", "nope"), ("explain", "nope")):
            ran = self.powercap(*arguments, status=1)
            self.assertEqual((ran.output, ran.errors.splitlines()[0]), ("", 'Error from server (NotFound): nodes "nope" not found'))


class KubectlTests(ClusterCase):
    def test_context_and_kubeconfig_are_kubectls(self):
        self.report("node-a")
        environment = {"KUBECONFIG": "/nonexistent"}
        for arguments in (("--kubeconfig", str(self.config), "explain", "node-a"), ("explain", f"--kubeconfig={self.config}", "node-a")):
            self.powercap(*arguments, **environment)
        for arguments in (("--context", "stranger"), ("nodes", "--context", "stranger"), ("set", "node-a", "90W", "--context=stranger")):
            self.assertRegex(self.powercap(*arguments, status=1).errors, "(?i)logged in|unauthorized|forbidden")
        self.assertNotIn(LIMIT, self.notes())

    def test_a_server_that_is_away_is_an_error_in_kubectls_words(self):
        self.double.tell("stop")
        self.assertRegex(self.powercap(status=1).errors, "(?i)refused")

    def test_without_kubectl_it_says_so(self):
        self.assertEqual(self.powercap(status=1, KUBECTL="/nonexistent/kubectl").errors.splitlines()[0],
                         "/nonexistent/kubectl can't be run: No such file or directory")

    def test_what_is_no_json_is_said(self):
        self.assertIn("is no JSON", self.powercap(status=1, KUBECTL="/bin/echo").errors)

    def test_each_command_has_help(self):
        self.assertRegex(self.powercap("--help").output, r"(?s)usage: kubectl powercap .*nodes.*explain.*set.*unset.*pause.*resume")
        for command in ("nodes", "explain", "set", "unset", "pause", "resume"):
            for flag in ("-h", "--help"):
                self.assertTrue(self.powercap(command, flag).output.startswith(f"usage: kubectl powercap {command} "), command)
        self.assertFalse(self.requests())

    def test_with_every_kubectl_that_there_is(self):
        self.report("node-a")
        for kubectl in KUBECTLS:
            with self.subTest(kubectl):
                self.kubectl = self.environment["KUBECTL"] = kubectl
                self.powercap("set", "node-a", "90W", "--for", "ever")
                self.assertEqual(self.notes()[LIMIT], "90W")
                self.assertIn(f"{LIMIT}=90W without an end\n              set by kubectl-annotate", self.powercap("explain", "node-a").output)
                self.powercap("unset", "node-a")
                self.assertNotIn(LIMIT, self.notes())
                self.assertIn('nodes "nope" not found', self.powercap("explain", "nope", status=1).errors)
                self.assertIn("node-a   90 W", self.powercap().output)


if __name__ == "__main__":
    if not KUBECTLS:
        print("no kubectl in PATH and no .build/tools/kubectl (make deps)", flush=True)
        sys.exit(77)
    unittest.main()
