// The table of docs/troubleshooting.md about a server quotes what doctor and a start say, as they say it.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ExportFacts, ServerFacts, ServerMachineFacts } from "../../src/doctor/server/facts.ts";
import { judgeServer } from "../../src/doctor/server/judge.ts";
import { defaultOptions } from "../../src/export/options.ts";
import type { ServerTrouble } from "../../src/export/server.ts";
import { troubleError } from "../../src/export/troubles.ts";
import { startVersion3Life } from "../../src/lifecycle/version3.ts";
import { fit, goodExport as one, goodMachine } from "./doctor/server/good-facts.ts";
import type { ServerValues } from "../../src/config/exports.ts";

const machine: ServerMachineFacts = { ...goodMachine, services: [] };
const { preparation } = one;

/** What doctor says that is not as it should be; one thing where one thing is wrong. */
function doctor(wrong: Partial<ServerMachineFacts>, about: Partial<ExportFacts> = {}, wanted?: ServerFacts["wanted"]) {
  const attached = [{ bytes: [10, 0, 0, 0], prefix: 8 }];
  const facts = { machine: { ...machine, ...wrong }, exports: [{ ...one, ...about }], wanted, attached, tookMs: 1 };
  const checks = judgeServer(facts).sections.flatMap((section) => section.checks);
  return checks
    .filter(({ status }) => status === "fails" || status === "warning")
    .map(({ fact }) => fact)
    .join("\n");
}

const service = { name: "MOUNT service", variable: "NFS_MOUNTD_PORT", port: 20_048, fact: { kind: "taken" } } as const;
const far = {
  clients: [{ kind: "network", network: { bytes: [192, 168, 7, 0], prefix: 24 } }],
  options: defaultOptions,
} as const;

/** One trouble of each kind: of a start, and of doctor's trial. */
const troubles: { readonly [Kind in ServerTrouble["kind"]]: Extract<ServerTrouble, { readonly kind: Kind }> } = {
  "not-permitted": { kind: "not-permitted", step: "the nfsd file system", errno: "EPERM" },
  "no-server": { kind: "no-server" },
  "port-taken": { kind: "port-taken", port: 2_049 },
  "not-exportable": { kind: "not-exportable", path: "/data", fstype: "overlay" },
  "no-directory": { kind: "no-directory", path: "/data", errno: "ENOENT" },
  "no-version": { kind: "no-version", has: ["+3"] },
  failed: { kind: "failed", step: "a trial", errno: "EAGAIN" },
};
const start = (kind: ServerTrouble["kind"]) => troubleError(troubles[kind]).message;

async function version3(): Promise<string> {
  const reason = "port 20048 (MOUNT service): address in use";
  const ports = {
    log: () => {},
    attachedNetworks: () => [],
    startVersion3: () => Promise.resolve({ kind: "failed", reason } as const),
  };
  const values = { serverVersions: ["3"], serverState: "/state", mountdPort: 20_048, statdPort: 32_765 };
  const table = { exports: [], byFsid: new Map(), above: new Set<string>() };
  const ask = () => Promise.resolve({ kind: "done" } as const);
  return startVersion3Life(ports, values as unknown as ServerValues, table, { ask }).then(
    () => "it is served",
    (error: unknown) => String(error),
  );
}

/** Each sentence as the page quotes it, and how it comes about. */
const sentences: Readonly<Record<string, () => string | Promise<string>>> = {
  "... is not permitted (...)": () => start("not-permitted"),
  "this kernel has no NFS server": () => start("no-server"),
  "this kernel has none of the versions (...)": () => start("no-version"),
  "this kernel has none of the versions asked for (it has ...)": () =>
    doctor({ trial: { ...fit, versions: "+4 +4.1" } }, {}, ["4.2"]),
  "port ... is taken by another program": () => doctor({ portFact: { kind: "taken" } }),
  "port ... cannot be had (...)": () => doctor({ portFact: { kind: "refused", errno: "EACCES" } }),
  "port ... is taken by another program; version 3 is left out": () => doctor({ services: [service] }),
  "cannot serve version 3: ...": version3,
  "it lies on ..., which the kernel does not export": () => start("not-exportable"),
  "there is no such directory": () => start("no-directory"),
  "there is no directory ...": () => doctor({}, { directory: "absent" }),
  "... is not a directory": () => doctor({}, { directory: "no-directory" }),
  "nothing is mounted on ...": () =>
    doctor({}, { preparation: { ...preparation, requireMount: true }, mount: undefined }),
  "its disk is not there": () => doctor({}, { mount: undefined, device: { kind: "absent" } }),
  "... does not answer": () => doctor({}, { directory: "no-answer" }),
  "the kernel does not answer within the time": () => doctor({ trial: { kind: "no-answer" } }),
  "... failed (...)": () => start("failed"),
  "... cannot be written (...)": () => doctor({ state: { ...machine.state, unwritable: "EACCES" } }),
  "... lies on ... and ends with this container": () => doctor({ state: { ...machine.state, fstype: "overlay" } }),
  "it is an emptyDir, its files end with the pod": () =>
    doctor({}, { mount: { isOwn: true, fstype: "ext4", root: "/pods/1/volumes/kubernetes.io~empty-dir/data" } }),
  "... threads serve in this network that no nfs-init looks after": () => doctor({ trial: { ...fit, threads: 8 } }),
  "... may mount it, and nobody from a network that this machine is attached to (...)": () =>
    doctor({}, { export: { ...one.export, rules: [far] } }),
  "it is served and takes no file: ...": () =>
    doctor({}, { served: { kind: "not-writable", reason: "NFS4ERR_NOSPC at /data" } }),
  "the server that runs here does not serve it: ...": () =>
    doctor({}, { served: { kind: "not-served", reason: "NFS4ERR_NOENT at /data" } }),
};

function quoted(): readonly string[] {
  const [, section = ""] = readFileSync("docs/troubleshooting.md", "utf8").split("\n## When `serve` does not serve\n");
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) => [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, said = ""]) => said));
}

const pattern = (sentence: string) =>
  new RegExp(
    sentence
      .split("...")
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join(".+"),
  );

describe("the table about a server in docs/troubleshooting.md", () => {
  it("quotes the sentences that are known here, each once", () => {
    expect(quoted().toSorted()).toEqual(Object.keys(sentences).toSorted());
  });

  it.each(Object.entries(sentences))("quotes %s", async (sentence, comesAbout) => {
    expect(await comesAbout()).toMatch(pattern(sentence));
  });

  it.each(Object.keys(troubles))("has what a start ends with for the trouble %s", (kind) => {
    const message = start(kind as ServerTrouble["kind"]);
    expect(Object.keys(sentences).some((sentence) => pattern(sentence).test(message))).toBe(true);
  });
});
