#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The supervisor's own figures, each beside the value it is held against; real `llm-router`, real services.

usage: figures.py LLM-ROUTER [--full] [--only PART ...]

Parts: hundred, rounds, idle, probes, forks, thousand, flood. The short form takes about two minutes; `--full` takes the
times of the acceptance: 1,000 rounds, 60 s of idleness and of probing.
"""
import argparse, json, os, pwd, resource, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import compare
from bench import PROGRAMS, Stamps, idle, memory, now, percentile

MISSED = []
CONFIG = """config_version: 2
paths: {runtime_dir: ../runtime, active_config: ../active.yaml, state_file: ../state.json, log_file: ../routerctl.log}
litellm_base: {}
profiles: {only: {}}
services:
"""


def report(words, value, unit, goal=None):
    verdict = ""
    if goal is not None:
        verdict = "goal %g%s" % (goal, "" if value <= goal else "  MISSED")
        if value > goal:
            MISSED.append(words)
    print("%-58s %9.2f %-8s %s" % (words, value, unit, verdict), flush=True)


class Stack:
    """A config of small services and the foreground supervisor that runs them."""

    def __init__(self, router, count, options="", program="stamp", user=None):
        self.router, self.count, self.user = router, count, user
        self.folder = tempfile.mkdtemp(prefix="figures-")
        self.stamps = Stamps(self.folder + "/stamps")
        self.names = ["s%d" % index for index in range(count)]
        self.config = self.folder + "/config/routertool.yaml"
        os.mkdir(self.folder + "/config")
        with open(self.config, "w") as file:
            file.write(CONFIG)
            for index, name in enumerate(self.names):
                file.write("  %s:\n    command: {args: [%s/%s, %s, %s]}\n" % (
                    name, PROGRAMS, program, name, self.stamps.path))
                file.write("    restart: {crash_limit: 0, delay: 1ms, max_delay: 1ms, stable_after: 0s}\n")
                file.write(options.replace("{index}", str(index)))
        if user is not None:
            for path in [self.folder, self.folder + "/config", self.stamps.path, self.config]:
                os.chown(path, user, user)

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.router, "run"], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            user=self.user, group=self.user, extra_groups=None if self.user is None else [])
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def until_started(self):
        deadline = time.time() + 60
        while len(self.stamps.read()) < self.count and time.time() < deadline and self.process.poll() is None:
            time.sleep(0.0005)
        if len(self.stamps.last) < self.count:
            self.process.kill()
            sys.exit("only %d of %d started: %s" % (len(self.stamps.last), self.count, self.process.stderr.read()))
        return max(stamp for stamp, _ in self.stamps.last.values())

    def command(self, *arguments):
        os.chdir(self.folder)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            return compare.run([self.router, *arguments], null)[0]
        finally:
            os.close(null)
            os.chdir("/")

    def ask(self, **request):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.folder + "/runtime/supervisor.sock")
        connection.sendall(json.dumps(dict(request, schema=1, id=1)).encode() + b"\n")
        data = b""
        while not data.endswith(b"\n"):
            data += connection.recv(1 << 20)
        connection.close()
        return json.loads(data)

    def kill_all(self, limit=20):
        """SIGKILL to every service; milliseconds until the last replacement has exec'd."""
        before = dict(self.stamps.read())
        begun = now()
        for _, pid in before.values():
            os.kill(pid, signal.SIGKILL)
        if not self.stamps.wait(lambda last: all(last[name][1] != before[name][1] for name in before), limit):
            missing = [name for name in before if self.stamps.last[name][1] == before[name][1]]
            sys.exit("%d did not come back: %s" % (len(missing), missing[:5]))
        return (max(stamp for stamp, _ in self.stamps.last.values()) - begun) / 1e6

    def children(self):
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        return [int(pid) for pid in open(path).read().split()]

    def zombies(self):
        found = 0
        for pid in self.children():
            try:
                found += open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                pass
        return found

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))


def settle():
    # ext4 keeps inodes back for five seconds after their removal and looks at each when it makes new ones.
    time.sleep(6)


def whole(stack, *arguments, runs=40):
    return statistics.median([stack.command(*arguments) for _ in range(runs + 2)][2:])


