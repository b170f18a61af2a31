// Could a share be mounted now: what servers say of a path, and what is made of it.
import type { ExactVersion } from "../../../../src/kinds/nfs/versions.ts";
import { describe, expect, test } from "vitest";
import type { Environment } from "../../../../src/config/config.ts";
import type { LookupAnswer } from "../../../../src/rpc/nfs4.ts";
import type { MountAnswer } from "../../../../src/rpc/mountd.ts";
import { askPath, judgeLookup, judgeMount } from "../../../../src/kinds/nfs/path.ts";
import {
  accepted,
  answers,
  fakeNetwork,
  fragment,
  join,
  opaque,
  rpcbind,
  words,
  type SeenCall,
  type Service,
} from "../../fakes/server.ts";
import { shareOf } from "../../fakes/shares.ts";

const nfs4 = { PERM: 1, NOENT: 2, ACCESS: 13, MINOR_VERS_MISMATCH: 10_021, WRONGSEC: 10_016 };
const op = { access: 3, getattr: 9, lookup: 15, putrootfh: 24 };
const opInSession = { exchangeId: 42, createSession: 43, destroySession: 44, sequence: 53, destroyClientId: 57 };

const directoryType = 2;
const regularFile = 1;
/** type, mode, owner and group. */
const attributesOf = (type: number) => [
  words(2, 0x0000_0002, 0x0000_0032),
  opaque(join(words(type, 0o755), opaque("0"), opaque("0"))),
];

interface Nfs4 {
  /** The minor versions that it speaks. */
  readonly minors?: readonly number[];
  /** Status by path; where there is none, what LOOKUP leads to is there. */
  readonly status?: Readonly<Record<string, number>>;
  readonly type?: number;
  /** RPC's word on every call: auth_stat of a denial (RFC 5531 section 9). */
  readonly denied?: number;
}

/** NFS version 4 that knows COMPOUND as far as a look at a path goes. */
function serves4({ minors = [0, 1, 2], status = {}, type = directoryType, denied }: Nfs4 = {}): Service {
  return (call) => {
    if (denied !== undefined) return [fragment(words(call.xid, 1, 1, 1, denied))];
    if (call.procedure === 0) return [fragment(accepted(call.xid, 0))];
    const [, minor = 0] = call.args;
    if (!minors.includes(minor)) return answers(call, words(nfs4.MINOR_VERS_MISMATCH, 0, 0));
    return answers(call, compound(call, status, type));
  };
}

function compound({ args, message }: SeenCall, status: Readonly<Record<string, number>>, type: number): Uint8Array {
  const head = message.byteLength - args.length * 4;
  const results: Uint8Array[] = [];
  let path = "";
  let at = 3;
  const session = words(1, 1, 1, 1);
  const channel = words(0, 16_384, 16_384, 0, 16, 1, 0);
  const next = () => args[at++] ?? 0;
  for (let left = args[2] ?? 0; left > 0; left--) {
    const number = next();
    const ok = (...body: readonly Uint8Array[]) => results.push(join(words(number, 0), ...body));
    switch (number) {
      case op.putrootfh:
        ok();
        break;
      case op.lookup: {
        const length = next();
        path += `/${new TextDecoder().decode(message.subarray(head + at * 4, head + at * 4 + length))}`;
        at += Math.ceil(length / 4);
        const code = status[path] ?? 0;
        if (code !== 0) return join(words(code, 0, results.length + 1), ...results, words(number, code));
        ok();
        break;
      }
      case op.getattr:
        at += 3;
        ok(...attributesOf(type));
        break;
      case op.access:
        at += 1;
        ok(words(0x0c, 0x00));
        break;
      case opInSession.exchangeId:
        left = 0;
        ok(words(1, 1), words(7, 0x2_0000, 0), opaque(""), opaque(""), words(0));
        break;
      case opInSession.createSession:
        left = 0;
        ok(session, words(7, 0), channel, channel);
        break;
      case opInSession.sequence:
        at += 8;
        ok(session, words(1, 0, 0, 0, 0));
        break;
      default:
        left = 0;
        ok();
    }
  }
  return join(words(0, 0, results.length), ...results);
}

