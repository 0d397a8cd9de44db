#!/usr/bin/env python3
"""Reads a snapshot, by docs/snapshot-format.md alone: nothing of the emulator is used.

    independent_reader.py <store> <key>     prints what it finds in a snapshot, as JSON
    independent_reader.py <bundle>          the same for each snapshot of a bundle
    independent_reader.py --check           says whether it can work here

It needs Python's standard library and libzstd. Everything that the document lets a reader check is
checked; what does not fit ends it with a message.
"""

import ctypes
import ctypes.util
import hashlib
import json
import struct
import sys
from pathlib import Path

PAGE_BYTES = 4096
ZERO_CHUNK = 0xFFFF_FFFF
MAX_BASES = 256
MAX_CBOR_DEPTH = 64
MANIFEST_OPENING = b"\xd9\xd9\xf7\x84\x71himawari-snapshot"
PACK_OPENING = b"himawari-pack\0\0\0"
BUNDLE_HEADER = struct.Struct("<16sII32s")
PACK_HEADER = struct.Struct("<16sIIII32s32s")


class BadFile(Exception):
    """A file that is not what the document says."""


def require(is_met, what):
    if not is_met:
        raise BadFile(what)


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- CBOR, as far as "Kinds of values" goes


class U64(int):
    """A 64-bit number, which is not the same as a count of equal value."""


class Cbor:
    """A decoder of one item."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def whole(self):
        value = self.item(0)
        require(self.at == len(self.data), "there is something behind the item")
        return value

    def take(self, count):
        require(count <= len(self.data) - self.at, "an item is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def argument(self, info):
        if info < 24:
            return info
        require(info < 28, "an item is of unknown length")
        return int.from_bytes(self.take(1 << (info - 24)), "big")

    def item(self, depth):
        require(depth <= MAX_CBOR_DEPTH, "items lie too deep")
        initial = self.take(1)[0]
        major, info = initial >> 5, initial & 31
        if major == 7:
            require(info in (20, 21, 27), "a simple value is neither a boolean nor a float")
            return struct.unpack(">d", self.take(8))[0] if info == 27 else info == 21
        argument = self.argument(info)
        if major == 0:
            return argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.take(argument).decode("utf-8")
        if major == 4:
            return [self.item(depth + 1) for _ in range(argument)]
        if major == 5:
            return self.map(argument, depth + 1)
        require(major == 6 and argument == 2, "a tag is none of a 64-bit number")
        require(self.take(1) == b"\x48", "a 64-bit number has another length")
        return U64.from_bytes(self.take(8), "big")

    def map(self, length, depth):
        fields = {}
        for _ in range(length):
            name = self.item(depth)
            require(isinstance(name, str) and name not in fields, "a key is no text or there twice")
            fields[name] = self.item(depth)
        return fields


def encode(value):
    """CBOR as a layer's key is made of."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, U64):
        return b"\xc2\x48" + value.to_bytes(8, "big")
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode("utf-8")
        return head(3, len(text)) + text
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    # UTF-16 code units, big-endian, compare as bytes do.
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return head(5, len(value)) + b"".join(encode(name) + encode(value[name]) for name in names)


def head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise BadFile("an item is too long")


def words(data):
    require(len(data) % 4 == 0, "words are no whole number of words")
    return struct.unpack(f"<{len(data) // 4}I", data)


# ---- zstd


def load_zstd():
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    sizes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    library.ZSTD_decompress.argtypes = sizes
    library.ZSTD_decompress.restype = ctypes.c_size_t
    return library


def decompress(zstd, frame, size):
    pages = ctypes.create_string_buffer(size)
    found = zstd.ZSTD_decompress(pages, size, frame, len(frame))
    require(found == size, "a frame does not decompress to its pages")
    return pages.raw


# ---- the store


