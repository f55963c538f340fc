#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs inside the emulated machine, started by ./run: Debian's QEMU with
-accel kvm boots guests, and what they report is checked. One case after the
other; ends with `N passed, N failed`."""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time

FIRMWARE = {
    "bios": [],
    "qboot": ["-bios", "/usr/share/qemu/qboot.rom"],
    "ovmf": ["-drive", "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
             "-drive", "if=pflash,unit=1,format=raw,file={vars}"],
}
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
PATIENCE = 150      # seconds, for anything a guest is waited for


class Failure(Exception):
    pass


class Config:
    """Where things are: the words that ./run passes on."""

    def __init__(self, words):
        for word in words:
            key, _, value = word.partition("=")
            setattr(self, key, value)


class Guest:
    """One QEMU: its serial console, its QMP monitor and its end."""

    def __init__(self, config, name, case, append, extra=()):
        machine, irqchip, firmware, cpus = case.split("-")
        self.name, self.cpus, self.console, self.events = name, int(cpus), "", []
        self.answers, self.rest = [], b""
        options = f"{machine},accel=kvm,kernel-irqchip={irqchip}"
        disk = "virtio-blk-pci"
        if machine == "microvm":
            disk = "virtio-blk-device"
            # Nobody tells QEMU's second I/O APIC of EOIs when the first is in the kernel.
            options += ",ioapic2=off" if irqchip == "on" else ""
        variables = f"/run/{name}.vars"
        if firmware == "ovmf":
            shutil.copyfile(OVMF_VARS, variables)
        serial, self.serial = socket.socketpair()
        monitor, self.monitor = socket.socketpair()
        command = config.exec.split() + [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", options, "-cpu", "host", "-smp", cpus, "-m", "256",
            *(word.format(vars=variables) for word in FIRMWARE[firmware]),
            "-kernel", config.kernel, "-initrd", config.initrd,
            "-append", f"console=ttyS0 quiet panic=-1 {append}",
            "-drive", f"if=none,id=disk,format=raw,readonly=on,file={config.disk}",
            "-device", f"{disk},drive=disk",
            "-chardev", f"socket,id=serial,fd={serial.fileno()}", "-serial", "chardev:serial",
            "-chardev", f"socket,id=monitor,fd={monitor.fileno()}",
            "-mon", "chardev=monitor,mode=control", *extra]
        self.log = open(f"{config.logs}/{name}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=(serial.fileno(), monitor.fileno()))
        serial.close()
        monitor.close()
        self.open = {self.serial, self.monitor}
        self.execute("qmp_capabilities")

    def tail(self):
        """The end of all that is known, for a message."""
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return "".join(f"| {line}\n" for line in
                           self.console.splitlines()[-15:] + log.read().splitlines()[-15:])

    def fail(self, what):
        raise Failure(f"{self.name}: {what}\n{self.tail()}")

    def listen(self, deadline):
        """Takes in what comes next from the console or the monitor."""
        if not self.open:
            self.fail(f"QEMU has ended (status {self.process.wait()})")
        ready, _, _ = select.select(self.open, [], [], max(0, deadline - time.monotonic()))
        if not ready:
            self.fail("waited too long")
        for source in ready:
            data = source.recv(65536)
            if not data:
                self.open.remove(source)
            elif source is self.serial:
                text = data.decode(errors="replace").replace("\r", "")
                self.console += text
                self.log.write(text)
            else:
                *lines, self.rest = (self.rest + data).split(b"\n")
                for line in lines:
                    message = json.loads(line)
                    if "event" in message:
                        self.events.append(message)
                    elif "QMP" not in message:
                        self.answers.append(message)

    def wait(self, condition, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not (found := condition()):
            self.listen(deadline)
        return found

    def says(self, pattern, after=0):
        """Waits for a line of the console; the place after it."""
        try:
            return self.wait(lambda: re.compile(pattern, re.M).search(self.console, after)).end()
        except Failure as failure:
            raise Failure(f"no line '{pattern}': {failure}") from None

    def execute(self, command, **arguments):
        message = {"execute": command, "arguments": arguments}
        self.monitor.sendall(json.dumps(message).encode())
        answer = self.wait(lambda: self.answers and self.answers.pop(0))
        if "return" not in answer:
            self.fail(f"{command}: {answer}")
        return answer["return"]

    def human(self, line):
        answer = self.execute("human-monitor-command", **{"command-line": line})
        if answer.strip():
            self.fail(f"{line}: {answer}")

    def powers_off(self):
        """The guest's own power-off, not a reset, and QEMU content with it."""
        self.wait(lambda: self.monitor not in self.open)
        reasons = [e["data"]["reason"] for e in self.events if e["event"] == "SHUTDOWN"]
        status = self.process.wait(PATIENCE)
        if reasons != ["guest-shutdown"] or status:
            self.fail(f"ended with status {status}, for {reasons}")

    def checks_disk(self, config, after=0):
        after = self.says(rf"^nproc {self.cpus}$", after)
        return self.says(rf"^{config.sum}  /dev/vda$", after)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.serial.close()
        self.monitor.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


