#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A server of F.E.E.'s kind, written from Documentation/genz.rst's account of it.

fee-server.py SOCKET [--reuse]: 14 clients, a mailbox of 8192 bytes and nothing else, itself the
fifteenth peer and the fabric manager. Commands on standard input: send DEST TEXT,
ping DEST, mute, hear, quit.
"""
import array
import mmap
import os
import select
import socket
import struct
import sys
import time

CLIENTS, SLOT, BUF, SID = 14, 512, 128, 27
ME, EVENTS = CLIENTS + 1, CLIENTS + 2
TRACKER = '!EZT='
EFD_NONBLOCK = 2048


def say(*words):
    print(*words, flush=True)


class Server:
    def __init__(self, path, reuse):
        self.reuse = reuse
        self.fd = os.memfd_create('mailbox')
        os.ftruncate(self.fd, 8192)
        self.memory = mmap.mmap(self.fd, 8192)
        struct.pack_into('<5Q', self.memory, 0, SLOT, BUF, CLIENTS, EVENTS, ME)
        for peer in range(1, ME + 1):
            struct.pack_into('<Q', self.memory, peer * SLOT + 72, peer)
        self.string(ME * SLOT, 'Z-switch')
        self.string(ME * SLOT + 32, 'FabricSwitch')
        self.clients, self.events, self.tag, self.tracker, self.muted = {}, {}, 0, 0, False
        self.events[ME] = self.eventfds()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        say('ready')

    @staticmethod
    def eventfds():
        return [os.eventfd(0, EFD_NONBLOCK) for _ in range(EVENTS)]

    def string(self, at, text):
        self.memory[at:at + len(text) + 1] = text.encode() + b'\0'

    # ---- the socket ----

    @staticmethod
    def tell(sock, number, fd=None):
        rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                         array.array('i', [fd]))]
        try:
            sock.sendmsg([struct.pack('<q', number)], rights)
        except BrokenPipeError:
            pass    # it has left, and is about to be noticed

    def free_id(self):
        # theirs reuses ids, and QEMU dies of that: so only where it is asked for
        if self.reuse:
            return min(set(range(1, ME)) - set(self.clients))
        return max([0] + [p for p in self.events if p != ME]) + 1

    def accept(self):
        sock, _ = self.listener.accept()
        peer = self.free_id()
        self.events[peer] = self.eventfds()
        self.string(peer * SLOT + 32, 'Driverless QEMU')
        self.tell(sock, 0)
        self.tell(sock, peer)
        self.tell(sock, -1, self.fd)
        for other in list(self.clients) + [ME]:
            for fd in self.events[other]:
                self.tell(sock, other, fd)
            if other != ME:
                for fd in self.events[peer]:
                    self.tell(self.clients[other], peer, fd)
        for fd in self.events[peer]:
            self.tell(sock, peer, fd)
        self.clients[peer] = sock
        say('joined', peer)

    @staticmethod
    def has_left(sock):
        try:
            return not sock.recv(8)
        except ConnectionResetError:
            return True

    def leave(self, peer):
        self.clients.pop(peer).close()
        for other in self.clients.values():
            self.tell(other, peer)
        self.memory[peer * SLOT] = self.memory[peer * SLOT + 32] = 0
        say('left', peer)

    # ---- slots ----

    def buflen(self, peer, value=None):
        at = peer * SLOT + 64
        if value is not None:
            struct.pack_into('<Q', self.memory, at, value)
        return struct.unpack_from('<Q', self.memory, at)[0]

    def send(self, peer, text):
        self.tracker += 1
        text = f'{text}{TRACKER}{self.tracker}'
        end = time.monotonic() + 1.05
        while self.buflen(ME) and time.monotonic() < end:
            time.sleep(0.005)
        say(f'{ME}->{peer} {text}')
        at = ME * SLOT + BUF
        data = text.encode() + b'\0'
        self.buflen(ME, len(text))
        self.memory[at:at + len(data)] = data
        os.write(self.events[peer][ME], struct.pack('<Q', 1))

    def rung(self, sender):
        os.read(self.events[ME][sender], 8)
        at = sender * SLOT + BUF
        length = self.buflen(sender)
        if self.muted or not length:
            return
        raw = self.memory[at:at + length]
        end = self.memory[at + length]
        self.buflen(sender, 0)
        text = raw.split(b'\0')[0].decode()
        responder = struct.unpack_from('<Q', self.memory, sender * SLOT + 80)[0]
        say(f'{sender}->{ME} {text}')
        # what theirs count on in a driver's message
        if responder != ME or end:
            say('bad', sender, responder, end)
        if TRACKER in text:
            text, number = text.split(TRACKER)
            self.tracker = int(number)
        self.answer(sender, text)

    def answer(self, sender, text):
        if text == 'ping':
            self.send(sender, 'pong')
        elif text == 'Link CTL Peer-Attribute':
            self.send(sender, f'Link CTL ACK cclass=FabricSwitch,CID0={ME * 100},SID0={SID}')
        elif text.startswith('Link RFC TTC=') and text.lower().endswith('us'):
            self.tag += 1
            self.send(sender, f'CTL-Write Space=0,PFMCID={ME * 100},PFMSID={SID},'
                      f'CID={sender * 100},SID={SID},Tag={self.tag}')
        elif text.startswith('Standalone Acknowledgment '):
            self.send(sender, 'Link CTL Peer-Attribute')

    # ---- the console ----

    def command(self, line):
        verb, _, rest = line.partition(' ')
        first, _, text = rest.partition(' ')
        self.tracker = 0
        if verb == 'send':
            self.send(int(first), text)
        elif verb == 'ping':
            self.send(int(first), 'ping')
        elif verb in ('mute', 'hear'):
            self.muted = verb == 'mute'
        elif verb == 'quit':
            sys.exit(0)
        say('done', verb)

    def run(self):
        pending = ''
        while True:
            own, socks, joining = self.events[ME], list(self.clients.items()), False
            for source in select.select([self.listener, 0] + own + [s for _, s in socks],
                                        [], [])[0]:
                if source == 0:
                    *lines, pending = (pending + os.read(0, 65536).decode()).split('\n')
                    for line in lines:
                        self.command(line)
                elif source in own:
                    self.rung(own.index(source))
                elif source is self.listener:
                    joining = True
                else:
                    for peer, sock in socks:
                        if sock is source and self.has_left(sock):
                            self.leave(peer)
            # who comes may have the id of one who has just left
            if joining:
                self.accept()


Server(sys.argv[1], '--reuse' in sys.argv).run()
