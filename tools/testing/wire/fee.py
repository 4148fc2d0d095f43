# SPDX-License-Identifier: GPL-2.0
"""What fee-client.py and fee-server.py have in common: mailslots, trackers, commands.

It waits 1.05 s for its slot, then writes over what is there, as theirs do. Where a test
is not about that, it is given more patience.
"""
import os
import struct
import sys
import time

SLOT, BUF = 512, 128
TRACKER = '!EZT='


def say(*words):
    print(*words, flush=True)


class Peer:
    """One that has self.id, self.memory, and by self.bells(id) the eventfds of each."""

    def __init__(self):
        self.id, self.memory = None, None
        self.tracker, self.pending, self.patience = 0, '', 1.05
        self.muted, self.unheard = False, set()

    # ---- slots ----

    def string(self, at, text):
        self.memory[at:at + len(text) + 1] = text.encode() + b'\0'

    def buflen(self, peer, value=None):
        at = peer * SLOT + 64
        if value is not None:
            struct.pack_into('<Q', self.memory, at, value)
        return struct.unpack_from('<Q', self.memory, at)[0]

    def ring(self, peer, vector):
        os.write(self.bells(peer)[vector], struct.pack('<Q', 1))

    def post(self, dest, data):
        end = time.monotonic() + self.patience
        while self.buflen(self.id) and time.monotonic() < end:
            time.sleep(0.005)
        if self.buflen(self.id):
            say('overwrites')
        at = self.id * SLOT + BUF
        self.buflen(self.id, len(data))
        self.memory[at:at + len(data)] = data
        if len(data) < SLOT - BUF:
            self.memory[at + len(data)] = 0
        self.ring(dest, self.id)

    def send(self, dest, text):
        self.tracker += 1
        text = f'{text}{TRACKER}{self.tracker}'
        say(f'{self.id}->{dest} {text}')
        self.post(dest, text.encode())

    def rung(self, sender):
        try:
            os.read(self.bells(self.id)[sender], 8)
        except BlockingIOError:
            return
        if self.muted:
            self.unheard.add(sender)
            return
        at = sender * SLOT + BUF
        length = self.buflen(sender)
        if not length:
            return
        text = self.memory[at:at + length].split(b'\0')[0].decode()
        responder = struct.unpack_from('<Q', self.memory, sender * SLOT + 80)[0]
        behind = self.memory[at + length]
        self.buflen(sender, 0)
        say(f'{sender}->{self.id} {text}')
        self.judge(sender, TRACKER in text, responder, behind)
        if TRACKER in text:
            text, number = text.split(TRACKER)
            self.tracker = int(number)
        self.answer(sender, text)

    # ---- commands ----

    def dest(self, word):
        return int(word)

    def more(self, verb, rest):
        pass

    def command(self, line):
        verb, _, rest = line.strip().partition(' ')
        first, _, text = rest.partition(' ')
        self.tracker = 0
        if verb == 'send':
            self.send(self.dest(first), text)
        elif verb == 'ping':
            self.send(self.dest(first), 'ping')
        elif verb in ('mute', 'hear'):
            self.muted = verb == 'mute'
            # a slot does not say for whom it is: who has rung is for us
            while not self.muted and self.unheard:
                self.ring(self.id, self.unheard.pop())
        elif verb == 'patience':
            self.patience = float(rest)
        elif verb == 'quit':
            sys.exit(0)
        else:
            self.more(verb, rest)
        say('done', verb)

    def commands(self):
        # select() knows nothing of what readline() keeps
        data = os.read(0, 65536)
        if not data:
            sys.exit(0)
        *lines, self.pending = (self.pending + data.decode()).split('\n')
        for line in lines:
            self.command(line)
