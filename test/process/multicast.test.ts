// Names in .local: DNS is asked first, then everybody on the local network (RFC 6762), which here is a namespace of the test's own.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it, onTestFinished, type TestContext } from "vitest";
import { eventually } from "../support/eventually.ts";
import { askAt } from "../support/name-server.ts";
import { logLines } from "../support/process-log.ts";
import { describePlaces, start, temporaryDirectory, unreachableShare, type Place } from "../support/process.ts";

const network = `ip link set lo up multicast on && ip addr add 192.0.2.1/32 dev lo && ip route add 224.0.0.0/4 dev lo && exec "$@"`;

/** nfs-init that waits for a server of a name on a network where the name server knows one name, and nas.local answers. */
async function startWaitingFor(context: TestContext, place: Place, name: string, known: string) {
  context.skip(!hasIp(), "a network namespace needs ip(8)");
  const directory = temporaryDirectory();
  const asked = join(directory, "asked");
  const responder = [process.execPath, resolve("test/support/local-network.ts"), asked, known];
  const hosts = spawn("unshare", ["--net", "--", "sh", "-c", network, "sh", ...responder], { stdio: "inherit" });
  onTestFinished(() => {
    hosts.kill("SIGKILL");
  });
  await eventually("the network is there", () => existsSync(asked));
  const namespace = openSync(`/proc/${hosts.pid ?? 0}/ns/net`, "r");
  const prelude = `${askAt(directory, "127.0.0.1")}
    exec nsenter --net=/proc/self/fd/3 -- sh -c 'exec "$@" 3<&-' sh "$@"`;
  const running = start({
    args: ["--", "true"],
    place,
    env: { ...unreachableShare(directory), NFS_HOST: name },
    ownMounts: true,
    prelude,
    stdio: ["pipe", "pipe", "pipe", namespace],
  });
  closeSync(namespace);
  const questions = () => readFileSync(asked, "utf8").split("\n").slice(0, -1);
  return {
    /** Why it waits, as it says first. */
    reason: () =>
      eventually("what it waits for is said", () => {
        const text = running.stderr();
        const lines = logLines(text.slice(0, text.lastIndexOf("\n") + 1));
        return lines.find(({ msg }) => msg === "waiting for the server")?.reason;
      }),
    questions,
    askedOften: (question: string) =>
      eventually(
        `${question} is asked again and again`,
        () => questions().filter((one) => one === question).length > 3,
      ),
    end: async () => {
      await running.send("SIGTERM");
      expect((await running.ended).exitCode).toBe(143);
    },
  };
}

function hasIp(): boolean {
  try {
    execFileSync("ip", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describePlaces((place) => {
  it("waits for the server that answers to its name by multicast, where DNS does not know it", async (context) => {
    const { reason, questions, end } = await startWaitingFor(context, place, "nas.local", "other.test");
    expect(await reason()).toBe("port 1 of 127.0.0.2: connection refused");
    expect(questions().slice(0, 2)).toEqual(["dns nas.local 1", "multicast nas.local 1"]);
    await end();
  });

  it("asks nobody by multicast for a name that DNS knows", async (context) => {
    const { reason, questions, askedOften, end } = await startWaitingFor(context, place, "nas.local", "nas.local");
    expect(await reason()).toBe("port 1 of 127.0.0.3: connection refused");
    await askedOften("dns nas.local 1");
    expect(questions()).not.toContain("multicast nas.local 1");
    await end();
  });

  it("asks nobody by multicast for a name of another kind", async (context) => {
    const { reason, questions, askedOften, end } = await startWaitingFor(context, place, "nas.test", "other.test");
    expect(await reason()).toBe("cannot resolve nas.test: name not known");
    await askedOften("dns nas.test 1");
    expect(questions().filter((question) => question.startsWith("multicast"))).toEqual([]);
    await end();
  });

  it("says that a name is not known that nobody answers to, and goes on asking", async (context) => {
    const { reason, askedOften, end } = await startWaitingFor(context, place, "nobody.local", "other.test");
    expect(await reason()).toBe("cannot resolve nobody.local: name not known");
    await askedOften("multicast nobody.local 1");
    await end();
  });
}, "a network namespace");
