// Version 3 with our portmapper and MOUNT service in place of rpcbind and rpc.mountd; nfsd is the lab's.
import { describe, expect, it } from "vitest";
import { server } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";
import { mountVersion3 as mount, version3Suite } from "../support/version3.ts";

const { lab } = kernelSuite();
const { serve } = version3Suite(lab, "mount");

describe("a client of version 3", () => {
  it("mounts, writes, reads, lists and unmounts without locks, with no daemon of nfs-utils on the server", async () => {
    const job = await serve();
    expect(job.stdout()).toContain("portmapper own");
    const said = await lab().sh(`in_ c1 sh -c '
      ${mount("nolock")} && cat /mnt/hello && echo new >/mnt/sub/file && mv /mnt/sub/file /mnt/moved && cat /mnt/moved
      ls /mnt | sort | tr "\\n" " "; umount /mnt && ${mount("nolock,mountproto=udp")} && umount /mnt
      showmount -e ${server}; showmount -a ${server}; rpcinfo -p ${server} | awk "{ print \\$1, \\$2, \\$3, \\$4 }" | sort'`);
    expect(said).toMatch(/^hello\nnew\nhello moved sub Export list for .*:\n\/srv\/exp /);
    // Nothing is left of the mounts, for umount says so to the MOUNT service.
    expect(said).toMatch(/All mount points on .*:\n\d/);
    for (const line of ["100000 2 tcp 111", "100003 3 tcp 2049", "100005 3 udp 20048", "100024 1 udp 32765"])
      expect(said.split("\n")).toContain(line);
    expect(said).toMatch(/^100021 4 tcp \d+$/m);
  });

  it("is refused what is not exported", async () => {
    await serve();
    const { stderr } = await lab().run(
      `in_ c1 mount -t nfs -o vers=3,retry=0,nolock ${server}:/srv/exp2 /mnt; in_ c1 mount -t nfs -o vers=3,retry=0,nolock ${server}:/srv/exp/none /mnt`,
    );
    expect(stderr).toMatch(/exp2.*\n?.*access denied|access denied.*exp2/);
    expect(stderr.match(/access denied|No such file/g)?.length).toBe(2);
  });

  it("is served where the machine has a portmapper of its own", async () => {
    const job = await serve({ rpcbind: true });
    expect(job.stdout()).toContain("portmapper other");
    expect(await lab().sh(`in_ c1 sh -c '${mount("nolock")} && cat /mnt/hello && umount /mnt'`)).toBe("hello");
    await lab().sh("kill -TERM $(cat /lab/state/version3)");
    await job.done;
    const left = await lab().sh(`in_ srv rpcinfo -p`);
    expect(left).not.toMatch(/10000[5]|100024/);
  });
});
