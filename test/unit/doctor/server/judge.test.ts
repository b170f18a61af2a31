// What doctor says of a server, for what cannot be made in every place.
import { describe, expect, test } from "vitest";
import type { ExportFacts, ServerFacts, ServerMachineFacts, ServerTrial } from "../../../../src/doctor/server/facts.ts";
import { judgeServer } from "../../../../src/doctor/server/judge.ts";
import { defaultOptions } from "../../../../src/export/options.ts";
import { fit, goodExport as one, goodMachine as machine } from "./good-facts.ts";

const attached: ServerFacts["attached"] = [
  { bytes: [127, 0, 0, 0], prefix: 8 },
  { bytes: [10, 0, 0, 0], prefix: 8 },
];
function judged(
  changes: Partial<ServerMachineFacts> = {},
  exports: readonly ExportFacts[] = [one],
  wanted?: ServerFacts["wanted"],
) {
  const facts = { machine: { ...machine, ...changes }, exports, wanted, attached, tookMs: 1 };
  return judgeServer(facts);
}
const checkOf = (findings: ReturnType<typeof judged>, name: string) =>
  findings.sections.flatMap(({ checks }) => checks).find((check) => check.name === name);

describe("the verdict about a server", () => {
  test.each<readonly [string, Partial<ServerMachineFacts>, RegExp]>([
    ["nothing in the way", {}, /^\/data would be served: nothing/],
    [
      "a kernel without a server",
      { trial: { kind: "trouble", trouble: { kind: "no-server" } } },
      /this kernel has no NFS server; load the module nfsd/,
    ],
    ["a kernel that hangs", { trial: { kind: "no-answer" } }, /the kernel does not answer within the time; look at/],
    [
      "a port below 1024 without the right to it",
      { portFact: { kind: "refused", errno: "EACCES" } },
      /cannot be had \(EACCES\); give this process CAP_NET_BIND_SERVICE/,
    ],
    [
      "records that cannot be written",
      { state: { ...machine.state, unwritable: "EROFS" } },
      /\/state cannot be written \(EROFS\); set NFS_SERVER_STATE/,
    ],
    [
      "another instance",
      { isClaimed: true },
      /^\/data would be served, once the nfs-init that serves in this network has ended/,
    ],
  ])("with %s", (_, changes, verdict) => {
    const findings = judged(changes);
    expect(findings.verdict).toMatch(verdict);
    expect(findings.wouldServe).toBe(findings.verdict.includes("would be served"));
  });

  test("names versions that the kernel lacks only where they are asked for", () => {
    const trial: ServerTrial = { kind: "fit", versions: "+4 +4.1", threads: 0 };
    expect(judged({ trial }, [one], ["4.2"]).verdict).toMatch(/none of the versions asked for \(it has 4\.0, 4\.1\)/);
    expect(judged({ trial }).wouldServe).toBe(true);
  });

  test("is about the first of several exports that cannot be served", () => {
    const other: ExportFacts = {
      ...one,
      export: { ...one.export, path: "/b" },
      served: { kind: "not-served", reason: "NFS4ERR_NOENT at /b" },
    };
    const findings = judged({ trial: { ...fit, threads: 8 } }, [{ ...one, served: { kind: "served" } }, other]);
    expect(findings.verdict).toBe(
      "/b cannot be served because the server that runs here does not serve it: NFS4ERR_NOENT at /b; look at the log of nfs-init serve; start it again.",
    );
  });

  test("does not count a warning", () => {
    const full: ExportFacts = { ...one, served: { kind: "not-writable", reason: "NFS4ERR_NOSPC at /data" } };
    const findings = judged({ trial: { ...fit, threads: 8 }, portFact: { kind: "taken" } }, [full]);
    expect(findings.verdict).toBe("/data is served.");
    expect(checkOf(findings, "answer")).toMatchObject({ status: "warning" });
    expect(checkOf(findings, "other servers")).toMatchObject({
      status: "warning",
      fact: expect.stringMatching(/takes over/) as string,
    });
  });
});

describe("a port of version 3 that is taken", () => {
  const services = machine.services.map((service) => ({ ...service, fact: { kind: "taken" } as const }));

  test("leaves version 3 out, and fails where that is asked for", () => {
    expect(checkOf(judged({ services }), "MOUNT service")).toMatchObject({ status: "warning" });
    expect(checkOf(judged({ services }, [one], ["3", "4.2"]), "MOUNT service")).toMatchObject({ status: "fails" });
  });

  test("is as it should be while an instance serves", () => {
    expect(checkOf(judged({ services, isClaimed: true }), "MOUNT service")).toMatchObject({ status: "ok" });
  });
});

test("an emptyDir and records in memory are warnings", () => {
  const root = "/pods/1/volumes/kubernetes.io~empty-dir/data";
  const findings = judged({ state: { ...machine.state, fstype: "overlay" } }, [
    { ...one, mount: { isOwn: true, fstype: "ext4", root } },
  ]);
  expect(checkOf(findings, "directory")).toMatchObject({ status: "warning" });
  expect(checkOf(findings, "client records")).toMatchObject({ status: "warning" });
  expect(findings.wouldServe).toBe(true);
});

const clientsOf = (clients: ExportFacts["export"]["rules"][number]["clients"]) =>
  checkOf(
    judged({}, [{ ...one, export: { ...one.export, rules: [{ clients, options: defaultOptions }] } }]),
    "clients",
  );

test("clients are told in words", () => {
  expect(clientsOf([{ kind: "any" }])?.fact).toBe("everybody may mount it");
  expect(clientsOf([{ kind: "attached" }])?.fact).toMatch(
    /^127\.0\.0\.0\/8, 10\.0\.0\.0\/8 may mount it: the networks of this machine/,
  );
  expect(clientsOf([{ kind: "name", name: "web" }])?.fact).toBe("web may mount it");
});

describe("clients that leave out every network that the machine is attached to", () => {
  const far = { kind: "network", network: { bytes: [192, 168, 7, 0], prefix: 24 } } as const;

  test("are a warning: who may, which networks there are, and what to do", () => {
    expect(clientsOf([far])).toEqual({
      name: "clients",
      status: "warning",
      fact: "192.168.7.0/24 may mount it, and nobody from a network that this machine is attached to (10.0.0.0/8)",
      next: "unless all clients come through a router, let these networks in too, at NFS_EXPORT: the log of serve names whom it refuses",
    });
  });

  test.each<readonly [string, Parameters<typeof clientsOf>[0]]>([
    ["an address of one", [far, { kind: "network", network: { bytes: [10, 0, 0, 7], prefix: 32 } }]],
    ["the world", [{ kind: "network", network: { bytes: [0, 0, 0, 0], prefix: 0 } }]],
    ["a name, which may be anywhere", [far, { kind: "name", name: "web" }]],
    ["everybody", [far, { kind: "any" }]],
  ])("are not those with %s", (_, clients) => {
    expect(clientsOf(clients)).toMatchObject({ status: "ok" });
  });

  test("are none where there is no network but the machine itself", () => {
    const [loopback] = attached;
    const facts = { machine, exports: [one], wanted: undefined, attached: loopback ? [loopback] : [], tookMs: 1 };
    const narrow = { ...one, export: { ...one.export, rules: [{ clients: [far], options: defaultOptions }] } };
    expect(checkOf(judgeServer({ ...facts, exports: [narrow] }), "clients")).toMatchObject({ status: "ok" });
  });
});
