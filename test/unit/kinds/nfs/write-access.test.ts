// ACCESS to the root of a mounted share, as the server of version 3 answers it; version 4 is asked in the lab.
import type { MountRecord } from "../../../../src/shares/mountinfo.ts";
import { describe, expect, test } from "vitest";
import { writeAccessAsker } from "../../../../src/kinds/nfs/write-access.ts";
import { accepted, answers, fakeNetwork, fragment, opaque, rpcbind, words, type Service } from "../../fakes/server.ts";
import { nfsMount } from "../../fakes/mounts.ts";
import { shareOf } from "../../fakes/shares.ts";

const address = "192.0.2.1";
const handle = Uint8Array.of(1, 2, 3, 4);
const status = { stale: 70 };
const bits = { readOnly: 0x03, all: 0x1f };

const mountd: Service = (call) =>
  call.procedure === 1 ? answers(call, words(0), opaque(handle), words(1, 1)) : answers(call);

/** post_op_attr of a directory. */
const attributes = (uid: number) => words(1, 2, 0o755, 2, uid, 100, ...Array.from({ length: 16 }, () => 0));

/** uid of AUTH_SYS: behind the stamp and the machine's name. */
function uidOf(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset);
  return view.getUint32(8 + Math.ceil(view.getUint32(4) / 4) * 4);
}

interface Server {
  /** Whom it lets write. */
  lets: (uid: number) => boolean;
  owner?: number;
  isStale?: boolean;
}

function nfs3(server: Server): Service {
  return (call) => {
    if (server.isStale === true) return answers(call, words(status.stale, 0));
    const granted = server.lets(uidOf(call.credential.body)) ? bits.all : bits.readOnly;
    return answers(call, words(0), attributes(server.owner ?? 0), words(granted));
  };
}

function asking(server: Server, { privileged = true } = {}) {
  const services = { [`${address}:2049`]: nfs3(server), [`${address}:20048`]: mountd };
  const network = fakeNetwork({ ...services, [`${address}:111`]: rpcbind({ "100005/3/tcp": 20_048 }) }, undefined, {
    privileged,
  });
  const ask = writeAccessAsker(network.dial);
  const share = shareOf({ NFS_HOST: "nas", NFS_HOST_MOUNT: "/a", NFS_MOUNT_POINT: "/mnt/a" });
  return {
    network,
    ask: (superOptions: readonly string[] = [], user = { uid: 0, gid: 0 }, changes: Partial<MountRecord> = {}) => {
      const all = ["rw", "vers=3", "mountport=20048", "mountproto=tcp", "sec=sys", "proto=tcp", `addr=${address}`];
      const record = { ...nfsMount("nas:/a", "/mnt/a"), id: 7, superOptions: [...all, ...superOptions], ...changes };
      return ask(share, record, user, AbortSignal.timeout(1_000));
    },
  };
}

describe("whether a share can be written to", () => {
  test.each([
    { name: "root is let", server: { lets: () => true }, says: true },
    { name: "nobody is let", server: { lets: () => false, owner: 1000 }, says: false },
    { name: "nobody is let, and root owns it", server: { lets: () => false }, says: false },
    {
      name: "root is squashed, and the owner is let",
      server: { lets: (uid: number) => uid === 1000, owner: 1000 },
      says: true,
    },
  ])("is $says where $name", async ({ server, says }) => {
    const one = asking(server);
    expect(await one.ask()).toBe(says);
    expect(one.network.open()).toBe(0);
  });

  test("is asked for COMMAND's user", async () => {
    const one = asking({ lets: (uid) => uid === 33, owner: 1000 });
    expect(await one.ask([], { uid: 33, gid: 33 })).toBe(true);
    expect(await one.ask([], { uid: 34, gid: 33 })).toBe(false);
  });

  test("is asked of mountd once, and again only after the handle has died", async () => {
    const server: Server = { lets: () => true };
    const one = asking(server);
    const asked = () => one.network.actions.filter((action) => action.endsWith("100005/3/1")).length;
    await one.ask();
    await one.ask();
    expect(asked()).toBe(1);
    server.isStale = true;
    expect(await one.ask()).toBeUndefined();
    server.isStale = false;
    expect(await one.ask()).toBe(true);
    expect(asked()).toBe(2);
    // What mountd has written down is taken back.
    expect(one.network.actions.filter((action) => action.endsWith("100005/3/3"))).toHaveLength(2);
  });

  test("is asked where rpcbind says where the mount does not name mountd's port", async () => {
    const one = asking({ lets: () => true });
    expect(await one.ask(["mountport=0"])).toBe(true);
  });

  test.each<[string, readonly string[], Partial<MountRecord>]>([
    ["a mount with Kerberos", ["sec=krb5p"], {}],
    ["a mount over RDMA", ["proto=rdma"], {}],
    ["a mount in TLS", ["xprtsec=tls"], {}],
    ["a read-only mount", [], { options: ["ro"] }],
    ["a version that it does not know", ["vers=5.0"], {}],
    ["a server that does not answer", ["addr=192.0.2.9", "mountaddr=192.0.2.9"], {}],
  ])("is not known of %s", async (_, superOptions, changes) => {
    expect(await asking({ lets: () => false }).ask(superOptions, undefined, changes)).toBeUndefined();
  });

  test("is not known where the question cannot come from such a port as the mount does", async () => {
    const server: Server = { lets: () => false };
    expect(await asking(server, { privileged: false }).ask()).toBeUndefined();
    expect(await asking(server, { privileged: false }).ask(["noresvport"])).toBe(false);
  });

  test("is not known from a server that fails", async () => {
    const network = fakeNetwork({
      [`${address}:20048`]: mountd,
      [`${address}:2049`]: (call) => [fragment(accepted(call.xid, 5))],
    });
    const share = shareOf({ NFS_HOST: "nas", NFS_HOST_MOUNT: "/a", NFS_MOUNT_POINT: "/mnt/a" });
    const superOptions = ["rw", "vers=3", "mountport=20048", "mountproto=tcp", `addr=${address}`];
    const record = nfsMount("nas:/a", "/mnt/a", { superOptions });
    const ask = writeAccessAsker(network.dial);
    expect(await ask(share, record, { uid: 0, gid: 0 }, AbortSignal.timeout(1_000))).toBeUndefined();
  });
});
