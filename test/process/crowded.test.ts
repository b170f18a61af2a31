// COMMAND fills the control group of processes that nfs-init is in as well: whatever then cannot be started, both go on.
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { logLines } from "../support/process-log.ts";
import { limitedTo } from "../support/process-limits.ts";
import { describePlaces, nofailShare, run, start, temporaryDirectory } from "../support/process.ts";
import { bootTimeMs, published, quick, readState } from "../support/published.ts";

/**
 * Starts processes until no more can be, says "full" when that has lasted, and keeps it so; ends them at SIGUSR1 and says "free",
 * and ends itself with 7 at SIGTERM.
 */
const crowd = String.raw`
  use POSIX ();
  my (@children, $is_free, $failed, $said);
  $SIG{USR1} = sub { $is_free = 1 };
  $SIG{TERM} = sub { kill 9, @children; POSIX::_exit(7) };
  $| = 1;
  while (!$is_free) {
    my $pid = fork;
    if (!defined $pid) { print "full\n" if ++$failed == 50; select undef, undef, undef, 0.01; next }
    if ($pid == 0) { $SIG{USR1} = $SIG{TERM} = "DEFAULT"; sleep 300; POSIX::_exit(0) }
    push @children, $pid;
    $failed = 0;
  }
  kill 9, @children;
  wait for @children;
  print "free\n";
  sleep 1 while 1;`;

describePlaces((place) => {
  it("goes on, says what it could not do once, and does it when it can again", async (context) => {
    const prelude = limitedTo("pids", 12);
    if (prelude === undefined) return context.skip("no control group for processes can be made here");
    const directory = temporaryDirectory();
    // A name, which is asked for in a child; the state is written in one, too.
    const env = { ...nofailShare(directory), ...quick, NFS_HOST: "localhost", NFS_LOG_LEVEL: "debug" };
    const running = start({ args: ["--", "perl", "-e", crowd], place, env, ownMounts: true, prelude });
    const lines = () => {
      const text = running.stderr();
      return logLines(text.slice(0, text.lastIndexOf("\n") + 1));
    };
    const check = () => run({ args: ["check", "--state-dir", join(directory, "state")] });
    await published(directory);
    await running.says("full\n");
    const fullMs = bootTimeMs();
    // Older than three intervals and a look: nobody is told that all is well.
    await eventually("check says so", async () => (await check()).exitCode === 1);
    expect((await check()).stderr).toMatch(/old/);
    await eventually("why it waits is said", () =>
      lines().some(({ reason }) => String(reason).includes("no process can be started to ask for it: EAGAIN")),
    );
    await eventually("ten intervals have passed", () => bootTimeMs() > fullMs + 2_000);
    expect(running.hasEnded()).toBe(false);
    const could = lines().filter(({ reason }) => String(reason).includes("no process can be started"));
    const purposes = could.map(({ reason }) => /no process can be started.*$/.exec(String(reason))?.[0]);
    expect(new Set(purposes).size).toBe(could.length);
    expect(readState(directory)?.updatedMs).toBeLessThan(fullMs + 1_000);
    await running.send("SIGUSR1");
    await running.says("free\n");
    await published(directory, ({ updatedMs, shares }) => updatedMs > fullMs + 2_000 && shares[0]?.phase === "waiting");
    await eventually("check is content", async () => (await check()).exitCode === 0);
    await eventually("it asks again", () => readState(directory)?.shares[0]?.reason?.endsWith("connection refused"));
    await running.send("SIGTERM");
    expect((await running.ended).exitCode).toBe(7);
  });
}, "mounting");
