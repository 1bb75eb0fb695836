"""What no well-behaved client does. Each test asks the same at its end: the server lives, an honest client is served,
and memory stays below a cap. With --long also what takes minutes."""
import contextlib
import pathlib
import re
import socket
import struct
import sys
import threading
import unittest
import zlib

from http2 import (BYTES, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, REAPI, RST_STREAM, SETTINGS,
                   Connection, ask, field, fields, frame, header_block, message, only, text)
from reapi import CAS, EXECUTE, WAIT_EXECUTION, digest, name_of, store, store_action
from server import WAIT, Server, until

LONG = "--long" in sys.argv
PROTO = pathlib.Path(__file__).parents[2] / "proto"


def every_rpc():
    for path in sorted(PROTO.rglob("*.proto")):
        content = path.read_text()
        package = re.search(r"^package (.*);", content, re.M)[1]
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", content, re.M | re.S):
            yield from (f"/{package}.{service}/{rpc}" for rpc in re.findall(r"^ *rpc (\w+)", body, re.M))


class HostileClients(unittest.TestCase):
    @contextlib.contextmanager
    def attacked(self, cap_mib, **options):
        with Server(**options) as server:
            peak, done = [server.resident_mib()], threading.Event()

            def watch():
                while not done.wait(0.02):
                    peak[0] = max(peak[0], server.resident_mib())
            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                yield server
                self.honest(server)
            finally:
                done.set()
                watcher.join()
            print(f"{self._testMethodName}: {peak[0]} MiB at most", file=sys.stderr)
            self.assertLess(peak[0], cap_mib, "MiB resident")

    def honest(self, server):
        done = server.rectl("exec", "--skip-cache", "--", "/bin/echo", "served")
        self.assertEqual((done.stdout, done.returncode), ("served\n", 0), done.stderr)

    def ended(self, connection, within=WAIT):
        connection.socket.settimeout(within)
        try:
            while connection.read() is not None:
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    # ---- connections -------------------------------------------------------------------------------------------------

    def test_a_flood_of_connections_beyond_the_descriptors_leaves_the_listener_answering(self):
        with self.attacked(150, descriptors=256) as server:  # so 64 connections
            flood = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(600)]
            until(lambda: "turned away" in server.log(), "no connection was turned away")
            self.assertLess(server.open_files(), 256)
            for each in flood:
                each.close()
            until(lambda: server.rectl("status").returncode == 0, "the listener is deaf")

    def test_one_peer_does_not_take_the_connections_of_others(self):
        with self.attacked(150, server="max_connections_per_peer = 20") as server:
            flood = [socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
                     for _ in range(200)]
            self.honest(server)  # while they are there
            for each in flood:
                each.close()

    def test_handshakes_that_do_not_end_are_closed(self):
        with self.attacked(150) as server:
            half = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
            for i, each in enumerate(half):
                each.sendall((b"", b"PRI * HTT", PREFACE)[i % 3])
            self.honest(server)
            for each in half:
                each.settimeout(WAIT)
                with contextlib.suppress(ConnectionError):
                    while each.recv(1000):
                        pass
                each.close()

    # ---- frames ------------------------------------------------------------------------------------------------------

    def reset(self, server, count):
        connection = Connection(server.port)
        call = header_block(REAPI + "Capabilities/GetCapabilities")
        with contextlib.suppress(ConnectionError):
            for stream in range(1, 2 * count, 2):
                connection.send(frame(HEADERS, END_HEADERS, stream, call)
                                + frame(DATA, END_STREAM, stream, message(b""))
                                + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
        connection.close()

    def test_a_rapid_reset_of_20000_calls_takes_little(self):
        with self.attacked(500) as server:
            attack = threading.Thread(target=self.reset, args=(server, 20_000))
            attack.start()
            self.honest(server)
            attack.join()

    def test_uploads_that_are_begun_and_reset_keep_no_server_from_stopping(self):
        # gRPC 1.51 never ends some of them as long as their connection is there.
        with self.attacked(500) as server:
            connection = Connection(server.port)
            call = header_block(BYTES + "Write")
            for stream in range(1, 40_000, 2):
                connection.send(frame(HEADERS, END_HEADERS, stream, call)
                                + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
            self.honest(server)
            self.addCleanup(connection.close)  # it stays open until after the stop

    @unittest.skipUnless(LONG, "long")
    def test_a_flood_of_uploads_that_are_reset_is_ended(self):
        with self.attacked(900) as server:
            connection = Connection(server.port)
            call = header_block(BYTES + "Write")
            with contextlib.suppress(OSError):
                for stream in range(1, 400_000, 2):
                    connection.send(frame(HEADERS, END_HEADERS, stream, call)
                                    + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
            self.honest(server)
            connection.close()

    def test_hasty_pings_close_the_connection(self):
        with self.attacked(150) as server:
            connection = Connection(server.port)
            with contextlib.suppress(ConnectionError):
                for _ in range(20_000):
                    connection.send(frame(PING, payload=b"hostile!"))
            self.assertTrue(self.ended(connection))
            connection.close()

    def test_settings_without_end_take_little(self):
        with self.attacked(200) as server:
            connection = Connection(server.port)
            threading.Thread(target=self.ended, args=(connection,), daemon=True).start()
            with contextlib.suppress(OSError):
                for _ in range(20_000):
                    connection.send(frame(SETTINGS, payload=struct.pack(">HI", 4, 65535)))
            self.honest(server)
            connection.vanish()

    def continuation(self, server, frames):
        connection = Connection(server.port)
        header = b"\x00" + bytes([100]) + b"a" * 100 + bytes([100]) + b"b" * 100
        with contextlib.suppress(ConnectionError):
            connection.send(frame(HEADERS, 0, 1, header_block(REAPI + "Capabilities/GetCapabilities")))
            for _ in range(frames):
                connection.send(frame(CONTINUATION, 0, 1, header * 79))
        connection.close()

    def test_headers_without_end_take_no_more_than_was_sent(self):
        # gRPC 1.51 collects them whatever its limit of metadata says: some 1.5 bytes for each byte sent.
        with self.attacked(200) as server:
            self.continuation(server, 1000)  # 16 MB

    # ---- messages ----------------------------------------------------------------------------------------------------

    def test_large_messages_that_never_end_are_bounded_together(self):
        with self.attacked(900) as server:
            def send():
                connection = Connection(server.port)
                connection.socket.settimeout(3)
                with contextlib.suppress(OSError):
                    for _ in range(4):
                        stream = connection.start(CAS + "FindMissingBlobs", struct.pack(">BI", 0, 60 << 20))
                        connection.send_data(stream, bytes(50 << 20))
                connections.append(connection)
            connections = []
            senders = [threading.Thread(target=send) for _ in range(8)]  # 1.6 GB in all
            for each in senders:
                each.start()
            for each in senders:
                each.join()
            self.honest(server)
            for each in connections:
                each.vanish()

    def test_a_message_that_says_it_has_4_gib_takes_what_was_sent(self):
        with self.attacked(150) as server:
            for end in (False, True):
                connection = Connection(server.port)
                stream = connection.start(CAS + "FindMissingBlobs", struct.pack(">BI", 0, 0xffffffff) + b"x" * 1000, end)
                if end:  # gRPC does not look at the length before that
                    self.assertNotEqual(connection.result(stream)[0], 0)
                else:
                    self.honest(server)
                connection.vanish()

    def test_malformed_protobuf_is_refused_by_every_rpc(self):
        rpcs = [x for x in every_rpc() if "remote.asset" not in x and "logstream" not in x]
        self.assertGreater(len(rpcs), 20)
        with self.attacked(200) as server:
            for rpc in rpcs:
                for garbage in (b"\xff" * 12, b"\x0a\x7f", b"\x0a" + b"\xff" * 9 + b"\x7f"):
                    self.assertNotEqual(ask(server.port, rpc, garbage)[0], 0, (rpc, garbage))
                if not rpc.endswith("/Watch"):  # any message will do for that one, and it has no end
                    ask(server.port, rpc, field(1, b"\xff\xfe"))  # no UTF-8, where field 1 is a string
                self.assertIsNone(server.process.poll(), rpc)

    def test_a_message_that_grpc_would_unpack_to_a_gib_is_refused(self):
        packer = zlib.compressobj(wbits=31)  # gzip
        packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
        with self.attacked(150) as server:
            connection = Connection(server.port)
            packing = b"\x00" + text("grpc-encoding") + text("gzip")
            stream = connection.start(CAS + "FindMissingBlobs", headers=packing)
            connection.send_data(stream, struct.pack(">BI", 1, len(packed)) + packed, end=True)
            self.assertNotEqual(connection.result(stream)[0], 0)
            connection.close()

    # ---- what they ask for -------------------------------------------------------------------------------------------

    def doubling_tree(self, server, levels):
        below = field(3, field(1, "link") + field(2, "target"))
        for _ in range(levels):
            store(server, below)
            below = b"".join(field(2, field(1, name) + field(2, digest(below))) for name in ("a", "b"))
        store(server, below)
        return below

    def test_a_tree_that_doubles_60_times_is_told_in_61_directories(self):
        with self.attacked(200) as server:
            root = self.doubling_tree(server, 60)
            status, pages = ask(server.port, CAS + "GetTree", field(2, digest(root)))
            self.assertEqual(status, 0)
            self.assertEqual(sum(number == 1 for page in pages for number, _ in fields(page)), 61)

    def test_a_tree_that_doubles_60_times_is_not_executed(self):
        with self.attacked(700) as server:
            root = self.doubling_tree(server, 60)
            status, operations = ask(server.port, EXECUTE, store_action(server, "true", root))
            if status == 0:
                response = only(only(operations[-1], 5), 2)
                status = only(only(response, 3), 1)
            self.assertIn(status, (3, 8, 9))  # INVALID_ARGUMENT, RESOURCE_EXHAUSTED, FAILED_PRECONDITION

    def test_a_thousand_readers_who_do_not_read_take_little(self):
        with self.attacked(400) as server:
            big = bytes(3 << 20)
            store(server, big)
            reader = Connection(server.port, window=1)
            for _ in range(990):
                reader.start(BYTES + "Read", message(field(1, name_of(big))), end=True)
            until(lambda: server.metric('grpc_server_started_total{grpc_method="Read"') >= 990, "not all of them began")
            self.honest(server)
            reader.vanish()

    def test_streams_beyond_the_budget_are_refused_in_words(self):
        with self.attacked(150, server="max_streams = 20") as server:
            runs = Connection(server.port)
            running = runs.start(EXECUTE, message(store_action(server, "sleep 3")), end=True)
            operation = only(runs.first_message(running)[5:], 1)
            watchers = Connection(server.port)
            for _ in range(50):
                watchers.start(WAIT_EXECUTION, message(field(1, operation)), end=True)
            refused = 0
            while refused < 31:  # 20 less the Execute are not
                refused += b"grpc-status\x018" in watchers.read()[3]  # RESOURCE_EXHAUSTED
            watchers.vanish()
            runs.close()

    def test_bodies_that_lie_leave_nothing(self):
        with self.attacked(200) as server:
            before = server.open_files()
            for i in range(50):
                data = b"lie %d" % i
                for lie, offset in ((data + b"!", 0), (data[:-1], 0), (data[::-1], 0), (data, 1), (data, -1)):
                    write = field(1, f"uploads/u{i}/{name_of(data)}") + field(2, offset) + field(3, 1) + field(10, lie)
                    status, _ = ask(server.port, BYTES + "Write", write)
                    self.assertNotEqual(status, 0, (lie, offset))
            until(lambda: server.open_files() <= before, "descriptors are left open")
            self.assertEqual(list((server.folder / "cas/tmp").iterdir()), [])

    # ---- those who go ------------------------------------------------------------------------------------------------

    def begin_each_rpc(self, server, big, root, action, operation, n):
        """Calls that are under way, on connections of their own; the number of uploads among them."""
        lost = b"lost upload %d " % n * 3000
        begun = [
            (BYTES + "Write", message(field(1, f"uploads/u{n}/{name_of(lost)}") + field(10, lost[:30_000])), False),
            (BYTES + "Read", message(field(1, name_of(big))), True),
            (EXECUTE, message(action), True),
            (WAIT_EXECUTION, message(field(1, operation)), True),
            (CAS + "GetTree", message(field(2, digest(root))), True),
            (CAS + "FindMissingBlobs", message(b"".join(field(2, digest(b"%d" % i)) for i in range(400))), True),
            (CAS + "BatchUpdateBlobs", struct.pack(">BI", 0, 1 << 20) + b"x" * 1000, False)]
        for path, data, end in begun:
            connection = Connection(server.port, window=1)  # answers get stuck
            connection.start(path, data, end)
            yield connection

    def test_clients_that_vanish_in_every_rpc_leave_nothing(self):
        with self.attacked(300) as server:
            big = bytes(3 << 20)
            store(server, big)
            root = self.doubling_tree(server, 30)
            runs = Connection(server.port)
            running = runs.start(EXECUTE, message(store_action(server, "sleep 4")), end=True)
            operation = only(runs.first_message(running)[5:], 1)
            self.honest(server)
            before = server.open_files()
            rounds = 10
            connections = []
            for n in range(rounds):
                action = store_action(server, f"sleep 2; echo {n}")
                connections += self.begin_each_rpc(server, big, root, action, operation, n)
            self.honest(server)  # once they all are under way, and some run
            for each in connections:
                each.vanish()
            runs.close()
            # Interrupted uploads may be kept for those who come back: one descriptor and one file each.
            until(lambda: server.open_files() <= before + rounds, f"{server.open_files()} open files, {before} before")
            until(lambda: len(list((server.folder / "cas/tmp").iterdir())) <= rounds, "temporary files are left")
            until(lambda: int(server.status()["runningActions"]) == int(server.status()["queuedActions"]) == 0,
                  "actions run")

    @unittest.skipUnless(LONG, "long")
    def test_10000_streams_at_once_are_served(self):
        with self.attacked(1000) as server:
            runs = Connection(server.port)
            running = runs.start(EXECUTE, message(store_action(server, "sleep 20")), end=True)
            operation = only(runs.first_message(running)[5:], 1)
            connections = [Connection(server.port) for _ in range(10)]
            for connection in connections:
                streams = [connection.start(WAIT_EXECUTION, message(field(1, operation)), end=True) for _ in range(990)]
                connection.streams = set(streams)
            self.honest(server)
            for connection in connections:
                while connection.streams:
                    got = connection.read()
                    self.assertIsNotNone(got)
                    if got[0] == HEADERS and got[1] & END_STREAM:
                        connection.streams.discard(got[2])
                connection.close()
            runs.close()

    @unittest.skipUnless(LONG, "long")
    def test_headers_without_end_of_160_mb_are_survived(self):
        with self.attacked(600) as server:
            self.continuation(server, 10_000)


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