/** mountd that gives each path a handle, or this mountstat3; without `exports` it keeps its list to itself. */
const servesMount =
  (status: Readonly<Record<string, number>> = {}, exports?: readonly string[]): Service =>
  (call) => {
    if (call.procedure === 5 && exports !== undefined) {
      return answers(call, ...exports.map((directory) => join(words(1), opaque(directory), words(0))), words(0));
    }
    if (call.procedure !== 1) return answers(call);
    const text = new TextDecoder().decode(call.message.subarray(call.message.byteLength - call.args.length * 4 + 4));
    const path = text.slice(0, call.args[0]);
    const code = status[path] ?? 0;
    return answers(call, code === 0 ? join(words(0), opaque("handle"), words(1, 1)) : words(code));
  };

interface Server {
  readonly v4?: Service | undefined;
  readonly mountd?: Service | undefined;
  readonly privileged?: boolean;
  readonly unspoken?: readonly ExactVersion[];
}

/** Asks a server for /export; what was asked is noted. */
async function ask(environment: Environment, { v4, mountd, privileged = true, unspoken = [] }: Server) {
  const network = fakeNetwork(
    {
      ...(v4 === undefined ? {} : { "192.0.2.1:2049": v4 }),
      ...(mountd === undefined ? {} : { "192.0.2.1:20048": mountd }),
      "192.0.2.1:111": rpcbind({ "100005/3/tcp": 20_048 }),
    },
    {},
    { privileged },
  );
  const server = { kind: "ready", unspoken, address: "192.0.2.1" } as const;
  const answer = await askPath(network, shareOf(environment), server, new AbortController().signal);
  expect(network.open()).toBe(0);
  return { answer: answer.kind === "ready" ? "ready" : answer.reason, network };
}

