// The table of docs/troubleshooting.md quotes what nfs-init says, as it says it.
import { mountings } from "../../src/kinds/mountings.ts";
import { classifyErrno, classifyFailure } from "../../src/kinds/nfs/failures.ts";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { noFlags, readConfig, type Environment } from "../../src/config/config.ts";
import { logLinesOf } from "../../src/report/log-lines.ts";
import { waitUntilWritable } from "../../src/lifecycle/writable.ts";
import { connectionWords } from "../../src/host/errno.ts";
import { attemptShare } from "../../src/mount/attempt.ts";
import { callMount } from "../../src/mount/call.ts";
import type { TargetLock } from "../../src/mount/ports.ts";
import type { Network } from "../../src/ask/network.ts";
import { classifyErrno as classifyOfCifs } from "../../src/kinds/cifs/failures.ts";
import { cifsServer } from "../../src/kinds/cifs/server.ts";
import { withIds } from "../../src/kinds/efs/names.ts";
import { withSecurityHint } from "../../src/kinds/nfs/security.ts";
import { refusalOfRights, type MountRights } from "../../src/mount/preflight.ts";
import { judgeLookup } from "../../src/kinds/nfs/path.ts";
import { questionOf } from "../../src/kinds/nfs/question.ts";
import { askServer } from "../../src/kinds/nfs/readiness.ts";
import { judge, mountedCondition, type Observation } from "../../src/watch/staleness.ts";
import { leapingClock } from "./fakes/clock.ts";
import { fakeMounter, nothingAside, type Answers } from "./fakes/mounter.ts";
import { nfsMount } from "./fakes/mounts.ts";
import { fakeNetwork, rpcbind, serves, type Service } from "./fakes/server.ts";
import { shareOf, wayOf } from "./fakes/shares.ts";

const never = new AbortController().signal;
const nfs = 100_003;
const registered = { "100003/3/tcp": 2_049, "100005/3/tcp": 20_048 };

/** What is said of a server with these services at 192.0.2.1. */
async function unready(
  services: Readonly<Record<string, Service | "silent">>,
  environment: Environment = {},
  signal = never,
): Promise<string> {
  const at = Object.entries(services).map(([port, service]) => [`192.0.2.1:${port}`, service] as const);
  const answer = await askServer(fakeNetwork(Object.fromEntries(at)), questionOf(shareOf(environment)), signal);
  return answer.kind === "not-ready" ? answer.reason : "it is ready";
}

/** What is said where these rights are not enough. */
function refused(rights: Partial<MountRights>): string {
  const all: MountRights = {
    effectiveCapabilities: 1n << 21n,
    uidMap: "0 0 4294967295",
    securityLabel: undefined,
    remountErrno: () => "EINVAL",
    harmlessErrno: () => "EINVAL",
    ...rights,
  };
  return refusalOfRights(all, mountings.nfs)?.reason ?? "nothing is refused";
}

/** What is said of one attempt to mount. */
async function attempted(
  answers: Answers,
  { environment = {}, lock }: { readonly environment?: Environment; readonly lock?: TargetLock } = {},
): Promise<string> {
  const result = await attemptShare(
    {
      mounter: fakeMounter(answers),
      clock: leapingClock(),
      lock: () => lock ?? { kind: "locked", note: () => {}, release: () => {} },
      serverReady: () => Promise.resolve({ kind: "ready", unspoken: [], address: "192.0.2.1" }),
      enter: () => Promise.resolve(() => {}),
      serverAnswers: () => Promise.resolve(true),
      addresses: () => Promise.resolve({ server: "192.0.2.1", mountd: undefined }),
      tryCalls: () => Promise.resolve([]),
      loadModules: () => Promise.resolve(),
      tell: () => {},
      onDetaching: () => {},
      onMounting: () => {},
      guard: () => Promise.resolve(),
      lacksGuard: () => false,
      aside: nothingAside,
    },
    shareOf(environment),
    15_000,
    never,
    () => {},
  );
  return result.kind === "failed" ? result.failure.reason : "it is mounted";
}

/** What is said of a share that is lost after this has been seen twice, ten minutes apart. */
function lost(seen: Observation): string {
  const budgets = { threshold: 2, unresponsiveAfterMs: 180_000, serverGoneAfterMs: 300_000, longestGapMs: 600_000 };
  const first = judge(mountedCondition(0, true), seen, budgets, 1_000);
  return first.lost ?? judge(first.condition, seen, budgets, 601_000).lost ?? "it is not lost";
}