def hundred(router, full):
    boots, starts, stops = [], [], []
    for _ in range(5 if full else 3):
        settle()
        begun = now()
        with Stack(router, 100) as stack:
            begun = now()
            boots.append((stack.until_started() - begun) / 1e6)
            time.sleep(0.5)
            stack.ask(command="stop", services=[])
            before = dict(stack.stamps.read())
            settle()
            begun = now()
            stack.ask(command="start", services=[], wait="started", timeoutNanoseconds=10**10)
            stack.stamps.wait(lambda last: all(last[name] != before[name] for name in before))
            starts.append((max(stamp for stamp, _ in stack.stamps.last.values()) - begun) / 1e6)
            time.sleep(0.5)
            begun = now()
            stack.stop()
            stops.append((now() - begun) / 1e6)
    report("100 services: boot of `run`, profile and checks included", statistics.median(boots), "ms")
    report("100 services: start of all", statistics.median(starts), "ms", 100)
    report("100 services: stop of all, with the supervisor's exit", statistics.median(stops), "ms", 15)
    with Stack(router, 100) as stack:
        stack.until_started()
        time.sleep(2)
        report("RSS at 100", memory([stack.process.pid]), "MB", 12)
        null = os.open(os.devnull, os.O_WRONLY)
        report("/bin/true as a whole command", statistics.median(compare.run(["/bin/true"], null)[0] for _ in range(40)), "ms")
        report("`status` of 100 as a whole command", whole(stack, "status"), "ms", 3)
        times, commands = [], []
        for _ in range(30):
            stack.ask(command="stop", services=["s7"])
            before = stack.stamps.read()["s7"]
            begun = now()
            stack.ask(command="start", services=["s7"], wait="started", timeoutNanoseconds=10**10)
            stack.stamps.wait(lambda last: last["s7"] != before)
            times.append((stack.stamps.last["s7"][0] - begun) / 1e6)
        for _ in range(20):
            stack.ask(command="stop", services=["s7"])
            before = stack.stamps.read()["s7"]
            begun = now()
            stack.command("service", "start", "s7")
            stack.stamps.wait(lambda last: last["s7"] != before)
            commands.append((stack.stamps.last["s7"][0] - begun) / 1e6)
        report("start request -> exec'd", statistics.median(times), "ms", 3)
        report("`service start` as a command -> exec'd", statistics.median(commands), "ms", 3)
        report("RSS at 100 after these commands", memory([stack.process.pid]), "MB", 12)


def rounds(router, full):
    count = 1000 if full else 100
    with Stack(router, 100) as stack:
        stack.until_started()
        time.sleep(0.5)
        descriptors = stack.descriptors()
        times = [stack.kill_all() for _ in range(count)]
        time.sleep(0.5)
        report("100 killed at once, all back, median of %d rounds" % count, statistics.median(times), "ms", 60)
        report("  p99", percentile(times, 0.99), "ms")
        report("  processes that are not there or too many", abs(len(stack.children()) - 100), "", 0)
        report("  zombies", stack.zombies(), "", 0)
        report("  descriptors more than before", stack.descriptors() - descriptors, "", 0)


def idleness(router, full):
    seconds = 60 if full else 15
    with Stack(router, 100) as stack:
        stack.until_started()
        time.sleep(2)
        cpu, switches = idle([stack.process.pid], seconds)
        report("idle for %d s: wake-ups" % seconds, switches, "", 0)
        report("idle for %d s: CPU" % seconds, cpu, "ms", 1)


def probes(router, full):
    seconds = 60 if full else 15
    port = listener()
    options = "    liveness: {tcp: {host: 127.0.0.1, port: %d}, period: 1s}\n" % port
    with Stack(router, 100, options) as stack:
        stack.until_started()
        time.sleep(3)
        cpu, _ = idle([stack.process.pid], seconds)
        report("a tcp probe every second, CPU a service", cpu / 1000 / seconds, "%", 0.1)
    options = "    liveness: {http: {host: 127.0.0.1, port: %d, path: /}, period: 5s}\n" % port
    with Stack(router, 100, options) as stack:
        stack.until_started()
        time.sleep(3)
        cpu, _ = idle([stack.process.pid], seconds)
        report("an http probe every 5 s (the default), CPU a service", cpu / 1000 / seconds, "%", 0.1)


