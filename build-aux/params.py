#!/usr/bin/env python3
"""Makes C++ of the parameter records.

A .params file holds records and `uses` lines. A record is a name at the start of a line and fields below it, indented by
two; deeper indentation continues a field:

    smtpd_recipient_limit
      type     int, 1..
      default  1000
      since    Postfix 1.1
      doc      The most recipients one message may have.

    uses myhostname mydestination

Fields: type (bool, int, long, time, string or raw, with limits of the number, of the seconds or of the string's length),
default (as in main.cf), computed (the default is found at run time), class (list, table-list, path, ...), for (the
programs that read it; the file's own when absent), since, obsolete (what to use instead), doc. A name that begins with "*" exists once for
each service of master.cf whose program is one of `for`.

For NAME.params of a program the header NAME_params.h gets a struct Params in namespace NAME: a member for each record
of the file, and for each name of a `uses` line. lib/config holds records without a struct.
"""

import argparse
import os
import re
import sys
import textwrap

FIELDS = {"type", "default", "computed", "class", "for", "since", "obsolete", "doc"}
TYPES = {
    "bool": ("boolean", "bool"),
    "int": ("integer", "int"),
    "long": ("long_integer", "long"),
    "time": ("time", "std::chrono::seconds"),
    "string": ("string", "std::string"),
    "raw": ("raw", "std::string"),
}
LIST_CLASSES = {"list", "table-list", "restriction-list"}
# Records of these files belong to no one program.
SHARED = "lib/config/"
# Programs whose names cannot be names of namespaces (a keyword, a function of the C library) get a namespace NAME_agent; and a "-" is
# a "_".
CPP_KEYWORDS = {"pipe", "virtual"}


class Bad(Exception):
    pass


class Record:
    """One parameter. `where` is file:line for messages."""

    def __init__(self, name, path, line):
        self.name, self.path, self.line, self.fields = name, path, line, {}

    @property
    def where(self):
        return f"{self.path}:{self.line}"

    def get(self, field):
        return self.fields.get(field, "")

    def finish(self):
        if not re.fullmatch(r"\*?[A-Za-z0-9_]+", self.name):
            raise Bad(f"{self.where}: bad parameter name: {self.name}")
        match = re.fullmatch(r"(bool|int|long|time|string|raw)(?:, *(-?\d+)\.\.(\d*))?", self.get("type"))
        if not match:
            raise Bad(f"{self.where}: {self.name}: bad type: {self.get('type')}")
        self.type = match[1]
        self.min, self.max = int(match[2] or 0), int(match[3] or 0)
        self.default = self.get("default")
        self.computed = self.get("computed") == "yes"
        self.is_pattern = self.name.startswith("*")
        self.is_legacy = self.path.endswith("legacy.params")
        owner = os.path.splitext(os.path.basename(self.path))[0]
        self.users = self.get("for") or ("" if self.path.startswith(SHARED) else owner)
        self.unit = self.default[-1:] if self.type == "time" and self.default[-1:] in tuple("smhdw") else "s"
        self.is_list = self.get("class") in LIST_CLASSES

    @property
    def member(self):
        return "p_" + self.name if self.name[0].isdigit() else self.name


def read_params(root, path):
    """The records and the used names (with their lines) of one file."""
    records, uses, record, field, in_uses = [], [], None, None, False
    with open(os.path.join(root, path), encoding="utf-8") as stream:
        for number, text in enumerate(stream, 1):
            line = text.rstrip()
            if not line or line.lstrip().startswith("#"):
                continue
            where = f"{path}:{number}"
            if not line.startswith(" "):
                field = None
                in_uses = line.startswith("uses ")
                if in_uses:
                    uses += [(name, where) for name in line.split()[1:]]
                    record = None
                else:
                    record = Record(line, path, number)
                    records.append(record)
            elif in_uses:
                uses += [(name, where) for name in line.split()]
            elif record is None:
                raise Bad(f"{where}: a field without a record")
            elif line.startswith("   "):
                if field is None:
                    raise Bad(f"{where}: nothing to continue")
                record.fields[field] += " " + line.strip()
            else:
                field, _, value = line.strip().partition(" ")
                if field not in FIELDS:
                    raise Bad(f"{where}: unknown field: {field}")
                if field in record.fields:
                    raise Bad(f"{where}: {field} is given twice")
                record.fields[field] = value.strip()
    for item in records:
        item.finish()
    return records, uses


