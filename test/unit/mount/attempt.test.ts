import type { Share } from "../../../src/shares/share.ts";
import { describe, expect, test } from "vitest";
import type { Environment } from "../../../src/config/config.ts";
import { attemptShare } from "../../../src/mount/attempt.ts";
import type { AsidePorts, AttemptNotice, AttemptPorts, AttemptResult } from "../../../src/mount/attempt-ports.ts";
import type { PathAnswer, TargetLock } from "../../../src/mount/ports.ts";
import { questionOf } from "../../../src/kinds/nfs/question.ts";
import { askServer } from "../../../src/kinds/nfs/readiness.ts";
import type { Ready } from "../../../src/wait/wait.ts";
import { leapingClock } from "../fakes/clock.ts";
import { fakeMounter, nothingAside, type Answers, type CallEnd, type FakeMounter } from "../fakes/mounter.ts";
import { localMount, nfsMount } from "../fakes/mounts.ts";
import { fakeNetwork, rpcbind, serves } from "../fakes/server.ts";
import { planOf, shareOf } from "../fakes/shares.ts";

const denied = "access denied by server while mounting nas:/export";
const missing = "mounting nas:/export failed, reason given by server: No such file or directory";
const notPermitted = "Operation not permitted";
const notSpoken = "Protocol not supported";
const noDevice = "No such device";
const wrongOption = "an incorrect mount option was specified";
const busy = "/mnt/data is busy or already mounted or sharecache fail";

const done: PathAnswer = { kind: "done" };
const stale: PathAnswer = { kind: "failed", errno: "ESTALE" };
const ready: Ready = { kind: "ready", unspoken: [], address: "10.0.0.2" };

interface Machine extends Answers {
  readonly environment?: Environment;
  readonly share?: Share;
  readonly lock?: TargetLock["kind"];
  readonly serverReady?: AttemptPorts["serverReady"];
  readonly addresses?: AttemptPorts["addresses"];
  readonly loadModules?: () => void;
  readonly lacksGuard?: boolean;
  readonly aside?: (mounter: FakeMounter) => AsidePorts;
  readonly signal?: AbortSignal;
  /** Where what is noted of the target is collected. */
  readonly notes?: (string | undefined)[];
}

/** Makes one attempt; gives its result and everything that was done for it, in order. */
async function attempt(machine: Machine = {}) {
  const share = machine.share ?? shareOf(machine.environment);
  const mounter = fakeMounter(machine);
  const notices: AttemptNotice["kind"][] = [];
  const notes = machine.notes ?? [];
  const lock = (): TargetLock => {
    switch (machine.lock) {
      case "busy":
        return { kind: "busy" };
      case "unavailable":
        return { kind: "unavailable", reason: "read-only file system" };
      default:
        return { kind: "locked", note: (source) => notes.push(source), release: () => {} };
    }
  };
  const ports: AttemptPorts = {
    mounter,
    clock: leapingClock(),
    lock,
    serverReady: (one, notYet, unneeded) => {
      mounter.actions.push("wait");
      unneeded?.addEventListener("abort", () => mounter.actions.push("wait no more"));
      return machine.serverReady?.(one, notYet) ?? Promise.resolve(ready);
    },
    enter: () => Promise.resolve(() => {}),
    serverAnswers: () => Promise.resolve(true),
    addresses: machine.addresses ?? (() => Promise.resolve({ server: "10.0.0.2", mountd: undefined })),
    tryCalls: () => Promise.resolve([]),
    loadModules: () => {
      mounter.actions.push("modprobe");
      machine.loadModules?.();
      return Promise.resolve();
    },
    tell: ({ kind }) => notices.push(kind),
    onDetaching: () => {},
    onMounting: () => mounter.actions.push("mounting"),
    guard: (_, path) => {
      mounter.actions.push(`guard ${path}`);
      return Promise.resolve();
    },
    lacksGuard: () => machine.lacksGuard === true,
    aside: machine.aside?.(mounter) ?? nothingAside,
  };
  const signal = machine.signal ?? new AbortController().signal;
  const result = await attemptShare(ports, share, 15_000, signal, () => {});
  const tried = mounter.actions.flatMap((action) => /^mount (\S+)/.exec(action)?.slice(1) ?? []);
  return { result, mounter, notices, notes, tried };
}

const helped = {
  NFS_HOST: "nas",
  NFS_HOST_MOUNT: "/export",
  NFS_MOUNT_POINT: "/mnt/data",
  NFS_OPTIONS: "x-nfs-init.helper",
};

