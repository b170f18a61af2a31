import type { MountRecord } from "../../../src/shares/mountinfo.ts";
import type { Share } from "../../../src/shares/share.ts";
import { beforeEach, describe, expect, test } from "vitest";
import type { Environment } from "../../../src/config/config.ts";
import { AppError } from "../../../src/errors.ts";
import { establishShares } from "../../../src/lifecycle/establish.ts";
import { serverGates } from "../../../src/lifecycle/server-gates.ts";
import type { Ready } from "../../../src/wait/wait.ts";
import { fakeMounter, nothingAside, type Answers } from "../fakes/mounter.ts";
import { nfsMount } from "../fakes/mounts.ts";
import { configOf, planOf } from "../fakes/shares.ts";
import { handClock, type HandClock } from "../fakes/clock.ts";

const ready: Ready = { kind: "ready", unspoken: [], address: "10.0.0.2" };

interface World extends Answers {
  /** When a share's server is there; at once where it is not said. */
  readonly server?: (share: Share, notYet: () => void) => Promise<Ready>;
}

function establish(environment: Environment, world: World = {}) {
  const abort = new AbortController();
  const mounter = fakeMounter(world);
  const log: string[] = [];
  const startedMs = clock.nowMs();
  const note = (text: string) => log.push(`${clock.nowMs() - startedMs} ${text}`);
  const plan = planOf(environment);
  const gates = serverGates(clock);
  const {
    ready: whenReady,
    startWithout,
    settled,
  } = establishShares(
    {
      mounter,
      clock,
      lock: () => ({ kind: "locked", note: () => {}, release: () => {} }),
      addresses: () => Promise.resolve({ server: "10.0.0.2", mountd: undefined }),
      serverReady: world.server ?? (() => Promise.resolve(ready)),
      enter: () => Promise.resolve(() => {}),
      serverAnswers: () => Promise.resolve(true),
      tryCalls: () => Promise.resolve([]),
      loadModules: () => Promise.resolve(),
      onDetaching: () => {},
      onMounting: () => {},
      guard: () => Promise.resolve(),
      lacksGuard: () => false,
      aside: nothingAside,
      begin: () => abort.signal,
      gate: ({ source }, signal) => gates(source.host, signal),
      tell: (event) => {
        if (event.kind === "mounted") {
          const { share, version, isOurs, attempts } = event;
          note(`${isOurs ? "mounted" : "used"} ${share.target} ${version} after ${attempts}`);
        } else if (event.kind === "attempt-failed") {
          note(`failed ${event.share.target} ${event.attempt}: ${event.failure.reason}`);
        } else if (event.kind === "given-up") note(`gave up ${event.share.target}: ${event.reason}`);
      },
    },
    plan,
    configOf(environment).settings,
  );
  let state = "waiting";
  whenReady.then(
    () => (state = `ready at ${clock.nowMs() - startedMs}`),
    (error: unknown) => (state = `failed at ${clock.nowMs() - startedMs}: ${String(error)}`),
  );
  return {
    abort,
    mounter,
    log,
    whenReady,
    startWithout,
    settled,
    state: () => state,
    texts: () => log.map((line) => line.replace(/^\d+ /, "")),
  };
}

const one = { NFS_HOST: "nas", NFS_MOUNT_POINT: "/a", NFS_VERSION: "4.2" };

let clock: HandClock;
beforeEach(() => {
  // Pauses in their middle length: 125 ms times 1.5, and so on.
  clock = handClock({ random: () => 0.5 });
});

