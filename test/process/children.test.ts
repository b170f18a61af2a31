// The children of the executable: work that may block is done in them, each end is told to whoever waits for it, and none is
// left behind.
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { childrenOf, descendantsOf, isZombie, statOf } from "../support/process-table.ts";
import { isSanitized, needRoot } from "../support/process.ts";
import { buildRooms, startRooms, type Rooms } from "../support/rooms/rooms.ts";

const program = await buildRooms("children");
const shared = startRooms(program);
afterAll(() => shared.end());

/** Rooms whose children are the test's alone. */
function ownRooms(prefix: readonly string[] = []): Rooms {
  const rooms = startRooms(program, prefix);
  onTestFinished(() => rooms.end());
  return rooms;
}

const never = new AbortController().signal;

describe("work in a child", () => {
  test("gives its result, or the error of the system call that failed in it", async () => {
    const { ask, signal } = shared;
    expect(await ask("inChild", "answer", 10_000, signal(never))).toEqual({ kind: "answer", value: "done" });
    expect(await ask("inChild", "fail", 10_000, signal(never))).toMatchObject({ kind: "failed", errno: "ENOENT" });
  });

  test("gives a long result whole, wherever the pipe parts it", async () => {
    const { ask, signal } = shared;
    const value = "aé€😀".repeat(50_000);
    expect(await ask("inChild", "tell-much", 10_000, signal(never))).toEqual({ kind: "answer", value });
  });

  test("that is a fault gives no answer and takes nobody along, and its place in the source is said", async () => {
    const { ask, signal, stderr } = ownRooms();
    expect(await ask("inChild", "break", 10_000, signal(never))).toEqual({ kind: "no-answer" });
    expect(await ask("inChild", "answer", 10_000, signal(never))).toMatchObject({ kind: "answer" });
    const line =
      readFileSync("test/support/rooms/program.ts", "utf8")
        .split("\n")
        .findIndex((text) => text.includes('new Error("a fault")')) + 1;
    await eventually("it is said", () => stderr().includes(`test/support/rooms/program.ts:${line}`));
    expect(stderr()).toMatch(/^nfs-init: fault of nfs-init itself: Error: in a child: a fault$/m);
  });

  test("is not waited for after its time, and its child is killed", async () => {
    const { ask, pid, signal } = ownRooms();
    expect(await ask("inChild", "hang", 50, signal(never))).toEqual({ kind: "no-answer" });
    await eventually("its child is gone", () => childrenOf(pid).length === 0);
  });

  test("ends with its signal, also where that came before", async () => {
    const { ask, pid, signal } = ownRooms();
    const abort = new AbortController();
    const answer = ask("inChild", "hang", null, signal(abort.signal));
    await eventually("it has begun", () => childrenOf(pid).length === 1);
    abort.abort();
    expect(await answer).toEqual({ kind: "no-answer" });
    expect(await ask("inChild", "hang", null, signal(abort.signal))).toEqual({ kind: "no-answer" });
    await eventually("its children are gone", () => childrenOf(pid).length === 0);
  });

  test("gives no answer where its child is killed from outside", async () => {
    const { ask, pid, signal } = ownRooms();
    const answer = ask("inChild", "hang", null, signal(never));
    const [child = 0] = await eventually("it has begun", () => childrenOf(pid).length > 0 && childrenOf(pid));
    process.kill(child, "SIGKILL");
    expect(await answer).toEqual({ kind: "no-answer" });
  });

  test("ends with the program, however that ends", async () => {
    const { ask, pid, signal } = ownRooms();
    const answer = ask("inChild", "hang", null, signal(never));
    const children = await eventually("it has begun", () => childrenOf(pid).length > 0 && childrenOf(pid));
    process.kill(pid, "SIGKILL");
    await expect(answer).rejects.toThrow("the program has ended: SIGKILL");
    await eventually("its child is gone", () => children.every((child) => !isAlive(child)));
  });

  test("that nobody is left to take the answer of is ended, and no child is left", async () => {
    const { ask, pid, signal } = ownRooms();
    const hanging = [1, 2, 3].map(() => ask("inChild", "hang", null, signal(never)));
    expect(await ask("stayingChild")).toBe("stays");
    await eventually("all have begun", () => childrenOf(pid).length === 4);
    await ask("stopAll");
    await ask("ended");
    expect(childrenOf(pid)).toEqual([]);
    for (const answer of hanging) expect(await answer).toEqual({ kind: "no-answer" });
  });

  test("leaves no child where none has been needed", async () => {
    const { ask, pid } = ownRooms();
    await ask("ended");
    expect(childrenOf(pid)).toEqual([]);
  });

  test("leaves no child and no descriptor behind, asked a hundred times", async () => {
    const { ask, pid, signal } = ownRooms();
    // From the first timer on there is a descriptor for timers.
    await ask("statfs", "/", 10_000);
    await ask("ended");
    const before = await ask("descriptors");
    for (let count = 0; count < 25; count++) {
      await Promise.all([
        ask("statfs", "/", 10_000),
        ask("look", "/no/such", 10_000),
        ask("inChild", "hang", 1, signal(never)),
        ask("inChild", "answer", 10_000, signal(never)),
      ]);
    }
    await ask("ended");
    expect(childrenOf(pid)).toEqual([]);
    expect(await ask("descriptors")).toBe(before);
  });
});

