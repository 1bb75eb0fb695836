#!/usr/bin/env python3
"""Writes a few seeds for every fuzzer: seeds.py FOLDER"""
import hashlib
import pathlib
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/e2e"))
from http2 import field  # noqa: E402  protobuf by hand

HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def node(name, size=0, executable=0):
    return field(1, name) + field(2, field(1, HASH) + field(2, size)) + (field(4, 1) if executable else b"")


def directory(files=(), directories=(), links=()):
    return (b"".join(field(1, node(x)) for x in files) + b"".join(field(2, node(n, d)) for n, d in directories)
            + b"".join(field(3, field(1, n) + field(2, t)) for n, t in links))


def tree(root, *children):
    return field(1, root) + b"".join(field(2, x) for x in children)


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def record(data):
    """A segment's."""
    key = hashlib.sha256(data).digest()
    start = b"EXSR\x01\x01\0\0" + len(data).to_bytes(4, "little")
    size = len(data).to_bytes(8, "little")
    return start + zlib.crc32(start + size + key).to_bytes(4, "little") + size + key + data


def stored(result):
    """What a record of the result store has behind its header."""
    return field(1, result) + field(2, 1_800_000_000) + field(3, "CppCompile") + field(4, "//a:b")


SEEDS = {
    "resource_name": [x.encode() for x in (
        f"blobs/{HASH}/0", f"main/blobs/{HASH}/12", f"a/b/c/uploads/u/blobs/{HASH}/7/blobs/x",
        f"uploads/u/compressed-blobs/zstd/{HASH}/9", f"x/compressed-blobs/deflate/blake3/{HASH}/9")],
    "input_tree": [
        tree(directory(["a", "b"], [("c", 0)], [("d", "a")]), directory(["x"])),
        tree(directory([], [("a", 1), ("b", 1)]), directory(["x"]), directory([], [("y", 0), ("z", 0)])),
        tree(directory([".."])), tree(directory(["a/b"])), tree(directory([], [], [("l", "/etc")]))],
    "command": [
        field(1, "/bin/true") + field(6, "sub") + field(7, "out") + field(7, "../beside") + field(7, "a/./b"),
        field(1, "x") + field(3, "file") + field(4, "dir/") + field(4, ""),
        field(7, "../../out"), field(7, "/absolute"), field(6, "a/../..")],
    "config": [x.read_bytes() for x in sorted((ROOT / "config/examples").glob("*.toml"))],
    "result_record": [
        b"\x00\x05\x01", b"\x00\x40\x80" + field(2, field(1, "out") + field(2, field(1, HASH))) + field(4, 1),
        b"\x00\x10\x01" + field(5, "stdout"),
        stored(field(5, "stdout") + field(2, field(1, "out"))), stored(b"\xff"), b"EXPB\x01\0\0\0" + bytes(40)],
    "codec": [  # codec, limit, size of pieces, stream
        b"\x00\xff\x08\x03" + bytes.fromhex("28b52ffd005853000078"),  # ten times x
        b"\x00\xff\x00\x00" + bytes.fromhex("502a4d1803000000616263" "28b52ffd2002110000" "6162"),
        b"\x00\x01\x0f\xff" + bytes.fromhex("28b52ffd0088530000" "78" "28b52ffd0058030010" "78"),
        b"\x01\xff\x08\x03" + raw_deflate(b"hello hello hello hello"),
        b"\x01\x10\x00\xff" + raw_deflate(bytes(5000)), b"\x01\xff\x08\x00" + raw_deflate(HASH.encode()) + b"x"],
    "segment": [
        bytes([50, 1, 1]) + bytes(15) + b"\x80" + bytes(32) + record(b"hello"),  # a list with a negative size
        # bytes of the list, list, records; from 128 on: how a record is, its payload
        b"\x80\x05hello\x85hello\x43abc\x00\x28\x01\0\0\0\x10\0\0\0\x22no", b"\xff" + b"\x01x" * 50,
        b"\0" + record(b"hello") + record(b""), b"\0" + record(b"one") + record(b"two")[:-1],
        bytes([50]) + bytes([1, 1]) + (5).to_bytes(4, "little") + (16).to_bytes(4, "little") + (5).to_bytes(8, "little")
        + hashlib.sha256(b"hello").digest() + record(b"hello")],
    "frame": [  # size of the blob / 5, ends in the table, KiB of a frame, ends, frames
        bytes.fromhex("0100" "01" "03" "0e00" "28b52ffd0405290000" "68656c6c6f"),
        bytes.fromhex("e703" "02" "03" "1100" "2200") + 2 * bytes.fromhex("28b52ffd0088530000" "78" "28b52ffd00580300")],
    "http": [  # size of the body, target, range
        b"\x0a/api/v1/actions?filter=failed+slow%3D1&page_token=a\nbytes=0-4",
        f"\x0a/main/cas/{HASH}?x\nbytes=-5".encode(), f"\x0a/ac/{HASH}\nbytes=3-".encode(),
        b"\x05/a%2Fb/%zz//%\nbytes=9-3,4-5"],
    "packet": [b"\0hello", b"\x0bhello", b"\x12", b"\x81", b"\x80EXR1" + bytes(12), b"\x81EXR1\1\0\0\0\5\0\0\0\0\0\0\0"],
    "promises": [b"\xff" + bytes.fromhex("0000000000000000" "03d2496b") * 3, b"\x55" + b"\xff" * 36, bytes(25)],
    "chunker": [bytes(100), b"\x07\x80" + bytes(range(256)) * 8, b"\xff\x01" + b"the same again and again, " * 40],
}

for name, seeds in SEEDS.items():
    folder = pathlib.Path(sys.argv[1], name)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)
