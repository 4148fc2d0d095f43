#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A client of F.E.E.'s kind, written from Documentation/genz.rst's account of it.

fee-client.py SOCKET [NAME]: attaches, and takes commands on standard input. What it
insists on, theirs does: a first read of 24 bytes, later ones of 8, UTF-8, a number
behind each tracker. It waits 1.05 s for its slot, then writes over what is there.

send DEST TEXT, raw DEST HEX, ping DEST, link WORDS, rfc, dump, mute, hear, quit
"""
import array
import mmap
import os
import select
import socket
import struct
import sys
import time

SLOT, BUF = 512, 128
TRACKER = '!EZT='


def say(*words):
    print(*words, flush=True)


class Client:
    def __init__(self, path, name):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
        self.name, self.id, self.memory = name, None, None
        self.peers = {}
        self.tracker = 0
        self.cid = self.sid = 0
        self.muted = False
        self.attach()

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

    # ---- slots ----

    def string(self, at, text):
        self.memory[at:at + len(text) + 1] = text.encode() + b'\0'

    def buflen(self, peer, value=None):
        at = peer * SLOT + 64
        if value is not None:
            struct.pack_into('<Q', self.memory, at, value)
        return struct.unpack_from('<Q', self.memory, at)[0]

    def post(self, dest, data):
        end = time.monotonic() + 1.05
        while self.buflen(self.id) and time.monotonic() < end:
            time.sleep(0.005)
        if self.buflen(self.id):
            say('overwrites')
        at = self.id * SLOT + BUF
        self.buflen(self.id, len(data))
        self.memory[at:at + len(data)] = data
        if len(data) < SLOT - BUF:
            self.memory[at + len(data)] = 0
        for peer in dest:
            os.write(self.peers[peer][self.id], struct.pack('<Q', 1))

    def send(self, dest, text):
        self.tracker += 1
        text = f'{text}{TRACKER}{self.tracker}'
        say(f'{self.id}->{dest} {text}')
        self.post([dest], text.encode())

    def rung(self, sender):
        try:
            os.read(self.peers[self.id][sender], 8)
        except BlockingIOError:
            return
        at = sender * SLOT + BUF
        length = self.buflen(sender)
        if self.muted or not length:
            return
        text = self.memory[at:at + length].split(b'\0')[0].decode()
        responder = struct.unpack_from('<Q', self.memory, sender * SLOT + 80)[0]
        self.buflen(sender, 0)
        say(f'{sender}->{self.id} {text}')
        if TRACKER in text:
            text, number = text.split(TRACKER)
            self.tracker = int(number)
        elif responder not in (0, self.id):
            say('responder', responder)
        self.answer(sender, text)

    # ---- the link layer ----

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

    # ---- the console ----

    def dest(self, word):
        if word in ('server', 'switch'):
            return self.server
        return int(word)

    def command(self, line):
        verb, _, rest = line.strip().partition(' ')
        first, _, text = rest.partition(' ')
        self.tracker = 0
        if verb == 'send':
            self.send(self.dest(first), text)
        elif verb == 'raw':
            self.post([self.dest(first)], bytes.fromhex(text))
        elif verb == 'ping':
            self.send(self.dest(first), 'ping')
        elif verb == 'link':
            self.send(self.server, 'Link ' + rest)
        elif verb == 'rfc':
            self.send(self.server, 'Link RFC TTC=27us')
        elif verb == 'dump':
            self.send(self.server, 'dump')
        elif verb in ('mute', 'hear'):
            self.muted = verb == 'mute'
            for sender in range(1, self.events):
                if not self.muted and self.buflen(sender):
                    os.write(self.peers[self.id][sender], struct.pack('<Q', 1))
        elif verb == 'quit':
            sys.exit(0)
        say('done', verb)

    def run(self):
        pending = ''
        while True:
            own = self.peers[self.id]
            ready = select.select([self.sock, sys.stdin] + own, [], [])[0]
            for source in ready:
                if source is self.sock:
                    self.hear_server()
                elif source is sys.stdin:
                    # select() knows nothing of what readline() keeps
                    data = os.read(0, 65536)
                    if not data:
                        sys.exit(0)
                    *lines, pending = (pending + data.decode()).split('\n')
                    for line in lines:
                        self.command(line)
                else:
                    self.rung(own.index(source))


Client(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else f'z{os.getpid()}').run()
