// A mount whose server is silent: whether its name leads elsewhere by now.
import { expect, test } from "vitest";
import { askMountedServer } from "../../../src/watch/server.ts";
import { fakeNetwork, serves } from "../fakes/server.ts";
import { nfsMount } from "../fakes/mounts.ts";
import { planOf } from "../fakes/shares.ts";

const name = "fs-0123abcd.efs.eu-west-1.amazonaws.com";
const nfs = 100_003;

test.each([
  ["NFS", "nas:/export /mnt/a", "nas"],
  ["EFS in a region that its options name", "fs-0123abcd:/ /mnt/a efs region=eu-west-1", name],
])("a server of %s has moved where its name leads to another address, which answers", async (_, line, host) => {
  const [share] = planOf({ NFS_MOUNTS: line }).shares;
  if (share === undefined) throw new Error("no share");
  const network = fakeNetwork({ "192.0.2.9:2049": serves(nfs, [4]) }, { [host]: ["192.0.2.9"] });
  const mount = nfsMount(share.label, "/mnt/a");
  expect(await askMountedServer(network, share, mount, new AbortController().signal)).toBe("moved");
});
