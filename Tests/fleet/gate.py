#!/usr/bin/env python3
"""What stands between nodes and coordinators: for each node a port of this machine for each coordinator.

usage: gate.py NODES ADDRESS…     e.g. 20 127.0.0.1:8443 127.0.0.1:8444

It prints `ready` and each node's ports, with commas between; executes the lines of its standard input, and says `done`:

  hold N…        passes nothing more of these nodes' connections, and keeps them open; new ones, too
  cut N…         closes their connections, and each new one
  slow N… SECONDS
                 passes what they send, and what they are sent, so much later
  free           as at the beginning; what was held goes with its connection

It ends with its input.
"""
import asyncio
import sys


class Gate:
    def __init__(self):
        self.states, self.delays, self.connections, self.tasks = {}, {}, {}, {}

    async def serve(self, node, place, reader, writer):
        mine = self.connections.setdefault(node, set())
        mine.add(writer)
        self.tasks.setdefault(node, []).append(asyncio.current_task())
        there, ways = None, []
        try:
            if self.states.get(node) == "cut":
                return
            from_there, there = await asyncio.open_connection(*place)
            mine.add(there)
            ways = [asyncio.create_task(self.carry(node, reader, there)), asyncio.create_task(self.carry(node, from_there, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for way in ways:
                way.cancel()
            for end in filter(None, (writer, there)):
                end.close()
                mine.discard(end)

    async def carry(self, node, reader, writer):
        try:
            while data := await reader.read(65536):
                if node in self.delays:
                    await asyncio.sleep(self.delays[node])
                if self.states.get(node) == "hold":
                    # For ever: what was held goes with its connection.
                    await asyncio.Event().wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    def execute(self, words):
        if words[0] == "free":
            held = [node for node, state in self.states.items() if state == "hold"]
            self.states, self.delays = {}, {}
            self.close(held)
        elif words[0] == "slow":
            self.delays |= dict.fromkeys(map(int, words[1:-1]), float(words[-1]))
        else:
            nodes = [int(word) for word in words[1:]]
            self.states |= dict.fromkeys(nodes, words[0])
            if words[0] == "cut":
                self.close(nodes)

    def close(self, nodes):
        for node in nodes:
            for writer in list(self.connections.get(node, ())):
                writer.transport.abort()
            for task in self.tasks.pop(node, []):
                task.cancel()


async def main():
    places = [(host, int(port)) for host, _, port in (address.rpartition(":") for address in sys.argv[2:])]
    gate, ports = Gate(), []
    for node in range(int(sys.argv[1])):
        servers = [await asyncio.start_server(
            lambda reader, writer, node=node, place=place: gate.serve(node, place, reader, writer), "127.0.0.1", 0) for place in places]
        ports.append(",".join(str(server.sockets[0].getsockname()[1]) for server in servers))
    print("ready", *ports, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        gate.execute(line.split())
        print("done", flush=True)


asyncio.run(main())