/** The error that ends `promise`. */
async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a plan is established", () => {
  test("at once where it is empty", async () => {
    await establish({}).whenReady;
  });

  test("with its shares side by side", async () => {
    const free: (() => void)[] = [];
    const held = () =>
      new Promise<Ready>((resolve) => {
        free.push(() => resolve(ready));
      });
    const { whenReady, texts, mounter } = establish(
      { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/a", NFS_2_MOUNT_POINT: "/b", NFS_VERSION: "4" },
      { server: held },
    );
    await clock.pass(0);
    // Both servers are waited for at the same time, and the second to be there need not wait for the first.
    expect(free).toHaveLength(2);
    free[1]?.();
    await clock.pass(0);
    expect(texts()).toEqual(["mounted /b 4.2 after 1"]);
    free[0]?.();
    await whenReady;
    expect(mounter.table.map(({ target }) => target)).toEqual(["/b", "/a"]);
  });

  test("a few shares of a server at a time while it answers, and all at once when it does not", async () => {
    const mountPoints = Array.from({ length: 20 }, (_, index) => [`NFS_${index + 1}_MOUNT_POINT`, `/s${index + 1}`]);
    const environment = { NFS_HOST: "nas", NFS_VERSION: "4.2", ...Object.fromEntries(mountPoints) };
    const asked: { readonly notYet: () => void; readonly answer: () => void }[] = [];
    const server = (_: Share, notYet: () => void) =>
      new Promise<Ready>((resolve) => {
        asked.push({ notYet, answer: () => resolve(ready) });
      });
    const { state, whenReady, texts } = establish(environment, { server });
    await clock.pass(0);
    expect(asked).toHaveLength(8);
    asked[0]?.answer();
    await clock.pass(0);
    expect(asked).toHaveLength(9);
    asked[8]?.notYet();
    await clock.pass(0);
    expect(asked).toHaveLength(20);
    expect(state()).toBe("waiting");
    for (const { answer } of asked) answer();
    await whenReady;
    expect(texts()).toHaveLength(20);
  });

  test("parents first, children when their parent is mounted", async () => {
    const fails = new Set(["/a"]);
    const { whenReady, log, mounter } = establish(
      {
        NFS_HOST: "nas",
        NFS_1_MOUNT_POINT: "/a/b/c",
        NFS_2_MOUNT_POINT: "/a/b",
        NFS_3_MOUNT_POINT: "/a",
        NFS_4_MOUNT_POINT: "/z",
        NFS_VERSION: "4.2",
      },
      { helper: ({ target }) => (fails.delete(target) ? "Connection refused" : "ok") },
    );
    await clock.pass(1_000);
    await whenReady;
    expect(mounter.table.map(({ target }) => target)).toEqual(["/z", "/a", "/a/b", "/a/b/c"]);
    expect(log[0]).toMatch(/^0 .*\/(?:a|z)/);
    const beforeParent = mounter.actions.slice(0, mounter.actions.lastIndexOf("mount 4.2 nas:/a /a"));
    expect(beforeParent.filter((action) => action.includes("/a/b"))).toEqual([]);
  });

  test("although the first attempts fail, after pauses that double up to the longest", async () => {
    const { log, state, abort } = establish(
      { ...one, NFS_RETRY_MIN: "200ms", NFS_RETRY_MAX: "2s" },
      { helper: () => "Connection refused" },
    );
    await clock.pass(20_000);
    const timesMs = log.map((line) => Number.parseInt(line, 10));
    const pausesMs = timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? 0));
    // Math.random gives 0.5: the longest pause is drawn from the last fifth below what was asked for, so that clients drift apart.
    expect(pausesMs.slice(0, 4)).toEqual([150, 300, 600, 1_200]);
    expect(new Set(pausesMs.slice(4))).toEqual(new Set([1_800]));
    expect(log[3]).toContain("failed /a 4: Connection refused (ECONNREFUSED)");
    expect(state()).toBe("waiting");
    abort.abort(new Error("enough"));
  });

  test.each([
    ["access denied by server while mounting nas:/a"],
    ["mounting nas:/a failed, reason given by server: No such file or directory"],
    ["Operation not permitted"],
    ["Connection refused"],
    ["EREMOTEIO"],
  ])("as soon as the server does no longer say: %s", async (text) => {
    let healed = false;
    const { whenReady, state, texts } = establish(one, { helper: () => (healed ? "ok" : text) });
    await clock.pass(3_600_000);
    expect(state()).toBe("waiting");
    healed = true;
    await clock.pass(5_000);
    await whenReady;
    expect(texts().at(-1)).toMatch(/^mounted \/a 4\.2 after \d+$/);
  });
});

