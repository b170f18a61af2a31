// Every function of the module `native`, in the host that the release has or, as NFS_INIT_BINARY says, in one with sanitizers.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { isSanitized } from "../support/process.ts";
import { buildHost, run } from "./host.ts";

const host = resolve(await buildHost(isSanitized ? "sanitized" : "plain"));
const names = JSON.parse((await run(host, ["list"])).output) as readonly string[];

test.each(names)("%s", async (name) => {
  const { code, signal, output } = await run(host, [name]);
  expect({ code, signal }, output).toEqual({ code: 0, signal: null });
});

test("children are waited for though SIGCHLD was ignored by whoever started us", async () => {
  const name = "waitid tells how a child has ended, was killed and has stopped";
  const { code, output } = await run("env", ["--ignore-signal=CHLD", host, name]);
  expect(code, output).toBe(0);
});

test("a program becomes the foreground of a terminal", async () => {
  const name = "a program becomes the foreground of the terminal, and we take it back";
  const { code, output } = await run("script", ["-qec", `${host} '${name}'`, "/dev/null"]);
  expect(code, output).toBe(0);
});

/**
 * A root directory of nothing but memory, and programs and libraries that cannot be changed: calls at random change what they
 * reach, and whoever runs this as root owns the machine's files within a user namespace, too.
 */
const ownRoot = `set -e
  mount -t tmpfs none "$1"
  for name in bin lib lib64 usr; do
    [ -e /$name ] || continue
    if [ -L /$name ]; then cp -P /$name "$1"; continue; fi
    mkdir "$1/$name"
    mount --rbind /$name "$1/$name"
    mount -o remount,bind,ro "$1/$name"
  done
  mkdir "$1/proc" "$1/work"
  mount -t proc none "$1/proc"
  cp "$2" "$1/host"
  mount --bind "$1/host" "$1/host"
  mount -o remount,bind,ro "$1/host"
  root=$1
  shift 2
  exec chroot "$root" /bin/sh -c 'cd /work && exec /host "$@"' sh "$@"`;

test("the mount table shows at once what has come and gone, and is not kept open", async (context) => {
  const room = ["--user", "--map-root-user", "--mount"];
  const { code: refusal } = await run("unshare", [...room, "mount", "-t", "tmpfs", "none", "/tmp"]);
  context.skip(refusal !== 0, "no namespaces can be made here");
  const inMemory = 'mount -t tmpfs none /mnt && exec "$0" mounts /mnt';
  const { code, output } = await run("unshare", [...room, "sh", "-c", inMemory, host]);
  expect(code, output).toBe(0);
});

test("a hundred thousand calls with random arguments crash nothing", { timeout: 300_000 }, async (context) => {
  // Its own mounts, processes and network, and a user who is root of these alone.
  const room = ["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child"];
  const { code: refusal } = await run("unshare", [...room, "sh", "-c", "mount -t proc none /proc"]);
  context.skip(refusal !== 0, "no namespaces can be made here");
  const folder = mkdtempSync(join(tmpdir(), "nfs-init-fuzz-"));
  try {
    const words = ["sh", "-c", ownRoot, "sh", folder, host, "fuzz", "1", "100000"];
    const { code, signal, output } = await run("unshare", [...room, ...words]);
    expect({ code, signal }, output).toEqual({ code: 0, signal: null });
    expect(output).toMatch(/"given":\d/);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