/** What a Linux nfsd says, by version, and what follows. */
describe("a path", () => {
  const MNT3ERR = { NOENT: 2, ACCES: 13, NOTDIR: 20 };
  const v4 = (path: string, status: number) => serves4({ status: { [path]: status } });
  const missing = "/export on the server does not exist, or is not exported to this client";

  test.each<[string, Environment, Server, string]>([
    ["that is exported is ready in version 3", { NFS_VERSION: "3" }, { mountd: servesMount() }, "ready"],
    ["that is exported is ready in version 4.0", { NFS_VERSION: "4.0" }, { v4: serves4() }, "ready"],
    ["that is exported is ready in version 4.2", { NFS_VERSION: "4.2" }, { v4: serves4() }, "ready"],
    ["that is exported is ready where the version is open", {}, { v4: serves4() }, "ready"],
    [
      "below an export is ready",
      { NFS_HOST_MOUNT: "/export/sub/folder" },
      { v4: serves4(), mountd: servesMount() },
      "ready",
    ],
    ["that is a symbolic link is ready", { NFS_VERSION: "4.2" }, { v4: serves4({ type: 5 }) }, "ready"],
    [
      "that is a file is not",
      { NFS_VERSION: "4.2" },
      { v4: serves4({ type: regularFile }) },
      "the exported path is a file, no directory",
    ],
    [
      "that is a file is not in version 3 either",
      { NFS_VERSION: "3" },
      { mountd: servesMount({ "/export": MNT3ERR.NOTDIR }) },
      "mountd answers MNT3ERR_NOTDIR",
    ],
    [
      "that is missing below an export is not, and version 4 says which part",
      { NFS_HOST_MOUNT: "/export/sub/folder", NFS_VERSION: "4.2" },
      { v4: v4("/export/sub", nfs4.NOENT) },
      "/export/sub on the server does not exist, or is not exported to this client",
    ],
    [
      "that is missing below an export is not in version 3",
      { NFS_VERSION: "3" },
      { mountd: servesMount({ "/export": MNT3ERR.NOENT }) },
      "mountd: the path does not exist",
    ],
    ["that is not exported is not in version 4.2", { NFS_VERSION: "4.2" }, { v4: v4("/export", nfs4.NOENT) }, missing],
    [
      "that is not exported is not in version 3",
      { NFS_VERSION: "3" },
      { mountd: servesMount({ "/export": MNT3ERR.ACCES }) },
      "mountd: the path is not exported to this client",
    ],
    [
      "that no version has is not, in the words of the newest",
      {},
      { v4: v4("/export", nfs4.NOENT), mountd: servesMount({ "/export": MNT3ERR.NOENT }) },
      missing,
    ],
    [
      "on a server that refuses this client is not",
      { NFS_VERSION: "4.2" },
      { v4: serves4({ denied: 1 }) },
      expect.stringMatching(/^the server refuses this client: .*AUTH_BADCRED/) as string,
    ],
    ["that wants another flavor is ready", { NFS_VERSION: "4.2" }, { v4: serves4({ denied: 5 }) }, "ready"],
    ["that wants Kerberos is ready", { NFS_VERSION: "4.2" }, { v4: v4("/export", nfs4.WRONGSEC) }, "ready"],
    [
      "that may not be entered is not",
      { NFS_VERSION: "4.2" },
      { v4: v4("/export", nfs4.ACCESS) },
      "/export on the server answers NFS4ERR_ACCESS",
    ],
    [
      "of a secure export is ready when it was asked from a high port, which mount(2) need not, in version 4.2",
      { NFS_VERSION: "4.2" },
      { v4: v4("/export", nfs4.PERM), privileged: false },
      "ready",
    ],
    [
      "of a secure export is ready when it was asked from a high port, in version 3",
      { NFS_VERSION: "3" },
      { mountd: servesMount({ "/export": MNT3ERR.ACCES }), privileged: false },
      "ready",
    ],
    ...["/export", "/", "/export/sub"].map((listed): [string, Environment, Server, string] => [
      `that is refused to a high port is ${listed === "/export/sub" ? "not " : ""}ready in version 3 where ${listed} is exported`,
      { NFS_VERSION: "3" },
      { mountd: servesMount({ "/export": MNT3ERR.ACCES }, [listed]), privileged: false },
      listed === "/export/sub" ? "mountd: the path is not exported to this client" : "ready",
    ]),
    [
      "that is not exported is not where no low port is to be had either",
      {},
      {
        v4: v4("/export", nfs4.NOENT),
        mountd: servesMount({ "/export": MNT3ERR.ACCES }, ["/other"]),
        privileged: false,
      },
      missing,
    ],
    [
      "that is refused to a low port too is not, in version 4.2",
      { NFS_VERSION: "4.2" },
      { v4: v4("/export", nfs4.PERM) },
      "/export on the server answers NFS4ERR_PERM",
    ],
    [
      "of an export with fsid=0 is ready: version 4 does not have it, version 3 does",
      {},
      { v4: v4("/export", nfs4.NOENT), mountd: servesMount() },
      "ready",
    ],
    [
      "of an export with fsid=0 is not where version 3 may not be used",
      { NFS_VERSION: "4" },
      { v4: v4("/export", nfs4.NOENT), mountd: servesMount() },
      missing,
    ],
    ["is asked for in the next minor version where one is off", {}, { v4: serves4({ minors: [0] }) }, "ready"],
    [
      "is not ready where the only version is off",
      { NFS_VERSION: "4.2" },
      { v4: serves4({ minors: [0, 1] }) },
      "the server does not speak that minor version",
    ],
    [
      "is not ready where every version it may use was found unspoken before",
      { NFS_VERSION: "4.1" },
      { unspoken: ["4.1"] },
      "the server speaks none of the versions the share may use",
    ],
    ["is not ready where nothing answers", { NFS_VERSION: "4.2" }, {}, "connection refused"],
    ["is not ready where mountd does not answer", { NFS_VERSION: "3" }, {}, "connection refused"],
  ])("%s", async (_, environment, server, expected) => {
    expect((await ask(environment, server)).answer).toEqual(expected);
  });

  test("is asked for as root, from a low port", async () => {
    const { network } = await ask({ NFS_VERSION: "4.2" }, { v4: serves4() });
    expect(network.dialed).toEqual(["192.0.2.1:2049 reserved"]);
  });

  test("of version 4 is asked for once: the minor versions show the same exports", async () => {
    const { network } = await ask({ NFS_VERSION: "4" }, { v4: v4("/export", nfs4.NOENT) });
    expect(network.dialed).toHaveLength(1);
  });

  test("is no longer asked for in versions that the server does not speak", async () => {
    const { answer, network } = await ask({}, { mountd: servesMount(), unspoken: ["4.2", "4.1", "4.0"] });
    expect(answer).toBe("ready");
    expect(network.dialed).toEqual(["192.0.2.1:111", "192.0.2.1:20048 reserved"]);
  });

  test("of version 3 leaves no note with mountd", async () => {
    const { network } = await ask({ NFS_VERSION: "3" }, { mountd: servesMount() });
    expect(network.actions.filter((action) => action.includes("100005"))).toEqual([
      "192.0.2.1:20048 100005/3/1",
      "192.0.2.1:20048 100005/3/3",
    ]);
  });

  test("of version 3 is asked of the mountd that the options name", async () => {
    const { answer, network } = await ask(
      { NFS_VERSION: "3", NFS_OPTIONS: "mountport=20048,nolock" },
      { mountd: servesMount() },
    );
    expect(answer).toBe("ready");
    expect(network.dialed).not.toContain("192.0.2.1:111");
  });

  test("of version 3 is asked of the host that the options name for mountd", async () => {
    const environment = { NFS_VERSION: "3", NFS_OPTIONS: "mountaddr=192.0.2.9,nolock" };
    const network = fakeNetwork({
      "192.0.2.9:111": rpcbind({ "100005/3/tcp": 20_048 }),
      "192.0.2.9:20048": servesMount(),
    });
    const server = { kind: "ready", unspoken: [], address: "192.0.2.1" } as const;
    expect(await askPath(network, shareOf(environment), server, new AbortController().signal)).toEqual({
      kind: "ready",
    });
  });
});

