// How the lab comes up: on a processor whose registers its kernel does not know, and what is said when it does not.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { bootLab } from "../support/lab/lab.ts";
import { askRegisterBytes, buildPadding, BYTES_VARIABLE, compile, padRegisters } from "../support/lab/registers.ts";
import { descendantsOf, exeOf, procText } from "../support/process-table.ts";

const HOST = join(import.meta.dirname, "../support/lab/host");

/** errno of a ptrace(2) that is given less than the whole. */
const EFAULT = 14;
/** The 512 bytes that every processor has, and the word that says which parts count. */
const LEAST_BYTES = 520;
/** Up to here in the whole the upper halves of AVX registers begin to be there. */
const AVX_BYTES = 592;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the register state that is handed back", () => {
  let folder: string;
  let whole: number;
  let object: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "set-registers-"));
    whole = await askRegisterBytes();
    object = await buildPadding();
    await compile(
      "-o",
      join(folder, "set-registers"),
      join(HOST, "set-registers.c"),
      "/lib/x86_64-linux-gnu/libc.so.6",
    );
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Hands a stopped child all its state, then `bytes` of another, through what pads to `padTo`; what it has then. */
  async function hand(bytes: number, padTo?: number): Promise<Readonly<Record<string, string>>> {
    const env = padTo === undefined ? {} : { LD_PRELOAD: object, [BYTES_VARIABLE]: String(padTo) };
    const { stdout } = await execa(join(folder, "set-registers"), [String(bytes)], { env });
    return Object.fromEntries(stdout.split("\n").map((line) => line.split(" ", 2)));
  }
  const sixteen = (byte: string): string => byte.repeat(16);
  const avx = (byte: string): string => sixteen(whole < AVX_BYTES ? "00" : byte);

  it("is refused by this machine where it is not the whole", async () => {
    const after = await hand(LEAST_BYTES);
    expect(after).toMatchObject({ whole: String(whole), first: "0", second: String(EFAULT) });
    expect(after).toMatchObject({ xmm0: sixteen("11"), "ymm0-high": avx("22") });
  });

  it("is padded to the whole with zeros", async () => {
    const after = await hand(LEAST_BYTES, whole);
    expect(after).toMatchObject({ first: "0", second: "0", xmm0: sixteen("33"), "ymm0-high": sixteen("00") });
  });

  it("is padded with zeros whatever was handed back before", async () => {
    const after = await hand(LEAST_BYTES, whole + 8_312);
    expect(after).toMatchObject({ first: "0", second: "0", xmm0: sixteen("33"), "ymm0-high": sixteen("00") });
  });

  it("is padded where the whole is larger than this machine's", async () => {
    const after = await hand(whole, whole + 8_312);
    expect(after).toMatchObject({ first: "0", second: "0", xmm0: sixteen("33"), "ymm0-high": avx("22") });
  });

  it("is passed on as it is when nothing says how large the whole is", async () => {
    expect(await hand(LEAST_BYTES, 0)).toMatchObject({ first: "0", second: String(EFAULT), xmm0: sixteen("11") });
  });

  it("leaves the other calls as the C library has them", async () => {
    const plain = await hand(whole);
    expect(plain).toMatchObject({ peek: "-1", errno: "0" });
    expect(await hand(whole, whole)).toEqual(plain);
  });
});

/** What a process has mapped; nothing of one that has ended. */
function mapsOf(pid: number): string {
  try {
    return procText(pid, "maps");
  } catch {
    return "";
  }
}

describe("the lab", () => {
  /** What the kernels of labs that this process has booted have loaded. */
  const loaded = (): string =>
    descendantsOf(process.pid)
      .filter((pid) => exeOf(pid)?.endsWith("/linux.uml"))
      .map(mapsOf)
      .join("\n");

  it("boots with padded registers where the machine's state is larger than its kernel's", async () => {
    vi.stubEnv(BYTES_VARIABLE, String((await askRegisterBytes()) + 8_312));
    const lab = await bootLab();
    onTestFinished(() => lab.stop());
    expect(loaded()).toContain("/padded-registers-");
    expect(await lab.sh("awk 'BEGIN { printf \"%.6f\", sqrt(2) }'")).toBe("1.414214");
  });

  it("pads nothing and builds nothing where the state is not larger", async () => {
    vi.stubEnv(BYTES_VARIABLE, "2696");
    vi.stubEnv("PATH", "/nowhere");
    expect(await padRegisters()).toBeUndefined();
  });

  it("says in one sentence why it cannot boot and what to do, and below it the kernel's last words", async () => {
    vi.stubEnv("NFS_INIT_LAB_INIT", "/no/such");
    await expect(bootLab()).rejects.toThrow(
      /^the lab cannot boot: the first program in it does not start; [^\n]+\nthe last words of the kernel:\n(?:[^\n]+\n)*Kernel panic - not syncing: Requested init \/no\/such failed \(error -2\)\.$/,
    );
  });

  it.each([
    { who: "the demo", command: ["demo/demo.ts"] },
    { who: "a bench", command: ["bench/bench.ts", "--rounds", "1", "late-server"] },
    { who: "a soak", command: ["soak/soak.ts", "mixed"] },
  ])("says the same in $who", async ({ command }) => {
    const { exitCode, all } = await execa(process.execPath, command, {
      env: { NFS_INIT_LAB_INIT: "/no/such" },
      all: true,
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(all).toContain("the lab cannot boot: the first program in it does not start; ");
    expect(all).toMatch(
      /\nthe last words of the kernel:\n(?:[^\n]+\n)*Kernel panic - not syncing: Requested init \/no\/such/,
    );
  });
});
