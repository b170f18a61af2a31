import { describe, expect, test } from "vitest";
import type { ClientConnection } from "../../../../src/export/vip/connections.ts";
import { resetConnections, type ResetWorld } from "../../../../src/export/vip/resets.ts";
import { leapingClock } from "../../fakes/clock.ts";

const held = { address: "192.0.2.9", device: "eth0" };
const web: ClientConnection = { port: 2_049, client: "192.0.2.7", clientPort: 783 };
const db: ClientConnection = { port: 2_049, client: "192.0.2.8", clientPort: 784 };

class SystemError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

function machine(fails: { readonly open?: string; readonly send?: string } = {}) {
  const log: string[] = [];
  const clock = leapingClock();
  const startedMs = clock.nowMs();
  const world: ResetWorld = {
    openSegments: (address, device) => {
      if (fails.open !== undefined) throw new SystemError(fails.open);
      log.push(`open ${address} ${device} at ${clock.nowMs() - startedMs}`);
      return {
        send: (segment, client) => {
          if (client === fails.send) throw new SystemError("EHOSTUNREACH");
          // The ports of both ends.
          log.push(`${client} ${segment.subarray(0, 4).join(".")}`);
        },
        close: () => log.push("closed"),
      };
    },
    sleep: clock.sleep,
  };
  return { world, log };
}
const nobody = async () => new Set<string>();
const never = new AbortController().signal;

describe("clients whose connections were lost", () => {
  test("are written to three times, a second apart", async () => {
    const { world, log } = machine();
    expect(await resetConnections(world, held, async () => [web], nobody, never)).toEqual({
      kind: "sent",
      connections: 1,
    });
    const round = (ms: number) => [`open 192.0.2.9 eth0 at ${ms}`, "192.0.2.7 8.1.3.15", "closed"];
    expect(log).toEqual([...round(0), ...round(1_000), ...round(2_000)]);
  });

  test("are left alone once they are back", async () => {
    const { world, log } = machine();
    const rounds = [[web, db], [db], []];
    const lost = async () => rounds.shift() ?? [];
    expect(await resetConnections(world, held, lost, nobody, never)).toEqual({ kind: "sent", connections: 2 });
    expect(log.filter((one) => one.startsWith("192"))).toEqual([
      "192.0.2.7 8.1.3.15",
      "192.0.2.8 8.1.3.16",
      "192.0.2.8 8.1.3.16",
    ]);
  });

  test("are not written to where their address is ours now", async () => {
    const { world, log } = machine();
    const own = async () => new Set(["192.0.2.7", "192.0.2.9"]);
    expect(await resetConnections(world, held, async () => [web], own, never)).toEqual({
      kind: "sent",
      connections: 0,
    });
    expect(log).toEqual([]);
  });

  test("do not hinder one another: one that cannot be reached is left out", async () => {
    const { world, log } = machine({ send: "192.0.2.7" });
    await resetConnections(world, held, async () => [web, db], nobody, never);
    expect(log.filter((one) => one.startsWith("192"))).toHaveLength(3);
    expect(log.at(-1)).toBe("closed");
  });
});

test("without the right to write segments that is told", async () => {
  const { world } = machine({ open: "EPERM" });
  expect(await resetConnections(world, held, async () => [web], nobody, never)).toEqual({
    kind: "failed",
    errno: "EPERM",
  });
});

test("nothing is sent once the address is given back", async () => {
  const { world, log } = machine();
  const stop = new AbortController();
  const lost = async () => {
    stop.abort();
    return [web];
  };
  expect(await resetConnections(world, held, lost, nobody, stop.signal)).toEqual({ kind: "sent", connections: 0 });
  expect(log).toEqual([]);
});
