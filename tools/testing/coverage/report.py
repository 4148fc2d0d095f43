#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py COVERAGE.JSON REASONS DIRECTORY: prints what share of lines and branches
ran, and the lines that did not without a reason, which exit code 1 tells, too.

DIRECTORY gets the lists: "lines", those that did not run, with their reasons, and
"branches", those lines that ran but never went one of their ways.
"""
import collections
import json
import re
import sys

# A line here that does not run needs a reason; others are listed
STRICT = ('drivers/', 'include/famez/', 'tools/lib/', 'tools/server/')

PARTS = (
    ('driver', 'drivers/'),
    ('ring', 'include/famez/'),
    ('library', 'tools/lib/'),
    ('switch', 'tools/server/'),
    ('famezctl', 'tools/famezctl/'),
    ('famez-vm', 'tools/vm/'),
)

Line = collections.namedtuple('Line', 'number function depth text ran missed branches')


def read_file(entry):
    """The lines of a file that have code, as gcovr found them."""
    with open(entry['file'], encoding='utf-8') as file:
        source = file.read().split('\n')
    function, functions = None, []
    for text in source:
        start = re.match(r'[A-Za-z_].*?(\w+)\(', text)
        function = start.group(1) if start else function
        functions.append(function)
    lines = []
    for line in entry['lines']:
        if line['gcovr/noncode'] or line['gcovr/excluded']:
            continue
        text = source[line['line_number'] - 1]
        missed = sum(not branch['count'] for branch in line['branches'])
        lines.append(Line(line['line_number'], functions[line['line_number'] - 1],
                          len(text) - len(text.lstrip('\t')), text.strip(),
                          line['count'] > 0, missed, len(line['branches'])))
    return lines


def read_reasons(path):
    """What the file of reasons says: {(file, function, text or None): reason}"""
    reasons, reason, place, bare = {}, None, None, False
    with open(path, encoding='utf-8') as file:
        for text in file.read().split('\n'):
            words = text.split()
            if bare and not text.startswith('-'):
                reasons[(*place, None)] = reason
            bare = False
            if text.startswith('because '):
                reason = text.split(' ', 1)[1]
            elif text.startswith('in ') and len(words) == 3:
                place = (words[1], words[2])
                bare = True
            elif text.startswith('-') and place:
                reasons[(*place, text[1:].strip())] = reason
            elif text and not text.startswith('#'):
                sys.exit(f'{path}: "{text}" is none of "because", "in FILE FUNCTION", "-LINE"')
    return reasons


def excused(path, lines, reasons):
    """The reasons of the lines that did not run: {number: reason or None}.

    One that names a line stands for what follows it, too, until a line that ran or
    is indented less; one that names only a function, for one that never ran.
    """
    ran = {line.function for line in lines if line.ran}
    result, reason, depth = {}, None, 0
    for line in lines:
        if line.ran:
            reason = None
            continue
        if line.depth < depth:
            reason = None
        own = reasons.get((path, line.function, line.text))
        if own is None and line.function not in ran:
            own = reasons.get((path, line.function, None))
        if own is not None or reason is None:
            reason, depth = own, line.depth
        result[line.number] = reason
    return result


def stale(files, reasons):
    """Reasons for what is not in the source any more."""
    there = {(path, line.function, text) for path, lines in files.items()
             for line in lines for text in (line.text, None)}
    return [key for key in reasons if key not in there]


def percent(part, whole):
    return f'{100 * part / whole:5.1f}%' if whole else '     -'


def row(name, lines):
    branches = sum(line.branches for line in lines)
    taken = branches - sum(line.missed for line in lines)
    ran = sum(line.ran for line in lines)
    print(f'{name:30} {len(lines):6} {ran:6} {percent(ran, len(lines))}'
          f'   {branches:6} {taken:6} {percent(taken, branches)}')


def table(files):
    print(f'{"":30} {"lines":>6} {"ran":>6} {"":6}   {"ways":>6} {"taken":>6}')
    for part, prefix in PARTS:
        own = {path: lines for path, lines in files.items() if path.startswith(prefix)}
        for path, lines in own.items():
            row(path, lines)
        row(f'{part}, all', sum(own.values(), []))
        print()


def main():
    coverage, reasons_path, directory = sys.argv[1:]
    with open(coverage, encoding='utf-8') as file:
        files = {entry['file']: read_file(entry) for entry in json.load(file)['files']}
    reasons = read_reasons(reasons_path)
    table(files)
    unexcused = 0
    with open(f'{directory}/lines', 'w', encoding='utf-8') as out_lines, \
            open(f'{directory}/branches', 'w', encoding='utf-8') as out_branches:
        for path, lines in files.items():
            reason_of = excused(path, lines, reasons)
            for line in lines:
                where = f'{path}:{line.number}: {line.function}: {line.text}'
                if not line.ran:
                    reason = reason_of[line.number]
                    print(f'{where}\n\t{reason or "no reason"}', file=out_lines)
                    if reason is None and path.startswith(STRICT):
                        unexcused += 1
                        print(where)
                elif line.missed:
                    print(f'{where} ({line.missed} of {line.branches})', file=out_branches)
    gone = stale(files, reasons)
    for path, function, text in gone:
        print(f'{reasons_path}: there is no such line: {path} {function} {text or ""}')
    print(f'{unexcused} lines did not run and have no reason in {reasons_path}')
    sys.exit(1 if unexcused or gone else 0)


main()