def quote(text):
    """A C++ string literal. \\t and \\40 in a default are main.cf's own escapes and stay two characters."""
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append("?\"\"?" if out and out[-1] == "?" and char == "?" else char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


class Text:
    """All texts of the table in one string, equal texts once."""

    def __init__(self):
        self.parts, self.places, self.size = [], {"": 0}, 0

    def place(self, text):
        if text not in self.places:
            self.places[text] = self.size
            self.parts.append(text)
            self.size += len(text.encode())
        return self.places[text]


def table_row(record, text):
    name = record.name.lstrip("*")
    texts = [name, record.default, record.users, record.get("obsolete")]
    at = ", ".join(str(text.place(t)) for t in texts)
    sizes = ", ".join(str(len(t.encode())) for t in texts)
    flags = ", ".join("true" if flag else "false" for flag in (record.is_legacy, record.computed, record.is_list))
    return (f"    {{{at}, {sizes}, Type::{TYPES[record.type][0]}, {flags}, "
            f"'{record.unit}', {record.min}, {record.max}}},  // {record.name}")


def registry(records):
    text = Text()
    plain = [table_row(r, text) for r in records if not r.is_pattern]
    patterns = [table_row(r, text) for r in sorted((r for r in records if r.is_pattern), key=lambda r: r.name)]
    lines = [
        "// Made by build-aux/params.py of the .params files.",
        "",
        '#include "lib/config/record.h"',
        "",
        "namespace config {",
        "",
        "namespace {",
        "",
        "constexpr char text[] =",
    ]
    lines += ["    " + quote(part) for part in text.parts]
    lines[-1] += ";"
    lines += ["", "constexpr Record table[] = {"] + plain + ["};"]
    lines += ["", "constexpr Record service_table[] = {"] + patterns + ["};"]
    lines += [
        "",
        "}  // namespace",
        "",
        "const char* const record_text = text;",
        "std::span<const Record> records() { return table; }",
        "std::span<const Record> service_records() { return service_table; }",
        "",
        "}  // namespace config",
        "",
    ]
    return "\n".join(lines)


def header(path, members):
    """NAME_params.h for NAME.params: `members` are the records of its struct."""
    name = os.path.splitext(os.path.basename(path))[0]
    space = name + "_agent" if name in CPP_KEYWORDS else name.replace("-", "_")
    lines = [
        f"// Made by build-aux/params.py of {path}.",
        "#pragma once",
        "",
        "#include <chrono>",
        "#include <string>",
        "",
        '#include "lib/base/error.h"',
        '#include "lib/config/members.h"',
        "",
        f"namespace {space} {{",
        "",
        f"// The main.cf parameters of {name}, read once.",
        "struct Params {",
    ]
    for record in members:
        lines += textwrap.wrap(record.get("doc"), 110, initial_indent="  // ", subsequent_indent="  // ")
        lines.append(f"  {TYPES[record.type][1]} {record.member}{{}};")
    lines += [
        "",
        "  // The error names the parameter and what is wrong with its value.",
        "  static Result<Params> load(const config::Main& main);",
        "};",
        "",
        "inline Result<Params> Params::load(const config::Main& main) {",
    ]
    if members:
        lines.append("  static constexpr config::Member<Params> members[] = {")
        for record in members:
            pointer = f"&Params::{record.member}"
            if record.type == "raw":
                pointer = f"config::RawMember<Params>{{{pointer}}}"
            lines.append(f'      {{"{record.name}", {pointer}}},')
        lines.append("  };")
        lines.append("  return config::load_members<Params>(main, members);")
    else:
        lines += ["  static_cast<void>(main);", "  return Params{};"]
    lines += ["}", "", f"}}  // namespace {space}", ""]
    return "\n".join(lines)


def roff(text):
    """Plain text for a manual page. A long word may be broken anywhere, so that it fits the line."""
    words = [re.sub(r"(.{40})(?=.)", "\\1\0", word) if len(word) > 60 else word for word in text.split(" ")]
    text = " ".join(words).replace("\\", "\\e").replace("-", "\\-").replace("\0", "\\:")
    return "\\&" + text if text.startswith((".", "'")) else text


def limits(record):
    """"number, at least 1, at most 5", as a reader wants to know it."""
    words = {"bool": "yes or no", "int": "number", "long": "number", "time": "time", "string": "text", "raw": "text"}
    text = words[record.type]
    if record.type in ("int", "long", "time") and (record.min or record.max):
        unit = " s" if record.type == "time" else ""
        text += f", at least {record.min}{unit}" if record.min else ""
        text += f", at most {record.max}{unit}" if record.max else ""
    elif record.type in ("string", "raw") and record.min:
        text += ", not empty"
    return text


def heading(record):
    name = "\\fItransport\\fB" + roff(record.name[1:]) if record.is_pattern else roff(record.name)
    default = "found at run time" if record.computed else roff(record.default) or "empty"
    return [".TP", f"\\fB{name}\\fR", f"({roff(limits(record))}; default: {default})"]


MAIN_CF = r"""
.TH POSTCONF 5 "" Valija "File formats"
.SH NAME
postconf \- the parameters of main.cf
.SH SYNOPSIS
\fIname\fR = \fIvalue\fR
.ad l
.SH DESCRIPTION
One parameter a line. Empty lines, and lines whose first character that is no white space is "#", are ignored; a line that
begins with white space goes on with the line before it. What is not set has its default. When a name is set twice the
last one counts, and the first is warned of. \fBpostconf\fR(1) shows and changes what is set.
.PP
A time is a number with one of the units s, m, h, d and w. A list has commas or white space between its items; in a list
of names, networks, files and tables \fB/\fIfile\fR stands for what that file lists, \fItype\fB:\fIname\fR for
the keys of a table (see \fBpostmap\fR(1)), and \fB!\fR excludes. The first item that matches counts.
.PP
In a value
.TP
\fB$name\fR, \fB${name}\fR, \fB$(name)\fR
is the value of another parameter, or nothing when there is none of that name;
.TP
\fB${name?{a}:{b}}\fR
is a when that value is not empty, and b when it is; either part may be left out;
.TP
\fB${{a} == {b} ? {c} : {d}}\fR
compares two texts, as numbers when both are; also !=, <, <=, >, >=, and ==level, <level and so on for releases, as
compatibility_level;
.TP
\fB$$\fR
is a dollar sign.
.PP
\fBmaster.cf\fR sets parameters for single services by \fB\-o\fR. Daemons notice by themselves that main.cf has changed;
what master itself reads, as inet_interfaces, wants \fBpostfix reload\fR.
.SH PARAMETERS
Those that begin with \fItransport\fR exist for each service of master.cf that delivers mail, with its name in place of
\fItransport\fR.
"""


def manual(records):
    """postconf(5): what each parameter is for, and its default."""
    lines = MAIN_CF.strip().split("\n")
    for record in records:
        if record.is_legacy:
            continue
        note = " For packages and scripts: no program reads it." if record.get("class") == "note" else ""
        since = f" Since {record.get('since')}." if record.get("since") else ""
        lines += heading(record) + [".br", (roff(record.get("doc")) or "No description.") + note + since]
    lines += [".SH OLD NAMES", "The parameters that replaced them have their value as the default."]
    for record in records:
        if record.is_legacy:
            now = record.get("obsolete").removeprefix("specify ").strip('"')
            lines += [".TP", f"\\fB{roff(record.name)}\\fR", f"Now {roff(now)}."]
    lines += [".SH SEE ALSO", "postconf(1), master(5), postmap(1), postfix(1)", ""]
    return "\n".join(lines)


def write(path, text):
    """Only when it differs, so that make rebuilds no more than it must."""
    try:
        with open(path, encoding="utf-8") as stream:
            if stream.read() == text:
                return
    except FileNotFoundError:
        pass
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(path + ".new", path)


def load(root, paths):
    """All records by name, and per program file its members."""
    records, wanted = {}, {}
    for path in paths:
        own, uses = read_params(root, path)
        for record in own:
            if record.name in records:
                raise Bad(f"{record.where}: {record.name} is also in {records[record.name].where}")
            records[record.name] = record
        wanted[path] = (own, uses)
    members = {}
    for path, (own, uses) in wanted.items():
        if path.startswith(SHARED):
            continue
        chosen = {r.name: r for r in own if not r.is_pattern}
        for name, where in uses:
            if name not in records:
                raise Bad(f"{where}: uses an unknown parameter: {name}")
            chosen[name] = records[name]
        members[path] = [chosen[name] for name in sorted(chosen)]
    return [records[name] for name in sorted(records)], members


def main():
    parser = argparse.ArgumentParser(description="makes C++ of the parameter records")
    parser.add_argument("--source", default=".", help="top of the source tree")
    parser.add_argument("--output", default=".", help="top of the build tree")
    parser.add_argument("--stamp", help="file to touch when all is made, under the build tree")
    parser.add_argument("params", nargs="+", help=".params files, relative to the source tree")
    arguments = parser.parse_args()
    records, members = load(arguments.source, arguments.params)
    write(os.path.join(arguments.output, "lib/config/record_table.cc"), registry(records))
    write(os.path.join(arguments.output, "man/postconf.5"), manual(records))
    for path, chosen in members.items():
        write(os.path.join(arguments.output, path.removesuffix(".params") + "_params.h"), header(path, chosen))
    if arguments.stamp:
        with open(os.path.join(arguments.output, arguments.stamp), "w", encoding="utf-8"):
            pass


if __name__ == "__main__":
    try:
        main()
    except Bad as bad:
        sys.exit(f"params: {bad}")