LOOP = "kvmx.test=loop kvmx.fill=24 kvmx.loops=6"


def boot(config, case):
    """From firmware to power-off."""
    with Guest(config, case, case, "kvmx.test=poweroff") as guest:
        place = guest.checks_disk(config)
        guest.says("^test: passed$", place)
        guest.powers_off()


def snapshot(config, case):
    """savevm; loadvm in the same QEMU, and from the start in another."""
    state = "/run/state.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", state, "1G"], check=True)
    extra = ["-drive", f"if=none,id=state,format=qcow2,file={state}"]
    with Guest(config, f"snapshot-{case}", case, LOOP, extra) as guest:
        guest.checks_disk(config)
        guest.says("^loop 2 ok$")
        guest.human("savevm state")
        place = guest.says("^loop 4 ok$")
        guest.human("loadvm state")
        guest.says("^loop [1-4] ok$", place)    # once more
        guest.execute("quit")
        guest.wait(lambda: guest.monitor not in guest.open)
    with Guest(config, f"snapshot-{case}-again", case, LOOP, extra + ["-loadvm", "state"]) as guest:
        place = guest.says("^loop 6 ok$", guest.says("^loop [1-4] ok$"))
        guest.says("^test: passed$", place)
        guest.powers_off()
        if "nproc" in guest.console:
            guest.fail("booted instead of going on")
    os.remove(state)


def migration(config, case):
    """Live, to a second QEMU, while the guest writes to its memory."""
    path = "/run/migration"
    with Guest(config, f"migration-{case}-to", case, LOOP, ["-incoming", f"unix:{path}"]) as target, \
            Guest(config, f"migration-{case}", case, LOOP) as source:
        source.checks_disk(config)
        source.says("^loop 2 ok$")
        source.execute("migrate-set-capabilities",
                       capabilities=[{"capability": "events", "state": True}])
        source.execute("migrate-set-parameters", **{"downtime-limit": 2000,
                                                    "max-bandwidth": 1 << 30})
        source.execute("migrate", uri=f"unix:{path}")
        ends = ("completed", "failed")
        source.wait(lambda: [e for e in source.events if e["event"] == "MIGRATION"
                             and e["data"]["status"] in ends])
        info = source.execute("query-migrate")
        if info["status"] != "completed":
            source.fail(f"migration {info}")
        print(f"migrated {info['ram']['transferred'] >> 20} MiB in "
              f"{info['ram']['dirty-sync-count']} rounds, {info['downtime']} ms without the guest")
        place = target.says("^loop 6 ok$")
        target.says("^test: passed$", place)
        target.powers_off()


def vhost(config, case):
    """Data from and to the guest through vhost-net: kicks and interrupts by eventfds alone."""
    for command in (["modprobe", "tun"], ["modprobe", "vhost_net"],
                    ["ip", "tuntap", "add", "tap0", "mode", "tap"],
                    ["ip", "address", "add", "10.9.0.1/24", "dev", "tap0"],
                    ["ip", "link", "set", "tap0", "up"]):
        subprocess.run(command, check=True)
    os.makedirs("/run/www", exist_ok=True)
    shutil.copyfile(config.disk, "/run/www/data")
    server = subprocess.Popen(["busybox", "httpd", "-f", "-p", "10.9.0.1:80", "-h", "/run/www"])
    with open("/run/upload", "wb") as upload:
        receiver = subprocess.Popen(["busybox", "nc", "-l", "-p", "9000"], stdout=upload,
                                    stdin=subprocess.PIPE)
    extra = ["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no,vhost=on",
             "-device", "virtio-net-pci,netdev=net,romfile="]
    try:
        with Guest(config, f"vhost-{case}", case, "kvmx.test=net", extra) as guest:
            guest.checks_disk(config)
            guest.says(rf"^{config.sum}  received$")
            guest.says("^test: passed$")
            guest.powers_off()
        receiver.wait(PATIENCE)
    finally:
        server.kill()
        receiver.kill()
        subprocess.run(["ip", "link", "delete", "tap0"], check=True)
    with open(config.disk, "rb") as sent, open("/run/upload", "rb") as received:
        if sent.read() != received.read():
            raise Failure("what the guest sent is not what came")


KINDS = {"boot": boot, "snapshot": snapshot, "migration": migration, "vhost": vhost}


def main():
    config = Config(word for word in sys.argv[1:] if "=" in word)
    cases = [word for word in sys.argv[1:] if "=" not in word]
    failed = 0
    for name in cases:
        kind, _, case = name.rpartition(":")
        begin = time.monotonic()
        try:
            KINDS[kind or "boot"](config, case)
            result = "ok"
        except (Failure, subprocess.SubprocessError, OSError) as failure:
            result = "NOT ok"
            failed += 1
            print(failure)
        print(f"{result}: {name}, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
