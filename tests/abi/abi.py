#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares include/uapi/linux/kvmx*.h with the kernel's KVM headers, name by name.

Both sides are compiled, and everything they define is listed: macros from the
preprocessor, types and enumerators from the debug information. What the kernel's
side says becomes a C file of static assertions about ours, one a line. A name that
one side lacks must stand in the file `differences`, with a reason.

usage: abi.py REFERENCE OURS WORK     REFERENCE holds usr/include of linux-libc-dev
"""
import re
import subprocess
import sys
from pathlib import Path

REFERENCE, OURS, WORK = (Path(a).resolve() for a in sys.argv[1:4])
HERE = Path(__file__).resolve().parent
TRIPLET = {"x86": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# What a function-like macro is called with, where integers will not do.
ARGUMENTS = {"KVM_REG_ARM_CORE_REG": [["regs.pc"], ["sp_el1"], ["spsr[1]"], ["fp_regs.vregs[3]"]]}
SAMPLES = [[1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0], [3, 1, 13, 7, 2, 1]]


# Where the kernel's name has no KVM in it.
RENAMED = {"KVMX_GUEST_MEMFD_FLAG_MMAP": "GUEST_MEMFD_FLAG_MMAP",
           "KVMX_GUEST_MEMFD_FLAG_INIT_SHARED": "GUEST_MEMFD_FLAG_INIT_SHARED",
           "struct kvmx_reg_mask_range": "struct reg_mask_range"}
# The MSRs' numbers are MSR_KVM_X there; these four groups are no numbers of MSRs.
NO_MSR = re.compile("KVMX_MSR_(EXIT_REASON|FILTER|ENABLED)")


def theirs(name):
    """The kernel's name for one of ours."""
    if name in RENAMED:
        return RENAMED[name]
    if not NO_MSR.match(name):
        name = re.sub(r"^KVMX_MSR_", "MSR_KVM_", name)
    return name.replace("KVMX", "KVM").replace("kvmx", "kvm")


def compiler(view, *arguments, source):
    flags = ["-DPAGE_SIZE=4096", "-std=gnu11"]
    if view == "arm64":
        # A 64-bit little-endian compiler with the same sizes and alignments.
        flags += ["-U__x86_64__", "-U__i386__", "-U__x86_64", "-D__aarch64__"]
    flags += ["-nostdinc", f"-I{OURS}", "-isystem", f"{REFERENCE}/usr/include/{TRIPLET[view]}",
              "-isystem", f"{REFERENCE}/usr/include"]
    return subprocess.run(["gcc", *flags, *arguments, "-x", "c", "-"], input=source, text=True,
                          capture_output=True)


def must(result):
    if result.returncode:
        sys.exit(f"abi: a header does not compile:\n{result.stderr}")
    return result.stdout