/** Ends of mount calls by version; `ok` for those that are not named. */
function helper(ends: Readonly<Record<string, CallEnd>>): NonNullable<Answers["helper"]> {
  return ({ version }) => ends[version] ?? "ok";
}

describe("what is noted of a target", () => {
  test.each(["mount(2)", "mount.nfs"])("is noted before %s is called: this process may be killed in it", async (by) => {
    const notes: (string | undefined)[] = [];
    const atCall: unknown[] = [];
    await attempt({
      notes,
      ...(by === "mount.nfs" ? { environment: helped } : {}),
      helper: (call) => {
        atCall.push([call.by, ...notes]);
        return "ok";
      },
    });
    expect(atCall).toEqual([[by, "nas:/export"]]);
    expect(notes).toEqual(["nas:/export"]);
  });

  test("goes where the call fails by itself", async () => {
    const { notes } = await attempt({ helper: () => denied });
    expect(notes).toEqual(["nas:/export", undefined]);
  });

  test("stays where the call is cut short: the mount may come about all the same", async () => {
    const { result, notes } = await attempt({ helper: () => ({ kind: "killed", stderr: "" }), environment: helped });
    expect(result).toMatchObject({ kind: "failed", failure: { cutShort: true } });
    expect(notes).toEqual(["nas:/export"]);
  });

  test("goes where somebody else was quicker", async () => {
    const { result, notes } = await attempt({
      helper: (call, table) => {
        table.push(nfsMount(call.source, call.target));
        return busy;
      },
    });
    expect(result).toMatchObject({ kind: "mounted", isOurs: false });
    expect(notes).toEqual(["nas:/export", undefined]);
  });

  test("stays where a mount that is not believed cannot be taken back", async () => {
    const { result, notes } = await attempt({
      statfs: () => ({ kind: "no-answer" }),
      umount: () => ({ kind: "no-answer" }),
    });
    expect(result.kind).toBe("failed");
    expect(notes).toEqual(["nas:/export"]);
  });

  test("is left to whoever has mounted what is there already", async () => {
    const { result, notes } = await attempt({ mounts: [nfsMount("nas:/export", "/mnt/data")] });
    expect(result).toMatchObject({ kind: "mounted", isOurs: false });
    expect(notes).toEqual([]);
  });
});

