#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares supervisors: the same services, the same deaths, in turn, in one run.

usage: bench.py PRODUCTS [--services N] [--kills N] [--rounds N] [--only NAME ...]

PRODUCTS is the folder with `stand-in-supervisor`. Peers that are not installed are left out and said so.
Each figure is taken from the services' own time stamps: from the moment before kill(2) to the first thing the
replacement does after its exec.
"""
import argparse, json, os, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

# The C programs beside this file, compiled.
PROGRAMS = os.path.abspath(os.environ.get("BENCH_PROGRAMS", ".build/benchmarks"))


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Stamps:
    """What the services wrote about their starts."""

    def __init__(self, path):
        self.path, self.offset, self.last = path, 0, {}
        open(path, "a").close()

    def read(self):
        with open(self.path) as file:
            file.seek(self.offset)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            name, stamp, pid = line.split()
            self.last[name] = (int(stamp), int(pid))
        return self.last

    def wait(self, condition, limit=60):
        deadline = time.time() + limit
        while time.time() < deadline:
            if condition(self.read()):
                return True
            time.sleep(0.0005)
        return False


class Peer:
    name = "?"

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        os.makedirs(folder)
        self.stamps = Stamps(folder + "/stamps")
        self.names = ["s%d" % index for index in range(options.services)]

    def available(self):
        return True

    def pids(self):
        """The supervisor and its helpers, without the services."""
        services = {pid for _, pid in self.stamps.read().values()}
        found, open_ = [], [self.process.pid]
        while open_:
            pid = open_.pop()
            found.append(pid)
            try:
                children = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
            except FileNotFoundError:
                continue
            open_ += [int(child) for child in children if int(child) not in services]
        return found

    def run(self, *arguments, **keywords):
        return subprocess.Popen(list(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Floor(Peer):
    name = "C floor"

    def start(self):
        self.process = self.run(PROGRAMS + "/floor", str(self.options.services), PROGRAMS + "/stamp", self.stamps.path)

    def stop(self):
        self.process.kill()
        self.process.wait()
        for _, pid in self.stamps.read().values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Router(Peer):
    name = "llm-router"

    def spec(self, name):
        nanoseconds = 10**9
        return {
            "name": name,
            "command": {"executable": PROGRAMS + "/stamp", "arguments": ["stamp", name, self.stamps.path],
                        "directory": "/", "environment": [], "inheritedEnvironment": ["PATH=/bin"]},
            "listen": None, "dependencies": [], "readiness": None, "liveness": None,
            "restart": {"mode": "always", "initialDelayNanoseconds": 10**6, "maximumDelayNanoseconds": 10**6,
                        "multiplier": 1.0, "jitter": 0.0, "stableAfterNanoseconds": 0, "crashLoopLimit": 0,
                        "crashLoopWindowNanoseconds": nanoseconds},
            "stop": {"signal": "TERM", "timeoutNanoseconds": 5 * nanoseconds},
            "log": {"path": "%s/runtime/process-logs/%s.log" % (self.folder, name), "maximumBytes": 10 << 20,
                    "keptFiles": 5},
            "onProfileSwitch": "none", "isEssential": False,
        }

    def start(self):
        plan = self.folder + "/plan.json"
        with open(plan, "w") as file:
            json.dump([self.spec(name) for name in self.names], file)
        self.process = self.run(self.options.products + "/stand-in-supervisor", self.folder + "/runtime",
                                "--foreground", plan)

    def ask(self, **request):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.folder + "/runtime/supervisor.sock")
        connection.sendall(json.dumps(dict(request, schema=1, id=1)).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            data += connection.recv(1 << 20)
        connection.close()
        return data

    def status(self):
        return self.ask(command="status", services=[])

    def replace(self):
        """kill -9 of the supervisor, then a new one: milliseconds until it answers for all services."""
        before = dict(self.stamps.read())
        self.process.kill()
        self.process.wait()
        begun = now()
        self.start()
        while True:
            try:
                answer = json.loads(self.status())
                break
            except (ConnectionRefusedError, FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.0005)
        took = (now() - begun) / 1e6
        adopted = sum(1 for service in answer["status"]["services"] if service["adopted"])
        assert adopted == len(self.names), "adopted %d of %d" % (adopted, len(self.names))
        assert self.stamps.read() == before, "a service was restarted"
        return took


class Supervisord(Peer):
    name = "supervisord"

    def available(self):
        return shutil.which("supervisord")

    def start(self):
        path = self.folder + "/supervisord.conf"
        with open(path, "w") as file:
            file.write("[supervisord]\nnodaemon=true\nlogfile=%s/log\npidfile=%s/pid\nminfds=4096\n" % (self.folder, self.folder))
            file.write("[unix_http_server]\nfile=%s/sock\n" % self.folder)
            file.write("[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n")
            for name in self.names:
                file.write("[program:%s]\ncommand=%s/stamp %s %s\nautorestart=true\nstartsecs=0\nstdout_logfile=%s/%s.log\n"
                           % (name, PROGRAMS, name, self.stamps.path, self.folder, name))
        self.process = self.run("supervisord", "-c", path)


class Runit(Peer):
    name = "runit"

    def available(self):
        return shutil.which("runsvdir")

    def start(self):
        services = self.folder + "/services"
        for name in self.names:
            os.makedirs(services + "/" + name)
            script = services + "/" + name + "/run"
            with open(script, "w") as file:
                file.write("#!/bin/sh\nexec %s/stamp %s %s\n" % (PROGRAMS, name, self.stamps.path))
            os.chmod(script, 0o755)
        self.process = self.run("runsvdir", services)

    def stop(self):
        self.process.send_signal(signal.SIGHUP)
        self.process.wait()


class S6(Runit):
    name = "s6"

    def available(self):
        return shutil.which("s6-svscan")

    def start(self):
        services = self.folder + "/services"
        for name in self.names:
            os.makedirs(services + "/" + name)
            script = services + "/" + name + "/run"
            # With a notification it is restarted at once, without one after a second.
            with open(services + "/" + name + "/notification-fd", "w") as file:
                file.write("3\n")
            with open(script, "w") as file:
                file.write("#!/bin/sh\necho >&3\nexec 3>&- %s/stamp %s %s\n" % (PROGRAMS, name, self.stamps.path))
            os.chmod(script, 0o755)
        self.process = self.run("s6-svscan", services)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Circus(Peer):
    name = "circus"

    def available(self):
        return shutil.which("circusd")

    def start(self):
        path = self.folder + "/circus.ini"
        with open(path, "w") as file:
            file.write("[circus]\ncheck_delay=1\nendpoint=ipc://%s/end\npubsub_endpoint=ipc://%s/pub\n" % (self.folder, self.folder))
            for name in self.names:
                file.write("[watcher:%s]\ncmd=%s/stamp %s %s\nnumprocesses=1\n" % (name, PROGRAMS, name, self.stamps.path))
        self.process = self.run("circusd", path)


def lives(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def memory(pids):
    total = 0
    for pid in pids:
        for line in open("/proc/%d/status" % pid):
            if line.startswith("VmRSS"):
                total += int(line.split()[1])
    return total / 1024


def idle(pids, seconds):
    def counters():
        cpu = switches = 0
        for pid in pids:
            fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
            cpu += int(fields[11]) + int(fields[12])
            for line in open("/proc/%d/status" % pid):
                if "voluntary_ctxt_switches" in line and not line.startswith("non"):
                    switches += int(line.split()[1])
        return cpu * 1000 / os.sysconf("SC_CLK_TCK"), switches

    before = counters()
    time.sleep(seconds)
    after = counters()
    return after[0] - before[0], after[1] - before[1]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def measure(peer, options):
    row = {}
    begun = now()
    peer.start()
    if not peer.stamps.wait(lambda last: len(last) == options.services):
        return {"failed": "only %d started" % len(peer.stamps.last)}
    row["start of all ms"] = (max(stamp for stamp, _ in peer.stamps.last.values()) - begun) / 1e6
    # Some wait for a second before they restart what has not lived for one: nobody is to be measured by that.
    time.sleep(1.2)
    latencies = []
    names = peer.names * (options.kills // len(peer.names) + 1)
    for name in names[: options.kills]:
        pid = peer.stamps.read()[name][1]
        begun = now()
        os.kill(pid, signal.SIGKILL)
        if not peer.stamps.wait(lambda last: last[name][1] != pid, 20):
            return dict(row, failed="%s did not come back" % name)
        latencies.append((peer.stamps.last[name][0] - begun) / 1e6)
        time.sleep(0.01)
    row["restart p50 ms"] = statistics.median(latencies)
    row["restart p95 ms"] = percentile(latencies, 0.95)
    everything = []
    for _ in range(options.rounds):
        before = dict(peer.stamps.read())
        begun = now()
        for _, pid in before.values():
            os.kill(pid, signal.SIGKILL)
        if not peer.stamps.wait(lambda last: all(last[name][1] != before[name][1] for name in before), 60):
            return dict(row, failed="not all came back")
        everything.append((max(stamp for stamp, _ in peer.stamps.last.values()) - begun) / 1e6)
        time.sleep(1.2)
    if everything:
        row["all killed ms"] = statistics.median(everything)
    row["RSS MB"] = memory(peer.pids())
    cpu, switches = idle(peer.pids(), options.idle)
    row["idle CPU ms"], row["idle wake-ups"] = cpu, switches
    if isinstance(peer, Router):
        times = []
        for _ in range(20):
            begun = now()
            peer.status()
            times.append((now() - begun) / 1e6)
        row["status ms"] = statistics.median(times)
        row["adoption ms"] = statistics.median(peer.replace() for _ in range(5))
    everybody = peer.pids() + [pid for _, pid in peer.stamps.read().values()]
    begun = now()
    peer.stop()
    while any(lives(pid) for pid in everybody) and now() - begun < 20e9:
        time.sleep(0.0005)
    row["stop of all ms"] = (now() - begun) / 1e6
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("products")
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--idle", type=float, default=10)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    options.products = os.path.abspath(options.products)
    rows = []
    for kind in [Floor, Router, S6, Runit, Supervisord, Circus]:
        if options.only and kind.name not in options.only:
            continue
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            peer = kind(folder + "/run", options)
            if not peer.available():
                print("%-12s not installed" % kind.name, file=sys.stderr)
                continue
            row = measure(peer, options)
            rows.append((kind.name, row))
            # Should somebody stop the run, what was measured is known.
            print(kind.name, json.dumps(row), file=sys.stderr, flush=True)
            if "failed" in row:
                try:
                    peer.stop()
                except Exception:
                    peer.process.kill()
    columns = []
    for _, row in rows:
        columns += [key for key in row if key not in columns]
    print("%-12s" % "" + "".join("%16s" % column for column in columns))
    for name, row in rows:
        cells = ["%16s" % (("%.2f" % row[c]) if isinstance(row.get(c), float) else row.get(c, "-")) for c in columns]
        print("%-12s" % name + "".join(cells))


if __name__ == "__main__":
    main()