class Side:
    """What one side's headers define in one view."""

    def __init__(self, view, includes, own):
        self.view, self.includes = view, "".join(f"#include <{i}>\n" for i in includes)
        self.macros()
        self.types(own)

    def macros(self):
        """Sets bodies: name to (parameters or None, body), of the KVM headers only."""
        out = must(compiler(self.view, "-E", "-dD", source=self.includes))
        self.bodies, inside = {}, False
        for line in out.splitlines():
            where = re.match(r'# \d+ "([^"]*)"', line)
            if where:
                inside = re.search(r"/kvmx?(_\w+)?\.h$", where.group(1))
            define = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", line)
            if define and inside:
                self.bodies[define.group(1)] = (define.group(2), define.group(3))

    def types(self, own):
        """Sets records: name to (size, members), and enumerators: name to value."""
        obj = WORK / f"types-{self.view}.o"
        must(compiler(self.view, "-c", "-gdwarf-4", "-fno-eliminate-unused-debug-types", "-o",
                      str(obj), source=self.includes))
        entries, stack, entry = {}, [], None
        dump = subprocess.run(["readelf", "-W", "--debug-dump=info", str(obj)], text=True,
                              capture_output=True, check=True).stdout
        for line in dump.splitlines():
            start = re.match(r" <(\w+)><(\w+)>: Abbrev Number: \d+ \((\w+)\)", line)
            if start:
                depth = int(start.group(1), 16)
                entry = {"tag": start.group(3), "children": []}
                entries[start.group(2)] = entry
                stack[depth:] = [entry]
                if depth:
                    stack[depth - 1]["children"].append(entry)
                continue
            if re.match(r" <\w+><\w+>: Abbrev Number: 0", line):
                entry = None
            attribute = re.match(r"    <\w+>   (DW_AT_\w+)\s*: (.*)", line)
            if attribute and entry is not None:
                # readelf's versions put the form before the value in different ways.
                value = re.sub(r"^(\([^)]*\):?\s+)+", "", attribute.group(2).strip() + " ")
                entry[attribute.group(1)] = re.sub(r"^\(offset: \w+\): ", "", value).strip()
        self.entries = entries
        self.records, self.enumerators = {}, {}
        for e in list(entries.values()):
            name = e.get("DW_AT_name", "")
            if e["tag"] in ("DW_TAG_structure_type", "DW_TAG_union_type") and own(name) \
                    and "DW_AT_byte_size" in e:
                kind = "struct" if e["tag"] == "DW_TAG_structure_type" else "union"
                members = {}
                self.members(e, "", 0, members)
                self.records[f"{kind} {name}"] = (int(e["DW_AT_byte_size"], 0), members)
            if e["tag"] == "DW_TAG_enumeration_type":
                for child in e["children"]:
                    if child["tag"] == "DW_TAG_enumerator":
                        self.enumerators[child["DW_AT_name"]] = int(child["DW_AT_const_value"], 0)

    def type_of(self, entry):
        reference = re.search(r"<0x(\w+)>", entry.get("DW_AT_type", ""))
        found = self.entries[reference.group(1)] if reference else None
        while found and found["tag"] in ("DW_TAG_typedef", "DW_TAG_const_type",
                                         "DW_TAG_volatile_type") and "DW_AT_type" in found:
            found = self.entries[re.search(r"<0x(\w+)>", found["DW_AT_type"]).group(1)]
        return found

    def size_of(self, entry):
        """In bytes; None for a flexible array."""
        if entry["tag"] != "DW_TAG_array_type":
            return int(entry["DW_AT_byte_size"], 0)
        size = self.size_of(self.type_of(entry))
        for child in entry["children"]:
            if child["tag"] == "DW_TAG_subrange_type":
                if "DW_AT_count" in child:
                    size *= int(child["DW_AT_count"], 0)
                elif re.match(r"\d+$", child.get("DW_AT_upper_bound", "")):
                    size *= int(child["DW_AT_upper_bound"]) + 1
                else:
                    return None
        return size

    def members(self, record, prefix, base, out):
        """Adds path: (offset, size, bits); members of unnamed types one by one."""
        for m in record["children"]:
            if m["tag"] != "DW_TAG_member":
                continue
            kind = self.type_of(m)
            offset = base + int(m.get("DW_AT_data_member_location", "0"), 0)
            inner, index = kind, ""
            while inner["tag"] == "DW_TAG_array_type":
                inner, index = self.type_of(inner), index + "[0]"
            unnamed = inner["tag"] in ("DW_TAG_structure_type", "DW_TAG_union_type") and \
                "DW_AT_name" not in inner
            if "DW_AT_name" not in m:
                self.members(kind, prefix, offset, out)
                continue
            path = prefix + m["DW_AT_name"]
            bits = None
            if "DW_AT_bit_size" in m:
                bits = (m.get("DW_AT_data_bit_offset", m.get("DW_AT_bit_offset")),
                        m["DW_AT_bit_size"])
            element = None
            if index and self.size_of(kind) in (None, 0):
                element = self.size_of(inner)
            out[path] = (offset, self.size_of(kind), bits, element)
            if unnamed:
                self.members(inner, f"{path}{index}.", offset, out)

    def evaluate(self, expressions):
        """The values of integer constant expressions; None for those that are none."""
        # Some of the kernel's macros need bits.h, which its header forgets.
        head = self.includes + "#include <linux/bits.h>\n#define offsetof __builtin_offsetof\n"
        first = head.count("\n") + 1
        good = set(range(len(expressions)))
        # An unknown name is reported once only, so one round may not find them all.
        for _ in range(50):
            source = head + "".join(
                f"const unsigned long long v{i} = (unsigned long long)({e});\n" if i in good
                else "\n" for i, e in enumerate(expressions))
            result = compiler(self.view, "-S", "-o", "-", "-w", source=source)
            if not result.returncode:
                break
            good -= {int(n) - first for n in re.findall(r"<stdin>:(\d+):\d+: error", result.stderr)}
        else:
            sys.exit("abi: the kernel's names cannot be evaluated:\n" + result.stderr)
        values = {int(i): int(v) % 2 ** 64 for i, v in
                  re.findall(r"^v(\d+):\n\t\.quad\t(-?\d+)", result.stdout, re.M)}
        zeros = re.findall(r"^v(\d+):\n\t\.zero\t8", result.stdout, re.M)
        values.update({int(i): 0 for i in zeros})
        # A string's value is the label of its text.
        labels = {int(i) for i in re.findall(r"^v(\d+):\n\t\.quad\t\.LC", result.stdout, re.M)}
        missing = good - values.keys() - labels
        if missing:
            sys.exit(f"abi: no value for {[expressions[i] for i in missing]}")
        return [values.get(i) for i in range(len(expressions))]