describe("an attempt", () => {
  test("asks for the server while it prepares the mount point, mounts, and looks whether it is mounted", async () => {
    const { result, mounter, notices, notes } = await attempt();
    expect(result).toEqual({ kind: "mounted", version: "4.2", isOurs: true });
    expect(mounter.actions).toEqual([
      "wait",
      "prepare /mnt/data",
      "guard /mnt/data",
      "mounting",
      "mount 4.2 nas:/export /mnt/data",
      "statfs /mnt/data",
      "release /mnt/data",
    ]);
    expect(notices).toEqual([]);
    expect(notes).toEqual(["nas:/export"]);
  });

  test("on a mount point below another share looks at it as late as can be, and on nothing but that share", async () => {
    const { shares } = planOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/mnt", NFS_2_MOUNT_POINT: "/mnt/sub" });
    const child = shares[1];
    if (child === undefined) throw new Error("no child");
    const { mounter } = await attempt({ share: child, mounts: [nfsMount("nas:/mnt", "/mnt")] });
    expect(mounter.actions.slice(0, 3)).toEqual(["wait", "prepare /mnt/sub below /mnt", "guard /mnt/sub"]);
    expect(mounter.actions.at(-1)).toBe("release /mnt/sub");
  });

  test("on a mount point below another share guards it before the server is waited for", async () => {
    const { shares } = planOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/mnt", NFS_2_MOUNT_POINT: "/mnt/sub" });
    const child = shares[1];
    if (child === undefined) throw new Error("no child");
    const { mounter } = await attempt({ share: child, lacksGuard: true, mounts: [nfsMount("nas:/mnt", "/mnt")] });
    expect(mounter.actions.slice(0, 4)).toEqual([
      "prepare /mnt/sub below /mnt",
      "guard /mnt/sub",
      "release /mnt/sub",
      "wait",
    ]);
  });

  test.each([
    { when: "before the mount point is looked at", mounts: [localMount("/mnt")], leaves: false },
    { when: "while it is looked at", mounts: [nfsMount("nas:/mnt", "/mnt")], leaves: true },
  ])(
    "on a mount point below another share is tried again where that one has gone $when",
    async ({ mounts, leaves }) => {
      const { shares } = planOf({ NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/mnt", NFS_2_MOUNT_POINT: "/mnt/sub" });
      const child = shares[1];
      if (child === undefined) throw new Error("no child");
      const { result, tried } = await attempt({
        share: child,
        lacksGuard: true,
        mounts,
        prepare: () => {
          if (leaves) mounts.pop();
          return { kind: "refused", reason: "cannot make /mnt/sub on the share: EROFS", errno: "EROFS" };
        },
      });
      expect(result).toMatchObject({
        kind: "failed",
        failure: {
          prospect: "transient",
          reason: "the mount point cannot be reached: the share above it is not mounted",
        },
      });
      expect(tried).toEqual([]);
    },
  );

  test("mounts what was prepared, not the path that might lead elsewhere meanwhile", async () => {
    const { mounter } = await attempt({
      prepare: () => ({ kind: "prepared", path: "/proc/9/fd/7", isEmpty: true, release: () => {} }),
      helper: (call, table) => {
        table.push(nfsMount(call.source, "/mnt/data"));
        return { kind: "exited", exitCode: 0, stderr: "" };
      },
    });
    expect(mounter.actions).toContain("mount 4.2 nas:/export /proc/9/fd/7");
    expect(mounter.actions).toContain("statfs /mnt/data");
  });

  test("tells of a mount point that is not empty", async () => {
    const { notices } = await attempt({
      prepare: (path) => ({ kind: "prepared", path, isEmpty: false, release: () => {} }),
    });
    expect(notices).toEqual(["not-empty"]);
  });

  test("fails for good where the target cannot be a mount point", async () => {
    const { result, tried, mounter } = await attempt({
      prepare: () => ({ kind: "refused", reason: "it is not a directory" }),
    });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "permanent", everyVersion: true } });
    expect(tried).toEqual([]);
    expect(mounter.actions).not.toContain("guard /mnt/data");
    // Its server would be asked for ever where COMMAND starts without it.
    expect(mounter.actions).toContain("wait no more");
  });

  test.each([
    {
      reason: "cannot make /mnt/sub on the share: EACCES",
      errno: "EACCES",
      nested: true,
      hint: /on the server.*no_root_squash/,
    },
    { reason: "/mnt/sub on the share EACCES", errno: "EACCES", nested: true, hint: /no_root_squash/ },
    {
      reason: "cannot make /mnt/sub on the share: EROFS",
      errno: "EROFS",
      nested: true,
      hint: /on the server.*nas:\/top read-write/,
    },
    { reason: "EROFS: read-only file system, mkdir '/mnt/sub'", errno: "EROFS", nested: false, hint: /in the image/ },
    { reason: "EACCES: permission denied, mkdir '/mnt/sub'", errno: "EACCES", nested: false, hint: /in the image/ },
    { reason: "/mnt/sub on the share is a symbolic link or a file", errno: "ELOOP", nested: true, hint: undefined },
  ])("says what to do where the mount point cannot be made: $reason", async ({ reason, errno, nested, hint }) => {
    const [top, sub] = planOf({ NFS_MOUNTS: "nas:/top /mnt;nas:/sub /mnt/sub" }).shares;
    const [alone] = planOf({ NFS_MOUNTS: "nas:/sub /mnt/sub" }).shares;
    const share = nested ? sub : alone;
    if (share === undefined || top === undefined) throw new Error("no share");
    const { result } = await attempt({
      share,
      mounts: [nfsMount("nas:/top", "/mnt")],
      prepare: () => ({ kind: "refused", reason, errno }),
    });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "permanent" } });
    const said = result.kind === "failed" ? result.failure.hint : undefined;
    if (hint === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(hint);
  });

  test("is repeated, with what failed, where no process can be started to make it", async () => {
    const { result } = await attempt({ prepare: () => ({ kind: "no-answer", notStarted: "spawn EMFILE" }) });
    const reason = expect.stringMatching(/no process can be started.*EMFILE/) as string;
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", reason } });
  });

  test("is repeated where the directory above does not answer", async () => {
    const { result, tried } = await attempt({ prepare: () => ({ kind: "no-answer" }) });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(tried).toEqual([]);
  });

  test("is repeated where another instance holds the mount point, and touches nothing", async () => {
    const { result, mounter } = await attempt({ lock: "busy" });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions).toEqual([]);
  });

  test("goes on without a lock where there is no place for one, and says so", async () => {
    const { result, notices, notes } = await attempt({ lock: "unavailable" });
    expect(result.kind).toBe("mounted");
    expect(notices).toEqual(["no-lock"]);
    expect(notes).toEqual([]);
  });

  test("ends with its signal between two versions", async () => {
    const abort = new AbortController();
    const running = attempt({
      signal: abort.signal,
      helper: () => {
        abort.abort(new Error("stopped"));
        return denied;
      },
    });
    await expect(running).rejects.toThrow("stopped");
  });

  test("ends when the wait for the server ends", async () => {
    await expect(attempt({ serverReady: () => Promise.reject(new Error("stopped")) })).rejects.toThrow("stopped");
  });

  test("of which nothing is left releases what it prepared", async () => {
    const released: string[] = [];
    const running = attempt({
      prepare: (path) => ({ kind: "prepared", path, isEmpty: true, release: () => released.push(path) }),
      helper: () => {
        throw new Error("broken");
      },
    });
    await expect(running).rejects.toThrow("broken");
    expect(released).toEqual(["/mnt/data"]);
  });
});