def listener():
    """A server in a process of its own that answers everything with 200."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    if os.fork() == 0:
        parent = os.getppid()
        server.settimeout(1)
        while os.getppid() == parent:
            try:
                connection, _ = server.accept()
                connection.setblocking(False)
                try:
                    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    pass
                connection.close()
            except socket.timeout:
                pass
        os._exit(0)
    return server.getsockname()[1]


def forks(router, full):
    if os.geteuid() != 0:
        print("forks: only root can take another user's processes away", file=sys.stderr)
        return
    user = pwd.getpwnam("nobody").pw_uid
    with Stack(router, 20, user=user) as stack:
        stack.until_started()
        time.sleep(0.5)
        def limit(count):
            command = ["prlimit", "--pid", str(stack.process.pid), "--nproc=%s:" % count]
            subprocess.run(command, check=True, user=user, group=user, extra_groups=[])

        usual = resource.prlimit(os.getpid(), resource.RLIMIT_NPROC)[0]
        limit(1)
        for _, pid in dict(stack.stamps.read()).values():
            os.kill(pid, signal.SIGKILL)
        time.sleep(3)
        alive = len(stack.children())
        report("processes while fork fails", alive, "", 1)
        before = dict(stack.stamps.read())
        begun = now()
        limit("unlimited" if usual == resource.RLIM_INFINITY else usual)
        stack.stamps.wait(lambda last: all(last[name][1] != before[name][1] for name in before), 20)
        report("fork failure lifted -> all of 20 running", (now() - begun) / 1e6, "ms", 2000)


def thousand(router, full):
    settle()
    with Stack(router, 1000) as stack:
        begun = now()
        report("1,000 services: start of all", (stack.until_started() - begun) / 1e6, "ms")
        time.sleep(2)
        report("`status` of 1,000 as a whole command", whole(stack, "status", runs=20), "ms", 10)
        report("RSS at 1,000", memory([stack.process.pid]), "MB", 25)
        report("1,000 killed at once, all back", stack.kill_all(), "ms")
        begun = now()
        stack.stop()
        report("1,000 services: stop of all", (now() - begun) / 1e6, "ms")


def used(folder):
    total = 0
    for name in os.listdir(folder):
        try:
            total += os.stat(folder + "/" + name).st_blocks * 512
        except FileNotFoundError:
            pass
    return total


def flood(router, full):
    for place in ["/var/tmp", "/dev/shm"]:
        tempfile.tempdir = place
        seconds = 4
        folder = tempfile.mkdtemp(prefix="figures-")
        with open(folder + "/log", "ab") as log:
            alone = subprocess.Popen([PROGRAMS + "/flood", "300", str(seconds), folder + "/rate"], stdout=log)
            figures = flooded(alone.pid, folder + "/rate", folder)
            alone.kill()
            alone.wait()
        shutil.rmtree(folder)
        tell_flood(place + " without a supervisor", figures)
        stack = Stack(router, 1, program="flood")
        text = open(stack.config).read().replace("s0, " + stack.stamps.path, "'300', '%d', %s/rate" % (seconds, stack.folder))
        open(stack.config, "w").write(text)
        with stack:
            while not stack.children():
                time.sleep(0.001)
            pid = stack.process.pid
            figures = flooded(stack.children()[0], stack.folder + "/rate", stack.folder + "/runtime/process-logs")
            tell_flood(place, figures)
            report("  supervisor's CPU", processor(pid), "s")
            report("  most on disk", figures[3] / 1e6, "MB", 63)
    tempfile.tempdir = None


def processor(pid):
    fields = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flooded(pid, result, folder):
    most = 0
    while not os.path.exists(result):
        most = max(most, used(folder))
        time.sleep(0.004)
    time.sleep(0.1)
    rate, slowest = open(result).read().split()
    return float(rate), float(slowest), processor(pid), most


def tell_flood(where, figures):
    print("flood in %s: %.0f MB/s, slowest write %.1f ms, %.2f s of the service's CPU" % (where, *figures[:3]))


PARTS = {
    "hundred": hundred, "rounds": rounds, "idle": idleness, "probes": probes, "forks": forks, "thousand": thousand,
    "flood": flood,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("router")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS))
    options = parser.parse_args()
    router = os.path.abspath(options.router)
    # Stacks are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("load %s" % open("/proc/loadavg").read().split()[0])
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            part(router, options.full)
    if MISSED:
        sys.exit("missed: " + "; ".join(MISSED))


if __name__ == "__main__":
    main()