async function unwritable(): Promise<string> {
  const access = { kind: "unwritable", mode: "0755", uid: 0, gid: 0 } as const;
  let said = "";
  const log = (_level: string, _message: string, { reason }: Readonly<Record<string, unknown>>) => {
    said = String(reason);
  };
  const ports = { log, clock: leapingClock(), writeAccess: () => Promise.resolve(access) };
  const times = { attemptTimeoutMs: 1_000, pauseMs: 1_000, deadlineMs: 1_000 };
  await waitUntilWritable(ports, [shareOf()], undefined, times, never).catch(() => {});
  return said;
}

function pendingCall(): string {
  const pending = { kind: "pending", share: shareOf(), version: "4.2", forMs: 15_000 } as const;
  return logLinesOf(pending, 15_000)
    .map(({ fields }) => fields.reason)
    .join("; ");
}

async function withoutHelper(): Promise<string> {
  const absent = { kind: "not-started", reason: "not found" } as const;
  const share = shareOf({ NFS_OPTIONS: "x-nfs-init.helper" });
  const result = await callMount(
    {
      clock: leapingClock(),
      mounter: fakeMounter({ helper: () => absent }),
      onPending: () => {},
      serverAnswers: () => Promise.resolve(true),
      addresses: () => Promise.resolve({ server: "192.0.2.1", mountd: undefined }),
    },
    wayOf(share, "3"),
    share.realTarget,
    1_000,
    never,
  );
  return result.kind === "failed" ? result.failure.reason : "it is mounted";
}

function unknownUser(): string {
  const accounts = () => ({ passwd: "root:x:0:0::/root:/bin/sh\n", group: "" });
  const environment = { NFS_HOST: "nas", NFS_MOUNT_POINT: "/data", NFS_USER: "www-data" };
  const result = readConfig(environment, noFlags, { accounts });
  return result.kind === "problems" ? result.problems.join("\n") : "it is known";
}

/** A real text of mount.nfs, which is passed on. */
function withoutStatd(): string {
  const { captured } = JSON.parse(readFileSync("test/fixtures/mount-nfs-errors.json", "utf8")) as {
    readonly captured: readonly { readonly stderr: string }[];
  };
  const text = captured.find(({ stderr }) => stderr.includes("statd"))?.stderr ?? "";
  return classifyFailure(text, 32).reason;
}

/** What is said of an id of EFS on a machine without metadata. */
async function withoutRegion(): Promise<string> {
  const network = withIds(leapingClock(), fakeNetwork({}), {});
  const share = shareOf({ NFS_HOST: "fs-0123abcd" });
  const answer = await askServer(network, questionOf(share), never);
  return answer.kind === "not-ready" ? answer.reason : "it is ready";
}

function hinted(option: string, errno: string): string {
  return withSecurityHint({ options: [option] }, classifyErrno(errno)).hint ?? "nothing more is said";
}

/** What is said of a server on port 445 that sends this, and hangs up. */
async function unspoken(answer: Uint8Array | undefined): Promise<string> {
  const chunks = [answer];
  const network: Network = {
    resolveName: () => Promise.resolve({ kind: "addresses", addresses: ["192.0.2.1"] }),
    dial: () =>
      Promise.resolve({
        reservedPort: false,
        send: () => {},
        receive: () => Promise.resolve(chunks.shift()),
        close: () => {},
      }),
  };
  const readiness = await cifsServer.ask(network, { kind: "cifs", host: "nas", port: 445 }, never, true);
  return readiness.kind === "not-ready" ? readiness.reason : "it is ready";
}

const lookedUp = { kind: "nfs-error", operation: "LOOKUP", status: "NFS4ERR_NOENT", path: "/export" } as const;