describe("calls on paths", () => {
  test("are made by one child, one after the other, which ends when nothing is asked of it any more", async () => {
    const { ask, pid } = ownRooms();
    const children = new Set<number>();
    for (const path of ["/", "/no/such", "/proc"]) {
      const answer = await ask("statfs", path, 10_000);
      expect(answer).toEqual(path === "/no/such" ? { kind: "failed", errno: "ENOENT" } : { kind: "done" });
      for (const child of childrenOf(pid)) children.add(child);
    }
    expect(children.size).toBe(1);
    await eventually("it has ended", () => childrenOf(pid).length === 0);
    expect(await ask("statfs", "/", 10_000)).toEqual({ kind: "done" });
  });

  test("that come at once are made side by side", async () => {
    const { ask, pid } = ownRooms();
    await ask("statfs", "/", 10_000);
    const [first = 0] = childrenOf(pid);
    process.kill(first, "SIGSTOP");
    const stuck = ask("statfs", "/", 10_000);
    expect(await ask("statfs", "/", 10_000)).toEqual({ kind: "done" });
    process.kill(first, "SIGCONT");
    expect(await stuck).toEqual({ kind: "done" });
  });

  test("that take too long are left behind with their child, and the next one has another", async () => {
    const { ask, pid } = ownRooms();
    await ask("statfs", "/", 10_000);
    const [first = 0] = childrenOf(pid);
    process.kill(first, "SIGSTOP");
    expect(await ask("statfs", "/", 50)).toEqual({ kind: "no-answer" });
    expect(await ask("statfs", "/", 10_000)).toEqual({ kind: "done" });
    expect(childrenOf(pid)).not.toContain(first);
  });

  test.skipIf(isSanitized)("leave nothing in memory, however often their children were dismissed", async () => {
    const { ask, pid } = ownRooms();
    await ask("dismissOften", 1_000);
    const beforeKb = residentKb(pid);
    await ask("dismissOften", 20_000);
    expect(residentKb(pid) - beforeKb).toBeLessThan(1_000);
  });

  test("have another child where theirs was killed while it waited to be asked", async () => {
    const { ask, pid } = ownRooms();
    await ask("statfs", "/", 10_000);
    const [first = 0] = childrenOf(pid);
    process.kill(first, "SIGKILL");
    await eventually("it is gone", () => !isAlive(first));
    await ask("others");
    expect(await ask("statfs", "/", 10_000)).toEqual({ kind: "done" });
  });
});

describe("a child that has ended", () => {
  test("is told of to the one who waits for it, by its pid, and to nobody else", async () => {
    const { ask, pid } = ownRooms();
    const codes = Array.from({ length: 40 }, (_, index) => index + 1);
    const [endings] = await Promise.all([ask("endings", codes), ask("otherChild", 99), ask("otherChild", 98)]);
    expect(endings.map(({ told }) => told)).toEqual(
      endings.map((ending, index) => ({ pid: ending.pid, ended: "exited", value: codes[index] })),
    );
    const others = await eventually("the others are told of", async () => {
      const found = await ask("others");
      return found.length === 2 && found;
    });
    expect(others.map(({ value }) => value).toSorted((one, other) => one - other)).toEqual([98, 99]);
    expect(childrenOf(pid)).toEqual([]);
  });

  test("is reaped where nobody waits for it, and told of with the signal that it died of", async () => {
    const { ask, pid } = ownRooms();
    const child = await ask("otherChild", null);
    process.kill(child, "SIGTERM");
    const [other] = await eventually("it is told of", async () => {
      const found = await ask("others");
      return found.length > 0 && found;
    });
    expect(other).toEqual({ pid: child, ended: "signalled", value: 15 });
    expect(childrenOf(pid)).toEqual([]);
  });
});

