// Orphans: nfs-init becomes the parent of what COMMAND's children leave behind, and reaps it.
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { childrenOf, statOf } from "../support/process-table.ts";
import { describePlaces, nofailShare, start, temporaryDirectory } from "../support/process.ts";

const orphans = 300;

/** Shell text that leaves `orphans` processes behind, each the child of a process that has ended. */
const leaveOrphans = `i=0; while [ $i -lt ${orphans} ]; do (true & ); i=$((i+1)); done`;

describePlaces((place) => {
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

describePlaces((place) => {
  it("reaps orphans beside its own helpers", async () => {
    const env = nofailShare(temporaryDirectory());
    const script = `${leaveOrphans}; echo done; cat >/dev/null; exit 7`;
    const running = start({ args: ["--", "sh", "-c", script], place, env, ownMounts: true });
    await running.says("done\n");
    const init = await running.initPid();
    await eventually("no child is a zombie", () => childrenOf(init).every((pid) => statOf(pid).state !== "Z"));
    running.stdin.end();
    expect((await running.ended).exitCode).toBe(7);
  });
}, "mounting");
