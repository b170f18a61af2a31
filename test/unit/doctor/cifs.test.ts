// What doctor asks and says about CIFS: the way to the server, its service, and one trial or two.
import { describe, expect, test } from "vitest";
import { collectFacts } from "../../../src/doctor/collect.ts";
import type { DoctorPorts, TrialRequest } from "../../../src/doctor/collect-ports.ts";
import { explain } from "../../../src/doctor/explain.ts";
import type { DoctorFacts } from "../../../src/doctor/facts.ts";
import { judge } from "../../../src/doctor/findings.ts";
import type { Connection } from "../../../src/rpc/transport.ts";
import { planOf } from "../fakes/shares.ts";
import { goodFacts } from "./good-facts.ts";
import { handClock } from "../fakes/clock.ts";

const file = "/run/secrets/nas";

function shareOf(label = "//nas/media") {
  const [share] = planOf({ NFS_MOUNTS: `${label} /mnt/data cifs credentials=${file}` }).shares;
  if (share === undefined) throw new Error("no share");
  return share;
}

/** The head of an answer to NEGOTIATE ([MS-SMB2] 2.2.1), framed. */
const answer = new Uint8Array(68);
answer.set([0, 0, 0, 64, 0xfe, 0x53, 0x4d, 0x42]);
answer[20] = 1;

interface Machine {
  /** Of a trial of a share, by its label. */
  readonly errnos?: Readonly<Record<string, string>>;
  readonly process?: Partial<DoctorFacts["process"]>;
  readonly isRefused?: boolean;
}

function machineOf({ errnos = {}, process = {}, isRefused = false }: Machine) {
  const trials: string[] = [];
  const good = goodFacts([]);
  const connection: Connection = {
    reservedPort: false,
    send: () => {},
    receive: () => Promise.resolve(answer),
    close: () => {},
  };
  const trial = (_: unknown, [request]: readonly TrialRequest[]) => {
    const source = request?.call.source ?? "";
    trials.push(source);
    return Promise.resolve({
      kind: "tried",
      calls: [{ version: "auto", errno: errnos[source] ?? "" }],
    } as const);
  };
  const ports: DoctorPorts = {
    network: {
      resolveName: () => Promise.resolve({ kind: "addresses", addresses: ["192.0.2.1"] }),
      dial: () => (isRefused ? Promise.reject(new Error("connection refused")) : Promise.resolve(connection)),
    },
    clock: handClock(),
    route: () => ({ kind: "route", localAddress: "192.0.2.7" }),
    tryPort: (__, port) =>
      Promise.resolve(
        isRefused
          ? { kind: "closed", port, errno: "ECONNREFUSED", reason: "connection refused" }
          : { kind: "open", port },
      ),
    machine: () => ({ ...good, process: { ...good.process, ...process } }),
    mountPoint: () => Promise.resolve({ state: { kind: "empty" }, around: undefined }),
    readOptions: () => Promise.resolve({ kind: "unknown" }),
    security: () => ({ release: "6.1.0", hasModule: false, program: "unseen", missing: [] }),
    secretsFile: ({ path }) => ({ path, mode: 0o600, has: ["username", "password"] }),
    trial,
    self: { uid: 0, gid: 0, machineName: "box" },
  };
  return { ports, trials };
}

async function verdictOf(machine: Machine, label?: string) {
  const { ports, trials } = machineOf(machine);
  const facts = await collectFacts(ports, [shareOf(label)], undefined, 5_000);
  return { trials, verdict: judge(facts).verdict };
}

const nothing = "//nas/nfs-init-asks-for-nothing";

describe("doctor", () => {
  test("tries a share that no server has where the user is refused, and tells the two reasons apart", async () => {
    const allowed = await verdictOf({ errnos: { "//nas/media": "EACCES", [nothing]: "ENOENT" } });
    expect(allowed.trials).toEqual(["//nas/media", nothing]);
    expect(allowed.verdict).toMatch(/lets the user in, and not into \/\/nas\/media/);
    const refused = await verdictOf({ errnos: { "//nas/media": "EACCES", [nothing]: "EACCES" } });
    expect(refused.verdict).toMatch(/refuses the user or the password/);
  });

  test("tries the share without its path where that is not found", async () => {
    const { trials, verdict } = await verdictOf({ errnos: { "//nas/media/films": "ENOENT" } }, "//nas/media/films");
    expect(trials).toEqual(["//nas/media/films", "//nas/media"]);
    expect(verdict).toMatch(/has no directory \/films/);
  });

  test("tries nothing more where it is mounted", async () => {
    const { trials, verdict } = await verdictOf({});
    expect(trials).toEqual(["//nas/media"]);
    expect(verdict).toMatch(/would mount: nothing was found/);
  });

  test("names a port where nothing listens, and what to start", async () => {
    const { trials, verdict } = await verdictOf({ isRefused: true });
    expect(trials).toEqual([]);
    expect(verdict).toMatch(/nothing listens on port 445 of 192\.0\.2\.1.*smbd/);
  });

  test("speaks of CIFS where a profile forbids it", async () => {
    const process = { remountErrno: "EACCES", nfsErrno: "EACCES", securityLabel: "docker-default (enforce)" };
    const { verdict } = await verdictOf({ process });
    expect(verdict).toMatch(/forbids mounting CIFS .*mount fstype=cifs,/);
  });
});

test("a call that was refused is not made again to explain it: each is one more attempt to log on", async () => {
  const { ports, trials } = machineOf({ errnos: { [nothing]: "EACCES" } });
  const sentence = await explain(shareOf(), ports, undefined, 1_000, "EACCES");
  expect(sentence).toMatch(/refuses the user or the password/);
  expect(trials).toEqual([nothing]);
});
