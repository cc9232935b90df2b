// A real systemd as PID 1 of namespaces of its own, where the machine's own systemd is not to be touched, or there is none.
//
// A starting systemd empties /tmp and takes over devices and kernel settings. So it gets a root of its own, in memory, and the
// script leaves the machine's file system before it starts systemd: of it only /usr is there, read-only, without the machine's units.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "./eventually.ts";
import { needs, programPath } from "./programs.ts";

export interface SystemdBox {
  /** Runs a command inside, as root. */
  run(command: string[], input?: string): { code: number | null; output: string };
  /** `systemctl show -P`. */
  property(unit: string, name: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface SystemdBoxOptions {
  /** Becomes /usr/bin/NAME inside. */
  program: { name: string; path: string };
  /** Path below /etc -> text. Readable by root only where it is below a folder `secrets`. */
  etc: Record<string, string>;
  /** Name -> text. Standard error of each service goes to /run/NAME.log, since no journal runs inside. */
  units: Record<string, string>;
}

const systemd = "/usr/lib/systemd/systemd";

/** For `test(..., { skip })`. */
export function needsSystemdBox(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  if (cgroupFolder() === undefined) return "needs cgroup2";
  return needs("unshare", "nsenter", "pivot_root", systemd);
}

const enter = String.raw`set -eu
box=$1 files=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$box"
cd "$box"
mkdir usr etc var tmp run proc sys dev root home old
chmod 1777 tmp
for name in bin sbin lib lib64; do
  if [ -L "/$name" ]; then ln -s "$(readlink "/$name")" "$name"
  elif [ -d "/$name" ]; then mkdir "$name"; mount --bind "/$name" "$name"; mount -o remount,bind,ro "$name"
  fi
done
mount --bind /usr usr
mount -o remount,bind,ro usr
mount -t overlay -o "lowerdir=$files/bin:/usr/bin" overlay usr/bin
for folder in usr/lib/systemd/system usr/lib/systemd/system-generators usr/lib/systemd/system-environment-generators usr/local; do
  if [ -d "$folder" ]; then mount -t tmpfs -o mode=755 tmpfs "$folder"; fi
done
cp -R "$files/etc/." etc
cp -R "$files/units/." usr/lib/systemd/system
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mkdir dev/shm
pivot_root . old
cd /
umount -l old
rmdir old
[ "$(stat -f -c %T /)" = tmpfs ]
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin ${systemd} --system --unit=multi-user.target </dev/null
`;

/** What the unit's dependencies need to be there; none of them does anything. */
const targets = ["sysinit", "basic", "multi-user", "network-online", "shutdown", "umount"];

/** Settles when systemd runs. Its network is the machine's. @throws Error with what it said when it does not come up */
export async function startSystemdBox({ program, etc, units }: SystemdBoxOptions): Promise<SystemdBox> {
  const folder = mkdtempSync(join(tmpdir(), "systemd-"));
  const cgroup = join(cgroupFolder()!, `systemd-box-${process.pid}-${Date.now()}`);
  writeFiles(folder, { program, etc, units });
  mkdirSync(cgroup);
  const started = spawn("sh", [
    "-c",
    'echo $$ > "$0/cgroup.procs"; shift; exec "$@"',
    cgroup,
    "--",
    programPath("unshare"),
    ...["--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc"],
    ...["sh", join(folder, "enter.sh"), join(folder, "box"), join(folder, "files")],
  ], { stdio: ["ignore", "pipe", "pipe"], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } });
  let said = "";
  for (const stream of [started.stdout, started.stderr]) stream.on("data", (chunk) => said += chunk);
  let hasEnded = false;
  const ended = new Promise<void>((settle) => started.on("close", () => (hasEnded = true, settle())));

  /** systemd, as this machine counts; inside it is 1. */
  const pid = () => readFileSync(`/proc/${started.pid}/task/${started.pid}/children`, "utf8").trim();
  const run = (command: string[], input = "") => {
    const into = ["-t", pid(), "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd"];
    const { status, stdout, stderr } = spawnSync(programPath("nsenter"), [...into, ...command], {
      input,
      encoding: "utf8",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    return { code: status, output: stdout + stderr };
  };
  const dispose = async () => {
    if (!hasEnded) process.kill(started.pid!, "SIGKILL"); // and with it its child
    await ended;
    await eventually(async () => removeCgroup(cgroup));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(async () => {
      const { output } = run(["systemctl", "is-system-running"]);
      if (output.trim() !== "running") throw new Error(`systemd does not run: ${output}${said}`);
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    run,
    property: (unit, name) => run(["systemctl", "show", "-P", name, unit]).output.trim(),
    [Symbol.asyncDispose]: dispose,
  };
}

function writeFiles(folder: string, { program, etc, units }: SystemdBoxOptions): void {
  const put = (path: string, text: string) => {
    const isSecret = path.includes("/secrets/");
    const parent = dirname(join(folder, path));
    mkdirSync(parent, { recursive: true });
    chmodSync(parent, isSecret ? 0o700 : 0o755);
    writeFileSync(join(folder, path), text, { mode: isSecret ? 0o600 : 0o644 });
  };
  mkdirSync(join(folder, "box"));
  put("enter.sh", enter);
  put("files/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
  put("files/etc/group", "root:x:0:\n");
  put("files/etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\n");
  put("files/etc/machine-id", `${"1".repeat(32)}\n`);
  for (const [path, text] of Object.entries(etc)) {
    put(`files/etc/${path}`, text);
  }
  for (const name of targets) put(`files/units/${name}.target`, "[Unit]\nDefaultDependencies=no\n");
  for (const [name, text] of Object.entries(units)) {
    put(`files/units/${name}`, text);
    const log = `append:/run/${name}.log`;
    put(`files/units/${name}.d/log.conf`, `[Service]\nStandardOutput=${log}\nStandardError=${log}\n`);
  }
  mkdirSync(join(folder, "files/bin"));
  copyFileSync(program.path, join(folder, "files/bin", program.name));
}

/** Where cgroup2 is mounted. */
function cgroupFolder(): string | undefined {
  const line = readFileSync("/proc/self/mountinfo", "utf8").split("\n").find((line) => line.includes(" - cgroup2 "));
  return line?.split(" ")[4];
}

/** @throws Error while a process is left in it */
function removeCgroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}