describe("the word of version 4", () => {
  const error = (status: string): LookupAnswer => ({ kind: "nfs-error", status, operation: "LOOKUP", path: "/export" });

  test.each<[LookupAnswer, "ready" | "not-ready"]>([
    [error("NFS4ERR_MOVED"), "ready"],
    [error("NFS4ERR_SYMLINK"), "ready"],
    [error("NFS4ERR_DELAY"), "not-ready"],
    [error("NFS4ERR_IO"), "not-ready"],
    [{ kind: "version-mismatch", lowest: 3, highest: 3 }, "not-ready"],
    [{ kind: "program-unavailable" }, "not-ready"],
    [{ kind: "malformed", reason: "is cut off" }, "not-ready"],
  ])("%j is %s", (answer, kind) => {
    expect(judgeLookup({ ...answer, reservedPort: true }).kind).toBe(kind);
  });
});

describe("the word of mountd", () => {
  test.each<[MountAnswer, boolean, "ready" | "not-ready"]>([
    [{ kind: "mounted", handle: new Uint8Array(8), flavors: [1] }, true, "ready"],
    [{ kind: "mount-error", status: "MNT3ERR_ACCES" }, true, "not-ready"],
    [{ kind: "mount-error", status: "MNT3ERR_ACCES" }, false, "ready"],
    [{ kind: "mount-error", status: "MNT3ERR_NOENT" }, false, "not-ready"],
    [{ kind: "mount-error", status: "MNT3ERR_SERVERFAULT" }, false, "not-ready"],
    [{ kind: "version-mismatch", lowest: 1, highest: 1 }, true, "not-ready"],
  ])("%j, asked from a low port: %s, is %s", (answer, reservedPort, kind) => {
    expect(judgeMount({ ...answer, reservedPort }).kind).toBe(kind);
  });
});
