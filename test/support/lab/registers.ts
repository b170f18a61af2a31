/** Lets the lab's kernel run on a processor that keeps more register state than it knows of; host/padded-registers.c says how. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { unpackPackages } from "../../../scripts/debian/unpack.ts";
import { bootFailure, cannotBoot, NO_PACKAGES, wordsOf } from "./boot-failure.ts";
import { locked, STORE } from "./store.ts";

/** What the lab's Linux 6.1 keeps of a process' register state: all there was before AMX. */
const KERNEL_BYTES = 2696;

/** Pretends another size of the machine's. */
export const BYTES_VARIABLE = "NFS_INIT_LAB_REGISTER_BYTES";

const HOST = join(import.meta.dirname, "host");

export interface Padding {
  /** To be preloaded into the lab's kernel. */
  readonly object: string;
  /** What it is told by: the size to which it pads. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the lab's kernel needs on this machine to boot; undefined where it hands back all the register state there is. */
export async function padRegisters(): Promise<Padding | undefined> {
  const bytes = Number(process.env[BYTES_VARIABLE] ?? (await askRegisterBytes()));
  if (bytes <= KERNEL_BYTES) return undefined;
  return { object: await buildPadding(), environment: { [BYTES_VARIABLE]: String(bytes) } };
}

/** How many bytes of register state this machine's ptrace(2) gives and takes of a process. */
export async function askRegisterBytes(): Promise<number> {
  try {
    const { stdout } = await execa("perl", [join(HOST, "register-bytes.pl")]);
    return Number(stdout);
  } catch (error) {
    const why = "this machine does not tell how much register state it has";
    throw new Error(
      bootFailure(
        { of: "perl", words: wordsOf(error) },
        { why, todo: "install perl (perl-base), by which it is asked" },
      ),
      {
        cause: error,
      },
    );
  }
}

/** The object that pads, from host/padded-registers.c; built once. */
export async function buildPadding(): Promise<string> {
  const source = join(HOST, "padded-registers.c");
  const key = createHash("sha256").update(await readFile(source));
  const object = join(STORE, `padded-registers-${key.digest("hex").slice(0, 12)}.so`);
  if (existsSync(object)) return object;
  try {
    await locked(async () => {
      if (existsSync(object)) return;
      await compile("-shared", "-o", `${object}.new`, source);
      await rename(`${object}.new`, object);
    });
  } catch (error) {
    const why = "what its kernel needs on this processor cannot be built, for want of the package tcc";
    throw new Error(cannotBoot(why, NO_PACKAGES, { of: "the tool", words: wordsOf(error) }), { cause: error });
  }
  return object;
}

/** Runs a C compiler that is fetched the first time, without headers, start files and libraries: it brings none. */
export async function compile(...args: readonly string[]): Promise<void> {
  const root = await unpackPackages("tcc", [{ names: ["tcc"] }], { store: STORE });
  const own = join(root, "usr/lib/x86_64-linux-gnu/tcc");
  await execa(join(root, "usr/bin/tcc"), [`-B${own}`, "-nostdlib", "-Wall", "-Werror", ...args]);
}