/** Each message as the page quotes it, and how it comes about. */
const messages: Readonly<Record<string, () => string | Promise<string>>> = {
  "port 2049 of ...: connection refused": () => unready({}),
  "...: no route to host": () => `port 2049 of 192.0.2.1: ${connectionWords["EHOSTUNREACH"]}`,
  "...: network is unreachable": () => `port 2049 of 192.0.2.1: ${connectionWords["ENETUNREACH"]}`,
  "...: no answer in time": () => unready({ "2049": "silent" }, { NFS_VERSION: "4" }, AbortSignal.timeout(10)),
  "cannot resolve ...": () => unready({}, { NFS_HOST: "nobody" }),
  "rpcbind: ...": () => unready({}, { NFS_VERSION: "3" }),
  "mountd of ...": () => unready({ "2049": serves(nfs, [3]), "111": rpcbind(registered) }, { NFS_VERSION: "3" }),
  "the server speaks NFS 3 only, and the share asks for version 4": () =>
    unready({ "2049": serves(nfs, [3]) }, { NFS_VERSION: "4" }),
  "cannot resolve ...: its region is not known: ...": withoutRegion,
  "access denied by server": () => classifyErrno("EACCES").reason,
  "reason given by server: No such file or directory": () => classifyErrno("ENOENT").reason,
  "Operation not permitted": () => classifyErrno("EPERM").reason,
  "this process lacks the capability CAP_SYS_ADMIN": () => refused({ effectiveCapabilities: 0n }),
  "mounting NFS is forbidden by the security profile": () =>
    refused({ remountErrno: () => "EACCES", harmlessErrno: () => "EACCES" }),
  "mount(2) is forbidden although CAP_SYS_ADMIN is there": () => refused({ remountErrno: () => "EPERM" }),
  "this container runs in a user namespace": () => refused({ uidMap: "0 100000 65536", harmlessErrno: () => "EPERM" }),
  "No such device": () => classifyErrno("ENODEV").reason,
  "Protocol not supported": () => classifyErrno("EPROTONOSUPPORT").reason,
  "rpc.statd is not running": withoutStatd,
  "sec=... needs rpc.gssd, ...": () => hinted("sec=krb5p", "EINVAL"),
  "xprtsec=... needs Linux 6.5 and tlshd": () => hinted("xprtsec=tls", "ESRCH"),
  "port 445 of ... does not speak SMB": () => unspoken(new TextEncoder().encode("HTTP/1.1 400\r\n\r\n")),
  "the server closed the connection, as one does that speaks no SMB 2": () => unspoken(undefined),
  "the server refuses user or password, or the user may not use the share": () => classifyOfCifs("EACCES").reason,
  "the server has no such share, or no such path in it": () => classifyOfCifs("ENOENT").reason,
  "the file of credentials= cannot be read, or names no user": () => classifyOfCifs("no-credentials").reason,
  "the file with the password cannot be read, or is empty": () => classifyOfCifs("no-password").reason,
  "this kernel has no CIFS client": () => classifyOfCifs("ENODEV").reason,
  "this kernel does not have the character set of iocharset=": () => classifyOfCifs("ELIBACC").reason,
  "the server does not speak that version of SMB, or not what the options ask for": () =>
    classifyOfCifs("EOPNOTSUPP").reason,
  "... may not write: mode ..., owner ...": unwritable,
  "... does not exist, or is not exported to this client": () => {
    const verdict = judgeLookup({ ...lookedUp, reservedPort: true });
    return verdict.kind === "ready" ? "it is there" : verdict.reason;
  },
  'NFS_USER="...": /etc/passwd has no user': unknownUser,
  "it is not mounted yet, and only watched": () =>
    attempted({}, { environment: { NFS_OPTIONS: "x-nfs-init.watch-only" } }),
  "the kernel refuses the mount option ...": () =>
    attempted(
      {
        helper: () => "EINVAL",
        readOptions: (words) => ({ kind: "refused", index: words.indexOf("uid=1"), errno: "EINVAL", said: [] }),
      },
      { environment: { NFS_OPTIONS: "hard,nolock,uid=1" } },
    ),
  "the mount call of version ... has not ended after ...": pendingCall,
  "an incorrect mount option was specified": () => classifyErrno("EINVAL").reason,
  "mount.nfs cannot be started: not found": withoutHelper,
  "it is mounted already and does not answer": () =>
    attempted({ mounts: [nfsMount("nas:/export", "/mnt/data")], statfs: () => ({ kind: "no-answer" }) }),
  "its handle is stale: ...": () => lost({ mount: "present", look: { kind: "stale" }, server: "answers" }),
  "it is no longer mounted": () => lost({ mount: "missing", look: undefined, server: undefined }),
  "something else is mounted on its mount point": () => lost({ mount: "replaced", look: undefined, server: undefined }),
  "it has not answered for ... although its server does": () =>
    lost({ mount: "present", look: { kind: "no-answer" }, server: "answers" }),
  "its server has not answered for ...": () =>
    lost({ mount: "present", look: { kind: "no-answer" }, server: "silent" }),
  "the server's name leads to another address now": () =>
    lost({ mount: "present", look: { kind: "no-answer" }, server: "moved" }),
  "another nfs-init in this container holds the mount point": () => attempted({}, { lock: { kind: "busy" } }),
};

/** The first cells of the table, each a list of messages. */
function quoted(): readonly string[] {
  // What follows is about servers, and has a test of its own.
  const [page = ""] = readFileSync("docs/troubleshooting.md", "utf8").split("\n## ");
  const rows = page.split("\n").filter((line) => line.startsWith("| `") && !line.startsWith("| `reason`"));
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, message = ""]) => message),
  );
}

describe("the table of docs/troubleshooting.md", () => {
  it("quotes the messages that are known here, each once", () => {
    expect(quoted().toSorted()).toEqual(Object.keys(messages).toSorted());
  });

  it.each(Object.entries(messages))("quotes %s", async (message, comesAbout) => {
    const parts = message.split("...").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    expect(await comesAbout()).toMatch(new RegExp(parts.join(".+")));
  });
});
