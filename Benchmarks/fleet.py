"""What a budget over many nodes costs its coordinator."""
import modules
from report import Figure


def dividing(directory, cpu):
    """Of the module alone: what TLS and HTTP take of a post isn't in it."""
    names = ["CLinux", "LinuxSystem", "Text", "JSON", "PowercapProtocol", "Fleet"]
    allocation, allocation_p99, answer, answer_p99 = (time_ns / 1e3 for time_ns in modules.times_ns("fleet", names, directory, cpu))
    yield Figure("controller: budgets divided over 2,000 nodes", allocation / 1e3, f"{allocation / 1e3:.1f} ms (p99 {allocation_p99 / 1e3:.1f} ms)")
    yield Figure("controller: a report answered, of 2,000 nodes", answer, f"{answer:.0f} µs (p99 {answer_p99:.0f} µs)")
