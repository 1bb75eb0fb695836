"""Blobs, actions and their results, written and read by hand: what tests send by the thousand."""
import hashlib
import threading

from http2 import REAPI, Connection, ask, field, fields, message, only

EXECUTE, WAIT_EXECUTION = REAPI + "Execution/Execute", REAPI + "Execution/WaitExecution"
CAS = REAPI + "ContentAddressableStorage/"
MESSAGE_LIMIT = 3 << 20  # below the 4 MB that a batch may have


def digest(data):
    return field(1, hashlib.sha256(data).hexdigest()) + (field(2, len(data)) if data else b"")


def name_of(data):
    return f"blobs/{hashlib.sha256(data).hexdigest()}/{len(data)}"


def store(server, *blobs):
    """In as many batches as they need."""
    while blobs:
        request, count = b"", 0
        while count < len(blobs) and (count == 0 or len(request) + len(blobs[count]) < MESSAGE_LIMIT):
            request += field(2, field(1, digest(blobs[count])) + field(2, blobs[count]))
            count += 1
        status, responses = ask(server.port, CAS + "BatchUpdateBlobs", request)
        assert status == 0, status
        assert not any(only(only(x, 2), 1) for n, x in fields(responses[0]) if n == 1), "a blob was refused"
        blobs = blobs[count:]


def find_missing(server, *blobs):
    """Those that the server says it does not have."""
    status, responses = ask(server.port, CAS + "FindMissingBlobs", b"".join(field(2, digest(x)) for x in blobs))
    assert status == 0, status
    gone = {only(x, 1).decode() for n, x in fields(responses[0]) if n == 2}
    return [x for x in blobs if hashlib.sha256(x).hexdigest() in gone]


def read(server, *blobs):
    """What the server has under the names of these: None where it has nothing."""
    status, responses = ask(server.port, CAS + "BatchReadBlobs", b"".join(field(2, digest(x)) for x in blobs))
    assert status == 0, status
    answers = [x for n, x in fields(responses[0]) if n == 1]
    return [None if only(only(x, 3), 1) else only(x, 2) for x in answers]


def directory(**programs):
    """A Directory with these executable files."""
    return b"".join(field(1, field(1, name) + field(2, digest(data)) + field(4, 1))
                    for name, data in sorted(programs.items()))


def command(*arguments):
    return b"".join(field(1, x) for x in arguments)


def action(command_blob, root=b"", salt=b"", **platform):
    """An Action that is never cached."""
    properties = b"".join(field(1, field(1, name.replace("_", "-")) + field(2, value))
                          for name, value in sorted(platform.items()))
    return (field(1, digest(command_blob)) + field(2, digest(root)) + field(7, 1) + (field(9, salt) if salt else b"")
            + (field(10, properties) if properties else b""))


def execute_request(action_blob):
    return field(6, digest(action_blob))


def store_action(server, script, root=b"", **platform):
    """The request that executes it, where there is such a platform."""
    shell = command("/bin/sh", "-c", script)
    blob = action(shell, root, **platform)
    store(server, shell, blob)
    return execute_request(blob)


class Outcome:
    """How an Execute ended: the code of its status, and of its command when there is a result."""

    def __init__(self, status, operations):
        response = only(only(operations[-1], 5), 2) if operations else b""
        trouble, result = only(response, 3), only(response, 1)
        self.code = only(trouble, 1) or status
        self.message = (only(trouble, 2) or b"").decode()
        self.exit_code = (only(result, 4) or 0) if result else None
        self.stderr = only(result, 7) or b""

    def __repr__(self):
        return f"(code {self.code}, exit code {self.exit_code}, {self.message or self.stderr!r})"


def execute_all(server, requests, in_flight):
    """Their outcomes, in the order of the requests. A call that never ends is an error of the socket's."""
    outcomes, waiting, guard = [None] * len(requests), iter(range(len(requests))), threading.Lock()
    troubles = []

    def work():
        connection = Connection(server.port)
        try:
            while not troubles:
                with guard:
                    at = next(waiting, None)
                if at is None:
                    return
                outcomes[at] = Outcome(*connection.result(connection.start(EXECUTE, message(requests[at]), end=True)))
        except Exception as trouble:  # told where the test can see it
            troubles.append(trouble)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if troubles:
        raise troubles[0]
    return outcomes
