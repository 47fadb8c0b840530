#!/usr/bin/env python3
"""Writes vectors.json: what package identity must compute, from another implementation.

It needs Python 3 and the package "cryptography" 44 or later, with OpenSSL 3.2 or later:

    python3 identity/testdata/vectors.py > identity/testdata/vectors.json
"""
import base64
import hashlib
import hmac
import ipaddress
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


def argon2id(data, salt, passes, kib):
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=1, memory_cost=kib).derive(data)


def zero_bits(data):
    return 8 * len(data) - int.from_bytes(data, "big").bit_length()


def point(peer, difficulty):
    """None if the ID does not meet the difficulty."""
    h = peer
    if difficulty:
        if zero_bits(hashlib.sha256(peer).digest()) < 6:
            return None
        h = argon2id(peer, b"cicada point 1", 1, 1024)
        if zero_bits(h) < difficulty:
            return None
    return hashlib.sha256(b"cicada point" + h).hexdigest()


def key(seed):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private, private.public_key().public_bytes_raw()


def id_text(peer):
    return base64.b32encode(peer).decode().rstrip("=").lower()


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def endpoint(network, address):
    host, port = address.rsplit(":", 1)
    ip = ipaddress.ip_address(host.strip("[]")).packed
    return field(1, network.encode()) + field(2, ip) + b"\x18" + varint(int(port))


def record(seed, sequence, addresses):
    private, peer = key(seed)
    body = field(1, peer)
    if sequence:
        body += b"\x10" + varint(sequence)
    for address in addresses:
        body += field(3, endpoint("tcp", address))
    signature = private.sign(b"cicada record 1\0" + body)
    return {
        "seed": seed.hex(), "sequence": sequence, "addresses": addresses,
        "body": body.hex(), "signature": signature.hex(),
        "fingerprint": hashlib.sha256(body + signature).digest()[:16].hex(),
    }


def key_vector(seed):
    _, peer = key(seed)
    scalar = hashlib.sha512(seed).digest()[:32]
    public = X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()
    return {
        "seed": seed.hex(), "id": peer.hex(), "text": id_text(peer), "x25519": public.hex(),
        "point0": point(peer, 0), "point1": point(peer, 1),
    }


def solved_seeds():
    """Two seeds whose IDs are valid at difficulty 1, and one whose ID fails only argon2."""
    solved, failed = [], []
    n = 0
    while len(solved) < 2 or not failed:
        seed = hashlib.sha256(b"vector" + struct.pack(">I", n)).digest()
        n += 1
        _, peer = key(seed)
        if zero_bits(hashlib.sha256(peer).digest()) < 6:
            continue
        (solved if point(peer, 1) else failed).append(seed)
    return solved[:2] + failed[:1]


def swarm(name, difficulty, secret, exporter):
    tag = hashlib.sha256(b"cicada swarm 1\0" + bytes([difficulty]) + name.encode()).digest()
    k = argon2id(secret, tag, 3, 64 << 10) if secret else hashlib.sha256(b"cicada open swarm 1\0" + tag).digest()
    prove = lambda role: hmac.digest(k, b"cicada proof 1\0" + bytes([role]) + exporter, "sha256").hex()
    return {
        "name": name, "difficulty": difficulty, "secret": secret.hex(), "tag": tag.hex(),
        "exporter": exporter.hex(), "dialler_proof": prove(1), "accepter_proof": prove(0),
    }


plain = [bytes(range(32)), bytes(32), b"\xff" * 32]
exporter = bytes(range(32, 64))
print(json.dumps({
    "keys": [key_vector(seed) for seed in plain + solved_seeds()],
    "records": [
        record(plain[0], 0, []),
        record(plain[0], 1, ["203.0.113.7:49610"]),
        record(plain[1], 1700000000000, ["[2001:db8::7]:1", "192.0.2.1:65535", "127.0.0.1:49610"]),
    ],
    "swarms": [
        swarm("cicada", 0, b"", exporter),
        swarm("Übung 7", 12, b"", exporter),
        swarm("cicada", 0, b"correct horse", exporter),
        swarm("cicada", 1, b"correct horse", exporter),
    ],
}, indent=1, ensure_ascii=False))