describe("the walk over the versions", () => {
  test.each([
    ["no such path", missing],
    ["access denied", denied],
    ["not permitted", notPermitted],
    ["not spoken", notSpoken],
    ["not supported", "requested NFS version or transport protocol is not supported"],
    ["a wrong option", wrongOption],
    ["the kernel does not know the transport", "EPROTONOSUPPORT"],
    ["an unknown errno", "EREMOTEIO"],
  ])("goes from 4.2 to 4.1, 4.0 and 3 past: %s", async (_, text) => {
    const { result, tried } = await attempt({ helper: helper({ "4.2": text, "4.1": text, "4.0": text }) });
    expect(tried).toEqual(["4.2", "4.1", "4.0", "3"]);
    expect(result).toEqual({ kind: "mounted", version: "3", isOurs: true });
  });

  test.each([
    ["no such path", missing],
    ["access denied", denied],
    ["not spoken", notSpoken],
    ["an unknown text", "mount system call failed"],
  ])("goes the same way with mount.nfs past: %s", async (_, text) => {
    const { result, tried, mounter } = await attempt({
      environment: { NFS_OPTIONS: "x-nfs-init.helper" },
      helper: helper({ "4.2": text, "4.1": text, "4.0": text }),
    });
    expect(tried).toEqual(["4.2", "4.1", "4.0", "3"]);
    expect(result).toEqual({ kind: "mounted", version: "3", isOurs: true });
    expect(new Set(mounter.calls.map(({ by }) => by))).toEqual(new Set(["mount.nfs"]));
  });

  test("asks mount.nfs for version 3 alone where that has locks", async () => {
    const { result, mounter } = await attempt({
      environment: { NFS_OPTIONS: "lock" },
      helper: helper({ "4.2": missing, "4.1": missing, "4.0": missing }),
    });
    expect(mounter.calls.map(({ by, version }) => `${by} ${version}`)).toEqual([
      "mount(2) 4.2",
      "mount(2) 4.1",
      "mount(2) 4.0",
      "mount.nfs 3",
    ]);
    expect(result).toEqual({ kind: "mounted", version: "3", isOurs: true });
  });

  test.each([
    ["4", ["4.2", "4.1", "4.0"]],
    ["4.1", ["4.1"]],
    ["4.0", ["4.0"]],
    ["3", ["3"]],
  ])("with version %s tries %j", async (version, versions) => {
    const { tried, result } = await attempt({ environment: { NFS_VERSION: version }, helper: () => missing });
    expect(tried).toEqual(versions);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "ambiguous" } });
  });

  test("ends with the first version that is mounted", async () => {
    const { tried, result } = await attempt({ helper: helper({ "4.2": notSpoken }) });
    expect(tried).toEqual(["4.2", "4.1"]);
    expect(result).toMatchObject({ version: "4.1" });
  });

  test("leaves out what the server itself said it does not speak", async () => {
    const unspoken: Ready = { kind: "ready", unspoken: ["4.2", "4.1", "4.0"], address: "10.0.0.2" };
    const { tried } = await attempt({ serverReady: () => Promise.resolve(unspoken) });
    expect(tried).toEqual(["3"]);
  });

  test.each([
    ["ECONNREFUSED", "Connection refused (ECONNREFUSED)"],
    ["EHOSTUNREACH", "No route to host (EHOSTUNREACH)"],
    ["EHOSTDOWN", "Host is down (EHOSTDOWN)"],
    ["ETIMEDOUT", "Connection timed out (ETIMEDOUT)"],
    ["ENETUNREACH", "Network is unreachable (ENETUNREACH)"],
  ])("stops where the server cannot be reached: %s", async (errno, reason) => {
    const { tried, result } = await attempt({ helper: () => errno });
    expect(tried).toEqual(["4.2"]);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", reason } });
  });

  test.each([
    "Connection refused",
    "No route to host",
    "Connection timed out",
    "Network is unreachable",
    "Failed to resolve server nas: Name or service not known",
  ])("stops where mount.nfs cannot reach the server: %s", async (text) => {
    const { tried, result } = await attempt({
      environment: { NFS_OPTIONS: "x-nfs-init.helper" },
      helper: () => text,
    });
    expect(tried).toEqual(["4.2"]);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", reason: text } });
  });

  test("ends before the first call where there is no address to mount from", async () => {
    const { tried, result } = await attempt({ addresses: () => Promise.resolve("no address") });
    expect(tried).toEqual([]);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", unreachable: true } });
  });

  test("mounts each version from the address that was found ready", async () => {
    const answered: Ready = { kind: "ready", unspoken: [], address: "2001:db8::7" };
    const { mounter } = await attempt({
      serverReady: () => Promise.resolve(answered),
      addresses: (_, { address }) => Promise.resolve({ server: address, mountd: undefined }),
      helper: helper({ "4.2": notSpoken }),
    });
    expect(mounter.calls.map(({ options }) => options.at(-1))).toEqual(["addr=2001:db8::7", "addr=2001:db8::7"]);
  });

  test("stops where no version can help", async () => {
    const { tried, result } = await attempt({ helper: () => "mount point /mnt/data is not a directory" });
    expect(tried).toEqual(["4.2"]);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "permanent" } });
  });

  test("comes to what leaves most hope", async () => {
    const { result } = await attempt({
      helper: helper({ "4.2": notSpoken, "4.1": wrongOption, "4.0": missing, "3": denied }),
    });
    expect(result).toMatchObject({
      kind: "failed",
      failure: { prospect: "ambiguous", reason: "reason given by server: No such file or directory (ENOENT)" },
    });
  });

  test("reaches version 3 of a server that serves it on a port of its own", async () => {
    const network = fakeNetwork({
      "192.0.2.1:111": rpcbind({ "100003/3/tcp": 20_490, "100005/3/tcp": 20_048 }),
      "192.0.2.1:20490": serves(100_003, [3]),
      "192.0.2.1:20048": serves(100_005, [3]),
    });
    const { tried, result } = await attempt({
      serverReady: async (share) => {
        const readiness = await askServer(network, questionOf(share), new AbortController().signal);
        if (readiness.kind !== "ready") throw new Error(readiness.reason);
        return readiness;
      },
      helper: ({ version }) => (version === "3" ? "ok" : "Connection refused"),
    });
    expect(tried.at(-1)).toBe("3");
    expect(result).toEqual({ kind: "mounted", version: "3", isOurs: true });
  });
});

