import { expect, test } from "vitest";
import { mountText } from "../../../src/kinds/mount-text.ts";
import { secretOf } from "../../../src/text/secret.ts";

test("the options of a mount are given as they are where nothing is secret", () => {
  expect(mountText({ data: "hard,vers=4.2,addr=192.0.2.1" })).toBe("hard,vers=4.2,addr=192.0.2.1");
});

test("a secret is added to them, its commas doubled", () => {
  const secrets = new Map([["password", secretOf("one,two=three")]]);
  expect(mountText({ data: "ip=192.0.2.1", secrets })).toBe("ip=192.0.2.1,password=one,,two=three");
});

test("a mount with a secret can be shown without it", () => {
  const call = { data: "ip=192.0.2.1", secrets: new Map([["password", secretOf("hunter2")]]) };
  expect(JSON.stringify(call)).not.toContain("hunter2");
});
