import { describe, expect, it } from "vitest";
import { bootFailure, causeOf, type Ending } from "../../support/lab/boot-failure.ts";
import consoles from "../../fixtures/lab-consoles.json" with { type: "json" };

const aborted: Ending = { kind: "killed", signal: "SIGABRT" };
const said = (words: string, ending: Ending): string => bootFailure({ of: "the kernel", words }, causeOf(ending));
const first = (text: string): string => text.split("\n")[0] ?? "";

describe("a lab that does not boot", () => {
  it.each([
    ["registers", "this processor has more register state than the lab's kernel hands back", "another processor"],
    ["init", "the first program in it does not start", "remove the folder .lab"],
    ["image", "its root file system cannot be mounted", "remove the folder .lab"],
    ["noexec", "mounted noexec", "set TMPDIR"],
    ["full", "its RAM is a file, and the file system of that is full", "make 2 GB free"],
    ["limit", "does not give it the address space", "ulimit -v unlimited"],
    ["ptrace", "ptrace(2), by which its kernel runs programs, is forbidden here", "SYS_PTRACE"],
  ] as const)("says of %s why and what to do", (name, why, todo) => {
    const sentence = first(said(consoles[name], aborted));
    expect(sentence).toMatch(/^the lab cannot boot: [^;]+; [^;]+$/);
    expect(sentence).toContain(why);
    expect(sentence.slice(sentence.indexOf(";"))).toContain(todo);
  });

  it.each([
    [{ kind: "not-started", reason: "spawn linux.uml EACCES" }, "spawn linux.uml EACCES"],
    [{ kind: "exited", code: 1 }, "exit code 1"],
    [{ kind: "killed", signal: "SIGKILL" }, "ended by SIGKILL"],
    [{ kind: "silent", afterMs: 60_000 }, "did not come up within 60 s"],
  ] as const)("says how it ended where its words tell nothing: %j", (ending, why) => {
    expect(said("something else\n", ending)).toMatch(
      /^the lab cannot boot: [^;]+; [^;]+\nthe last words of the kernel:\nsomething else$/,
    );
    expect(said("something else\n", ending)).toContain(why);
    expect(said("", ending)).toContain("\nthe kernel said nothing");
  });

  it("shows the kernel's last words up to its panic, without the stack trace", () => {
    const text = said(consoles.registers, aborted);
    expect(text).toMatch(
      /\nuserspace - ptrace set fp regs failed, errno = 14\nKernel panic - not syncing: .*0x0000000b$/,
    );
    expect(text).not.toContain("Call Trace");
  });
});
