#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A client of F.E.E.'s kind, written from Documentation/genz.rst's account of it.

fee-client.py SOCKET [NAME]: attaches, and takes commands on standard input. What it
insists on, theirs does: a first read of 24 bytes, later ones of 8, UTF-8, a number
behind each tracker.

send DEST TEXT, raw DEST HEX, ping DEST, link WORDS, rfc, dump, mute, hear, quit; patience
SECONDS: for its slot; echo: from here on it sends back what is no word of the link layer
"""
import array
import mmap
import os
import select
import socket
import struct
import sys

from fee import BUF, SLOT, Peer, say

WORDS = ('ping', 'pong', 'dump', 'Link', 'CTL-Write', 'Standalone')


class Client(Peer):
    def __init__(self, path, name):
        super().__init__()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
        self.name = name
        self.peers = {}
        self.cid = self.sid = 0
        self.echoes = False
        self.attach()

    def bells(self, peer):
        return self.peers[peer]

    # ---- the socket ----

    def read(self, size):
        fds = array.array('i')
        data, ancillary, _, _ = self.sock.recvmsg(size, socket.CMSG_SPACE(8))
        for level, kind, rights in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(rights[:len(rights) - len(rights) % fds.itemsize])
        if not data:
            sys.exit('the server hangs up')
        if len(data) != size:
            sys.exit(f'a read of {len(data)} bytes, not {size}')
        return data, fds[0] if fds else None

    def attach(self):
        data, fd = self.read(24)
        version, self.id, minus = struct.unpack('<qqq', data)
        if version or minus != -1 or fd is None:
            sys.exit(f'a strange beginning: {version} {self.id} {minus} {fd}')
        self.memory = mmap.mmap(fd, os.fstat(fd).st_size)
        os.close(fd)
        globals_ = struct.unpack_from('<5Q', self.memory)
        self.events, self.server = globals_[3], globals_[4]
        if globals_[:2] != (SLOT, BUF) or self.server != globals_[2] + 1:
            sys.exit(f'strange globals: {globals_}')
        while len(self.peers.get(self.id, [])) < self.events:
            self.hear_server()
        base = self.id * SLOT
        self.memory[base:base + 64] = bytes(64)
        self.string(base, self.name)
        self.string(base + 32, 'Debugger')
        say('attached', self.id, 'peers', *sorted(self.peers))

    def hear_server(self):
        data, fd = self.read(8)
        peer = struct.unpack('<q', data)[0]
        if fd is None:
            self.peers.pop(peer, None)
            say('left', peer)
            return
        os.set_blocking(fd, False)
        self.peers.setdefault(peer, []).append(fd)
        if self.memory and peer != self.id and len(self.peers[peer]) == self.events:
            say('joined', peer)

    # ---- the link layer ----

    def judge(self, sender, tracked, responder, _):
        if not tracked and responder not in (0, self.id):
            say('responder', responder)

    def answer(self, sender, text):
        words = text.split()
        if text == 'ping':
            self.send(sender, 'pong')
        elif words[:3] == ['Link', 'CTL', 'Peer-Attribute']:
            self.send(sender, f'Link CTL ACK cclass=Debugger,CID0={self.cid},SID0={self.sid}')
        elif words[:1] == ['CTL-Write']:
            values = dict(pair.split('=') for pair in words[1].split(','))
            self.cid, self.sid = int(values['CID']), int(values['SID'])
            self.send(sender, f'Standalone Acknowledgment Tag={values["Tag"]},Reason=OK')
        elif self.echoes and words[:1] and words[0] not in WORDS:
            self.send(sender, text)

    # ---- the console ----

    def dest(self, word):
        if word in ('server', 'switch'):
            return self.server
        return int(word)

    def more(self, verb, rest):
        first, _, text = rest.partition(' ')
        if verb == 'raw':
            self.post(self.dest(first), bytes.fromhex(text))
        elif verb == 'link':
            self.send(self.server, 'Link ' + rest)
        elif verb == 'rfc':
            self.send(self.server, 'Link RFC TTC=27us')
        elif verb == 'dump':
            self.send(self.server, 'dump')
        elif verb == 'echo':
            self.echoes = True

    def run(self):
        while True:
            own = self.peers[self.id]
            for source in select.select([self.sock, sys.stdin] + own, [], [])[0]:
                if source is self.sock:
                    self.hear_server()
                elif source is sys.stdin:
                    self.commands()
                else:
                    self.rung(own.index(source))


Client(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else f'z{os.getpid()}').run()