class Pack:
    """Pages of a pack file."""

    def __init__(self, store, name, size, zstd):
        self.zstd = zstd
        self.data = (store / "packs" / f"{name}.pack").read_bytes()
        require(len(self.data) == size, "a pack is of another size")
        require(len(self.data) >= PACK_HEADER.size, "a pack ends within its header")
        header = self.data[: PACK_HEADER.size]
        opening, version, per_frame, pages, frames, *digests = PACK_HEADER.unpack(header)
        require(opening == PACK_OPENING, "a pack is none")
        require(version == 1, f"a pack has format version {version}")
        require(sha256(header).hex() == name, "a pack's header is not what its name says")
        require(1 <= per_frame <= 16 and 1 <= pages <= 16384, "a pack's numbers are out of range")
        require(frames == -(-pages // per_frame), "a pack's number of frames is wrong")
        table_end = PACK_HEADER.size + 4 * frames
        digests_end = table_end + 32 * pages
        table = self.data[PACK_HEADER.size : table_end]
        self.digests = self.data[table_end:digests_end]
        require(sha256(table) == digests[0], "a pack's frame table is damaged")
        require(sha256(self.digests) == digests[1], "a pack's page digests are damaged")
        self.per_frame, self.pages = per_frame, pages
        self.starts = [digests_end]
        for length in words(table):
            self.starts.append(self.starts[-1] + length)
        require(self.starts[-1] == len(self.data), "a pack's frames do not end where it does")
        self.frames = {}

    def page(self, number):
        require(number < self.pages, "a pack has no such page")
        frame, place = divmod(number, self.per_frame)
        if frame not in self.frames:
            size = min(self.per_frame, self.pages - frame * self.per_frame) * PAGE_BYTES
            compressed = self.data[self.starts[frame] : self.starts[frame + 1]]
            self.frames[frame] = decompress(self.zstd, compressed, size)
        data = self.frames[frame][place * PAGE_BYTES : (place + 1) * PAGE_BYTES]
        require(sha256(data) == self.digests[32 * number : 32 * number + 32], "a page is damaged")
        return data


class Snapshot:
    """A manifest, and the snapshots that it is the difference from."""

    def __init__(self, store, key, zstd, depth=1):
        require(depth <= MAX_BASES, "too many bases")
        manifest = read_manifest(store / "manifests" / f"{key}.cbor")
        self.record, self.machine, self.ram = (
            manifest[name] for name in ("record", "machine", "ram")
        )
        require(self.record["key"] == key, "it is the snapshot of another key")
        require(layer_key(self.record) == key, "the key is not that of the record")
        self.page_count = self.ram["pageCount"]
        self.pages, self.page_chunks, self.chunk_packs, self.chunk_pages = (
            words(self.ram[name]) for name in ("pages", "pageChunks", "chunkPacks", "chunkPages")
        )
        self.check_table()
        self.base = None
        if "base" in self.ram:
            self.base = Snapshot(store, self.record["parent"], zstd, depth + 1)
            require(self.base.page_count == self.page_count, "the base has another size")
            require(self.base.ram["image"] == self.ram["base"], "the base has been replaced")
        self.packs = [
            Pack(store, pack["name"], pack["sizeBytes"], zstd) for pack in self.ram["packs"]
        ]

    def check_table(self):
        chunks = len(self.chunk_packs)
        packs = len(self.ram["packs"])
        require(len(self.pages) == len(self.page_chunks), "pages and chunks differ in number")
        require(len(self.chunk_pages) == chunks, "chunks and pages of packs differ in number")
        require(len(self.ram["digests"]) == 32 * chunks, "chunks and digests differ in number")
        require(list(self.pages) == sorted(set(self.pages)), "pages do not rise")
        require(all(page < self.page_count for page in self.pages), "a page is outside RAM")
        require(all(c < chunks or c == ZERO_CHUNK for c in self.page_chunks), "no such chunk")
        require(all(pack < packs for pack in self.chunk_packs), "no such pack")
        require(self.image() == self.ram["image"], "the image digest is not that of the pages")

    def digest(self, chunk):
        if chunk == ZERO_CHUNK:
            return bytes(32)
        return self.ram["digests"][32 * chunk : 32 * chunk + 32]

    def image(self):
        base = self.ram.get("base", bytes(32))
        digests = b"".join(self.digest(chunk) for chunk in self.page_chunks)
        return sha256(base + struct.pack("<I", self.page_count) + self.ram["pages"] + digests)

    def places(self):
        """For each page that is not zeros: the snapshot that tells of it, and its chunk."""
        places = {} if self.base is None else self.base.places()
        for page, chunk in zip(self.pages, self.page_chunks):
            places[page] = (self, chunk)
        return places

    def chunk(self, chunk):
        if chunk == ZERO_CHUNK:
            return bytes(PAGE_BYTES)
        data = self.packs[self.chunk_packs[chunk]].page(self.chunk_pages[chunk])
        require(sha256(data) == self.digest(chunk), "a chunk is not where the manifest says")
        return data

    def ram_sha256(self):
        places = self.places()
        digest = hashlib.sha256()
        for page in range(self.page_count):
            snapshot, chunk = places.get(page, (self, ZERO_CHUNK))
            digest.update(snapshot.chunk(chunk))
        return digest.hexdigest()


def read_manifest(path):
    data = path.read_bytes()
    require(data.startswith(MANIFEST_OPENING), "it is no snapshot")
    at = len(MANIFEST_OPENING)
    require(len(data) >= at + 40, "it is cut short")
    require(data[at] == 1, f"it has format version {data[at]}")
    require(data[at + 1 : at + 3] == b"\x58\x20" and data[at + 35] == 0x5A, "its head is damaged")
    body = data[at + 40 :]
    length = int.from_bytes(data[at + 36 : at + 40], "big")
    require(length == len(body), "its body has another length")
    require(sha256(body) == data[at + 3 : at + 35], "its digest is not that of its body")
    return Cbor(body).whole()


def layer_key(record):
    parts = [record.get("parent", ""), record["layer"], record["material"], record["actions"]]
    return sha256(encode(parts)).hex()


class Bundle:
    """The snapshots of a bundle file."""

    def __init__(self, path, zstd):
        data = path.read_bytes()
        require(len(data) >= BUNDLE_HEADER.size, "a bundle ends within its header")
        opening, version, size, digest = BUNDLE_HEADER.unpack(data[: BUNDLE_HEADER.size])
        require(opening == b"himawari-bundle\0", "it is no bundle")
        require(version == 1, f"it has format version {version}")
        end = BUNDLE_HEADER.size + size
        require(end <= len(data), "a bundle ends within its index")
        require(sha256(data[BUNDLE_HEADER.size : end]) == digest, "a bundle's index is damaged")
        index = Cbor(data[BUNDLE_HEADER.size : end]).whole()
        self.layers = index["layers"]
        self.chunks = self.read_chunks(index, data[end:], zstd)

    def read_chunks(self, index, frames, zstd):
        digests, per_frame = index["digests"], index["framePages"]
        count = len(digests) // 32
        require(1 <= per_frame <= 1024, "a bundle's frames are too large")
        require(32 * count == len(digests), "a bundle's digests are no whole number of digests")
        chunks, at = [], 0
        for length in words(index["frames"]):
            size = min(per_frame, count - len(chunks)) * PAGE_BYTES
            pages = decompress(zstd, frames[at : at + length], size)
            chunks += [pages[n : n + PAGE_BYTES] for n in range(0, size, PAGE_BYTES)]
            at += length
        require(at == len(frames) and len(chunks) == count, "a bundle's frames do not fit it")
        for n, chunk in enumerate(chunks):
            require(sha256(chunk) == digests[32 * n : 32 * n + 32], "a page is damaged")
        return chunks

    def summaries(self):
        below, ram = None, []
        for layer in self.layers:
            record = layer["record"]
            require(layer_key(record) == record["key"], "a key is not that of its record")
            require(below is None or record["parent"] == below, "a layer is not on the one before")
            below = record["key"]
            count = layer["ram"]["pageCount"]
            ram = list(ram) if len(ram) == count else [bytes(PAGE_BYTES)] * count
            table = (words(layer["ram"][name]) for name in ("pages", "pageChunks"))
            for page, chunk in zip(*table):
                ram[page] = bytes(PAGE_BYTES) if chunk == ZERO_CHUNK else self.chunks[chunk]
            yield summary(record, layer["machine"], sha256(b"".join(ram)).hex())


def summary(record, machine, ram_sha256):
    console, harts = (machine["components"][name]["fields"] for name in ("console", "harts"))
    return {
        "key": record["key"],
        "layer": record["layer"],
        "instructions": int(machine["instructions"]),
        "virtualNs": int(machine["virtualNs"]),
        "ramSha256": ram_sha256,
        "pc": f"0x{harts['harts'][0]['pc']:x}",
        "transcriptBytes": len(console["transcript"]),
    }


def read(arguments, zstd):
    if len(arguments) == 1:
        return list(Bundle(Path(arguments[0]), zstd).summaries())
    store, key = arguments
    snapshot = Snapshot(Path(store), key, zstd)
    return summary(snapshot.record, snapshot.machine, snapshot.ram_sha256())


def main(arguments):
    try:
        zstd = load_zstd()
    except OSError as error:
        print(f"there is no libzstd: {error}", file=sys.stderr)
        return 2
    if arguments == ["--check"]:
        return 0
    try:
        print(json.dumps(read(arguments, zstd)))
        return 0
    except (BadFile, OSError, LookupError, UnicodeDecodeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
