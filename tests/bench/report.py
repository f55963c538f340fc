#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges the benchmark: report.py ROWS OUTPUT CPU TITLE

ROWS holds what bench printed for each device. Writes OUTPUT.json and
OUTPUT.svg, prints the table and `N passed, N failed`: a row passes when
kvmx's value is at most its target times that of in-tree KVM.
"""
import json
import sys
from xml.sax.saxutils import escape

# name: what is measured, its unit, the largest ratio that passes
ROWS = {
    "cpuid": ("CPUID", "instructions", 0.4),
    "cpuid_real": ("CPUID, real mode", "instructions", 0.4),
    "hypercall": ("hypercall", "instructions", 0.4),
    "hypercall_real": ("hypercall, real mode", "instructions", 0.4),
    "rdmsr": ("RDMSR", "instructions", 0.4),
    "rdmsr_real": ("RDMSR, real mode", "instructions", 0.4),
    "wrmsr": ("WRMSR", "instructions", 0.4),
    "wrmsr_real": ("WRMSR, real mode", "instructions", 0.4),
    "timer": ("timer, new deadline", "instructions", 1.0),
    "mmio_kernel": ("MMIO read, device in the kernel", "instructions", 0.6),
    "port_kernel": ("IN, device in the kernel", "instructions", 0.6),
    "port_kernel_real": ("IN, device in the kernel, real mode", "instructions", 0.6),
    "port_out": ("OUT to user space and back", "instructions", 0.6),
    "port_out_real": ("OUT to user space, real mode", "instructions", 0.6),
    "port_in": ("IN from user space", "instructions", 0.6),
    "port_in_real": ("IN from user space, real mode", "instructions", 0.6),
    "mmio_write": ("MMIO write to user space and back", "instructions", 0.6),
    "mmio_write_real": ("MMIO write to user space, real mode", "instructions", 0.6),
    "mmio_read": ("MMIO read from user space", "instructions", 0.6),
    "mmio_read_real": ("MMIO read from user space, real mode", "instructions", 0.6),
    "touch": ("first touch, 4 KiB the host has", "instructions", 0.6),
    "touch_real": ("first touch, 4 KiB, real mode", "instructions", 0.6),
    "touch_2m": ("first touch, 2 MiB the host has", "instructions", 0.6),
    "fresh": ("first touch, 4 KiB the host has not", "instructions", 1.0),
    "dirty_write": ("dirty log: write to a clean page", "instructions", 1.0),
    "dirty_get": ("dirty log: fetch, per dirty page", "instructions", 1.0),
    "dirty_get_clean": ("dirty log: fetch, 1 GiB untouched", "instructions", 1.0),
    "ipi_self": ("IPI to itself, taken, ended", "instructions", 1.0),
    "ipi_send": ("IPI to a vCPU that runs, sender's part", "instructions", 1.0),
    "ipi_sleeping": ("IPI to a vCPU that sleeps", "instructions", 1.0),
    "vm_create": ("VM, create and destroy", "ticks", 0.5),
    "vm_whole": ("VM with all, created, run, destroyed", "ticks", 0.5),
    "vcpu_create": ("vCPU, create", "ticks", 1.0),
    "vm_memory": ("memory of a VM with irqchip", "KiB", 0.5),
    "vcpu_memory": ("memory of a vCPU", "KiB", 1.0),
}

# Where a target differs on VT-x: more of each exit is the CPU's own work, the same for both.
INTEL = {"cpuid": 0.8, "cpuid_real": 0.8, "hypercall": 0.5, "hypercall_real": 0.5,
         "rdmsr": 0.5, "rdmsr_real": 0.5, "wrmsr": 0.5, "wrmsr_real": 0.5}

# And on arm64: all that is measured there.
ARM64 = dict.fromkeys(ROWS, 0.6)

TARGETS = {"intel": INTEL, "arm64": ARM64, "arm64-nvhe": ARM64}


def read(path):
    values, device = {}, None
    for line in open(path, encoding="ascii", errors="replace"):
        word = line.split()
        if word[:1] == ["device"]:
            device = values.setdefault(word[1].rsplit("/", 1)[1], {})
        elif word[:1] == ["row"] and device is not None:
            device[word[1]] = float(word[2])
    return values


def judge(values, cpu):
    kvm, kvmx = values.get("kvm", {}), values.get("kvmx", {})
    for name in sorted(set(kvm) | set(kvmx), key=(list(ROWS) + [*kvm, *kvmx]).index):
        title, unit, target = ROWS[name]
        target = TARGETS.get(cpu, {}).get(name, target)
        a, b = kvm.get(name), kvmx.get(name)
        ratio = b / a if a and b is not None else None
        yield {"name": name, "title": title, "unit": unit, "kvm": a, "kvmx": b,
               "ratio": ratio and round(ratio, 3), "target": target,
               "passed": ratio is not None and b > 0 and ratio <= target}


def number(value):
    return "-" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def table(rows):
    for r in rows:
        print(f"{r['title']:<40} {number(r['kvm']):>12} {number(r['kvmx']):>12} {r['unit']:<12}"
              f" {number(r['ratio']) if r['ratio'] is None else format(r['ratio'], '.2f'):>5}"
              f" (at most {r['target']}){'' if r['passed'] else '  NOT ok'}")


def svg(rows, title):
    """One bar a row: kvmx's part of in-tree KVM's cost, with the target as a mark."""
    left, scale, step = 300, 400, 22
    height = step * len(rows) + 60
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + scale + 260}" height="{height}"'
           ' font-family="sans-serif" font-size="13">')
    yield f'<text x="10" y="22" font-size="16">kvmx beside in-tree KVM: {escape(title)}</text>'
    for i, r in enumerate(rows):
        y = 40 + i * step
        width = min(r["ratio"] or 0, 1.25) * scale
        colour = "#3a7d44" if r["passed"] else "#b23a48"
        yield f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(r["title"])}</text>'
        yield f'<rect x="{left}" y="{y + 2}" width="{width:.0f}" height="14" fill="{colour}"/>'
        mark = left + r["target"] * scale
        yield f'<line x1="{mark}" x2="{mark}" y1="{y}" y2="{y + 18}" stroke="black" stroke-width="2"/>'
        yield (f'<text x="{left + max(width, r["target"] * scale) + 8:.0f}" y="{y + 13}">'
               f'{number(r["kvmx"])} / {number(r["kvm"])} {r["unit"]}</text>')
    end = left + scale
    yield (f'<line x1="{end}" x2="{end}" y1="34" y2="{height - 20}" stroke="#888"'
           ' stroke-dasharray="4 3"/>')
    yield (f'<text x="{left}" y="{height - 6}">bar: kvmx / KVM; dashed: 1.0; '
           'mark: the row\'s target</text>')
    yield "</svg>"


def main():
    source, output, cpu, title = sys.argv[1:]
    rows = list(judge(read(source), cpu))
    with open(output + ".json", "w", encoding="ascii") as file:
        json.dump({"machine": title, "rows": rows}, file, indent=1)
        file.write("\n")
    with open(output + ".svg", "w", encoding="utf-8") as file:
        file.write("\n".join(svg(rows, title)) + "\n")
    print(f"{title:<40} {'KVM':>12} {'kvmx':>12}")
    table(rows)
    passed = sum(r["passed"] for r in rows)
    print(f"{output}.json, {output}.svg")
    print(f"{passed} passed, {len(rows) - passed} failed")
    return 0 if rows and passed == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