describe("a kernel without NFS", () => {
  test("is given its modules, and the same version once more", async () => {
    let loaded = false;
    const { result, mounter, tried } = await attempt({
      helper: () => (loaded ? "ok" : noDevice),
      loadModules: () => {
        loaded = true;
      },
    });
    expect(result).toEqual({ kind: "mounted", version: "4.2", isOurs: true });
    expect(tried).toEqual(["4.2", "4.2"]);
    expect(mounter.actions.filter((action) => action === "modprobe")).toHaveLength(1);
  });

  test("is given them once in a round", async () => {
    const { result, mounter, tried } = await attempt({ helper: () => noDevice });
    expect(tried).toEqual(["4.2", "4.2", "4.1", "4.0", "3"]);
    expect(mounter.actions.filter((action) => action === "modprobe")).toHaveLength(1);
    expect(result).toMatchObject({
      kind: "failed",
      failure: { prospect: "unsupported", reason: "No such device (ENODEV)" },
    });
  });

  test("is given them for mount.nfs as well", async () => {
    const { result, mounter, tried } = await attempt({
      environment: { NFS_OPTIONS: "x-nfs-init.helper" },
      helper: () => noDevice,
    });
    expect(tried).toEqual(["4.2", "4.2", "4.1", "4.0", "3"]);
    expect(mounter.actions.filter((action) => action === "modprobe")).toHaveLength(1);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "unsupported", reason: noDevice } });
  });

  test("is given them too where one version is unknown, and the walk goes on", async () => {
    const { mounter, tried } = await attempt({ helper: helper({ "4.2": notSpoken }) });
    expect(mounter.actions.filter((action) => action === "modprobe")).toHaveLength(1);
    expect(tried).toEqual(["4.2", "4.1"]);
  });

  test("is not suspected where the server refuses", async () => {
    const { mounter } = await attempt({ helper: () => denied });
    expect(mounter.actions).not.toContain("modprobe");
  });
});

