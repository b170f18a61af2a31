/** Samba for the lab's server, fetched when a test first needs it and kept beside the lab's files; nothing is installed. */

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { unpackPackages } from "../../../scripts/debian/unpack.ts";
import { cannotBoot, NO_PACKAGES, wordsOf } from "./boot-failure.ts";
import { locked, STORE } from "./store.ts";

/** What nothing of smbd needs, or the lab has. */
const NOT_UNPACKED =
  /^(perl|libperl|python3|libpython|dpkg|debconf|adduser|gcc-|ucf|usrmerge|media-types|[a-z-]+-perl_|libc6_|login|passwd|procps|sensible|tdb-tools|samba-(?:vfs|dsdb))/;

const FOLDER = "samba";

/** Fetches it, or finds it fetched: about 30 s the first time. Its folder is /lab/project/.lab/samba in the lab. */
export async function prepareSamba(): Promise<void> {
  if (existsSync(join(STORE, FOLDER))) return;
  try {
    await locked(async () => {
      const wanted = [{ names: ["samba"], withDependencies: true }];
      await unpackPackages(basename(FOLDER), wanted, { store: STORE, but: NOT_UNPACKED });
    });
  } catch (error) {
    const last = { of: "apt", words: wordsOf(error) };
    throw new Error(cannotBoot("samba cannot be had for it", NO_PACKAGES, last), { cause: error });
  }
}