class Differences:
    """The file of names that may be on one side only; its head tells the form."""

    def __init__(self):
        self.rows, self.used = [], set()
        for number, line in enumerate((HERE / "differences").read_text().splitlines(), 1):
            if line and not line.startswith("#"):
                side, pattern, reason = line.split(None, 2)
                self.rows.append((side, re.compile(pattern + r"\Z"), number, reason))

    def allow(self, side, view, name):
        found = [r for r in self.rows if r[0] in (side, f"{side}-{view}") and r[1].match(name)]
        self.used.update(r[2] for r in found)
        return bool(found)

    def unused(self):
        return [r for r in self.rows if r[2] not in self.used]


def plain(body):
    body = body.replace("kvmx_reg_mask_range", "reg_mask_range")
    return re.sub(r"\s+", "", theirs(body))


def macro_checks(ours, reference, problems):
    """Assertions about macros: a list of (C text, what it is about)."""
    wanted, text = [], []
    for name, (parameters, body) in sorted(ours.bodies.items()):
        other = theirs(name)
        if other not in reference.bodies and other not in reference.enumerators:
            continue
        if other in reference.enumerators:
            text.append((f"{name} == {reference.enumerators[other]}", name))
            continue
        other_parameters = reference.bodies[other][0]
        if bool(parameters) != bool(other_parameters):
            problems.append(f"{name}: one is a function-like macro, the other is not")
        elif not parameters:
            if body or reference.bodies[other][1]:
                wanted.append((name, name, other))
            else:
                text.append(("1", f"{name}, which is empty"))
        else:
            count = 5 if "..." in parameters else parameters.count(",") + 1
            for sample in ARGUMENTS.get(other, SAMPLES):
                call = "(" + ", ".join(str(a) for a in sample[:count]) + ")"
                wanted.append((name, name + call, other + call))
    values = reference.evaluate([w[2] for w in wanted])
    compared = set()
    for (name, expression, other), value in zip(wanted, values):
        if value is not None:
            text.append((f"(unsigned long long)({expression}) == {value:#x}ull", expression))
        elif name not in compared:
            # No integer: a string, or a piece of a declaration. The text has to do.
            compared.add(name)
            same = plain(ours.bodies[name][1]) == plain(reference.bodies[theirs(name)][1])
            text.append((f"{int(same)}", f"{name}, by its text"))
    return text


def record_checks(view, ours, reference, differences, problems):
    text = []
    for name, (_, members) in sorted(ours.records.items()):
        other = theirs(name)
        if other not in reference.records:
            continue
        size, other_members = reference.records[other]
        text.append((f"sizeof({name}) == {size}", f"the size of {name}"))
        renamed = {theirs(path): path for path in members}
        for path in other_members:
            # The kernel's macro for flexible arrays in unions adds empty members.
            if path not in renamed and "__empty_" not in path and \
                    not differences.allow("kernel", view, f"{other}.{path}"):
                problems.append(f"{view}: {name}: no member {path}")
        for path in renamed:
            if path not in other_members:
                problems.append(f"{view}: {name}: member {renamed[path]} is not the kernel's")
        for path, (offset, length, bits, element) in other_members.items():
            if path not in renamed:
                continue
            mine = renamed[path]
            if bits:
                same = members[mine][0] == offset and members[mine][2] == bits
                if not same:
                    problems.append(f"{name}.{mine}: another place for the bit-field")
                text.append((f"{int(same)}", f"the bits of {name}.{mine}"))
                continue
            text.append((f"__builtin_offsetof({name}, {mine}) == {offset}",
                         f"the offset of {name}.{mine}"))
            value = f"(({name} *)0)->{mine}"
            if element is not None:
                text.append((f"sizeof({value}[0]) == {element}",
                             f"the element size of {name}.{mine}"))
            else:
                text.append((f"sizeof({value}) == {length}", f"the size of {name}.{mine}"))
    return text