describe("a mount that was reported", () => {
  const silent = { kind: "exited", exitCode: 0, stderr: "" } as const;

  test.each([
    ["is not in mountinfo", []],
    ["shows another source", [nfsMount("other:/export", "/mnt/data")]],
    ["is no NFS mount", [localMount("/mnt/data")]],
  ])("is not believed where it %s", async (_, shown) => {
    const { result, mounter } = await attempt({
      environment: { NFS_VERSION: "4.2" },
      helper: (__, table) => {
        table.push(...shown);
        return silent;
      },
    });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
  });

  test.each<[string, PathAnswer]>([
    ["does not answer", { kind: "no-answer" }],
    ["is stale", stale],
    ["gives an error", { kind: "failed", errno: "EIO" }],
  ])("is taken down again where it %s", async (_, answer) => {
    const { result, mounter, tried } = await attempt({ statfs: () => answer });
    expect(result).toMatchObject({
      kind: "failed",
      failure: { prospect: "transient", reason: expect.stringContaining("statfs") as string },
    });
    expect(tried).toEqual(["4.2"]);
    expect(mounter.actions).toContain("umount lazy /mnt/data");
    expect(mounter.table).toEqual([]);
  });

  test.each(["EACCES", "EPERM"])("is believed where statfs answers with %s", async (errno) => {
    const { result } = await attempt({ statfs: () => ({ kind: "failed", errno }) });
    expect(result).toMatchObject({ kind: "mounted", isOurs: true });
  });

  test("is taken down again where it is read-only although read-write was asked for", async () => {
    const readOnly = (call: { readonly source: string }, table: unknown[]) => {
      table.push(nfsMount(call.source, "/mnt/data", { options: ["ro", "relatime"] }));
      return silent;
    };
    const { result, mounter } = await attempt({ helper: readOnly });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.table).toEqual([]);
    const asked = await attempt({ helper: readOnly, environment: { NFS_OPTIONS: "ro" } });
    expect(asked.result).toMatchObject({ kind: "mounted" });
  });
});

describe("a mount call that says busy", () => {
  test("is right where the share has come meanwhile, which is then not ours", async () => {
    const { result } = await attempt({
      helper: (call, table) => {
        table.push(nfsMount(call.source, "/mnt/data"));
        return busy;
      },
    });
    expect(result).toEqual({ kind: "mounted", version: "4.2", isOurs: false });
  });

  test.each([
    ["mount(2)", "", "busy or already mounted (EBUSY)"],
    ["mount.nfs", "x-nfs-init.helper", busy],
  ])("is asked again where nothing of the share is to be seen: %s", async (by, options, reason) => {
    const { result, tried, mounter } = await attempt({ environment: { NFS_OPTIONS: options }, helper: () => busy });
    expect(tried).toEqual(["4.2", "4.1", "4.0", "3"]);
    expect(mounter.calls[0]?.by).toBe(by);
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", reason } });
  });

  test.each<[string, Answers["statfs"], readonly string[]]>([
    ["does not answer", () => ({ kind: "no-answer" }), ["rw"]],
    ["is read-only", () => done, ["ro"]],
  ])("does not make us take down what somebody else mounted meanwhile and %s", async (_, statfs, options) => {
    const { mounter } = await attempt({
      environment: { NFS_VERSION: "4.2" },
      ...(statfs === undefined ? {} : { statfs }),
      helper: (call, table) => {
        table.push(nfsMount(call.source, "/mnt/data", { options }));
        return busy;
      },
    });
    expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
  });
});

