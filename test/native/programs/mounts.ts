// The mount table as src/host reads it, in a mount namespace that is nobody else's.
import * as native from "native";
import "../../../src/host/globals.ts";
import { readMounts } from "../../../src/host/mounts.ts";
import { after, check, equal } from "./report.ts";

/** Longer than a table is kept open for the next question. */
const longEnoughMs = 400;

const targets = (): readonly string[] => readMounts().map(({ target }) => target);

function openCount(): number {
  const fd = native.open("/proc/self/fd", native.O_RDONLY | native.O_DIRECTORY);
  let count = 0;
  for (let some = native.getdents(fd); some !== undefined; some = native.getdents(fd)) count += some.length;
  native.close(fd);
  return count;
}

/** `folder` is a file system that may be written to. */
export async function mounts(folder: string): Promise<void> {
  const openBefore = openCount();
  native.mkdir(`${folder}/above`, 0o700);
  native.mkdir(`${folder}/above/a`, 0o700);
  native.mkdir(`${folder}/above/b`, 0o700);
  const [a, b, moved] = [`${folder}/above/a`, `${folder}/above/b`, `${folder}/renamed/a`];
  for (let round = 0; round < 50; round++) {
    native.mount("none", a, "tmpfs", 0, null);
    equal([targets().includes(a), targets().includes(b)], [true, false], "after a mount");
    const pid = native.spawn({ file: "mount", argv: ["mount", "-t", "tmpfs", "none", b], env: [] });
    native.waitid(pid, native.WEXITED);
    check(targets().includes(b), "the mount of another process is there");
    native.umount2(a, 0);
    equal([targets().includes(a), targets().includes(b)], [false, true], "after an unmount");
    native.umount2(b, 0);
    equal([targets().includes(a), targets().includes(b)], [false, false], "after both");
  }
  native.mount("none", a, "tmpfs", 0, null);
  check(targets().includes(a), "it is there");
  native.rename(`${folder}/above`, `${folder}/renamed`);
  await after(longEnoughMs);
  check(targets().includes(moved), "it is there by its new name");
  targets();
  await after(longEnoughMs);
  equal(openCount(), openBefore, "the count of open files");
}