def view_check(view, differences, problems):
    """One view: the number of assertions and the list of those that fail."""
    para = ["kvmx_para.h"] if view == "x86" else []
    ours = Side(view, [f"linux/{h}" for h in ["kvmx.h"] + para],
                lambda name: "kvmx" in name)
    reference = Side(view, ["linux/kvm.h", "linux/kvm_para.h"],
                     lambda name: "kvm" in name or name == "reg_mask_range")
    checks = macro_checks(ours, reference, problems)
    checks += record_checks(view, ours, reference, differences, problems)
    for name, value in sorted(ours.enumerators.items()):
        other = theirs(name)
        if other in reference.enumerators:
            checks.append((f"(long long){name} == {reference.enumerators[other]}ll", name))
        elif other in reference.bodies:
            number = reference.evaluate([other])[0]
            checks.append((f"(unsigned long long){name} == {number:#x}ull", name))

    # Names on one side only.
    mine = set(ours.bodies) | set(ours.enumerators) | set(ours.records)
    other = set(reference.bodies) | set(reference.records)
    other |= {n for n in reference.enumerators if "KVM" in n}
    for name in sorted(n for n in mine if theirs(n) not in other | set(reference.enumerators)):
        if not differences.allow("ours", view, name):
            problems.append(f"{view}: {name} has no counterpart in the kernel's headers")
    known = {theirs(n) for n in mine}
    left_out = 0
    for name in sorted(other - known):
        if differences.allow("kernel", view, name):
            left_out += 1
        else:
            problems.append(f"{view}: {name} is missing here")

    head = ours.includes + "#define offsetof __builtin_offsetof\n"
    path = WORK / f"assertions-{view}.c"
    source = head + "".join(f'_Static_assert({c}, "{w}");\n' for c, w in checks)
    path.write_text(source)
    result = compiler(view, "-fsyntax-only", "-fmax-errors=0", "-w", source=source)
    first = head.count("\n") + 1
    lines = {int(n) - first for n in re.findall(r"<stdin>:(\d+):\d+: error", result.stderr)}
    if result.returncode and not lines:
        sys.exit("abi: the assertions do not compile:\n" + result.stderr)
    print(f"abi: {view}: {len(checks)} assertions ({path}), {left_out} names left out with a reason")
    return len(checks), [checks[i][1] for i in sorted(lines)]


def standalone():
    """kvmx.h and the library's header alone, as C99 and as C++; the problems."""
    problems, count = [], 0
    top = HERE.parent.parent
    flags = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{OURS}",
             f"-I{top}/userlib/include"]
    headers = ["linux/kvmx.h", "linux/kvmx_para.h", "kvmx.h"]
    for command in (["gcc", "-std=c99", "-xc"], ["gcc", "-std=c11", "-xc"],
                    ["g++", "-std=c++11", "-xc++"], ["g++", "-std=c++20", "-xc++"]):
        for header in headers:
            result = subprocess.run([*command, *flags, "-"], input=f"#include <{header}>\n",
                                    text=True, capture_output=True)
            count += 1
            if result.returncode:
                problems.append(f"<{header}> alone with {' '.join(command)}:\n{result.stderr}")
    return count, problems


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    differences, problems, total, failures = Differences(), [], 0, []
    version = (REFERENCE / "usr/include/linux/version.h").read_text()
    numbers = [re.search(rf"LINUX_VERSION_{p} (\d+)", version).group(1)
               for p in ("MAJOR", "PATCHLEVEL", "SUBLEVEL")]
    print(f"abi: the kernel's headers are those of Linux {'.'.join(numbers)}")
    for view in ("x86", "arm64"):
        count, failed = view_check(view, differences, problems)
        total += count
        failures += [f"{view}: {name}" for name in failed]
    count, alone = standalone()
    total += count
    for name in failures:
        print(f"not ok {name} differs from the kernel's")
    for row in differences.unused():
        problems.append(f"differences, line {row[2]}: matches nothing")
    for problem in problems + alone:
        print(f"not ok {problem}")
    bad = len(failures) + len(problems) + len(alone)
    print(f"{total - len(failures) - len(alone)} passed, {bad} failed")
    return bad != 0


sys.exit(main())
