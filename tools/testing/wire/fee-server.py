#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A server of F.E.E.'s kind, written from Documentation/genz.rst's account of it.

fee-server.py SOCKET [--reuse]: 14 clients, a mailbox of 8192 bytes and nothing else, itself the
fifteenth peer and the fabric manager. Commands on standard input: send DEST TEXT,
ping DEST, mute, hear, patience SECONDS, quit.
"""
import array
import mmap
import os
import select
import socket
import struct
import sys

from fee import BUF, SLOT, Peer, say

CLIENTS, SID = 14, 27
ME, EVENTS = CLIENTS + 1, CLIENTS + 2
EFD_NONBLOCK = 2048


class Server(Peer):
    def __init__(self, path, reuse):
        super().__init__()
        self.id, self.reuse = ME, reuse
        self.fd = os.memfd_create('mailbox')
        os.ftruncate(self.fd, 8192)
        self.memory = mmap.mmap(self.fd, 8192)
        struct.pack_into('<5Q', self.memory, 0, SLOT, BUF, CLIENTS, EVENTS, ME)
        for peer in range(1, ME + 1):
            struct.pack_into('<Q', self.memory, peer * SLOT + 72, peer)
        self.string(ME * SLOT, 'Z-switch')
        self.string(ME * SLOT + 32, 'FabricSwitch')
        self.clients, self.events, self.tag = {}, {}, 0
        self.events[ME] = self.eventfds()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        say('ready')

    @staticmethod
    def eventfds():
        return [os.eventfd(0, EFD_NONBLOCK) for _ in range(EVENTS)]

    def bells(self, peer):
        return self.events[peer]

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

    # ---- what it hears ----

    def judge(self, sender, tracked, responder, behind):
        # what theirs count on in a driver's message
        if responder != ME or behind:
            say('bad', sender, responder, behind)

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

    def run(self):
        while True:
            own, socks, joining = self.events[ME], list(self.clients.items()), False
            for source in select.select([self.listener, 0] + own + [s for _, s in socks],
                                        [], [])[0]:
                if source == 0:
                    self.commands()
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