test("a foreign share that came while the server was waited for is never taken down, however often we try", async () => {
  const foreign = nfsMount("other:/theirs", "/a");
  const mounts: MountRecord[] = [];
  const { state, mounter, abort } = establish(one, {
    mounts,
    server: () => {
      if (mounts.length === 0) mounts.push(foreign);
      return Promise.resolve(ready);
    },
  });
  await clock.pass(60_000);
  expect(mounter.actions.filter((action) => action.startsWith("umount"))).toEqual([]);
  expect(mounter.table).toEqual([foreign]);
  expect(state()).not.toMatch(/^ready/);
  abort.abort(new Error("enough"));
});

describe("a plan fails", () => {
  const withHelper = { ...one, NFS_OPTIONS: "x-nfs-init.helper" };
  const withLocks = { ...one, NFS_VERSION: "3", NFS_OPTIONS: "lock" };
  const statd = "rpc.statd is not running but is required for remote locking.";

  test.each([
    [one, "EINVAL", "an incorrect mount option was specified (EINVAL)", "NFS_OPTIONS"],
    [one, "ENOTDIR", "mount spec or point is not a directory (ENOTDIR)", "directory"],
    [withHelper, "mount point /a is not a directory", "mount point /a is not a directory", "directory"],
    [withLocks, statd, statd, "nolock"],
  ])("at once with a share of %j that can never be mounted: %s", async (environment, end, reason, hint) => {
    const { whenReady, mounter, state } = establish(environment, { helper: () => end });
    const error = await errorOf(whenReady);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({
      exitCode: 32,
      message: `cannot mount nas:/a on /a: ${reason}`,
      hint: expect.stringContaining(hint) as string,
      fields: { source: "nas:/a", target: "/a" },
    });
    expect(state()).toMatch(/^failed at 0:/);
    expect(mounter.calls).toHaveLength(1);
  });

  test.each<[Environment, string]>([
    [{ NFS_MOUNTS: "nas:/a /a nfs4 soft" }, "the options in NFS_MOUNTS line 1"],
    [{ NFS_MOUNTS: "nfs://nas/a?soft&vers=4.2 /a" }, "the options in NFS_MOUNTS line 1"],
    [{ NFS_HOST: "nas", NFS_2_MOUNT_POINT: "/a", NFS_2_OPTIONS: "soft", NFS_VERSION: "4.2" }, "NFS_2_OPTIONS"],
    [{ NFS_MOUNTS: "nas:/a /a", NFS_OPTIONS: "soft", NFS_VERSION: "4.2" }, "NFS_OPTIONS"],
  ])("with %j and a hint that names where its options stand", async (environment, place) => {
    const { whenReady } = establish(environment, { helper: () => "EINVAL" });
    const error = errorOf(whenReady);
    await clock.pass(0);
    expect(await error).toMatchObject({ exitCode: 32, hint: expect.stringContaining(` ${place} `) as string });
  });

  test.each([
    ["ENODEV", "No such device (ENODEV)"],
    ["EPROTONOSUPPORT", "Protocol not supported (EPROTONOSUPPORT)"],
    ["EOPNOTSUPP", "requested NFS version or transport protocol is not supported (EOPNOTSUPP)"],
  ])("after a minute, not before, of: %s", async (errno, reason) => {
    const { whenReady, state, mounter } = establish({ ...one, NFS_RETRY_MAX: "1s" }, { helper: () => errno });
    const error = errorOf(whenReady);
    await clock.pass(59_999);
    expect(state()).toBe("waiting");
    expect(mounter.calls.length).toBeGreaterThan(50);
    await clock.pass(2_000);
    expect(await error).toMatchObject({ exitCode: 32, message: `cannot mount nas:/a on /a: ${reason}` });
  });

  test("after a minute of that without another answer in between", async () => {
    const startedMs = clock.nowMs();
    const { state, abort } = establish(
      { ...one, NFS_RETRY_MAX: "1s" },
      {
        helper: () => {
          const elapsedMs = clock.nowMs() - startedMs;
          return elapsedMs > 40_000 && elapsedMs < 43_000 ? "Connection refused" : "Protocol not supported";
        },
      },
    );
    await clock.pass(100_000);
    expect(state()).toBe("waiting");
    await clock.pass(6_000);
    expect(state()).toMatch(/^failed at 10\d{4}:/);
    abort.abort(new Error("enough"));
  });

  test("with a child of a share that can never be mounted, without a mount call for it", async () => {
    const { whenReady, mounter } = establish(
      {
        NFS_HOST: "nas",
        NFS_1_MOUNT_POINT: "/a",
        NFS_2_MOUNT_POINT: "/a/b",
        NFS_1_OPTIONS: "nofail,bogus",
        NFS_VERSION: "4.2",
      },
      { helper: () => "an incorrect mount option was specified" },
    );
    expect(await errorOf(whenReady)).toMatchObject({ exitCode: 32 });
    expect(mounter.calls.map(({ target }) => target)).toEqual(["/a"]);
  });

  test("with the reason of its signal, whatever is going on", async () => {
    const { whenReady, settled, abort, mounter } = establish(
      { NFS_HOST: "nas", NFS_1_MOUNT_POINT: "/a", NFS_2_MOUNT_POINT: "/b", NFS_VERSION: "4.2" },
      { helper: ({ target }) => (target === "/a" ? "hang" : "Connection refused") },
    );
    const error = errorOf(whenReady);
    await clock.pass(1_000);
    abort.abort(new Error("stopped"));
    expect(await error).toMatchObject({ message: "stopped" });
    await settled;
    expect(mounter.actions).toContain("kill 4.2 nas:/a /a");
    expect(clock.pending()).toBe(0);
  });

  test("with a fault of our own, and does not repeat it", async () => {
    const { whenReady, mounter } = establish(one, {
      helper: () => {
        throw new TypeError("undefined is not a function");
      },
    });
    expect(await errorOf(whenReady)).toBeInstanceOf(TypeError);
    expect(mounter.calls).toHaveLength(1);
  });
});