describe("the end of all descendants", () => {
  test("spares the program's own children and what came from these", async () => {
    const { ask, pid } = ownRooms();
    await ask("stayingChild");
    const [own = 0] = childrenOf(pid);
    const others = new Set([await ask("otherChild", null), await ask("otherChild", null)]);
    expect(await ask("killDescendants")).toBe(2);
    await eventually("the others are gone", () => !descendantsOf(pid).some((child) => others.has(child)));
    expect(descendantsOf(pid)).toEqual([own]);
    expect(isZombie(own)).toBe(false);
    expect(await ask("killDescendants")).toBe(0);
    expect(statOf(own).parent).toBe(pid);
  });

  test("reaches what its descendants have started", async () => {
    const { ask, pid } = ownRooms();
    await ask("otherProgram", ["sh", "-c", "sleep 300 & sleep 301 & wait"]);
    const found = await eventually("all of them run", () => {
      const all = descendantsOf(pid);
      return all.length === 3 && all;
    });
    expect(await ask("killDescendants")).toBe(3);
    await eventually("all are gone", () => found.every((child) => !isAlive(child)));
  });
});

/** How much memory of a process is there. */
function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Whether a process is there and has not ended. */
function isAlive(pid: number): boolean {
  try {
    return statOf(pid).state !== "Z";
  } catch {
    return false;
  }
}

describe("where no process can be started", () => {
  needRoot("changing the user");
  const noProcesses = ["setpriv", "--reuid=54397", "--regid=54397", "--clear-groups", "prlimit", "--nproc=1"];

  test("no request waits for ever, and none behind it", async () => {
    const { ask, signal } = ownRooms(noProcesses);
    const reason = expect.stringContaining("EAGAIN") as string;
    const noAnswer = { kind: "no-answer", notStarted: reason };
    // More than may begin side by side.
    for (let count = 0; count < 10; count++) {
      expect(await ask("statfs", "/mnt/data", 1_000)).toEqual(noAnswer);
      expect(await ask("umount", "/mnt/data", 1_000)).toEqual(noAnswer);
      expect(await ask("mount", "/mnt/data")).toEqual(noAnswer);
      expect(await ask("prepare", "/mnt/data", 1_000)).toBe("no-answer");
      expect(await ask("writeAccess", "/mnt/data", 1_000)).toEqual(noAnswer);
      await ask("hold", "/", 1_000);
      await expect(ask("look", "/mnt/data", 1_000)).rejects.toThrow(
        /^no process can be started to look at the shares: EAGAIN/,
      );
      expect(await ask("runHelper", "true")).toEqual({
        kind: "not-started",
        reason,
      });
      expect(await ask("resolve", "nas.test", 1_000)).toEqual({
        kind: "unresolved",
        cause: "failed",
        reason: expect.stringMatching(/^no process can be started to ask for it: EAGAIN/) as string,
      });
      expect(await ask("inChild", "answer", 1_000, signal(never))).toEqual({ kind: "not-started", reason });
    }
  });

  test("nothing is left behind, however often it is tried", async () => {
    const { ask, signal } = ownRooms(noProcesses);
    await ask("statfs", "/", 1_000);
    const before = await ask("descriptors");
    for (let count = 0; count < 100; count++) {
      await ask("statfs", "/", 1_000);
      await ask("inChild", "answer", 1_000, signal(never));
      await ask("runHelper", "true");
    }
    expect(await ask("descriptors")).toBe(before);
  });

  test("requests beside each other all get their answer", async () => {
    const { ask } = ownRooms(noProcesses);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask("statfs", "/", 1_000)));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["no-answer"]));
  });
});