describe("what is on the target already", () => {
  const same = nfsMount("nas:/export", "/mnt/data");

  test("is used where it is the same share and answers, without a mount call", async () => {
    const { result, mounter } = await attempt({ mounts: [same] });
    expect(result).toEqual({ kind: "mounted", version: undefined, isOurs: false });
    expect(mounter.actions).toEqual(["statfs /mnt/data"]);
  });

  test.each(["EACCES", "EPERM"])("is used where it answers with %s", async (errno) => {
    const { result } = await attempt({ mounts: [same], statfs: () => ({ kind: "failed", errno }) });
    expect(result).toMatchObject({ kind: "mounted", isOurs: false });
  });

  test.each<[string, PathAnswer]>([
    ["does not answer", { kind: "no-answer" }],
    ["gives an error", { kind: "failed", errno: "EIO" }],
  ])("is waited for and never torn away where it %s", async (_, answer) => {
    const { result, mounter } = await attempt({ mounts: [same], statfs: () => answer });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions).toEqual(["statfs /mnt/data"]);
    expect(mounter.table).toEqual([same]);
  });

  test("is detached and mounted afresh where it is stale while the server answers", async () => {
    const answers = [stale, stale];
    const { result, mounter, notices } = await attempt({ mounts: [same], statfs: () => answers.shift() ?? done });
    expect(result).toEqual({ kind: "mounted", version: "4.2", isOurs: true });
    expect(notices).toEqual(["stale-detached"]);
    expect(mounter.actions.slice(0, 4)).toEqual([
      "statfs /mnt/data",
      "wait",
      "statfs /mnt/data",
      "umount lazy /mnt/data",
    ]);
  });

  test("is left alone where it is stale only until the server is there", async () => {
    const answers = [stale, done];
    const { result, mounter } = await attempt({ mounts: [same], statfs: () => answers.shift() ?? done });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
  });

  test("is left alone where somebody else mounts it afresh while its server is waited for", async () => {
    const fresh = nfsMount("nas:/export", "/mnt/data");
    const table = [same];
    const { result, mounter } = await attempt({
      mounts: table,
      // The answer is one of the mount that was there.
      statfs: () => stale,
      serverReady: () => {
        table.splice(0, 1, fresh);
        return Promise.resolve(ready);
      },
    });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
    expect(mounter.table).toEqual([fresh]);
  });

  test("is waited for where it is stale and cannot be detached", async () => {
    const { result, tried } = await attempt({
      mounts: [same],
      statfs: () => stale,
      umount: () => ({ kind: "no-answer" }),
    });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(tried).toEqual([]);
  });

  test("is not detached where another instance looks after it", async () => {
    const { result, mounter } = await attempt({ mounts: [same], statfs: () => stale, lock: "busy" });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient" } });
    expect(mounter.table).toEqual([same]);
  });

  test("is detached where it is another share, which the plan let pass as ours", async () => {
    const share = { ...shareOf(), replaces: "nas:/old" };
    const { result, mounter, notices } = await attempt({ share, mounts: [nfsMount("nas:/old", "/mnt/data")] });
    expect(result).toMatchObject({ kind: "mounted", isOurs: true });
    expect(notices).toEqual(["replaced-detached"]);
    expect(mounter.actions[0]).toBe("umount lazy /mnt/data");
    expect(mounter.table.map(({ source }) => source)).toEqual(["nas:/export"]);
  });

  test("is mounted over where it is a local file system", async () => {
    const { result, mounter } = await attempt({ mounts: [localMount("/mnt/data")] });
    expect(result).toMatchObject({ kind: "mounted", isOurs: true });
    expect(mounter.table).toHaveLength(2);
  });

  test("is used where the same share has come while the server was waited for", async () => {
    const { result, tried } = await attempt(comesMeanwhile(same));
    expect(result).toEqual({ kind: "mounted", version: undefined, isOurs: false });
    expect(tried).toEqual([]);
  });

  test("is left alone where a foreign share has come while the server was waited for", async () => {
    const foreign = nfsMount("other:/theirs", "/mnt/data");
    const { mounter } = await attempt(comesMeanwhile(foreign));
    expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
    expect(mounter.table).toContain(foreign);
  });
});

/** A mount that somebody else makes while the server is waited for. */
function comesMeanwhile(record: ReturnType<typeof nfsMount>): Machine {
  const mounts: ReturnType<typeof nfsMount>[] = [];
  return {
    mounts,
    serverReady: () => {
      mounts.push(record);
      return Promise.resolve(ready);
    },
  };
}

