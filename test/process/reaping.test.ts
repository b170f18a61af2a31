// Orphans: nfs-init becomes the parent of what COMMAND's children leave behind, and reaps it.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { withoutPidfd } from "../support/process-preludes.ts";
import { childrenOf, isZombie } from "../support/process-table.ts";
import { describePlaces, nofailShare, start, temporaryDirectory } from "../support/process.ts";

const orphans = 300;

/** Shell text that leaves `orphans` processes behind, each the child of a process that has ended. */
const leaveOrphans = `i=0; while [ $i -lt ${orphans} ]; do (true & ); i=$((i+1)); done`;

/** Shell text that has 600 children of its own beside 2000 orphans, and counts the statuses that are not right. */
const crowd = `
  pids= i=0
  while [ $i -lt 600 ]; do
    (exit $((i % 200))) & pids="$pids $!:$((i % 200))"
    (true & true & true &); [ $((i % 3)) = 0 ] && (true &)
    i=$((i+1))
  done
  wrong=0
  for pair in $pids; do
    wait \${pair%:*}
    [ $? = \${pair#*:} ] || wrong=$((wrong+1))
  done
  echo "wrong $wrong"; cat >/dev/null; exit 7`;

/** How nfs-init is told of its children: by SIGCHLD and pidfds, or where one of them is missing. */
const surroundings = [
  { where: "as ever", prelude: "" },
  { where: "where the kernel has no pidfd_open", prelude: withoutPidfd },
  { where: "where the parent of nfs-init ignores SIGCHLD", prelude: "trap '' CHLD" },
  { where: "where both is so", prelude: `trap '' CHLD; ${withoutPidfd}` },
];

describePlaces((place) => {
  it.each(surroundings)("reaps 2000 orphans beside 600 children of COMMAND's own, $where", async ({ prelude }) => {
    const running = start({ args: ["--", "sh", "-c", crowd], place, prelude });
    await running.says("wrong 0\n");
    const init = await running.initPid();
    await eventually("no child is left but COMMAND", () => childrenOf(init).length === 1);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(7);
  });

  it.each(surroundings)("reports COMMAND's status $where", async ({ prelude }) => {
    const running = start({ args: ["--", "sh", "-c", "cat; exit 9"], place, prelude });
    await running.commandPid();
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(9);
  });

  it("adopts an orphan and reaps it when it ends", async () => {
    const running = start({ args: ["--", "sh", "-c", '(sleep 300 & echo "orphan") ; exec cat'], place });
    await running.says("orphan\n");
    const init = await running.initPid();
    const command = await running.commandPid();
    const orphan = await eventually("the orphan is a child of nfs-init", () =>
      childrenOf(init).find((pid) => pid !== command),
    );
    process.kill(orphan, "SIGKILL");
    await eventually("the orphan is gone", () => childrenOf(init).length === 1);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("reaps a few hundred orphans and leaves no zombie", async () => {
    const running = start({ args: ["--", "sh", "-c", `${leaveOrphans}; echo done; cat >/dev/null; exit 7`], place });
    await running.says("done\n");
    const init = await running.initPid();
    await eventually("no child is left but COMMAND", () => childrenOf(init).length === 1);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(7);
  });

  it("gives COMMAND's status although hundreds of orphans end before, with and after it", async () => {
    const running = start({
      args: ["--", "sh", "-c", `${leaveOrphans}; (sleep 0.01 & ); (sleep 1 >/dev/null 2>&1 & ); exit 23`],
      place,
    });
    expect((await running.ended).exitCode).toBe(23);
  });

  it("does not take an orphan's end for COMMAND's", async () => {
    const running = start({ args: ["--", "sh", "-c", "(sh -c 'kill -9 $$' & ); (exit 3 & ); exec cat"], place });
    const init = await running.initPid();
    const command = await running.commandPid();
    await eventually("the orphans are reaped", () => childrenOf(init).join() === `${command}`);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });

  it("waits for COMMAND where the parent of nfs-init ignores SIGCHLD", async () => {
    const running = start({ args: ["--", "sh", "-c", "exit 11"], place, prelude: "trap '' CHLD" });
    expect((await running.ended).exitCode).toBe(11);
  });

  it("waits for COMMAND alone where it is started with children of its own", async () => {
    const running = start({ args: ["--", "sh", "-c", "exec cat"], place, prelude: "true & sleep 0.05 &" });
    const init = await running.initPid();
    await eventually("the earlier children are reaped", () => childrenOf(init).length === 1);
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(0);
  });
});

/** Something that answers every call of ONC RPC over TCP with success and nothing more: a server that is there. */
async function openRpcServer(): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (call: Buffer) => {
      // A record of six words: the call's xid, a reply, accepted, no verifier (two words), success (RFC 5531).
      const reply = Buffer.alloc(28);
      reply.writeUInt32BE(0x8000_0018, 0);
      reply.writeUInt32BE(call.readUInt32BE(4), 4);
      reply.writeUInt32BE(1, 8);
      socket.write(reply);
    });
  });
  onTestFinished(() => {
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

describePlaces((place) => {
  it.each(surroundings)("loses the end of none of its own mount helpers among orphans, $where", async ({ prelude }) => {
    const directory = temporaryDirectory();
    const calls = join(directory, "calls");
    // A share with locks and version 3 is mounted by mount.nfs; this one fails with a text of its own or says it has not.
    const helper = `#!/bin/sh
      [ $(($$ % 2)) = 0 ] && exit 0
      set -- ant bee cat dog elk fox
      shift $(($$ / 2 % 6))
      echo $1 >>'${calls}'
      echo "mount.nfs: helper $1 failed" >&2
      exit 32`;
    writeFileSync(join(directory, "mount.nfs"), helper, { mode: 0o755 });
    const port = await openRpcServer();
    const env = {
      ...nofailShare(directory),
      NFS_VERSION: "3",
      NFS_OPTIONS: `hard,lock,nofail,port=${port},mountport=${port}`,
      NFS_RETRY_MIN: "10ms",
      NFS_RETRY_MAX: "50ms",
      PATH: `${directory}:${process.env["PATH"]}`,
    };
    const running = start({ args: ["--", "sh", "-c", crowd], place, env, prelude, ownMounts: true });
    await running.says("wrong 0\n");
    const init = await running.initPid();
    const textsOfCalls = () => (existsSync(calls) ? readFileSync(calls, "utf8").trimEnd().split("\n") : []);
    const before = textsOfCalls().length;
    // Each call comes after the end of the one before was seen.
    await eventually("further calls", () => textsOfCalls().length >= before + 10);
    await eventually("no child is a zombie", () => !childrenOf(init).some(isZombie));
    running.stdin.end();
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(7);
    const told = logLines(stderr).flatMap(({ reason }) => /helper (\w+) failed/.exec(reason ?? "")?.[1] ?? []);
    // Each text is said once. The last call may have been cut short.
    expect(new Set(told)).toEqual(new Set([...told, ...textsOfCalls().slice(0, -1)]));
    expect(told.length).toBeGreaterThan(1);
    // Where somebody else has reaped a helper, nobody knows how it ended.
    expect(stderr).not.toContain("the mount helper ended with");
  });

  it("reaps orphans beside its own helpers", async () => {
    const env = nofailShare(temporaryDirectory());
    const script = `${leaveOrphans}; echo done; cat >/dev/null; exit 7`;
    const running = start({ args: ["--", "sh", "-c", script], place, env, ownMounts: true });
    await running.says("done\n");
    const init = await running.initPid();
    await eventually("no child is a zombie", () => !childrenOf(init).some(isZombie));
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(7);
  });
}, "mounting");
