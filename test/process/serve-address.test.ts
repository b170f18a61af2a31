// serve with a virtual address, as far as that goes before the kernel's server starts: two hosts of the test's own, on one cable.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { binary, isRoot, temporaryDirectory } from "../support/process.ts";

const names = ["a", "b"].map((name) => `nfs-init-serve-${process.pid}-${name}`) as [string, string];
const [first, second] = names;
const on = (name: string, words: string) => execFileSync("ip", ["-n", name, ...words.split(" ")], { encoding: "utf8" });

beforeEach((context) => {
  context.skip(!isRoot, "network namespaces need root");
});
beforeAll(() => {
  if (!isRoot) return;
  for (const name of names) execFileSync("ip", ["netns", "add", name]);
  on(first, `link add eth0 type veth peer name eth0 netns ${second}`);
  names.forEach((name, index) => {
    on(name, `addr add 10.98.0.${index + 1}/24 dev eth0`);
    on(name, "link set eth0 up");
  });
});
afterEach(() => {
  if (isRoot) on(second, "addr flush dev eth0 to 10.98.0.9");
});
afterAll(() => {
  if (isRoot) for (const name of names) execFileSync("ip", ["netns", "del", name]);
});

/** Starts serve on the first host; its state cannot be kept, so that it ends before the kernel's server is asked for. */
function serve(vip: string, by: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
  const directory = temporaryDirectory();
  const env = {
    PATH: process.env["PATH"],
    NFS_EXPORT: directory,
    NFS_SERVER_STATE: "/proc/self/nothing",
    NFS_SERVER_VIP: vip,
    NFS_STATE_DIR: join(directory, "state"),
    ...more,
  };
  const child = spawn("ip", ["netns", "exec", first, ...by, binary, "serve"], {
    env,
    stdio: ["ignore", "inherit", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const lines = () => logLines(said.slice(0, said.lastIndexOf("\n") + 1));
  const says = (msg: string) => eventually(msg, () => lines().find((line) => line.msg === msg));
  return { child, ended, lines, says };
}

const has = (name: string) => on(name, "-o addr show").includes("10.98.0.9/");

test("waits while another host has the address, and a stop ends that with 0 and nothing taken", async () => {
  on(second, "addr add 10.98.0.9/24 dev eth0");
  const { child, ended, lines, says } = serve("10.98.0.9/24");
  expect(await says("waiting for the virtual address")).toMatchObject({
    level: "warn",
    reason: expect.stringMatching(/^another host has it \(([0-9a-f]{2}:){5}[0-9a-f]{2}\)$/) as string,
  });
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(has(first)).toBe(false);
  expect(lines().map(({ msg }) => msg)).not.toContain("the virtual address is here");
});

test("gives the address back when it cannot serve", async () => {
  const { ended, lines } = serve("10.98.0.9/24");
  expect(await ended).toBe(78);
  const said = lines().map(({ msg }) => msg);
  expect(said).toContain("the virtual address is here");
  expect(said).toContain("the virtual address is given back");
  expect(has(first)).toBe(false);
});

test("ends with 75 where the address that an instance before has left is another host's as well, which keeps it", async () => {
  on(first, "addr add 10.98.0.9/24 dev eth0 valid_lft 600 preferred_lft 600");
  on(second, "addr add 10.98.0.9/24 dev eth0");
  // Meanwhile it waits for its disk.
  const { ended, lines } = serve("10.98.0.9/24", [], { NFS_EXPORT_DEVICE: "LABEL=not-there" });
  expect(await ended).toBe(75);
  expect(lines().map(({ msg }) => msg)).toContain("another host has the virtual address, too");
  expect(lines().at(-1)?.reason).toMatch(/^the virtual address 10\.98\.0\.9 is lost: another host has it/);
  expect([has(first), has(second)]).toEqual([false, true]);
});

test.each([
  ["no interface's network holds it", "192.0.2.9/24", [], 78, "NFS_SERVER_VIP=192.0.2.9/24@eth0"],
  ["there is no interface eth7", "10.98.0.9/24@eth7", [], 78, "NFS_SERVER_VIP=10.98.0.9/24@eth0"],
  [
    "the capability NET_ADMIN is missing",
    "10.98.0.9/24",
    ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin", "--"],
    32,
    "--cap-add",
  ],
])("ends and says that %s", async (reason, vip, by, code, hint) => {
  const { ended, lines } = serve(vip, by);
  expect(await ended).toBe(code);
  const last = lines().at(-1);
  expect(`${last?.msg} ${last?.reason}`).toContain(reason);
  expect(last?.hint).toContain(hint);
});

test.each(["10.98.0.9", "10.98.0.9/33", "nas/24", "127.0.0.1/8"])("NFS_SERVER_VIP=%s is no address", async (vip) => {
  const { ended, lines } = serve(vip);
  expect(await ended).toBe(78);
  expect(JSON.stringify(lines())).toContain("NFS_SERVER_VIP");
});
