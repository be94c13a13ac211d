"""What the measuring programs here know of a system that they measure: the file is described at the head of mtabench.py."""
import json, os, socket, subprocess, sys, time

def cpu_total():
    f = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
    return (sum(f) - f[3] - f[4]) / os.sysconf("SC_CLK_TCK")

def tree(pid):
    kids = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try: kids.setdefault(int(open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1]), []).append(int(p))
        except OSError: pass
    out, todo = [], [pid]
    while todo: p = todo.pop(); out.append(p); todo += kids.get(p, [])
    return out

class Target:
    def __init__(self, path):
        self.__dict__.update({"start": None, "stop": None, "cgroup": None, "pidfile": None, "queue": [],
                              "rcpt": {}, "clean": None, "count": {}, "bad": []})
        self.__dict__.update(json.load(open(path)))
        if self.cgroup:
            try: os.makedirs(self.cgroup, exist_ok=True)
            except OSError: self.cgroup = None
    def run_start(self, wrap):
        join = f"echo $$ > {self.cgroup}/cgroup.procs; " if self.cgroup else ""
        subprocess.run(["sh", "-c", join + "exec " + wrap + " " + self.start], check=True, stdout=subprocess.DEVNULL)
        host, port = self.addr.rsplit(":", 1)
        for _ in range(100):
            try: socket.create_connection((host, int(port)), 5).recv(200); return
            except OSError: time.sleep(0.1)
        sys.exit(self.name + ": does not answer on " + self.addr)
    def run_stop(self): subprocess.run(["sh", "-c", self.stop], stdout=subprocess.DEVNULL)
    def pids(self):
        if self.cgroup: return [int(x) for x in open(self.cgroup + "/cgroup.procs").read().split()]
        return tree(int(open(self.pidfile).read().split()[0])) if self.pidfile else []
    def cpu(self):                                            # (user, system) seconds so far
        if self.cgroup:
            d = dict(l.split()[:2] for l in open(self.cgroup + "/cpu.stat"))
            return int(d["user_usec"]) / 1e6, int(d["system_usec"]) / 1e6
        u = s = 0
        for p in self.pids():
            try: f = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
            except OSError: continue
            u += int(f[11]) + int(f[13]); s += int(f[12]) + int(f[14])
        hz = os.sysconf("SC_CLK_TCK"); return u / hz, s / hz
    def pss(self):                                            # (KiB proportional, KiB private, processes)
        tot = priv = n = 0
        for p in self.pids():
            try: d = {l.split()[0]: int(l.split()[1]) for l in open(f"/proc/{p}/smaps_rollup").readlines()[1:]}
            except (OSError, IndexError): continue
            tot += d["Pss:"]; priv += d["Private_Clean:"] + d["Private_Dirty:"]; n += 1
        return tot, priv, n
    def busy(self, dirs=None):
        def walk(d):
            try: it = os.scandir(d)
            except OSError: return False
            with it: return any(walk(e.path) if e.is_dir(follow_symlinks=False) else True for e in it)
        return any(walk(d) for d in (self.queue if dirs is None else dirs))
    def memory(self):                                         # bytes that its cgroup is charged for, with the kernel's; None: nobody counts
        if not self.cgroup: return None
        for f in (self.cgroup + "/memory.current", memory_group(self.cgroup) + "/memory.usage_in_bytes"):
            try: return int(open(f).read())
            except OSError: pass
        return None

def memory_group(cgroup):                                     # where the controller of memory has a hierarchy of its own
    return cgroup.replace("/unified/", "/memory/")
