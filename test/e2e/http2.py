"""HTTP/2 frames by hand, for what no well-behaved client sends; and as much gRPC as tests need."""
import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 60  # seconds for any answer

REAPI = "/build.bazel.remote.execution.v2."
BYTES = "/google.bytestream.ByteStream/"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(x):
    return bytes([len(x)]) + x.encode()  # below 127 bytes: no longer length is needed


def header_block(path, extra=b""):
    """Literal headers without index and without Huffman coding."""
    return (b"\x83\x86" + b"\x04" + text(path) + b"\x01" + text("x") + b"\x0f\x10" + text("application/grpc")
            + b"\x00" + text("te") + text("trailers") + extra)


def message(payload):
    return struct.pack(">BI", 0, len(payload)) + payload


# ---- protobuf ------------------------------------------------------------------------------------

def varint(x):
    x &= (1 << 64) - 1
    out = b""
    while x > 0x7f:
        out += bytes([x & 0x7f | 0x80])
        x >>= 7
    return out + bytes([x])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(data):
    """[(number, value)] of a message: ints and bytes."""
    def take():
        nonlocal data
        x = shift = 0
        while True:
            byte, data = data[0], data[1:]
            x |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return x
    found = []
    while data:
        key = take()
        if key & 7 == 0:
            found.append((key >> 3, take()))
        else:
            size = take() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
            found.append((key >> 3, data[:size]))
            data = data[size:]
    return found


def only(data, number):
    """The field of that number, or b"" when it is absent."""
    return next((v for n, v in fields(data) if n == number), b"")


# ---- a connection --------------------------------------------------------------------------------

class Connection:
    """Answers SETTINGS and PING; everything else is what the test makes of it."""

    def __init__(self, port, source="127.0.0.1", window=(1 << 31) - 1):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.next_stream = 1
        self.window = {0: 65535}  # what we may send: of the connection (0) and of each stream
        self.initial = 65535
        no_table = struct.pack(">HI", 1, 0)  # so that every header comes in words
        self.send(PREFACE + frame(SETTINGS, payload=no_table + struct.pack(">HI", 4, window))
                  + frame(WINDOW_UPDATE, payload=struct.pack(">I", (1 << 30) - 1)))

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def vanish(self):
        """As when a machine loses its power, but told at once: RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read(self):
        """The next frame as (kind, flags, stream, payload); None at the connection's end."""
        while True:
            if len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + size:
                    kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
                    payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                    self.react(kind, flags, stream, payload)
                    return kind, flags, stream, payload
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return None
            self.buffer += more

    def react(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                number, value = struct.unpack(">HI", payload[i:i + 6])
                if number == 4:  # also of the streams that are open
                    for each in self.window:
                        self.window[each] += value - self.initial if each else 0
                    self.initial = value
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            self.window[stream] = self.window.get(stream, self.initial) + struct.unpack(">I", payload)[0]

    # ---- calls ----

    def start(self, path, data=b"", end=False, headers=b""):
        """A new stream with its headers and these bytes; they must fit into the initial window."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        sent = frame(HEADERS, END_HEADERS, stream, header_block(path, headers))
        if data or end:
            sent += frame(DATA, END_STREAM if end else 0, stream, data)
        self.window[stream] = self.initial - len(data)
        self.window[0] -= len(data)
        self.send(sent)
        return stream

    def send_data(self, stream, data, end=False):
        """As flow control allows; False when the stream ends before that."""
        data = memoryview(data)  # cut without copying
        while data:
            room = min(16384, self.window[0], self.window[stream], len(data))
            if room > 0:
                piece, data = data[:room], data[room:]
                self.window[0] -= room
                self.window[stream] -= room
                self.send(frame(DATA, END_STREAM if end and not data else 0, stream, bytes(piece)))
                continue
            got = self.read()
            if got is None or got[0] == GOAWAY or got[2] == stream and (got[0] == RST_STREAM or got[1] & END_STREAM):
                return False
        return True

    def first_message(self, stream):
        """Waits for the first bytes of an answer."""
        while (got := self.read()) is not None:
            if got[0] == DATA and got[2] == stream and got[3]:
                return got[3]
        return b""

    def result(self, stream):
        """(grpc-status or None, [messages]) of a stream, read to its end."""
        body, status = b"", None
        while (got := self.read()) is not None:
            kind, flags, of, payload = got
            if of != stream:
                continue
            if kind == DATA:
                body += payload
            if kind == HEADERS and b"grpc-status" in payload:
                at = payload.index(b"grpc-status") + len(b"grpc-status")
                status = int(payload[at + 1:at + 1 + payload[at]])
            if kind == RST_STREAM or kind in (DATA, HEADERS) and flags & END_STREAM:
                break
        messages = []
        while len(body) >= 5:
            size = int.from_bytes(body[1:5], "big")
            messages.append(body[5:5 + size])
            body = body[5 + size:]
        return status, messages


def ask(port, path, *payloads):
    """One call on a connection of its own."""
    connection = Connection(port)
    try:
        data = b"".join(message(x) for x in payloads)
        if len(data) <= 16384:  # the largest frame
            stream = connection.start(path, data, end=True)
        else:
            stream = connection.start(path)
            connection.send_data(stream, data, end=True)
        return connection.result(stream)
    finally:
        connection.close()