test("what the system says to an attempt is told, and the attempt is made again", async () => {
  const words = [
    Object.assign(new Error("EMFILE: no descriptor"), { code: "EMFILE" }),
    new AppError("the mount table cannot be read", 32, { hint: "mount proc" }),
  ];
  const { whenReady, texts } = establish(one, {
    helper: () => {
      const next = words.shift();
      if (next !== undefined) throw next;
      return "ok";
    },
  });
  await clock.pass(1_000);
  await whenReady;
  expect(texts()).toEqual([
    "failed /a 1: EMFILE: no descriptor",
    "failed /a 2: the mount table cannot be read",
    "mounted /a 4.2 after 3",
  ]);
});

describe("a share with nofail", () => {
  const both = {
    NFS_HOST: "nas",
    NFS_1_MOUNT_POINT: "/must",
    NFS_2_MOUNT_POINT: "/may",
    NFS_2_OPTIONS: "nofail",
    NFS_VERSION: "4.2",
  };

  test("keeps nothing waiting once it was tried, and is mounted when it comes", async () => {
    let there = false;
    const { whenReady, settled, texts } = establish(both, {
      helper: ({ target }) => (target === "/must" || there ? "ok" : "Connection refused"),
    });
    await whenReady;
    expect(texts()).toContain("mounted /must 4.2 after 1");
    expect(texts()).toContain("failed /may 1: Connection refused (ECONNREFUSED)");
    there = true;
    await clock.pass(5_000);
    await settled;
    expect(texts().at(-1)).toBe("mounted /may 4.2 after 2");
  });

  test("keeps nothing waiting once its server was asked and is not there", async () => {
    let come: (() => void) | undefined;
    const { state, texts } = establish(both, {
      server: (share, notYet) => {
        if (share.target === "/must") return Promise.resolve(ready);
        notYet();
        return new Promise((resolve) => {
          come = () => resolve(ready);
        });
      },
    });
    await clock.pass(10);
    expect(state()).toMatch(/^ready/);
    come?.();
    await clock.pass(10);
    expect(texts().at(-1)).toBe("mounted /may 4.2 after 1");
  });

  test("is waited for until it was tried", async () => {
    const { state, abort } = establish(both, {
      server: (share) => (share.target === "/must" ? Promise.resolve(ready) : new Promise(() => {})),
    });
    await clock.pass(60_000);
    expect(state()).toBe("waiting");
    abort.abort(new Error("enough"));
  });

  test("that can never be mounted is given up, and nothing else", async () => {
    const { whenReady, settled, texts } = establish(both, {
      helper: ({ target }) => (target === "/must" ? "ok" : "an incorrect mount option was specified"),
    });
    await whenReady;
    await settled;
    expect(texts()).toContain(
      "gave up /may: cannot mount nas:/may on /may: an incorrect mount option was specified (EINVAL)",
    );
    expect(texts()).toContain("mounted /must 4.2 after 1");
  });

  test("does not make up for one without", async () => {
    const { state, abort } = establish(both, {
      helper: ({ target }) => (target === "/may" ? "ok" : "Connection refused"),
    });
    await clock.pass(60_000);
    expect(state()).toBe("waiting");
    abort.abort(new Error("enough"));
  });

  test("that was tried again and again makes up for no other that was not tried yet", async () => {
    const { state, abort } = establish(
      { ...both, NFS_1_OPTIONS: "nofail" },
      {
        server: (share) => (share.target === "/must" ? Promise.resolve(ready) : new Promise(() => {})),
        helper: () => "Connection refused",
      },
    );
    await clock.pass(60_000);
    expect(state()).toBe("waiting");
    abort.abort(new Error("enough"));
  });

  test("keeps nothing waiting once it is said to start without, and one without nofail still does", async () => {
    let must: (() => void) | undefined;
    const { state, startWithout, abort } = establish(both, {
      server: (share) =>
        new Promise((resolve) => {
          if (share.target === "/must") must = () => resolve(ready);
        }),
    });
    await clock.pass(10);
    startWithout();
    await clock.pass(10);
    expect(state()).toBe("waiting");
    must?.();
    await clock.pass(10);
    expect(state()).toMatch(/^ready/);
    abort.abort(new Error("enough"));
  });

  test("that is tried again when all is stopped is not told to be given up", async () => {
    const { settled, texts, abort } = establish(both, {
      helper: ({ target }) => (target === "/must" ? "ok" : "Connection refused"),
    });
    await clock.pass(10);
    abort.abort(new Error("stopped"));
    await clock.pass(0);
    await settled;
    expect(texts().filter((text) => text.startsWith("gave up"))).toEqual([]);
  });

  test("below another with nofail is waited for until it was tried itself, where that one is mounted", async () => {
    const { state, texts, abort } = establish(
      {
        NFS_HOST: "nas",
        NFS_1_MOUNT_POINT: "/may",
        NFS_2_MOUNT_POINT: "/may/sub",
        NFS_OPTIONS: "nofail",
        NFS_VERSION: "4.2",
      },
      { server: (share) => (share.target === "/may" ? Promise.resolve(ready) : new Promise(() => {})) },
    );
    await clock.pass(10_000);
    expect(texts()).toEqual(["mounted /may 4.2 after 1"]);
    expect(state()).toBe("waiting");
    abort.abort(new Error("enough"));
  });

  test("below another with nofail that is not there keeps nothing waiting either", async () => {
    const { state, abort } = establish(
      {
        NFS_HOST: "nas",
        NFS_1_MOUNT_POINT: "/may",
        NFS_2_MOUNT_POINT: "/may/sub",
        NFS_OPTIONS: "nofail",
        NFS_VERSION: "4.2",
      },
      { helper: () => "Connection refused" },
    );
    await clock.pass(60_000);
    expect(state()).toMatch(/^ready/);
    abort.abort(new Error("enough"));
  });
});