describe("a share that others lie below", () => {
  /** A place aside, and what becomes of it. */
  const asideAt =
    (path: string, unguarded?: string) =>
    ({ actions, makeAside, table }: FakeMounter): AsidePorts => ({
      open: async () => {
        await makeAside(path, 1);
        return path;
      },
      guardBelow: (_, at) => {
        actions.push(`guard below ${at}`);
        table.push(localMount(`${at}/sub`, { fstype: "tmpfs", source: "nfs-init-guard" }));
        return Promise.resolve(unguarded);
      },
      refuse: (_, reason) => actions.push(`refuse ${reason}`),
      close: () => {
        actions.push("close");
        return Promise.resolve();
      },
    });

  test("is mounted aside, looked at there, guarded, and moved to its mount point as a whole", async () => {
    const { result, mounter } = await attempt({ aside: asideAt("/run/aside/data") });
    expect(result).toEqual({ kind: "mounted", version: "4.2", isOurs: true });
    expect(mounter.actions.slice(mounter.actions.indexOf("make aside /run/aside/data"))).toEqual([
      "make aside /run/aside/data",
      "mounting",
      "mount 4.2 nas:/export /run/aside/data",
      "statfs /run/aside/data",
      "guard below /run/aside/data",
      "move /run/aside/data /mnt/data",
      "close",
      "release /mnt/data",
    ]);
    expect(mounter.table.map(({ target, source }) => `${target} ${source}`)).toEqual([
      "/run/aside/data nfs-init-aside",
      "/mnt/data nas:/export",
      "/mnt/data/sub nfs-init-guard",
    ]);
  });

  test("is not shown while a mount point on it cannot be reached", async () => {
    const { result, mounter } = await attempt({ aside: asideAt("/run/aside/data", "the mount point does not answer") });
    expect(result).toEqual({
      kind: "failed",
      failure: { prospect: "transient", reason: "the mount point does not answer" },
    });
    expect(mounter.actions.some((action) => action.startsWith("move"))).toBe(false);
    expect(mounter.actions).toContain("close");
  });

  test("is not guarded or moved where it cannot be mounted", async () => {
    const { result, mounter } = await attempt({ aside: asideAt("/run/aside/data"), helper: () => denied });
    expect(result.kind).toBe("failed");
    expect(mounter.actions.slice(-2)).toEqual(["close", "release /mnt/data"]);
    expect(mounter.actions).not.toContain("guard below /run/aside/data");
  });

  test.each([
    { answer: { kind: "failed", errno: "EACCES" } as const, refused: ["refuse EACCES"], cutShort: false },
    { answer: { kind: "no-answer" } as const, refused: [], cutShort: true },
  ])("is tried again where it cannot be moved: $answer.kind", async ({ answer, refused, cutShort }) => {
    const { result, mounter } = await attempt({ aside: asideAt("/run/aside/data"), move: () => answer });
    expect(result).toMatchObject({ kind: "failed", failure: { prospect: "transient", cutShort } });
    expect(mounter.actions.filter((action) => action.startsWith("refuse"))).toEqual(refused);
    expect(mounter.actions).toContain("close");
  });
});

describe("an attempt that fails for an option", () => {
  const readOptions: Answers["readOptions"] = (words) => ({
    kind: "refused",
    index: words.indexOf("uid=1000"),
    errno: "EINVAL",
    said: ["nfs4: Unknown parameter 'uid'"],
  });
  const environment = { NFS_OPTIONS: "hard,nolock,uid=1000" };

  test("names it, asked once for all versions", async () => {
    const { result, mounter } = await attempt({ environment, readOptions, helper: () => wrongOption });
    expect(result).toMatchObject({
      kind: "failed",
      failure: {
        prospect: "permanent",
        reason: "the kernel refuses the mount option uid=1000: nfs4: Unknown parameter 'uid'",
        hint: expect.stringMatching(/NFS_USER/) as string,
      },
    });
    expect(mounter.actions.filter((action) => action.startsWith("read "))).toHaveLength(1);
  });

  test("does not look for it where another version takes it, or the server has the last word", async () => {
    const mounts = await attempt({ environment, readOptions, helper: helper({ "4.2": wrongOption }) });
    expect(mounts.result).toMatchObject({ kind: "mounted", version: "4.1" });
    const refused = await attempt({
      environment,
      readOptions,
      helper: helper({ "4.2": wrongOption, "4.1": wrongOption, "4.0": wrongOption, "3": denied }),
    });
    expect(refused.result).toMatchObject({
      failure: { prospect: "ambiguous", reason: expect.stringContaining("access denied") as string },
    });
    for (const { mounter } of [mounts, refused]) expect(mounter.actions.join()).not.toContain("read ");
  });

  test("says what it said before where nothing more can be found out", async () => {
    const { result } = await attempt({ environment, helper: () => wrongOption });
    expect(result).toMatchObject({
      failure: { reason: `${wrongOption} (EINVAL)`, hint: expect.stringContaining("nfs(5)") as string },
    });
  });
});

test.each([denied, notPermitted, wrongOption])(
  "a share with Kerberos that fails with %s says what that needs here",
  async (text) => {
    const { result } = await attempt({ environment: { NFS_OPTIONS: "nolock,sec=krb5p" }, helper: () => text });
    expect(result).toMatchObject({
      failure: { hint: expect.stringMatching(/sec=krb5p needs rpc\.gssd.*keytab/) as string },
    });
    const { failure } = result as Extract<AttemptResult, { kind: "failed" }>;
    expect(failure.hint).not.toContain("exportfs");
  },
);
